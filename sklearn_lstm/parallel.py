"""Two things at the same time, each on its share of the processor's threads.

The matrix products of a recurrent step are too small to be shared by threads without loss. But the
directions of a layer have nothing to do with each other in training, nor batches in prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Result = TypeVar("Result")
Value = TypeVar("Value")

_helper: ContextVar[ThreadPoolExecutor | None] = ContextVar("helper", default=None)


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


def share_out(
    device: torch.device | str, function: Callable[[Value], None], values: Sequence[Value]
) -> None:
    """Call a function for each of many values, two at a time."""

    def call_for(some: Sequence[Value]) -> None:
        for value in some:
            function(value)

    with halved_threads(device, len(values)) as helper:
        if helper is None:
            call_for(values)
        else:
            _both(helper, call_for, (values[::2], values[1::2]))


def _both(
    helper: ThreadPoolExecutor, function: Callable[[Any], Result], values: Sequence[Any]
) -> list[Result]:
    """Map a function over two values, in the modes of torch that hold here."""
    n_threads = torch.get_num_threads()
    has_gradient, is_inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    dtype, is_mixed = torch.get_autocast_dtype("cpu"), torch.is_autocast_enabled("cpu")

    def on_helper() -> Result:
        if torch.get_num_threads() != n_threads:
            torch.set_num_threads(n_threads)
        with (
            torch.inference_mode(is_inference),
            torch.set_grad_enabled(has_gradient),
            torch.autocast("cpu", dtype, enabled=is_mixed),
        ):
            return function(values[1])

    second = helper.submit(on_helper)
    return [function(values[0]), second.result()]


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
