"""The processes that train one network together, by Hugging Face accelerate."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .._device import resolve_device


class Team:
    """One process alone: what `AcceleratedTeam` does for several costs nothing here.

    Attributes
    ----------
    device : torch.device
        Of this process.
    rank, size : int
        This process's number, and how many there are.
    """

    def __init__(self, device: str | torch.device):
        self.device = resolve_device(device)
        self.rank = 0
        self.size = 1

    def share(self, value: Any) -> Any:
        """Return the first process's value in all of them."""
        return value

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over the processes of equally shaped values."""
        return values

    def unite(self, values: Tensor) -> Tensor:
        """Return the values of all processes, of which each fills its own places and has zeros elsewhere."""
        return values

    def check_same(self, what: str, value: str) -> None:
        """Check that all processes have the same value."""

    @contextmanager
    def training(self, module: nn.Module) -> Iterator[nn.Module]:
        """Yield `module` as it is to be trained, with gradients that are the mean over the processes."""
        yield module

    def align(self, module: nn.Module) -> None:
        """Give all processes the first one's buffers: running statistics are of a process's own rows."""


class AcceleratedTeam(Team):
    """All processes that ``torchrun`` or ``accelerate launch`` started.

    Parameters
    ----------
    device : str or torch.device
        "auto", "cpu" or "cuda": each process takes the GPU of its local rank.

    Raises
    ------
    ImportError
        Where accelerate is not installed.
    ValueError
        For more processes than GPUs on this machine, or a GPU that is named by its number.
    """

    def __init__(self, device: str | torch.device):
        accelerate = _import_accelerate()
        on_gpu = torch.cuda.is_available() if str(device) == "auto" else torch.device(device).type == "cuda"
        if str(device).startswith("cuda:"):
            raise ValueError(
                f"device={str(device)!r} names one GPU, but with distributed=True each process takes the GPU of its "
                "local rank: use 'cuda' or 'auto'."
            )
        n_local, n_devices = int(os.environ.get("LOCAL_WORLD_SIZE", 1)), torch.cuda.device_count()
        if on_gpu and n_local > n_devices:
            raise ValueError(
                f"distributed=True: {n_local} processes were started on this machine, but torch sees {n_devices} "
                f"CUDA device(s): start as many as there are devices, or train with device='cpu'."
            )
        self._accelerator = accelerate.Accelerator(cpu=not on_gpu)
        self.device = resolve_device(self._accelerator.device)
        self.rank = int(self._accelerator.process_index)
        self.size = int(self._accelerator.num_processes)

    def share(self, value: Any) -> Any:
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0] if self.size > 1 else value

    def mean(self, values: Tensor) -> Tensor:
        return self._accelerator.reduce(values, reduction="mean")

    def unite(self, values: Tensor) -> Tensor:
        numbers = values.to(torch.int32) if values.dtype == torch.bool else values
        return self._accelerator.reduce(numbers, reduction="sum").to(values.dtype)

    def check_same(self, what: str, value: str) -> None:
        from accelerate.utils import gather_object

        values = gather_object([value])
        if len(set(values)) > 1:
            raise ValueError(
                f"distributed=True: all processes must be given the same {what}, got {', '.join(values)}. The rows are "
                "shared among them by the training itself."
            )

    @contextmanager
    def training(self, module):
        try:
            yield self._accelerator.prepare_model(module) if self.size > 1 else module
        finally:
            # The optimiser needs no wrapper: its parameters are the module's own.
            self._accelerator.free_memory()

    def align(self, module):
        from accelerate.utils import broadcast

        for buffer in module.buffers() if self.size > 1 else ():
            buffer.copy_(broadcast(buffer.detach().clone()))


def join_team(distributed: bool, device: str | torch.device) -> Team:
    """Return the processes that train together: those that were started, or this one alone."""
    return AcceleratedTeam(device) if distributed else Team(device)


def _import_accelerate() -> Any:
    try:
        import accelerate
    except ImportError as error:
        raise ImportError(
            "distributed=True needs Hugging Face accelerate: pip install accelerate."
        ) from error
    return accelerate
