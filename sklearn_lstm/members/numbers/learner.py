"""How the linear model of numbers and categories is fitted."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from sklearn_lstm.members.numbers.number_model import IS_MISSING, VALUE, Feature, NumberModel
from sklearn_lstm.members.regression.learner import NOTHING, RegressionLearner
from sklearn_lstm.members.regression.regression_model import Vectors
from sklearn_lstm.targets.samples import Samples
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import WORK_PER_SECOND

MOST_CATEGORIES = 255  # of a column; rarer ones are none of them


class NumberLearner(RegressionLearner):
    """It finds out what differs between the sequences, and fits the regression."""

    member = NumberModel

    @classmethod
    def work(cls, samples: Samples, configuration: Configuration) -> int:  # noqa: ARG003
        """Return the work of about a second."""
        return WORK_PER_SECOND

    @classmethod
    def untrained(cls, samples: Samples, configuration: Configuration) -> NumberModel:  # noqa: ARG003
        """Return a model that knows which numbers vary, and the most frequent categories."""
        numbers, categories = dict[str, tuple[Feature, ...]](), dict[str, tuple[str, ...]]()
        given = samples.sequences.numbers
        for name, values in given.columns.items():
            if name in given.categories:
                counts = Counter(value for value in values.tolist() if isinstance(value, str))
                found = sorted(name for name, _ in counts.most_common(MOST_CATEGORIES))
                is_constant = counts.total() == len(values) and len(found) == 1
                categories[name] = () if is_constant else tuple(found)
            else:
                missing = np.isnan(values)
                known = np.unique(values[~missing])
                differ: dict[Feature, bool] = {
                    VALUE: len(known) > 1,
                    IS_MISSING: 0 < missing.sum() < len(values),
                }
                numbers[name] = tuple(feature for feature, does in differ.items() if does)
        return NumberModel(*NOTHING, numbers, categories)

    @classmethod
    def scale(cls, vectors: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean and the deviation of each column: 1 if it says yes or no."""
        known = ~np.isnan(vectors)
        n_known = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, vectors, 0).sum(axis=0) / n_known
        deviation = np.sqrt((np.where(known, vectors - mean, 0) ** 2).sum(axis=0) / n_known)
        deviation[(np.isin(vectors, (0, 1)) | ~known).all(axis=0)] = 1
        first = vectors[known.argmax(axis=0), np.arange(vectors.shape[1])]
        deviation[((vectors == first) | ~known).all(axis=0)] = np.inf  # nothing was learned of it
        return mean, deviation
