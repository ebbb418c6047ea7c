"""A fit of the classifier, to sequences in memory or in files.

`Fit` says how X is read, and what is set. `fit_model` is the algorithm: plan, hold samples out, fit
the members one after the other, and blend them. `fit_one_epoch` is that of `partial_fit`.
"""

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from sklearn_lstm.blending import ClassPrior, ExpectedFactor, HeldOutLogits
from sklearn_lstm.callback_support import CallbackTask
from sklearn_lstm.compute import workers
from sklearn_lstm.data.containers import LONG_TABLE, column_names
from sklearn_lstm.data.input_format import InputFormat
from sklearn_lstm.data.kinds import MEASUREMENTS, TOKENS
from sklearn_lstm.data.numbers import warn_of_values_seen_once
from sklearn_lstm.data.sequences import Sequences
from sklearn_lstm.encoding.token_codes import TokenCodes
from sklearn_lstm.exceptions import (
    InputTypeWarning,
    InvalidSequencesTypeError,
    LinearModelSkippedWarning,
    warn_user,
)
from sklearn_lstm.members.convolutions.learner import ConvolutionLearner
from sklearn_lstm.members.member import Learner, LinearMember
from sklearn_lstm.members.model import Fitted, SequenceModel
from sklearn_lstm.members.network.learning import fit_network, fit_network_one_epoch
from sklearn_lstm.members.network.loop import epoch_rows
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.ngrams.learner import NgramLearner
from sklearn_lstm.members.ngrams.online_ngrams import OnlineNgrams
from sklearn_lstm.members.regression.learner import EncoderLearner, NumberLearner
from sklearn_lstm.parameters import check_column_names, checked_parameters
from sklearn_lstm.pretrained.embeddings import read_embeddings
from sklearn_lstm.pretrained.sentence_encoders import SentenceEncoder
from sklearn_lstm.progress import FitProgress, print_above_bar
from sklearn_lstm.targets.labels import Labels
from sklearn_lstm.targets.samples import Samples, Targets
from sklearn_lstm.targets.target_reading import (
    fixed_class_weight,
    read_groups,
    read_labels,
    read_sample_weight,
    relative_weights,
)
from sklearn_lstm.targets.thresholds import without_constants
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import (
    LARGEST_HELD_OUT,
    WORK_PER_SECOND,
    plan_training,
    work_of_epoch,
)
from sklearn_lstm.training.held_out import Split, folds

# In the order in which they are fitted.
LEARNERS: list[type[Learner]] = [NgramLearner, ConvolutionLearner, EncoderLearner, NumberLearner]
# Of the logarithms of these factors: before cross-validation, and after it.
EXPECTED_DEVIATION, CROSS_VALIDATED_DEVIATION = 0.5, 0.2


def what_was_fitted(classifier: Any) -> Fitted:
    """Return what the last fit has left.

    Raises
    ------
    NotFittedError
        If there was none.
    """
    fitted: Fitted | None = classifier._fitted  # noqa: SLF001 - this function alone looks inside
    if fitted is None:
        check_is_fitted(classifier)  # raises the error
    return fitted  # type: ignore[return-value]


def check_as_many(input_format: InputFormat, sequences: Sequences, y: Any) -> None:
    """Raise an error for another number of labels than of sequences."""
    try:
        check_consistent_length(sequences, y)
    except ValueError as error:
        if len(input_format.column_names) > 1 and not input_format.channel_names:
            error.add_note(LONG_TABLE)
        raise


def read_as_at_fit(classifier: Any, X: Any) -> Sequences:
    """Read X as it was read at fit."""
    input_format = what_was_fitted(classifier).input_format
    has_names = input_format.column_names or not issparse(X)
    if has_names and not input_format.channel_names:  # else checked series by series
        validate_data(classifier, X, reset=False, skip_check_array=True, ensure_2d=False)
    return input_format.read(X)


def warn_of_labels_of_steps(input_format: InputFormat, samples: Samples) -> None:
    """Warn of series that all have as many steps as y has labels.

    Warns
    -----
    InputTypeWarning
    """
    labels, lengths = samples.targets.labels, samples.sequences.lengths
    if input_format.has_fixed_width:  # with padding
        lengths = np.array([input_format.n_features])
    are_series = input_format.kind is MEASUREMENTS
    if are_series and labels.is_multilabel and (lengths == len(labels)).all():
        warn_user(
            f"y has {len(labels)} columns, as many as the series have steps, but labels of steps "
            "are not learned: each column is read as a label of the whole series. To label steps, "
            "pass a window of the series around each, with one label.",
            InputTypeWarning,
        )


