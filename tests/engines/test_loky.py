"""Searches in processes of this machine."""

import numpy as np
from sklearn.model_selection import GridSearchCV


def test_searches_have_the_scores_of_a_sequential_run(recipe, check_searches):
    check_searches(recipe("loky").fit)


def test_a_large_array_is_written_once(recipe, model, few_messages, tmp_path, monkeypatch):
    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
    texts, languages = few_messages
    X = np.array([text.encode() for text in texts], "S5000")  # more than 1 MB

    def n_files(*_):
        return len(list(tmp_path.rglob("*.pkl")))

    grid = {"lstmsequenceclassifier__max_epochs": [0, 1, 2]}
    search = GridSearchCV(model, grid, cv=2, scoring=n_files)
    found = recipe("loky").fit(search, X, languages)
    assert set(found.cv_results_["mean_test_score"]) == {1}
    assert np.array_equal(found.predict(X), found.predict(texts))
