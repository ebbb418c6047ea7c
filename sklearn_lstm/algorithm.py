"""The algorithm: hold samples out, fit the members one after the other, and blend their logits.

`fit_one_epoch` is that of `partial_fit`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sklearn_lstm.blending import ClassPrior, HeldOutLogits
from sklearn_lstm.callback_support import Attributes, CallbackTask
from sklearn_lstm.compute.threads import workers
from sklearn_lstm.data.row_changes import RowChanges
from sklearn_lstm.data.sequences import Samples
from sklearn_lstm.members.convolutions import ConvolutionModel
from sklearn_lstm.members.encoded_network import NetworkStart
from sklearn_lstm.members.member import FitTask, FittedMember, LinearMember, Member
from sklearn_lstm.members.networks import Networks
from sklearn_lstm.members.ngrams import NgramModel
from sklearn_lstm.members.online_ngrams import OnlineNgrams
from sklearn_lstm.model import SHARING, SequenceModel
from sklearn_lstm.training.duration import TrainingPlan, plan_training
from sklearn_lstm.training.held_out import divide
from sklearn_lstm.training.loop import TrainingSettings
from sklearn_lstm.training.progress import FitProgress

# In the order in which they are fitted. The networks are last: they watch the loss of the blend.
MEMBERS: tuple[type[FittedMember], ...] = (NgramModel, ConvolutionModel, Networks)


@torch.inference_mode(mode=False)
def fit_model(
    samples: Samples,
    validation: Samples | None,
    *,
    parameters: Mapping[str, Any],
    start: NetworkStart,
    settings: TrainingSettings,
    rng: np.random.Generator,
    callback_task: CallbackTask,
    attributes: Callable[[SequenceModel], Attributes],
    previous: SequenceModel | None = None,
    checkpoint: Path | None = None,
) -> SequenceModel:
    """Fit all members that suit the samples, and blend them.

    Parameters
    ----------
    samples : Samples
    validation : Samples or None
        The user's own held-out samples; None: some of the samples are drawn.
    parameters : mapping
        Those of the classifier, with what "auto" means for `token_unit`.
    start : NetworkStart
    settings : TrainingSettings
    rng : numpy Generator
    callback_task : CallbackTask
        Of the whole fit.
    attributes : callable
        From a model to the attributes of the classifier that is fitted with it.
    previous : SequenceModel or None
        That of the fit which this one goes on from.
    checkpoint : Path or None
        The folder of the states from which a training that was killed goes on.
    """
    kinds = [kind for kind in MEMBERS if kind.suits(samples, parameters)]
    plan = _plan(samples, validation, parameters, kinds, previous)
    parts = divide(samples, validation, plan.n_held_out, rng, plan.n_networks)
    seed, generators = int(rng.integers(1 << 31)), rng.spawn(len(parts.learned))
    progress = FitProgress(
        sum(kind.epochs for kind in kinds if issubclass(kind, LinearMember)),
        plan.max_epochs,
        [plan.updates_per_epoch(len(part)) for part in parts.learned],
        is_shown=settings.verbose > 0,
        task=callback_task,
    )
    members: list[Member] = []

    def fitted(member: Member, held_out: HeldOutLogits) -> Attributes:
        return attributes(SequenceModel.blended([member, *members], held_out, previous))

    task = FitTask(
        samples,
        parts,
        plan,
        parameters,
        start,
        settings,
        seed,
        generators,
        progress,
        checkpoint,
        fitted,
    )
    prior = ClassPrior.of(samples.targets, is_drawn=validation is None)
    held_out = HeldOutLogits([part.targets for part in parts.held_out], prior)
    n_workers = 2 if plan.n_networks == 2 or parameters["bidirectional"] else 1
    with workers(settings.device, n_workers), progress:
        for kind in kinds:
            member, logits = kind.fit(task, held_out)
            if member is not None:
                members.insert(0, member)
            if logits is not None:
                held_out.add(logits, kind.expected_weight(samples, parameters))
        return SequenceModel.blended(members, held_out, previous)


@contextmanager
def fit_one_epoch(
    samples: Samples,
    *,
    parameters: Mapping[str, Any],
    start: NetworkStart,
    settings: TrainingSettings,
    rng: np.random.Generator,
    previous: SequenceModel | None,
) -> Iterator[tuple[SequenceModel, RowChanges]]:
    """Train a network for an epoch, and let n-grams learn the errors of the model before it.

    Until the context ends, nobody else begins to share the tables of the previous model.

    Parameters
    ----------
    samples : Samples
    parameters, start, settings, rng, previous
        As in `fit_model`.

    Yields
    ------
    SequenceModel
        The trained model. It shares tables with the previous one, unless others may see that. The
        tables stay as they are until the changes are written; then the previous model is not used
        any more.
    RowChanges
    """
    networks, excerpt = Networks.fit_one_epoch(
        samples,
        start,
        settings,
        rng,
        batch_size=parameters["batch_size"],
        previous=None if previous is None else previous.networks,
    )
    learns_ngrams, changes = OnlineNgrams.suits(samples, parameters), RowChanges()
    others = np.zeros((len(samples), samples.targets.n_outputs))
    if learns_ngrams and previous is not None:
        others = previous.without_online_ngrams().logits(samples.sequences)
    with SHARING.lock:  # after the training, in which a callback may have made a copy
        in_place = previous is not None and not previous.is_shared
        if excerpt is not None:
            networks = networks.with_whole_tables(excerpt, changes, in_place=in_place)
        model = SequenceModel((networks,)) if previous is None else previous.with_networks(networks)
        ngrams = model.online_ngrams
        if learns_ngrams:
            ngrams = ngrams or OnlineNgrams.of(samples, parameters["token_unit"])
            ngrams = ngrams.learned(samples, others, changes, rng, in_place=in_place)
            model = model.with_online_ngrams(ngrams)
        elif ngrams is not None and not in_place:
            model = model.with_online_ngrams(deepcopy(ngrams))
        yield replace(model, is_shared=False), changes


def _plan(
    samples: Samples,
    validation: Samples | None,
    parameters: Mapping[str, Any],
    kinds: list[type[FittedMember]],
    previous: SequenceModel | None,
) -> TrainingPlan:
    """Plan the training of the networks beside the other members.

    A network that goes on from an earlier fit has seen all samples: those that the user brings
    alone can judge it.
    """
    goes_on = previous is not None and previous.networks.is_trained
    plan = plan_training(
        samples.sequences,
        parameters,
        is_judged=len(kinds) > 1 and (validation is not None or not goes_on),
        is_new=previous is None,
        has_validation=validation is not None,
        other_work=sum(kind.work(samples) for kind in kinds),
    )
    if plan.max_epochs == 0 and len(kinds) == 1:
        (kind,) = (
            kind
            for kind in MEMBERS
            if issubclass(kind, LinearMember) and kind.reads(samples.sequences)
        )
        lacking = " and ".join(kind.lacks(samples, parameters))
        raise ValueError(
            f"max_epochs=0 fits the linear model alone, but there is none: it needs {lacking}. "
            "Change this, or leave max_epochs='auto'."
        )
    return plan
