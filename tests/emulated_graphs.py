"""CUDA graphs, emulated on the CPU: what is launched while one is recorded runs again, on the same memory, in a replay.

As on a GPU, recording computes nothing that lasts, nothing may look at a value meanwhile, and a replay knows no Python:
settings and tensors are those of the recording. What this cannot show are races between streams, and memory that
is given back while a graph still uses it.
"""

from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from sksvp.training import _net, _recorded_step


class Stream:
    """Notes which streams wait for which."""

    waits: list[tuple["Stream", "Stream"]] = []

    def __init__(self, device: Any = None, name: str = "side"):
        self.device = torch.device("cpu" if device is None else device)
        self.name = name

    def wait_stream(self, other: "Stream") -> None:
        Stream.waits.append((self, other))

    def __repr__(self) -> str:
        return f"{self.name} of {self.device}"


class Graph:
    def __init__(self) -> None:
        self.calls: list[tuple] = []
        self.n_replays = 0

    def replay(self) -> None:
        self.n_replays += 1
        with torch.no_grad():
            for function, args, kwargs, results in self.calls:
                new = function(*args, **kwargs)
                for kept, result in zip(tree_leaves(results), tree_leaves(new), strict=True):
                    if isinstance(kept, Tensor) and kept.data_ptr() != result.data_ptr():
                        kept.copy_(result)


class _Recorder(TorchDispatchMode):
    def __init__(self, graph: Graph):
        super().__init__()
        self.graph = graph

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        results = func(*args, **(kwargs or {}))
        # Detached: whatever is done with these tensors later, their memory is what counts.
        self.graph.calls.append(tree_map(_detached, (func, args, kwargs or {}, results)))
        return results


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


@contextmanager
def _nothing(*args, **kwargs):
    yield


@contextmanager
def _record(graph: Graph, stream: Stream, capture_error_mode: str):
    with _Recorder(graph):
        yield


def emulate(monkeypatch: pytest.MonkeyPatch) -> list[Graph]:
    """Have trainings on the CPU record their steps; the graphs that they record."""
    made: list[Graph] = []
    record = _recorded_step.RecordedStep._record

    def make() -> Graph:
        made.append(Graph())
        return made[-1]

    def record_without_effect(self, *args):
        buffers = [(buffer, buffer.clone()) for buffer in self._network.buffers()]
        recording = record(self, *args)
        for buffer, before in buffers:
            buffer.copy_(before)
        return recording

    for name, fake in {
        "Stream": Stream,
        "current_stream": lambda device=None: Stream("cpu" if device is None else device, "current"),
        "stream": _nothing,
        "CUDAGraph": make,
        "graph": _record,
    }.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    monkeypatch.setattr(_recorded_step.RecordedStep, "_record", record_without_effect)
    monkeypatch.setattr(_recorded_step, "_streams", _recorded_step._Streams())
    monkeypatch.setattr(_net, "can_record", lambda device: True)
    Stream.waits = []
    return made
