"""Work in smaller batches, where a device has no room for larger ones."""

from collections.abc import Callable
from typing import TypeVar

import torch

Result = TypeVar("Result")

# By what has no class of error of its own: the CPU's allocator, CUDA beside torch's allocator, its libraries.
_SAID = (
    "DefaultCPUAllocator",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of torch, or the one it followed, says that memory was full, on a GPU or on the CPU."""
    following: BaseException | None = error
    while following is not None:
        if isinstance(following, torch.OutOfMemoryError) or any(said in str(following) for said in _SAID):
            return True
        following = following.__context__
    return False


def first_with_room(
    attempt: Callable[[int], Result], batch_size: int, least: int = 1
) -> tuple[int, Result] | None:
    """Try a batch, half of it, a quarter, ...: return the first size that memory has room for, and its result.

    Parameters
    ----------
    attempt : callable
        ``attempt(n_rows)`` works in batches of so many rows.
    batch_size : int
        What is tried first.
    least : int, default=1
        Where to give up: None is returned.
    """
    while batch_size >= least:
        try:
            return batch_size, attempt(batch_size)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Outside of the handler, which holds what the failed attempt took.
        torch.cuda.empty_cache()
        batch_size //= 2
    return None