class Fit:
    """A fit of a classifier, which stays as it is until all went well.

    Parameters
    ----------
    classifier : LSTMSequenceClassifier
        Its parameters are checked.
    before : Fitted or None
        What an earlier fit has left, if this one goes on from it.
    """

    def __init__(self, classifier: Any, before: Fitted | None = None) -> None:
        self.classifier, self.parameters = classifier, checked_parameters(classifier)
        self.before = before

    def read(self, X: Any, *, is_batch: bool = False) -> tuple[InputFormat, Sequences]:
        """Read X, and return too how it is read; nothing about it is kept yet."""
        check_column_names(X)
        if self.before is not None:
            return self.before.input_format, read_as_at_fit(self.classifier, X)
        ways = self.parameters["input_type"], self.parameters["time_channel"]
        return InputFormat.found_in(X, *ways, is_batch=is_batch)

    def begin(self, input_format: InputFormat, samples: Samples) -> tuple[Fitted, Configuration]:
        """Return what is known before the training, and the settings of the fit.

        If the fit goes on, `embeddings` are read for new ids alone.
        """
        sequences, labels = samples.sequences, samples.targets.labels
        if self.before is None:
            warn_of_labels_of_steps(input_format, samples)
            warn_of_values_seen_once(sequences.numbers)
        start = self.before or Fitted(input_format, labels, SequenceModel.empty(), [], 0, 0)
        network: Network | None = start.model[Network.name]
        own = None if network is None else network.vectors
        previous = None if network is None else network.module.architecture
        embeddings, encoder = self.parameters["embeddings"], self.parameters["encoder"]
        if input_format.kind is MEASUREMENTS and (embeddings is not None or encoder is not None):
            name = "encoder" if embeddings is None else "embeddings"
            raise ValueError(f"{name} is for tokens, but X holds measurements. Leave it None.")
        vectors, new_ids, opened = None, None, None
        if embeddings is not None:
            if network is not None and isinstance(network.encoding, TokenCodes):
                new_ids = network.encoding.new_ids(sequences.distinct_ids(), np.arange(0))
            vocabulary = None if sequences.spelling is None else sequences.spelling.vocabulary
            vectors = read_embeddings(embeddings, vocabulary, new_ids, own)
        if encoder is not None and network is None:
            opened = SentenceEncoder.opened(encoder)
            opened.known = {}
        used = vectors if network is None else own
        if used is not None:
            n_steps = start.n_steps + int(sequences.lengths.sum())
            n_known = round((start.coverage or 0) * start.n_steps) + used.count_known(sequences)
            start = replace(start, coverage=n_known / n_steps, n_steps=n_steps)
        start = replace(start, n_samples=start.n_samples + len(samples))
        known = self.parameters, input_format.kind, labels
        configuration = Configuration.of(*known, vectors=vectors, encoder=opened, previous=previous)
        return start, replace(configuration, numbers=bool(sequences.numbers))

    def random_generator(self) -> np.random.Generator:
        """Return the generator of the fit; one that goes on draws other numbers."""
        seed = self.parameters["random_state"]
        if seed is None:
            return np.random.default_rng()
        if isinstance(seed, np.random.RandomState):
            seed = seed.randint(1 << 31)
        n_epochs = 0 if self.before is None else self.before.n_epochs
        return np.random.default_rng([int(seed), n_epochs])

    def targets(
        self, values: NDArray[Any], labels: Labels, sample_weight: Any, groups: Any = None
    ) -> Targets:
        """Return encoded labels with their weights, relative to each other, and groups."""
        # Samples of validation, which are read later, get the class weights of training.
        weights = read_sample_weight(sample_weight, len(values))
        fixed = fixed_class_weight(self.parameters["class_weight"], weights, values, labels)
        self.parameters["class_weight"] = fixed
        weights = relative_weights(weights, fixed, values, labels)
        return Targets(values, weights, labels, read_groups(groups, len(values)))

    def train(
        self,
        input_format: InputFormat,
        sequences: Sequences,
        targets: Targets,
        task: CallbackTask,
        validation: tuple[Any, Any, Any] = (None, None, None),
    ) -> None:
        """Train on sequences, wherever they lie."""
        samples = Samples(sequences, targets).counted()
        start, configuration = self.begin(input_format, samples)
        held_out = self._read_validation(start, *validation)
        rng = self.random_generator()
        fitted = fit_model(start, samples, held_out, configuration, rng=rng, callback_task=task)
        if configuration.encoder is not None:
            configuration.encoder.known = None
        self.classifier._fitted = fitted  # noqa: SLF001
        task.end(is_fitted=True)

    def train_one_epoch(
        self, input_format: InputFormat, sequences: Sequences, targets: Targets
    ) -> None:
        """Train on sequences for one epoch."""
        samples = Samples(sequences, targets).counted()
        start, configuration = self.begin(input_format, samples)
        fitted = fit_one_epoch(start, samples, configuration, self.random_generator())
        self.classifier._fitted = fitted  # noqa: SLF001

    def _read_validation(
        self, start: Fitted, X_val: Any, y_val: Any, sample_weight_val: Any
    ) -> Samples | None:
        """Read validation samples as X and y were read; None if none were passed."""
        passed = {"X_val": X_val, "y_val": y_val, "sample_weight_val": sample_weight_val}
        names = [name for name, value in passed.items() if value is not None]
        if not names:
            return None
        if names[:2] != ["X_val", "y_val"]:
            found = " and ".join(names)
            raise ValueError(f"X_val and y_val have to be passed together, found only {found}.")
        try:
            check_column_names(X_val)
            start.labels.check_names(column_names(y_val), "y_val")
            sequences, y_val = start.input_format.read(X_val), read_labels(y_val, "y_val")
            check_consistent_length(sequences, y_val)
            values = start.labels.encode(y_val, "y_val")
            targets = self.targets(values, start.labels, sample_weight_val)
            return Samples(sequences, targets).counted()
        except (TypeError, ValueError) as error:
            error.add_note("This is about X_val, y_val and sample_weight_val of fit.")
            if isinstance(error, InvalidSequencesTypeError):
                error.add_note(
                    "The steps of a Pipeline transform X alone, unless transform_input=['X_val'] "
                    "names what else (with metadata routing). Or pass X_val as it comes out of "
                    "them: pipeline[:-1].fit(X, y).transform(X_val)."
                )
            raise


