"""What a user is told when a device has no room for a training."""

from collections.abc import Callable

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of torch says that memory was full, on a GPU or on the CPU."""
    # The CPU's allocator has no class of error of its own.
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)


def largest_batch(train_on: Callable[[int], None], batch_size: int) -> int | None:
    """Return the first of half, a quarter, ... of a batch that has room; None where not even two rows have.

    Parameters
    ----------
    train_on : callable
        ``train_on(n_rows)`` runs a network forward and backward on so many rows.
    batch_size : int
        What had no room.
    """
    size = batch_size // 2
    while size >= 2:
        try:
            train_on(size)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            has_room = False
        else:
            has_room = True
        # Outside of the handler, which holds what the failed attempt took.
        torch.cuda.empty_cache()
        if has_room:
            return size
        size //= 2
    return None
