"""Numbers of the code, and the sentences of the pages that say them: each {} stands for one.

`write_figures.py` writes them into the pages, so a page can't disagree with the code. A module that
moves has to be changed here only.
"""

from sklearn_lstm import model
from sklearn_lstm.data import containers, kinds, sequences
from sklearn_lstm.inspection import class_explanations
from sklearn_lstm.members import held_out, member, recipe, settings
from sklearn_lstm.members.features import (
    automata,
    hashing,
    ngram_reader,
    ngrams,
    numbers,
    series,
    state_search,
    states,
)
from sklearn_lstm.members.features.convolutions import COMPETING
from sklearn_lstm.members.network import batches, callbacks, training
from sklearn_lstm.members.solvers import ridge_regression, svm


def count(number: float) -> str:
    """Return a number as it is read: 8,192 or 1.5 million."""
    is_long = number >= 1_000_000 and number % 100_000 == 0
    return f"{number / 1_000_000:g} million" if is_long else f"{number:,g}"


def percent(share: float) -> str:
    """Return a part of a whole in percent, without the sign."""
    return f"{100 * share:g}"


def memory(n_bytes: float) -> str:
    """Return an amount of memory."""
    return f"{n_bytes / 2**30:g} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:g} MiB"


# Of several pages.
HELD_OUT = percent(settings.HELD_OUT_SHARE)
SAMPLE = [count(ngram_reader.MOST_ENTRIES), count(ngram_reader.SAMPLED_ENTRIES)]
EXPLAINED = [count(class_explanations.MOST_SAMPLES)]
FRAMES = [count(2 * kinds.MEASUREMENTS.n_frames), count(kinds.MEASUREMENTS.n_frames)]

