"""The processes that train one network together, by Hugging Face accelerate."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .._device import resolve_device


class Team:
    """One process alone; the methods of `AcceleratedTeam` do nothing here.

    Attributes
    ----------
    device : torch.device
        Device of this process.
    rank, size : int
        Number of this process, and number of processes.
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
        """Return the sum over the processes of values that are zero where another process has a value."""
        return values

    def check_same(self, what: str, value: str) -> None:
        """Check that all processes have the same value."""

    @contextmanager
    def training(self, module: nn.Module) -> Iterator[nn.Module]:
        """Yield the module to train, whose gradients are the mean over the processes."""
        yield module

    def align(self, module: nn.Module) -> None:
        """Copy the buffers of the first process to all: each has running statistics of its own rows."""


class AcceleratedTeam(Team):
    """All processes that ``torchrun`` or ``accelerate launch`` started, two or more.

    Parameters
    ----------
    device : str or torch.device
        "auto", "cpu" or "cuda": each process takes the GPU of its local rank.

    Raises
    ------
    ImportError
        If accelerate is not installed.
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
                f"CUDA device(s): start one process per device, or train with device='cpu'."
            )
        self._accelerator = accelerate.Accelerator(cpu=not on_gpu)
        self.device = resolve_device(self._accelerator.device)
        self.rank = int(self._accelerator.process_index)
        self.size = int(self._accelerator.num_processes)

    def share(self, value: Any) -> Any:
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]

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
            yield self._accelerator.prepare_model(module)
        finally:
            # The optimizer needs no wrapper, since its parameters are those of the module.
            self._accelerator.free_memory()

    def align(self, module):
        from accelerate.utils import broadcast

        for buffer in module.buffers():
            buffer.copy_(broadcast(buffer.detach().clone()))


def join_team(distributed: bool, device: str | torch.device) -> Team:
    """Return the processes that train together: all that were started, or this one alone."""
    team = AcceleratedTeam(device) if distributed else Team(device)
    return team if team.size > 1 else Team(team.device)


def _import_accelerate() -> Any:
    try:
        import accelerate
    except ImportError as error:
        raise ImportError(
            "distributed=True needs Hugging Face accelerate: pip install accelerate."
        ) from error
    return accelerate
