"""Texts are read without torch."""

import subprocess
import sys


def test_texts_are_read_without_torch():
    code = """if True:
        import sys
        from sklearn_lstm import TextSequenceVectorizer, WordVectors
        import copy, pickle
        vectorizer = TextSequenceVectorizer().fit(["some text"])
        pickle.loads(pickle.dumps(vectorizer)).transform(["a text"])
        ours = [name for name in sys.modules if name.startswith("sklearn_lstm.")]
        layers = {name.split(".")[1] for name in ours}
        assert not {"torch", "skorch"} & set(sys.modules)
        assert not {"classifier", "network", "members", "training"} & layers, layers
    """
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)  # noqa: S603