SENTENCES: dict[str, dict[str, list[str]]] = {
    "reference.rst": {
        "Ids above {} are errors": [f"{containers.LARGEST_ID:,}"],
        "their effective number is below {}:": [count(kinds.FEWEST_WORDS)],
        "Series of {} steps and more on average are read in about {} *frames*": FRAMES,
        "has not fallen for {} epochs": [count(training.PATIENCE)],
        "after ``max_epochs``; {} % of the samples;": [HELD_OUT],
        "``fit`` holds out {} % of the samples, at least {} and at most {}, but never more than "
        "{} % of all": [
            HELD_OUT,
            count(2 * settings.HELD_OUT_SHARE * settings.LARGEST_HELD_OUT),
            count(settings.LARGEST_HELD_OUT),
            percent(3 * settings.HELD_OUT_SHARE),
        ],
    },
    "algorithm.rst": {
        "learn: about {} %, drawn": [HELD_OUT],
        "the {} most frequent of a column": [count(numbers.MOST_CATEGORIES)],
    },
    "formulas.rst": {
        "small data up to {} updates (characters: {}), usual data {} epochs (characters: {}), and "
        "large data {}.": [
            count(2 * settings.N_UPDATES),
            count(2 * kinds.CHARACTERS.effort * settings.N_UPDATES),
            count(2 * kinds.WORDS.fewest_epochs),
            count(2 * kinds.CHARACTERS.fewest_epochs),
            count(2 * settings.FEWEST_EPOCHS),
        ],
        "about {} batches in an epoch, of {} to {} sequences and at most {} steps": [
            count(settings.UPDATES_PER_EPOCH),
            count(settings.SMALLEST_BATCH),
            count(settings.LARGEST_BATCH),
            count(settings.MOST_STEPS_PER_BATCH),
        ],
        "a check every {} updates (characters: {})": [
            count(settings.UPDATES_PER_CHECK),
            count(kinds.CHARACTERS.effort * settings.UPDATES_PER_CHECK),
        ],
        "texts of more than {} tokens more often, and at most {}.": [
            count(settings.MOST_STEPS_PER_BATCH / settings.SMALLEST_BATCH),
            count(callbacks.MOST_CHECKS),
        ],
        "at least {} below the sum": [count(callbacks.LEAST_PROGRESS)],
        "loss is above {} % of the loss": [percent(callbacks.LARGEST_LEARNED)],
        "After {} checks in a row": [count(callbacks.CHECKS_WITHOUT_PROGRESS)],
        "first {} % of the updates (at most {})": [
            percent(callbacks.WARM_UP),
            count(settings.UPDATES_PER_EPOCH),
        ],
        "with probability {} %": [percent(training.TOKEN_DROPOUT)],
        "words; {} to {}; all": [*map(count, kinds.WORDS.ngram_lengths)],
        "need more than {}, n-grams": [
            memory(ngram_reader.LARGEST_COEF * ngram_reader.SHARE_OF_ALL_NGRAMS)
        ],
        "five lengths: {} to {}, or": [*map(count, kinds.CHARACTERS.ngram_lengths)],
        "letters of a word; {} to {};": [
            count(ngrams.LETTER_LENGTHS[0]),
            count(ngrams.LETTER_LENGTHS[-1]),
        ],
        "at their positions; 1 to {};": [count(ngrams.PAIRS.longest)],
        "If {} % of the sequences": [percent(sequences.SHARE_OF_ONE_LENGTH)],
        "If {} % of the series": [percent(sequences.SHARE_OF_ONE_LENGTH)],
        "at most {} times": [f"1/{1 / ngrams.EXPECTED_BY_CHANCE:g}"],
        "variance *V* = {}. The scale": [count(svm.VARIANCE_OF_RATIOS)],
        "With more than {} classes or labels there is": [count(ngram_reader.MOST_SCALED)],
        "With more than {} classes or labels, all": [count(ngram_reader.MOST_SCALED)],
        "If that is more than {}, n-grams": [memory(ngram_reader.LARGEST_COEF)],
        "hashes of {} bits": [count(hashing.HASH_BITS)],
        "With more than {} in all sequences": SAMPLE[:1],
        "with about {}.": SAMPLE[1:],
        "The {} most frequent ids": [count(state_search.MOST_IDS)],
        "less than {} % of all steps": [percent(state_search.LEAST_SHARE)],
        "of up to {} states": [count(automata.MOST_STATES)],
        "1 to {} steps before": [count(states.COUNTED)],
        "the last {} steps of at most {} sequences, together {} steps": [
            count(state_search.LONGEST),
            count(state_search.MOST_SEQUENCES),
            count(state_search.MOST_STEPS),
        ],
        "tried, and {} random ones": [count(state_search.N_DRAWN)],
        "({} for all tests": [count(state_search.LEVEL)],
        "up to {} times": [count(state_search.MOST_ROUNDS)],
        "about {} features, or {} for more": [
            count(series.N_FEATURES),
            count(series.N_FEATURES / 2),
        ],
        "third, {} convolutions": [count(COMPETING)],
        "Its median is {} for n-grams": [count(svm.Solver.expected_factor.median)],
        "with the median {} ({} for token ids) and the standard deviation {}.": [
            count(kinds.MEASUREMENTS.network_factor),
            count(kinds.WORDS.network_factor),
            count(training.DEVIATION_ALONE),
        ],
        "its median is {} of this factor": [count(training.EXPECTED_SHARE)],
        "if it is more, with the standard deviation {}.": [count(training.DEVIATION_BESIDE)],
        "Fewer than {} samples": [count(recipe.CROSS_VALIDATED_BELOW)],
        "cross-validation of {} folds": [count(held_out.N_FOLDS)],
        "the priors, with the standard deviation {}.": [count(recipe.CROSS_VALIDATED_DEVIATION)],
        "1963), {} times as many": [count(ridge_regression.N_CLUSTERS)],
        "explains at most {} sequences": EXPLAINED,
    },
    "inspection.rst": {"network over at most {}, the rows": EXPLAINED},
    "larger_than_memory.rst": {
        "hold more than {} n-grams": SAMPLE[:1],
        "with about {} n-grams": SAMPLE[1:],
    },
    "online_learning.rst": {
        "in batches of {}, at": [count(member.BATCH_SIZE_OF_PARTIAL_FIT)],
        "the blend weight {}, because": [count(model.UNJUDGED_WEIGHT)],
        "``history_`` keeps {} rows": [count(model.MOST_ROWS)],
    },
    "performance.rst": {
        "in pools of {} batches": [count(batches.BATCHES_PER_POOL)],
        "a part has at most {} steps": [count(batches.STEPS_AT_ONCE["cpu"])],
        "sequences: {}) and half": [count(batches.STEPS_OF_LONG)],
        "on a GPU {}.": [f"{batches.STEPS_AT_ONCE_ON_GPU:,}"],
    },
}
