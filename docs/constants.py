"""Numbers of the code, as the pages print them: ``|n_updates|`` is ``NUMBERS["n_updates"]``.

So a page can't disagree with the code. A module that moves has to be changed here only.
"""

from sklearn_lstm import model
from sklearn_lstm.data import containers, kinds, sequences
from sklearn_lstm.inspection import class_explanations
from sklearn_lstm.members import duration, fit_linear, held_out, member
from sklearn_lstm.members.features import (
    convolutions,
    hashing,
    letters,
    machines,
    ngram_reader,
    ngrams,
    numbers,
    places,
    series,
    state_search,
    states,
)
from sklearn_lstm.members.network import batches, callbacks, training
from sklearn_lstm.members.solvers import ridge as ridge_solver
from sklearn_lstm.members.solvers import ridge_regression as ridge
from sklearn_lstm.members.solvers import svm


def count(number: float) -> str:
    """Return a number as it is read: 8,192 or 1.5 million."""
    is_long = number >= 1_000_000 and number % 100_000 == 0
    return f"{number / 1_000_000:g} million" if is_long else f"{number:,g}"


def percent(share: float) -> str:
    """Return a part of a whole in percent."""
    return f"{100 * share:g} %"


def memory(n_bytes: float) -> str:
    """Return an amount of memory."""
    return f"{n_bytes / 2**30:g} GiB" if n_bytes >= 2**30 else f"{n_bytes / 2**20:g} MiB"


