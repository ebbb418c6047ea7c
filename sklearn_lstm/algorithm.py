"""The algorithm: plan, hold samples out, fit the members one after the other, and blend them.

`fit_one_epoch` is that of `partial_fit`.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from sklearn_lstm.blending import ClassPrior, ExpectedFactor, HeldOutLogits
from sklearn_lstm.callback_support import CallbackTask
from sklearn_lstm.compute import workers
from sklearn_lstm.data.kinds import TOKENS
from sklearn_lstm.encoding.growing_tables import GrowingTables
from sklearn_lstm.members.learners import find_learners
from sklearn_lstm.members.member import Learner, LinearMember
from sklearn_lstm.members.model import Fitted, SequenceModel
from sklearn_lstm.members.network.learning import fit_network, fit_network_one_epoch
from sklearn_lstm.members.network.loop import epoch_rows
from sklearn_lstm.members.network.network import Network
from sklearn_lstm.members.network.network_member import EpochRow
from sklearn_lstm.members.ngrams.online_ngrams import OnlineNgrams
from sklearn_lstm.progress import FitProgress
from sklearn_lstm.targets.samples import Samples
from sklearn_lstm.targets.thresholds import without_constants
from sklearn_lstm.training.configuration import Configuration
from sklearn_lstm.training.duration import (
    LARGEST_HELD_OUT,
    WORK_PER_SECOND,
    TrainingPlan,
    plan_training,
    work_of_epoch,
)
from sklearn_lstm.training.held_out import Split, folds

# Of the logarithms of these factors: before cross-validation, and after it.
EXPECTED_DEVIATION, CROSS_VALIDATED_DEVIATION = 0.5, 0.2


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

    Parameters
    ----------
    start : Fitted
        What is known before the training.
    samples, configuration, rng
    validation : Samples or None
        The user's own held-out samples; None: some of the samples are drawn.
    callback_task : CallbackTask
        Of the whole fit.
    """
    learners = find_learners(configuration)
    epoch = work_of_epoch(samples.sequences, configuration.kind)
    linear_epochs = {one.member.name: one.work(samples, configuration) / epoch for one in learners}
    plan = plan_training(samples, validation, configuration, has_linear_model=bool(learners))
    _log_minutes(len(samples), sum(linear_epochs.values()), epoch, plan)
    split = Split.drawn_from(samples, validation, plan.n_held_out, rng)
    prior = ClassPrior.of(samples.targets, is_drawn=validation is None)
    held_out = HeldOutLogits(split.held_out.targets, prior)
    members, fitted_by = list[LinearMember](), list[type[Learner]]()
    thresholds = without_constants(configuration.thresholds, samples.targets)

    def ended(network: Network, held_out: HeldOutLogits, epochs: list[EpochRow]) -> Fitted:
        model = SequenceModel.blended(network, members, held_out)
        return start.with_model(model.with_thresholds(thresholds, held_out), epochs)

    settings, n_updates = configuration.training, plan.updates_per_epoch(len(split.learned))
    progress = FitProgress(
        linear_epochs, plan.max_epochs, n_updates, is_shown=settings.verbose > 0, task=callback_task
    )
    with progress:
        for one in learners:
            one.prepare(split, configuration, progress)
        with workers(settings.device, 1 + configuration.architecture["bidirectional"]):
            for one in learners:
                member, logits = one.fit(split, configuration)
                progress.count_linear_model(one.member.name)
                if member is not None:
                    members.append(member)
                    fitted_by.append(one)
                    held_out = held_out.joined_by(one.member.name, logits, one.expected_factor)
            if plan.max_epochs == 0 and not members:
                raise ValueError(
                    "max_epochs=0 fits the linear model alone, but that was left out, as a warning "
                    "says. Leave max_epochs='auto'."
                )
            held_out = held_out.expecting(_factors_of_few(split, configuration, fitted_by))
            # The network is last: it watches the loss of the blend.
            return fit_network(split, configuration, plan, held_out, progress, ended=ended)


def _factors_of_few(
    split: Split, configuration: Configuration, learners: list[type[Learner]]
) -> dict[str, ExpectedFactor]:
    """Return the expected factors of n-grams and encoder, found by cross-validation.

    They are those of a blend without the network. Of 1,000 samples or more, the held-out ones are
    enough to find them. Learners with a scale of their own have left each sample out already.
    """
    scaled = [one for one in learners if not one.has_own_scale]
    targets = split.samples.targets
    is_needed = scaled and len(split.held_out_rows) and len(targets) < LARGEST_HELD_OUT
    rows = folds(targets, split.seed) if is_needed else []
    if not rows:
        return {}
    prior = ClassPrior.of(targets, is_drawn=False)
    held_out = HeldOutLogits(targets.subset(np.concatenate(rows)), prior)
    for one in scaled:
        logits = [one.fit(split.holding_out(fold), configuration)[1] for fold in rows]
        expected = one.expected_factor._replace(deviation=EXPECTED_DEVIATION)
        held_out = held_out.joined_by(one.member.name, np.concatenate(logits), expected)
    factors = held_out.blend().factors.tolist()
    pairs = zip(held_out.members, factors, strict=True)
    return {name: ExpectedFactor(factor, CROSS_VALIDATED_DEVIATION) for name, factor in pairs}


@contextmanager
def fit_one_epoch(
    start: Fitted, samples: Samples, configuration: Configuration, rng: np.random.Generator
) -> Iterator[tuple[Fitted, GrowingTables]]:
    """Train a network for an epoch, and let n-grams learn the errors of the model before it.

    Until the context ends, nobody else begins to share the tables of the previous model.

    Parameters
    ----------
    start, samples, configuration, rng
        As in `fit_model`.

    Yields
    ------
    Fitted
        With the trained model. It shares tables with the previous one, unless others may see that.
        The tables stay as they are until the changes are written; then the previous model is not
        used any more.
    GrowingTables
    """
    previous = start.model
    network, excerpt = fit_network_one_epoch(samples, configuration, rng, previous[Network.name])
    learns_ngrams = configuration.kind in TOKENS and not Learner.lacks(configuration)
    known = np.zeros((len(samples), samples.targets.n_outputs))
    if learns_ngrams and previous.members:
        known = previous.blended_logits(samples.sequences, without=OnlineNgrams.name)
    with GrowingTables.sharing.lock:  # after the training, in which a callback may have made a copy
        growing = GrowingTables(previous.memory)
        if excerpt is not None:
            network = excerpt.whole_again(network, growing)
        model = previous.with_network(network)
        if learns_ngrams:
            ngrams = model[OnlineNgrams.name] or OnlineNgrams.new(samples, configuration.kind)
            ngrams = ngrams.learned(samples, known, growing, rng)
            model = model.with_member(ngrams, 1.0)
        model = replace(model.with_thresholds(configuration.thresholds), memory=growing.memory)
        yield start.with_model(model, epoch_rows(network.net)), growing


def _log_minutes(n_samples: int, linear_epochs: float, epoch: int, plan: TrainingPlan) -> None:
    """Log about how long the fit will take, if it takes minutes; a held-out loss may end it.

    The linear members take as long as some epochs of the network, each of which is so much work.
    """
    epochs = linear_epochs + plan.max_epochs / (2 if plan.follows_loss else 1)
    minutes = epochs * epoch / (60 * WORK_PER_SECOND)
    if minutes >= 2:
        text = "The fit to %s sequences will take about %.0f minutes on one core of a processor."
        logging.getLogger("sklearn_lstm").info(text, f"{n_samples:,}", minutes)
