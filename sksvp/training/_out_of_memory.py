"""Use smaller batches if a device has no memory for larger ones."""

from collections.abc import Callable
from typing import TypeVar

import torch

Result = TypeVar("Result")

# Messages of errors without their own class: the CPU's allocator, CUDA outside torch's allocator, its libraries.
_SAID = (
    "DefaultCPUAllocator",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of torch, or its cause, says that a GPU or the CPU is out of memory."""
    following: BaseException | None = error
    while following is not None:
        if isinstance(following, torch.OutOfMemoryError) or any(said in str(following) for said in _SAID):
            return True
        following = following.__context__
    return False


def first_with_room(
    attempt: Callable[[int], Result], batch_size: int, least: int = 1
) -> tuple[int, Result] | None:
    """Try batches of `batch_size`, half of it, a quarter, ...; return the first size that fits, and its result.

    Parameters
    ----------
    attempt : callable
        ``attempt(n_rows)`` computes the result in batches of `n_rows` rows.
    batch_size : int
        The size that is tried first.
    least : int, default=1
        The smallest size that is tried. If it does not fit, None is returned.
    """
    while batch_size >= least:
        try:
            return batch_size, attempt(batch_size)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Within the handler the exception would keep the memory of the failed attempt alive.
        torch.cuda.empty_cache()
        batch_size //= 2
    return None