NUMBERS = {
    "most_explained": count(class_explanations.MOST_SAMPLES),
    "most_rows": count(model.MOST_ROWS),
    # how long to train: `max_epochs_for` doubles its numbers
    "n_updates": count(2 * duration.N_UPDATES),
    "n_updates_of_characters": count(2 * kinds.CHARACTERS.effort * duration.N_UPDATES),
    "fewest_for_more_epochs": count(duration.FEWEST_SAMPLES),
    "usual_epochs": count(2 * kinds.WORDS.fewest_epochs),
    "usual_epochs_of_characters": count(2 * kinds.CHARACTERS.fewest_epochs),
    "fewest_epochs": count(2 * duration.FEWEST_EPOCHS),
    "batches_per_epoch": count(duration.UPDATES_PER_EPOCH),
    "smallest_batch": count(duration.SMALLEST_BATCH),
    "largest_batch": count(duration.LARGEST_BATCH),
    "most_steps_per_batch": count(duration.MOST_STEPS_PER_BATCH),
    "n_frames": count(kinds.MEASUREMENTS.n_frames),
    "n_framed_steps": count(2 * kinds.MEASUREMENTS.n_frames),
    "batch_of_partial_fit": count(member.BATCH_SIZE_OF_PARTIAL_FIT),
    "warm_up": percent(callbacks.WARM_UP),
    "longest_warm_up": count(duration.UPDATES_PER_EPOCH),
    "updates_per_check": count(duration.UPDATES_PER_CHECK),
    "epochs_per_check": count(kinds.WORDS.epochs_per_check),
    "updates_per_check_of_characters": count(kinds.CHARACTERS.effort * duration.UPDATES_PER_CHECK),
    "longest_of_full_interval": count(duration.MOST_STEPS_PER_BATCH / duration.SMALLEST_BATCH),
    "most_checks": count(callbacks.MOST_CHECKS),
    "least_progress": count(callbacks.LEAST_PROGRESS),
    "largest_learned": percent(callbacks.LARGEST_LEARNED),
    "patience": count(training.PATIENCE),
    "token_dropout": percent(training.TOKEN_DROPOUT),
    "checks_without_progress": count(callbacks.CHECKS_WITHOUT_PROGRESS),
    "most_categories": count(numbers.MOST_CATEGORIES),
    # held-out samples and the blend
    "smallest_held_out": count(2 * duration.HELD_OUT_SHARE * duration.LARGEST_HELD_OUT),
    "largest_held_out": count(duration.LARGEST_HELD_OUT),
    "held_out": percent(duration.HELD_OUT_SHARE),
    "most_held_out": percent(3 * duration.HELD_OUT_SHARE),
    "expected_share": count(training.EXPECTED_SHARE),
    "factor_of_network": count(kinds.MEASUREMENTS.network_factor),
    "factor_of_network_of_tokens": count(kinds.WORDS.network_factor),
    "deviation_alone": count(training.DEVIATION_ALONE),
    "deviation_beside": count(training.DEVIATION_BESIDE),
    "unjudged_weight": count(model.UNJUDGED_WEIGHT),
    "expected_of_ngrams": count(svm.Solver.expected_factor.median),
    "deviation_of_factors": count(fit_linear.EXPECTED_DEVIATION),
    "deviation_of_cross_validated": count(fit_linear.CROSS_VALIDATED_DEVIATION),
    "most_cross_validated": count(fit_linear.CROSS_VALIDATED_BELOW),
    "n_folds": count(held_out.N_FOLDS),
    # the linear model
    "longest_at_positions": count(ngrams.PAIRS.longest),
    "longest_ngram_of_words": count(kinds.WORDS.ngram_lengths[1]),
    "longest_ngram_of_characters": count(kinds.CHARACTERS.ngram_lengths[1]),
    "n_lengths": count(len(range(*kinds.CHARACTERS.ngram_lengths)) + 1),
    "shortest_letters": count(letters.LETTER_LENGTHS[0]),
    "longest_letters": count(letters.LETTER_LENGTHS[-1]),
    "chance": f"1/{1 / ngrams.EXPECTED_BY_CHANCE:g}",
    "largest_coefficients": memory(ngram_reader.LARGEST_COEF),
    "most_entries": count(ngram_reader.MOST_ENTRIES),
    "sampled_entries": count(ngram_reader.SAMPLED_ENTRIES),
    "coefficients_of_all": memory(ngram_reader.LARGEST_COEF * ngram_reader.SHARE_OF_ALL_NGRAMS),
    "hash_bits": count(hashing.HASH_BITS),
    "n_hashes": f"{2**hashing.HASH_BITS:,}",
    "most_classes_scaled": count(ngram_reader.MOST_SCALED),
    "fewest_products": count(svm.FEWEST_PRODUCTS_TOGETHER),
    "least_change": percent(svm.LEAST_CHANGE),
    "variance_of_ratios": count(svm.VARIANCE_OF_RATIOS),
    "most_symbols": count(state_search.MOST_IDS),
    "least_share_of_symbols": percent(state_search.LEAST_SHARE),
    "counted_places": count(states.COUNTED),
    "most_states": count(machines.MOST_STATES),
    "most_searched": count(state_search.MOST_SEQUENCES),
    "most_searched_steps": count(state_search.MOST_STEPS),
    "n_drawn": count(state_search.N_DRAWN),
    "significance": count(state_search.LEVEL),
    "most_rounds": count(state_search.MOST_ROUNDS),
    "n_clusters": count(ridge.N_CLUSTERS),
    "share_of_one_length": percent(sequences.SHARE_OF_ONE_LENGTH),
    "most_places": count(places.MOST_PLACES),
    "largest_place": count(places.LARGEST_PLACE),
    "most_judged": count(ridge_solver.MOST_JUDGED),
    "n_convolution_features": count(series.N_FEATURES),
    "n_convolution_features_of_many": count(series.N_FEATURES / 2),
    "variance_of_level": percent(series.VARIANCES_OF_CHANNEL[0]),
    "variance_of_levels": percent(series.LARGEST_VARIANCES[0]),
    "variance_of_statistics": percent(series.VARIANCES_OF_CHANNEL[1]),
    "smallest_penalty": f"{ridge.ALPHAS[0]:.7f}".rstrip("0"),
    "largest_penalty": count(ridge.ALPHAS[-1]),
    "steps_of_convolutions": count(duration.MOST_STEPS_PER_BATCH),
    "n_competing": count(convolutions.COMPETING),
    # tokens and batches
    "fewest_effective_words": count(kinds.FEWEST_WORDS),
    "largest_id": f"{containers.LARGEST_ID:,}",
    "batches_per_pool": count(batches.BATCHES_PER_POOL),
    "steps_at_once": count(batches.STEPS_AT_ONCE["cpu"]),
    "steps_of_long": count(batches.STEPS_OF_LONG),
    "steps_at_once_on_gpu": f"{batches.STEPS_AT_ONCE_ON_GPU:,}",
}
