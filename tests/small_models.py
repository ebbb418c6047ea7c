"""Small classifiers that are quick to train."""

from sklearn_lstm import LSTMSequenceClassifier


def small(**parameters):
    """Return a network without the linear model, unless a test is about both."""
    defaults = {"hidden_size": 4, "max_epochs": 2, "linear_model": False, "random_state": 0}
    return LSTMSequenceClassifier(**(defaults | parameters))


# Training whose gradients nothing but the batches decides.
PLAIN = {"hidden_size": 6, "max_epochs": 2, "batch_size": 20, "random_state": 1, "dropout": 0.0}
PLAIN |= {"linear_model": False}  # else some samples would be held out
PLAIN |= {"weight_decay": 0.0, "precision": "float32"}
