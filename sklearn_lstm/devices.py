"""Where to compute, in what arithmetic, and from which random numbers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_global_state = threading.RLock()  # torch has one random state for all threads


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw from torch's random state as if it started at `seed`; leave it as it was found."""
    devices = [device] if device.type == "cuda" else []
    with _global_state, torch.random.fork_rng(devices), torch.enable_grad():
        torch.manual_seed(seed)
        yield


def find_device(device: str | torch.device, *, or_cpu: bool = False) -> torch.device:
    """Give the device; "auto" is the GPU if there is one.

    With `or_cpu` the processor stands in for a GPU that is not there.

    Raises
    ------
    ValueError
        If there is no such device.
    """
    has_gpu = torch.cuda.is_available()
    if device == "auto":
        device = "cuda" if has_gpu else "cpu"
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is no device that torch knows.") from error
    if found.type == "cuda" and not has_gpu:
        if or_cpu:
            return torch.device("cpu")
        raise ValueError(f"device={device!r}, but torch finds no GPU here. Leave device='auto'.")
    return found


def prefers_bfloat16(device: str | torch.device) -> bool:
    """Tell whether the device multiplies in bfloat16 faster than in float32."""
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return kind == "cpu" and any(
        getattr(torch.cpu, test, bool)()
        for test in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
