"""A fit of the classifier, to sequences in memory or in files.

`fit_model` is the algorithm: plan, hold samples out, fit the members one after the other, and blend
them. `fit_one_epoch` is that of `partial_fit`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from sklearn_lstm.data.containers import Array
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.input_rules import nothing_learned
from sklearn_lstm.data.kinds import TOKENS
from sklearn_lstm.data.numbers import FEWEST_ROWS, found_in_columns
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.exceptions import InputTypeWarning, NothingLearnedWarning, warn_user
from sklearn_lstm.members import recipes
from sklearn_lstm.members.held_out import Split
from sklearn_lstm.members.member import ENCODER, ONLINE
from sklearn_lstm.members.network.callbacks import epoch_rows
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.network_settings import NetworkSettings, read_settings
from sklearn_lstm.members.network.training import BlendLoss, train_network, train_one_epoch
from sklearn_lstm.members.recipe import FitContext, fit_linear_models
from sklearn_lstm.members.settings import Parameters, plan_training
from sklearn_lstm.members.solvers import adagrad
from sklearn_lstm.model import Fitted, SequenceModel, check_tokens, mark_of
from sklearn_lstm.progress import ProgressBar, TimeLimit
from sklearn_lstm.sklearn_internals import check_column_names
from sklearn_lstm.targets import label_reading
from sklearn_lstm.targets.label_reading import label_names, read_classes, read_labels
from sklearn_lstm.targets.targets import Labels, Samples, Weights
from sklearn_lstm.targets.thresholds import without_constants
from sklearn_lstm.threads import workers

NO_TIME = "max_seconds were over before the network was trained: the linear model works alone."
WRITTEN_LISTS = (
    "Every text is a list in brackets, read as words. Make lists of them, X = "
    "[ast.literal_eval(text) for text in X] (of arrays text.strip('[]').split()). Tokens need a "
    "TextSequenceVectorizer(analyzer=list), numbers none."
)
VALIDATION_ADVICE = "(A Pipeline transforms X alone: pass X_val as its other steps return it.)"
Passed: TypeAlias = tuple[Any, Any, Any]  # X, y and sample_weight


def what_was_fitted(classifier: Any) -> Fitted:
    """Return what the last fit has left.

    Raises
    ------
    NotFittedError
        If there was none.
    """
    fitted: Fitted | None = classifier._fitted  # noqa: SLF001 - of a class of ours
    if fitted is None:
        check_is_fitted(classifier)  # raises the error
    return fitted  # type: ignore[return-value]


def read_at_fit(parameters: Parameters, X: Any) -> tuple[InputFormat, Sequences]:
    """Read X, and return too how it is read."""
    check_column_names(X)
    return InputFormat.found_in(X, parameters["input_type"], parameters["time_channel"])


def read_as_at_fit(classifier: Any, X: Any) -> Sequences:
    """Read X as it was read at fit."""
    fitted = what_was_fitted(classifier)
    input_format = fitted.input_format
    has_names = input_format.column_names or not issparse(X)
    if has_names and not input_format.channel_names:  # else checked series by series
        validate_data(classifier, X, reset=False, skip_check_array=True, ensure_2d=False)
    return fitted.read(X)


@dataclass(frozen=True)
class TrainingData:
    """What a fit learns from.

    Parameters
    ----------
    input_format : InputFormat
        How X is read.
    samples : Samples
        Those that count.
    validation : Samples or None
        The user's own held-out samples. None: some of the samples are drawn.
    """

    input_format: InputFormat
    samples: Samples
    validation: Samples | None = None

    @classmethod
    def weighted(
        cls,
        input_format: InputFormat,
        samples: Samples,
        class_weight: Any,
        validation: Passed = (None, None, None),
    ) -> Self:
        """Return what `fit` learns from: samples that count relative to each other.

        `validation` are X_val, y_val and sample_weight_val, which get the class weights of the
        samples.

        Raises
        ------
        ValueError
            If fewer than two samples count.
        """
        by_class = label_reading.weights_of_classes(class_weight, samples.targets)
        targets = label_reading.relative_weights(samples.targets, by_class)
        held_out = _read_validation(input_format, samples, by_class, validation)
        samples = Samples(samples.sequences, targets).counted()
        if len(samples) < 2:
            raise ValueError("Found one sample (of a weight above 0): fit needs at least 2.")
        return cls(input_format, samples, held_out)

    def warn(self) -> None:
        """Warn of what is seldom meant.

        Warns
        -----
        InputTypeWarning
            Of a y in one-hot coding, or with a column for each step; of labels that differ by
            blanks or case alone, or look missing; of an X_val that is in X; of texts that are lists
            in brackets, or hold their labels; of a column, or a first or last step, that tells
            every class, or counts the rows.
        """
        columns = found_in_columns(self._columns(), self.samples.targets.values)
        labels, validation = self._found_in_labels(), self._found_in_validation()
        for found in (*labels, *validation, *self._found_in_texts(), *columns):
            warn_user(found, InputTypeWarning)

    def _found_in_labels(self) -> Iterator[str]:
        targets, lengths = self.samples.targets, self.samples.sequences.lengths
        labels = targets.labels
        names = [label for label in labels.classes.tolist() if isinstance(label, str)]
        plain = [name.strip().lower() if len(name) > 1 else name for name in names]
        if len({*plain}) < len(names):
            twice = [name for name, one in zip(names, plain, strict=True) if plain.count(one) > 1]
            yield f"Labels differ by blanks or case alone: {twice[:6]}. Make them the same."
        if empty := {"", "nan", "<na>"}.intersection(plain) | {"None", "NaT"}.intersection(names):
            yield f"The labels {empty} look like missing ones; if so, leave these samples out."
        read = "y is read as several labels of each sequence, but"
        if not labels.is_multilabel or len(targets) < FEWEST_ROWS:
            return
        if (targets.values.sum(axis=1) == 1).all():
            told = f"{read} every row holds exactly one 1, as in one-hot coding. Of classes"
            yield f"{told} pass y.argmax(axis=1), of a data frame y.idxmax(axis=1)."
        elif targets.n_outputs >= FEWEST_ROWS and (lengths == targets.n_outputs).all():
            told = f"{read} has a column for each step of X. Labels of steps"
            yield f"{told} need a window around each."

    def _found_in_validation(self) -> Iterator[str]:
        if self.validation is None:
            return
        known, passed = (
            np.unique(one.sequences.marks()) for one in (self.samples, self.validation)
        )
        are_distinct = 10 * len(known) > 9 * len(self.samples)  # else copies are no wonder
        if are_distinct and len(passed) >= FEWEST_ROWS and np.isin(passed, known).all():
            yield "All sequences of X_val are in X too, so they say nothing about new ones."

    def _found_in_texts(self) -> Iterator[str]:
        targets, written = self.samples.targets, self.samples.sequences.written
        texts = [text for text in written(np.arange(len(targets))) if text]
        if len(texts) < max(len(targets), FEWEST_ROWS):
            return
        if all(text[0] + text[-1] == "[]" for text in texts):
            yield WRITTEN_LISTS
        names = np.array([*map(str, targets.labels.classes)])
        pairs = zip(texts, targets.values, strict=True)
        if not targets.labels.is_multilabel and all(
            [name for name in names if name in text] == [names[label]] for text, label in pairs
        ):
            yield f"Every text holds its label, and no other: {texts[0]!r:.50}. Take them out."

    def _columns(self) -> dict[str, Array]:
        """Return the columns beside X, and those of a table; else how series begin and end.

        Of several channels these count where they end as they begin.
        """
        sequences, read = self.samples.sequences, self.input_format
        columns = {f"The column {name!r}": one for name, one in sequences.numbers.columns.items()}
        if sequences.n_channels is None:
            return columns
        width = len(read.column_names)
        if read.has_fixed_width and (sequences.lengths == width).all():
            table = np.concatenate([steps for steps, _ in sequences.chunks()]).reshape(-1, width)
            names = map("The column {!r}".format, read.column_names)
            return dict(zip(names, table.T, strict=True))
        ends = [
            (steps[(stop := np.cumsum(lengths)) - lengths], steps[stop - 1])
            for steps, lengths in sequences.chunks()
        ]
        first, last = (np.concatenate(one).T for one in zip(*ends, strict=True))
        if len(first) == 1:
            return columns | {"The first step": first[0], "The last step": last[0]}
        channels = [*map(repr, read.channel_names)] or range(len(first))
        is_same = (first == last).all(axis=1)
        return columns | {f"Channel {channels[at]}": first[at] for at in np.flatnonzero(is_same)}


def _read_validation(
    input_format: InputFormat, samples: Samples, by_class: Weights | None, validation: Passed
) -> Samples | None:
    """Read validation samples as X and y were read; None if none were passed."""
    X_val, y_val, sample_weight_val = validation
    labels = samples.targets.labels
    if all(value is None for value in validation):
        return None
    if X_val is None or y_val is None:
        raise ValueError("X_val and y_val have to be passed together.")
    try:
        check_column_names(X_val)
        labels.check_names(label_names(y_val), "y_val")
        sequences, y_val = input_format.read(X_val), read_labels(y_val, "y_val")
        check_tokens(mark_of(samples.sequences.vocabulary), sequences.vocabulary)
        check_consistent_length(sequences, y_val)
        targets = label_reading.read_targets(labels, y_val, sample_weight_val, name="y_val")
        return Samples(sequences, label_reading.relative_weights(targets, by_class)).counted()
    except (TypeError, ValueError) as error:
        error.args = (f"X_val, y_val or sample_weight_val: {error} {VALIDATION_ADVICE}",)
        raise


def read_training_data(
    parameters: Parameters, passed: Passed, groups: Any, validation: Passed
) -> TrainingData:
    """Read what `fit` gets."""
    X, y, sample_weight = passed
    names, y = label_names(y), read_labels(y)
    check_classification_targets(y)  # warns of nearly as many classes as samples
    input_format, sequences = read_at_fit(parameters, X)
    check_consistent_length(sequences, y)
    targets = label_reading.read_targets(Labels.of(y, names), y, sample_weight, groups)
    samples = Samples(sequences, targets)
    return TrainingData.weighted(input_format, samples, parameters["class_weight"], validation)


def read_further_data(
    before: Fitted | None, classifier: Any, parameters: Parameters, passed: Passed, classes: Any
) -> TrainingData:
    """Read what `partial_fit` gets."""
    X, y, sample_weight = passed
    if parameters["class_weight"] == "balanced":
        raise ValueError("class_weight='balanced' is not supported for partial_fit. Pass a dict.")
    names, y, classes = label_names(y), read_labels(y), read_classes(classes)
    if before is None:
        input_format, sequences = read_at_fit(parameters, X)
        if classes is None and y.ndim == 1:
            raise ValueError("classes must be passed on the first call to partial_fit: all labels.")
        labels = Labels.of(y if classes is None or y.ndim == 2 else classes, names)
    else:
        input_format, labels = before.input_format, before.labels
        sequences = read_as_at_fit(classifier, X)
    has_encoder = before is not None and before.model[ENCODER] is not None
    lacks_encoder = parameters["encoder"] is not None and not has_encoder
    if lacks_encoder or (before is None and sequences.numbers):
        raise ValueError("partial_fit fits no encoder, nor numbers beside X: call fit first.")
    check_consistent_length(sequences, y)
    labels.check_names(names)
    labels.check_same(classes)
    targets = label_reading.read_targets(labels, y, sample_weight)
    by_class = label_reading.weights_of_classes(parameters["class_weight"], targets)
    samples = Samples(sequences, label_reading.absolute_weights(targets, by_class))
    return TrainingData(input_format, samples.counted())


def random_generator(random_state: Any, n_epochs: int = 0) -> np.random.Generator:
    """Return the generator of a fit; one that goes on after some epochs draws other numbers."""
    if random_state is None:
        return np.random.default_rng()
    if isinstance(random_state, np.random.RandomState):
        random_state = random_state.randint(1 << 31)
    return np.random.default_rng([int(random_state), n_epochs])


def fit_classifier(
    classifier: Any, parameters: Parameters, data: TrainingData, limit: TimeLimit
) -> None:
    """Fit a classifier with checked parameters; it stays as it is until all went well."""
    data.warn()
    data.samples.targets.warn_of_constants()
    read = data.input_format.kind, data.samples.targets.labels, data.samples.sequences
    settings = read_settings(parameters, *read)
    progress = ProgressBar(is_shown=settings.verbose > 0, estimator=classifier, limit=limit)
    rng = random_generator(parameters["random_state"])
    fitted = fit_model(data, settings, rng, progress)
    if settings.encoder is not None:
        settings.encoder.known = None
    classifier._fitted = fitted  # noqa: SLF001


@torch.inference_mode(mode=False)
def fit_model(
    data: TrainingData, settings: NetworkSettings, rng: np.random.Generator, progress: ProgressBar
) -> Fitted:
    """Plan, hold samples out, fit all members that suit the samples, and blend them."""
    samples, chosen = data.samples, [one for one in recipes.RECIPES if one.suits(settings)]
    plan = plan_training(samples, data.validation, settings, has_linear_model=bool(chosen))
    split = Split.drawn_from(samples, data.validation, plan.n_held_out, rng)
    context = FitContext(split, settings, progress)
    thresholds = without_constants(settings.thresholds, samples.targets)
    with progress:
        linear_models, held_out = fit_linear_models(chosen, context)
        if linear_models and plan.max_epochs and progress.limit.seconds_left <= 0:
            warn_user(NO_TIME, ConvergenceWarning)
            plan = replace(plan, max_epochs=0)
        # The network is last: it watches the loss of the blend.
        loss = BlendLoss(held_out, split.held_out, settings)
        with workers(settings.device, 1 + settings.architecture["bidirectional"]):
            network = train_network(split, plan, loss, progress)
            if network.is_trained:
                held_out = loss.joined_by(network)
    if held_out.is_a_guess(samples.targets.shares()):
        told = nothing_learned(samples.sequences, len(held_out.targets))
        warn_user(told, NothingLearnedWarning)
    model = SequenceModel.blended(network, linear_models, held_out)
    model = model.with_thresholds(thresholds, held_out)
    fitted = Fitted(data.input_format, samples.targets.labels)
    return fitted.with_model(model, samples, epoch_rows(network.net))


@torch.inference_mode(mode=False)
def fit_one_epoch(before: Fitted | None, data: TrainingData, parameters: Parameters) -> Fitted:
    """Train a network for an epoch, and let n-grams learn the errors of the model before it.

    Nothing of what was fitted before changes: each call makes a new model. The parameters were
    checked.
    """
    samples = data.samples
    if before is None:
        data.warn()
        before = Fitted(data.input_format, samples.targets.labels)
    previous = before.model
    read = data.input_format.kind, samples.targets.labels, samples.sequences
    settings = read_settings(parameters, *read, previous[Network.name])
    rng = random_generator(parameters["random_state"], before.n_epochs)
    network = train_one_epoch(samples, settings, rng, previous[Network.name])
    model = previous.with_network(network)
    if settings.kind in TOKENS and settings.linear_model:
        known = np.zeros((len(samples), samples.targets.n_outputs))
        if previous.members:
            known = previous.blended_logits(samples.sequences, without=ONLINE)
        ngrams = model[ONLINE] or adagrad.new_model(samples, settings.kind)
        model = model.with_member(adagrad.learn(ngrams, samples, known, rng), 1.0)
    model = model.with_thresholds(settings.thresholds)
    return before.with_model(model, samples, epoch_rows(network.net))
