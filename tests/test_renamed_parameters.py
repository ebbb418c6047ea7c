"""A renamed parameter goes on under its old name, with a warning."""

import warnings

import pytest

from sklearn_lstm.sklearn_internals import renamed_parameter


def test_the_old_name_of_a_parameter_counts_with_a_warning_for_two_minor_releases():
    parameters = {"rate": 0.1, "lr": 0.01}
    with pytest.warns(FutureWarning, match=r"rate was renamed in version 1\.2.* 1\.4: set lr\."):
        renamed_parameter(parameters, "rate", "lr", "1.2")
    assert parameters == {"lr": 0.1}


def test_an_old_name_that_nobody_has_set_says_nothing():
    parameters = {"rate": "deprecated", "lr": 0.01}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        renamed_parameter(parameters, "rate", "lr", "1.2")
    assert parameters == {"lr": 0.01}
