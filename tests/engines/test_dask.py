"""Searches and probabilities on Dask."""

import dask.dataframe as dd
import pytest

pytestmark = pytest.mark.slow  # it starts two workers


@pytest.fixture(scope="module")
def dask(recipe):
    return recipe("dask")


@pytest.fixture(scope="module")
def client(dask):
    with dask.start(2) as client:
        yield client


def test_searches_have_the_scores_of_a_sequential_run(dask, client, check_searches):
    n_times_sent = check_searches(lambda *search: dask.fit(*search, client))
    assert n_times_sent == 2  # once for each search


def test_probabilities_are_those_of_the_model_here(dask, client, check_probabilities):
    def predict_proba(model, table):
        frame = dd.from_pandas(table.set_index("id"), npartitions=3)
        frame = frame[frame["text"].str.len() < 300]
        return dask.predict_proba(model, frame, client).compute()

    check_probabilities(predict_proba)
