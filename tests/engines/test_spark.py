"""Probabilities on Spark, by `.ci/engines`."""

import pytest


@pytest.fixture(scope="module")
def spark_recipe(recipe):
    return recipe("spark")


@pytest.fixture(scope="module")
def session(spark_recipe):
    with spark_recipe.start(2) as session:
        yield session


def test_probabilities_are_those_of_the_model_here(spark_recipe, session, check_probabilities):
    def predict_proba(model, table):
        frame = session.createDataFrame(table).repartition(3)
        return spark_recipe.predict_proba(model, frame).toPandas()

    check_probabilities(predict_proba)
