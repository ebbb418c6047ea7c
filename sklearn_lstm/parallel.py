"""Two things at the same time, each on its share of the processor's threads.

The matrix products of a recurrent step are too small to be shared by threads without loss. But two
networks have nothing to do with each other in training, nor have the directions of a layer, nor
batches in prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Result = TypeVar("Result")
Value = TypeVar("Value")

_helper: ContextVar[ThreadPoolExecutor | None] = ContextVar("helper", default=None)
_abandoned: ContextVar[Event] = ContextVar("abandoned", default=Event())  # noqa: B039 - never set


@contextmanager
def halved_threads(device: torch.device | str, n_parts: int) -> Iterator[ThreadPoolExecutor | None]:
    """Compute with half the threads of torch, and have a helper thread that uses the others.

    With one part, or on a GPU, there is nothing to share, and no helper.

    They are set once for many batches: a pool of threads that grows and shrinks within a batch
    keeps the processor busy with waiting.
    """
    n_threads = torch.get_num_threads()
    if torch.device(device).type != "cpu" or 1 in (n_threads, n_parts):
        yield None
        return
    try:
        torch.set_num_threads(n_threads // 2)
        with ThreadPoolExecutor(1) as helper:
            yield helper
    finally:
        torch.set_num_threads(n_threads)


@contextmanager
def shared_directions(device: torch.device | str, n_directions: int) -> Iterator[None]:
    """Let `together` compute the directions of a layer at the same time."""
    with halved_threads(device, n_directions) as helper:
        token = _helper.set(helper)
        try:
            yield
        finally:
            _helper.reset(token)


def together(modules: Iterable[nn.Module], x: Tensor, *more: Any) -> list[Tensor]:
    """Give ``module(x, *more)`` for each of one or two modules."""
    modules, helper = list(modules), _helper.get()
    if helper is None or len(modules) == 1:
        return [module(x, *more) for module in modules]
    if not torch.is_grad_enabled():
        return _both(helper, lambda module: module(x, *more), modules)
    weights = [[w for w in module.parameters() if w.requires_grad] for module in modules]
    results = _Together.apply(  # type: ignore[no-untyped-call]
        helper, modules, weights, more, x, *weights[0], *weights[1]
    )
    return list(results)


def in_pairs(
    device: torch.device | str, function: Callable[[Value], Result], values: Sequence[Value]
) -> list[Result]:
    """Map a function over values, two at a time."""

    def map_over(some: Sequence[Value]) -> list[Result]:
        return [function(value) for value in some]

    with halved_threads(device, len(values)) as helper:
        if helper is None:
            return map_over(values)
        halves = _both(helper, map_over, (values[::2], values[1::2]))
        return [halves[index % 2][index // 2] for index in range(len(values))]


def stop_if_abandoned() -> None:
    """End what a helper thread does once nobody waits for it any more."""
    if _abandoned.get().is_set():
        raise CancelledError


def _both(
    helper: ThreadPoolExecutor, function: Callable[[Any], Result], values: Sequence[Any]
) -> list[Result]:
    """Map a function over two values, in the modes of torch that hold here."""
    n_threads = torch.get_num_threads()
    has_gradient, is_inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    dtype, is_mixed = torch.get_autocast_dtype("cpu"), torch.is_autocast_enabled("cpu")
    abandoned = Event()

    def on_helper() -> Result:
        _abandoned.set(abandoned)
        if torch.get_num_threads() != n_threads:
            torch.set_num_threads(n_threads)
        with (
            torch.inference_mode(is_inference),
            torch.set_grad_enabled(has_gradient),
            torch.autocast("cpu", dtype, enabled=is_mixed, cache_enabled=False),
        ):
            return function(values[1])

    second = helper.submit(on_helper)
    try:
        return [function(values[0]), second.result()]
    except BaseException:
        abandoned.set()
        raise


class _Together(torch.autograd.Function):
    """Two modules with a graph of their own each, so that the way back is shared too."""

    @staticmethod
    def forward(  # noqa: PLR0917 - autograd passes by position
        ctx: Any,
        helper: ThreadPoolExecutor,
        modules: Sequence[nn.Module],
        weights: Sequence[Sequence[Tensor]],
        more: Sequence[Any],
        x: Tensor,
        *_: Tensor,
    ) -> tuple[Tensor, ...]:
        def read(module: nn.Module) -> tuple[Tensor, Tensor]:
            leaf = x.detach().requires_grad_(x.requires_grad)
            return leaf, module(leaf, *more)

        with torch.enable_grad():
            ctx.graphs = _both(helper, read, modules)
        ctx.helper, ctx.weights = helper, weights
        return tuple(result.detach() for _, result in ctx.graphs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        reads_x = int(ctx.needs_input_grad[4])

        def back(part: int) -> tuple[Tensor, ...]:
            leaf, result = ctx.graphs[part]
            return torch.autograd.grad(
                result, [*[leaf] * reads_x, *ctx.weights[part]], gradients[part]
            )

        first, second = _both(ctx.helper, back, (0, 1))
        of_x = first[0] + second[0] if reads_x else None
        return None, None, None, None, of_x, *first[reads_x:], *second[reads_x:]
