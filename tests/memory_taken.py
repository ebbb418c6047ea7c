"""How much memory a call takes."""

import tracemalloc

import torch
from torch.utils._python_dispatch import TorchDispatchMode


def peak_bytes(call):
    """Return the most memory of Python and NumPy that a call takes beside what was there."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class LargestTensor(TorchDispatchMode):
    """Note the largest tensor that the calling thread makes while it is on, but for those given."""

    def __init__(self, existing=()):
        super().__init__()
        self.existing = {tensor.untyped_storage().data_ptr() for tensor in existing}
        self.n_bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            is_plain = isinstance(tensor, torch.Tensor) and tensor.layout is torch.strided
            # Bytes are scratch space of a layer: large, but for one batch only.
            if is_plain and tensor.dtype != torch.uint8:
                storage = tensor.untyped_storage()
                if storage.data_ptr() not in self.existing:
                    self.n_bytes = max(self.n_bytes, storage.nbytes())
        return result