def find_learners(configuration: Configuration) -> list[type[Learner]]:
    """Return what fits the linear members that a fit needs.

    Raises
    ------
    ValueError
        If there is none though it is relied on, and if two members would have one name.
    """
    found = [learner for learner in LEARNERS if learner.suits(configuration)]
    names = [Network.name, OnlineNgrams.name, *(learner.member.name for learner in found)]
    if len({*names}) < len(names):
        raise ValueError(f"The members of a model need different names, found {names}.")
    if configuration.training.max_epochs == 0 and not found:
        lacking = " and ".join(Learner.lacks(configuration))
        raise ValueError(
            f"There is no linear model to fit alone: it needs {lacking}. Change this, or train a "
            "network: max_epochs='auto'."
        )
    if configuration.linear_model and Learner.lacks(configuration):
        warn_user(
            "The linear model is left out: it needs criterion='cross_entropy'. The network "
            "alone is usually less accurate; if you want it, set linear_model=False.",
            LinearModelSkippedWarning,
        )
    return found


@torch.inference_mode(mode=False)
def fit_model(
    start: Fitted,
    samples: Samples,
    validation: Samples | None,
    configuration: Configuration,
    *,
    rng: np.random.Generator,
    callback_task: CallbackTask,
) -> Fitted:
    """Fit all members that suit the samples, and blend them.

    `start` is known before the training, and `callback_task` is that of the whole fit. `validation`
    are the user's own held-out samples; None: some of the samples are drawn.
    """
    learners = find_learners(configuration)
    epoch = work_of_epoch(samples.sequences, configuration.kind)
    linear_epochs = {one.member.name: one.work(samples, configuration) / epoch for one in learners}
    plan = plan_training(samples, validation, configuration, has_linear_model=bool(learners))
    split = Split.drawn_from(samples, validation, plan.n_held_out, rng)
    prior = ClassPrior.of(samples.targets, is_drawn=validation is None)
    held_out = HeldOutLogits(split.held_out.targets, prior)
    members = dict[type[Learner], LinearMember]()
    thresholds = without_constants(configuration.thresholds, samples.targets)

    settings, n_updates = configuration.training, plan.updates_per_epoch(len(split.learned))
    is_shown = settings.verbose > 0
    progress = FitProgress(linear_epochs, plan, n_updates, is_shown=is_shown, task=callback_task)
    work = (sum(linear_epochs.values()) + plan.usual_epochs) * epoch
    _say_minutes(len(samples), work, is_shown=is_shown)
    with progress:
        for one in learners:
            one.prepare(split, configuration, progress)
        with workers(settings.device, 1 + configuration.architecture["bidirectional"]):
            for one in learners:
                member, logits = one.fit(split, configuration)
                progress.count_linear_model(one.member.name)
                if member is not None:
                    members[one] = member
                    held_out = held_out.joined_by(one.member.name, logits, one.expected_factor)
            if plan.max_epochs == 0 and not members:
                raise ValueError(
                    "There is no linear model to fit alone: it was left out, as a warning says. "
                    "Leave linear_model=True."
                )
            held_out = held_out.expecting(_factors_of_few(split, configuration, members))
            # The network is last: it watches the loss of the blend.
            network, held_out = fit_network(split, configuration, plan, held_out, progress)
    model = SequenceModel.blended(network, [*members.values()], held_out)
    return start.with_model(model.with_thresholds(thresholds, held_out), epoch_rows(network.net))


