"""Training steps on a GPU, recorded once and replayed, so that kernels need not wait for Python to launch them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

# Steps that run as they come before one is recorded: libraries choose their kernels in these.
_EAGER_STEPS = 3

# From so many on, what cuDNN takes to try its kernels, a second or two for a network, is won back.
_STEPS_WORTH_TRYING = 4000

# Of trainings in several threads one records, or tries kernels, at a time.
_lock = threading.RLock()

# From inputs and labels on the device to logits and loss.
Forward = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class RecordedStep:
    """Forward and backward passes of a network, as one CUDA graph [1]_.

    A small network's step is hundreds of kernels of a few microseconds each,
    which Python launches more slowly than the GPU runs them. The first batches
    train as they come; then the launches of one batch are recorded, and batches of
    the same shape replay them. A batch of another shape, as the last of an
    epoch, trains as it comes. Every batch is a training step of its own, so that
    results differ from unrecorded ones by rounding at most. That holds for kernels
    chosen by trial too.

    Parameters
    ----------
    network : torch.nn.Module
        In training mode, on a GPU.
    forward : callable
        ``forward(inputs, y) -> logits, loss``; it must not wait for the GPU.
    n_steps : int
        Steps to come, about. For many, cuDNN tries some kernels and takes the fastest,
        unless this process has run the same convolutions before.

    References
    ----------
    .. [1] PyTorch documentation, "CUDA semantics: CUDA graphs".
    """

    def __init__(self, network: nn.Module, forward: Forward, *, n_steps: int):
        self._network = network
        self._forward = forward
        self._tries_kernels = n_steps >= _STEPS_WORTH_TRYING
        self._stream = torch.cuda.Stream(next(network.parameters()).device)
        self._learning: tuple[bool, ...] | None = None
        self._shape: torch.Size | None = None
        self._n_eager = 0
        self._recording: _Recording | None = None

    def begin_epoch(self) -> None:
        """Record anew where other parameters learn than before, and nothing while the network has hooks."""
        learning: tuple[bool, ...] | None = tuple(
            parameter.requires_grad for parameter in self._network.parameters()
        )
        if _has_hooks(self._network):
            learning = None
        if learning != self._learning:
            self._learning = learning
            self._n_eager, self._recording = 0, None

    def __call__(self, inputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the gradients of a batch; return its logits and loss, detached and its own to keep."""
        self._shape = self._shape or inputs.shape
        if self._learning is None or inputs.shape != self._shape:
            return self._run(inputs, y)
        if self._recording is not None:
            return self._recording.replay(inputs, y)
        with trying_kernels(self._tries_kernels):
            if self._n_eager < _EAGER_STEPS:
                self._n_eager += 1
                return self._run(inputs, y)
            self._recording = self._record(inputs.clone(), y.clone())
        return self._recording.replay(inputs, y)

    def _run(self, inputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        self._drop_gradients()
        # On the stream that records: what autograd keeps of a parameter stays on the stream of its first use.
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            logits, loss = self._forward(inputs, y)
            loss.backward()
        torch.cuda.current_stream().wait_stream(self._stream)
        return logits.detach(), loss.detach()

    def _record(self, inputs: Tensor, y: Tensor) -> "_Recording":
        # Without any, the recorded backward pass writes gradients instead of adding to them.
        self._drop_gradients()
        graph = torch.cuda.CUDAGraph()
        # Other threads may use the GPU meanwhile, to read rows ahead.
        recording = torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local")
        with _lock, recording:
            logits, loss = self._forward(inputs, y)
            loss.backward()
        gradients = [(parameter, parameter.grad) for parameter in self._network.parameters()]
        return _Recording(graph, inputs, y, logits.detach(), loss.detach(), gradients)

    def _drop_gradients(self) -> None:
        for parameter in self._network.parameters():
            parameter.grad = None


class _Recording(NamedTuple):
    """A graph, and the tensors that it reads and writes in every replay."""

    graph: torch.cuda.CUDAGraph
    inputs: Tensor
    y: Tensor
    logits: Tensor
    loss: Tensor
    gradients: list[tuple[nn.Parameter, Tensor | None]]

    def replay(self, inputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        self.inputs.copy_(inputs)
        self.y.copy_(y)
        self.graph.replay()
        for parameter, gradient in self.gradients:
            parameter.grad = gradient
        return self.logits.clone(), self.loss.clone()


@contextmanager
def trying_kernels(tries: bool) -> Iterator[None]:
    """Let cuDNN choose by trial, unless the user wants the same results in every run."""
    cudnn = torch.backends.cudnn
    if not tries or cudnn.deterministic or torch.are_deterministic_algorithms_enabled():
        yield
        return
    # The setting is the process's: those of two threads must not overlap.
    with _lock:
        before = cudnn.benchmark
        cudnn.benchmark = True
        try:
            yield
        finally:
            cudnn.benchmark = before


def _has_hooks(network: nn.Module) -> bool:
    """Tell whether something wants to be called with each pass, which a replay does not do."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return any(getattr(module, kind) for module in network.modules() for kind in kinds)
