"""Searches and probabilities on Ray, by `.ci/engines`."""

import pytest
import ray

# Ray's own defaults set them.
pytestmark = pytest.mark.filterwarnings(r"ignore:`\w+` is deprecated:DeprecationWarning")


@pytest.fixture(scope="module")
def on_ray(recipe):
    functions = recipe("ray")
    functions.start(2)
    yield functions
    ray.shutdown()


def test_searches_have_the_scores_of_a_sequential_run(on_ray, check_searches):
    n_times_sent = check_searches(on_ray.fit)
    assert n_times_sent == 2  # once for each search


def test_probabilities_are_those_of_the_model_here(on_ray, check_probabilities):
    def predict_proba(model, table):
        data = ray.data.from_pandas(table).repartition(3)
        return on_ray.predict_proba(model, data).to_pandas()

    check_probabilities(predict_proba)
