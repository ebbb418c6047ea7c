"""Small classifiers that are quick to train."""

from sklearn_lstm import LSTMSequenceClassifier


def small(**parameters):
    """Return a network without the linear model, unless a test is about both."""
    defaults = {"hidden_size": 4, "max_epochs": 2, "linear_branch": False, "random_state": 0}
    return LSTMSequenceClassifier(**(defaults | parameters))
