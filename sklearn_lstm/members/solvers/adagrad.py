"""AdaGrad: a linear model of n-grams that learns from the errors of the whole model.

`partial_fit` has no time to solve anything anew.
"""

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix

from sklearn_lstm.data.kinds import Kind
from sklearn_lstm.members import member
from sklearn_lstm.members.blending import Logits
from sklearn_lstm.members.features.ngrams import OnlineNgramFeatures, choose_ngrams
from sklearn_lstm.targets.targets import Samples

RATE = 0.7  # the learning rate
FIRST_SQUARE = 0.01  # the initial sum of squared gradients: a larger one makes first steps smaller


def new_model(samples: Samples, kind: Kind) -> member.LinearModel:
    """Return a model that knows no n-gram yet, for sequences like these."""
    features = OnlineNgramFeatures(**vars(choose_ngrams(samples.sequences, kind)))
    n_outputs = samples.targets.n_outputs
    coef, squares = np.zeros((2, 0, n_outputs), np.float32)
    term = member.Term(features, coef, np.zeros(n_outputs), squares)
    return member.LinearModel(member.ONLINE, (term,))


def learn(
    model: member.LinearModel, samples: Samples, known: Logits, rng: np.random.Generator
) -> member.LinearModel:
    """Return the model that has learned some samples too.

    This is logistic regression by AdaGrad (Duchi et al. 2011). It learns from the errors of the
    whole model, in batches of 32 samples. The more a coefficient was corrected, the smaller its
    steps become: coefficients of rare n-grams change quickly, those of frequent ones slowly.

    Parameters
    ----------
    model : LinearModel
    samples : Samples
    known : ndarray of shape (n_samples, n_outputs)
        The logits of all other members, which have not learned these samples.
    rng : numpy Generator
        Draws the order of the samples.
    """
    (term,), (features,), targets = model.terms, model.features, samples.targets
    n_samples, n_outputs = known.shape
    bags = features.bags(samples.sequences, np.arange(n_samples))
    found = np.unique(bags.indices)
    places, stops = (features.hashes.searchsorted(found, side) for side in ("left", "right"))
    is_new = places == stops
    # When the coefficients take so much memory, no further n-grams are learned.
    is_new &= np.cumsum(is_new) <= member.LARGEST_COEF // (4 * n_outputs) - features.n_features
    places = places[is_new]
    hashes = np.insert(features.hashes, places, found[is_new])
    features = replace(features, hashes=hashes, idf=np.ones(len(hashes), np.float32))
    all_coef = np.insert(term.coef, places, 0, axis=0)
    all_squares = np.insert(np.asarray(term.squares), places, FIRST_SQUARE, axis=0)
    values = features.weighed(bags)
    rows, columns = np.unique(values.indices, return_inverse=True)
    values = csr_matrix((values.data, columns, values.indptr), (n_samples, len(rows)))
    coef, squares = (table[rows].astype(np.float64) for table in (all_coef, all_squares))
    weights, truth = targets.weights.reshape(n_samples, -1), targets.indicators()
    order = rng.permutation(n_samples)
    for start in range(0, n_samples, member.BATCH_SIZE_OF_PARTIAL_FIT):
        batch = order[start : start + member.BATCH_SIZE_OF_PARTIAL_FIT]
        batch_values = values[batch]
        its_ngrams, columns = np.unique(batch_values.indices, return_inverse=True)
        entries = batch_values.data, columns, batch_values.indptr
        batch_values = csr_matrix(entries, (len(batch), len(its_ngrams)))
        logits = known[batch] + batch_values @ coef[its_ngrams]
        errors = weights[batch] * (targets.labels.proba(logits) - truth[batch])
        squares[its_ngrams] += batch_values.power(2).T @ errors**2
        coef[its_ngrams] -= RATE * (batch_values.T @ errors) / np.sqrt(squares[its_ngrams])
    all_coef[rows] = coef
    all_squares[rows] = np.minimum(squares, np.finfo(np.float32).max)
    return replace(model, terms=(member.Term(features, all_coef, term.intercept, all_squares),))
