"""Which device computes, and in which arithmetic."""

import torch


def find_device(device: str | torch.device) -> torch.device:
    """Return the device; "auto" is the GPU if there is one.

    Raises
    ------
    ValueError
        If torch does not know the device, or does not have it here.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(device)
        if found.type != "cpu":
            torch.empty(1, device=found).fill_(0).cpu()
    except (RuntimeError, TypeError, AssertionError, NotImplementedError):
        name, numbers = torch.accelerator.current_accelerator(), torch.accelerator.device_count()
        here = ", ".join(["'cpu'", *(f"'{name}:{number}'" for number in range(numbers))])
        raise ValueError(
            f"device={str(device)!r} is none of those that torch has here: {here}. Leave it 'auto'."
        ) from None
    return found


def prefers_bfloat16(device: torch.device) -> bool:
    """Return whether the device multiplies in bfloat16 faster than in float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    tests = "_is_avx512_bf16_supported", "_is_amx_tile_supported"
    return device.type == "cpu" and any(getattr(torch.cpu, test, bool)() for test in tests)


def exact(tensor: torch.Tensor) -> torch.Tensor:
    """Return the tensor in float64 where the device has it: sums no longer depend on the batch."""
    return tensor if tensor.device.type == "mps" else tensor.double()
