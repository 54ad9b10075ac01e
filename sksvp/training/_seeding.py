"""Seed torch's global generators for a block and restore them, also if several threads train at the same time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

_lock = threading.RLock()


@contextmanager
def alone_with_torch() -> Iterator[None]:
    """Have blocks of other threads that seed or draw from torch's generators wait until this one has ended."""
    with _lock:
        yield


@dataclass(eq=False)
class _Loan:
    """States of the generators before a block began, by device."""

    before: dict[torch.device, Tensor]


_open_loans: list[_Loan] = []


@contextmanager
def seeded_torch(seed: int, device: torch.device, *, alone: bool = False) -> Iterator[None]:
    """Seed torch's generators for a block and restore them afterwards.

    Unlike with ``torch.random.fork_rng``, blocks of several threads may overlap. When
    the last block ends, the generators have the state from before the first.

    Parameters
    ----------
    seed : int
        Seed of the CPU and of all GPUs.
    device : torch.device
        Device whose generator is restored, beside that of the CPU.
    alone : bool, default=False
        Whether blocks of other threads wait until this one ends. Blocks that draw
        weights need this. A long training does not: it has generators of its own.
    """
    with _lock if alone else nullcontext():
        with _lock:
            devices = {torch.device("cpu"), device if device.type == "cuda" else torch.device("cpu")}
            loan = _Loan({lent: _generator_state(lent) for lent in devices})
            _open_loans.append(loan)
            torch.manual_seed(seed)
        try:
            yield
        finally:
            with _lock:
                _give_back(loan)


def _give_back(loan: _Loan) -> None:
    place = _open_loans.index(loan)
    del _open_loans[place]
    if place < len(_open_loans):
        # A later block of another thread still runs; it will restore the state that this one found.
        _open_loans[place].before |= loan.before
        return
    for device, state in loan.before.items():
        if device.type == "cuda":
            torch.cuda.set_rng_state(state, device)
        else:
            torch.set_rng_state(state)


def _generator_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()