def _factors_of_few(
    split: Split, configuration: Configuration, members: dict[type[Learner], LinearMember]
) -> dict[str, ExpectedFactor]:
    """Return the expected factors of n-grams and encoder, found by cross-validation.

    They are those of a blend without the network. Of 1,000 samples or more, the held-out ones are
    enough to find them. Learners with a scale of their own have left each sample out already.
    """
    scaled = {one: member for one, member in members.items() if not one.has_own_scale}
    targets = split.samples.targets
    is_needed = scaled and len(split.held_out_rows) and len(targets) < LARGEST_HELD_OUT
    rows = folds(targets, split.seed) if is_needed else []
    if not rows:
        return {}
    prior = ClassPrior.of(targets, is_drawn=False)
    held_out = HeldOutLogits(targets.subset(np.concatenate(rows)), prior)
    for one, member in scaled.items():
        logits = one.logits_of_folds(split, configuration, rows, member)
        expected = one.expected_factor._replace(deviation=EXPECTED_DEVIATION)
        held_out = held_out.joined_by(one.member.name, logits, expected)
    factors = held_out.blend().factors.tolist()
    pairs = zip(held_out.members, factors, strict=True)
    return {name: ExpectedFactor(factor, CROSS_VALIDATED_DEVIATION) for name, factor in pairs}


def fit_one_epoch(
    start: Fitted, samples: Samples, configuration: Configuration, rng: np.random.Generator
) -> Fitted:
    """Train a network for an epoch, and let n-grams learn the errors of the model before it.

    Nothing of `start` changes: each call makes a new model.
    """
    previous = start.model
    network = fit_network_one_epoch(samples, configuration, rng, previous[Network.name])
    model = previous.with_network(network)
    if configuration.kind in TOKENS and not Learner.lacks(configuration):
        known = np.zeros((len(samples), samples.targets.n_outputs))
        if previous.members:
            known = previous.blended_logits(samples.sequences, without=OnlineNgrams.name)
        ngrams = model[OnlineNgrams.name] or OnlineNgrams.new(samples, configuration.kind)
        model = model.with_member(ngrams.learned(samples, known, rng), 1.0)
    return start.with_model(
        model.with_thresholds(configuration.thresholds), epoch_rows(network.net)
    )


def _say_minutes(n_samples: int, work: float, *, is_shown: bool) -> None:
    """Log about how long so much work will take, if it takes minutes; print it above a bar."""
    minutes = work / (60 * WORK_PER_SECOND)
    if minutes >= 2:
        text = (
            f"The fit to {n_samples:,} sequences will take about {minutes:.0f} minutes on one core "
            "of a processor."
        )
        logging.getLogger("sklearn_lstm").info(text)
        if is_shown:
            print_above_bar(text)
