"""Sequences as a fit reads them."""

from sklearn_lstm.data.input_format import InputFormat


def read_sequences(X, input_type="auto", time_channel=None):
    """Return the sequences in X."""
    return InputFormat.found_in(X, input_type, time_channel)[1]
