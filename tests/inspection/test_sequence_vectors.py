"""`sequence_vectors`: what the network pools of each sequence."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sklearn_lstm.inspection import sequence_vectors
from sklearn_lstm.inspection.inputs import find_classifier, open_model


def test_the_output_layer_turns_the_vectors_into_the_logits_of_the_network(fitted):
    model, X = fitted
    _, classifier = find_classifier(model)
    if not classifier.n_epochs_:
        with pytest.raises(NotFittedError, match="was not trained"):
            sequence_vectors(model, X)
        return
    vectors, output = sequence_vectors(model, X), classifier.module_.output
    weight, bias = (tensor.detach().numpy().astype(float) for tensor in output.parameters())
    opened = open_model(model, X)
    assert vectors.shape == (len(opened), output.in_features)
    expected = opened.model.network.logits(opened.sequences)
    np.testing.assert_allclose(vectors @ weight.T + bias, expected, rtol=0, atol=1e-12)


def test_the_vector_of_a_text_does_not_depend_on_the_others(fitted_texts):
    model, texts = fitted_texts("word")
    vectors = sequence_vectors(model, texts)
    alone = np.concatenate([sequence_vectors(model, [text]) for text in texts])
    np.testing.assert_allclose(alone, vectors, rtol=0, atol=1e-6)
