"""Training steps on a GPU, recorded once and replayed, so that kernels need not wait for Python to launch them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ._out_of_memory import is_out_of_memory

# Steps that run as they come before one is recorded: libraries choose their kernels in these.
_EAGER_STEPS = 3

# From so many on, what cuDNN takes to try its kernels, a second or two for a network, is won back.
_STEPS_WORTH_TRYING = 4000

# Of trainings in several threads one records, or runs what may wait for the whole GPU, at a time.
_lock = threading.RLock()


class _Streams(threading.local):
    """Of this thread, by device. Memory is kept by stream, and torch has few of them."""

    def __init__(self) -> None:
        self.by_device: dict[torch.device, torch.cuda.Stream] = {}

    def on(self, device: torch.device) -> torch.cuda.Stream:
        if device not in self.by_device:
            self.by_device[device] = torch.cuda.Stream(device)
        return self.by_device[device]


_streams = _Streams()

# From inputs and labels on the device to logits and loss.
Forward = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

# A module's parameters or buffers, by name.
Tensors = Mapping[str, Tensor | None]


class RecordedStep:
    """Forward and backward passes of a network, as one CUDA graph [1]_.

    A small network's step is hundreds of kernels of a few microseconds each,
    which Python launches more slowly than the GPU runs them. The first batches
    train as they come; then the launches of one batch are recorded, and batches of
    the same shape replay them. A batch of another shape, as the last of an
    epoch, trains as it comes. Every batch is a training step of its own, so that
    results differ from unrecorded ones by rounding at most. That holds for kernels
    chosen by trial too.

    What callbacks and optimisers change is heeded. Between epochs they may change
    anything: the step is recorded anew. Within an epoch weights may change in place;
    once a tensor is replaced by another, all batches train as they come. So they do
    where memory has no room for the recording.

    Parameters
    ----------
    device : torch.device
        A GPU.
    forward : callable
        ``forward(inputs, y) -> logits, loss``; it must not wait for the GPU.
    n_steps : int
        Steps to come, about. For many, cuDNN tries some kernels and takes the fastest,
        unless this process has run the same convolutions before.

    References
    ----------
    .. [1] PyTorch documentation, "CUDA semantics: CUDA graphs".
    """

    def __init__(self, device: torch.device, forward: Forward, *, n_steps: int):
        self._forward = forward
        self._tries_kernels = n_steps >= _STEPS_WORTH_TRYING
        self._stream = _streams.on(device)
        self._records = True
        self._terms: _Terms | None = None
        self._shape: torch.Size | None = None
        self._n_eager = 0
        self._recording: _Recording | None = None

    def begin_epoch(self, network: nn.Module, criterion: nn.Module, dtype: torch.dtype) -> None:
        """Record anew where passes are others than before, and nothing while something looks into each.

        Parameters
        ----------
        network, criterion : torch.nn.Module
            What `forward` calls, on the device. A criterion other than
            `torch.nn.CrossEntropyLoss` may wait for the GPU, and is not recorded.
        dtype : torch.dtype
            Of the passes.
        """
        self._network = network
        terms = None
        is_known = type(criterion) is nn.CrossEntropyLoss
        if self._records and is_known and not (_has_hooks(network) or torch.is_anomaly_enabled()):
            terms = _Terms.of(network, criterion, dtype)
        if terms is None or not terms.hold(self._terms):
            self._n_eager, self._recording = 0, None
        self._terms = terms

    def __call__(self, inputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the gradients of a batch; return its logits and loss, detached and its own to keep."""
        self._shape = self._shape or inputs.shape
        if self._terms is None or inputs.shape != self._shape:
            return self._run_beside(inputs, y)
        if not self._terms.are_in_place():
            self._record_no_more()
            return self._run(inputs, y)
        if self._recording is None:
            with trying_kernels(self._tries_kernels):
                if self._n_eager < _EAGER_STEPS:
                    self._n_eager += 1
                    return self._run(inputs, y)
                self._recording = self._record(inputs.clone(), y.clone())
            if self._recording is None:
                self._record_no_more()
                return self._run(inputs, y)
        return self._recording.replay(inputs, y)

    def _run_beside(self, inputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Run a batch as it comes. Where there is no room for it beside the recording, that one is let go."""
        if self._recording is not None:
            try:
                return self._run(inputs, y)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            # Outside of the handler, which holds what the failed attempt took.
            self._record_no_more()
        return self._run(inputs, y)

    def _run(self, inputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        self._drop_gradients()
        current = torch.cuda.current_stream(self._stream.device)
        # On the stream that records: what autograd keeps of a parameter stays on the stream of its first use.
        self._stream.wait_stream(current)
        with _lock, torch.cuda.stream(self._stream):
            logits, loss = self._forward(inputs, y)
            loss.backward()
        current.wait_stream(self._stream)
        return logits.detach(), loss.detach()

    def _record(self, inputs: Tensor, y: Tensor) -> "_Recording | None":
        """Record a step, without running it; None where memory has no room for one."""
        # Without any, the recorded backward pass writes gradients instead of adding to them.
        self._drop_gradients()
        graph = torch.cuda.CUDAGraph()
        current = torch.cuda.current_stream(self._stream.device)
        # Other threads may use the GPU meanwhile, to read rows ahead.
        recording = torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local")
        try:
            # Back on the current stream also where the recording cannot be ended.
            with _lock, torch.cuda.stream(current), recording:
                logits, loss = self._forward(inputs, y)
                loss.backward()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return None
        gradients = [(parameter, parameter.grad) for parameter in self._network.parameters()]
        return _Recording(graph, inputs, y, logits.detach(), loss.detach(), gradients)

    def _record_no_more(self) -> None:
        self._records, self._terms, self._recording = False, None, None
        # What the recording held serves other batches only so.
        torch.cuda.empty_cache()

    def _drop_gradients(self) -> None:
        for parameter in self._network.parameters():
            parameter.grad = None


class _Terms(NamedTuple):
    """What a recorded pass takes for granted."""

    holders: list[Tensors]
    places: list[int]
    settings: list

    @classmethod
    def of(cls, network: nn.Module, criterion: nn.Module, dtype: torch.dtype) -> "_Terms":
        modules = [*network.modules(), *criterion.modules()]
        holders: list[Tensors] = [
            tensors for module in modules for tensors in (module._parameters, module._buffers) if tensors
        ]
        learning = [parameter.requires_grad for parameter in network.parameters()]
        # A forward method of a module's own goes before that of its class.
        code = [part for module in modules for part in (type(module), vars(module).get("forward"))]
        # Momenta, rates, sizes and the like. Each pass sees to it that the network trains.
        settings = [
            value
            for module in modules
            for name, value in vars(module).items()
            if name != "training" and _is_plain(value)
        ]
        return cls(holders, _places(holders), [dtype, *learning, *code, *settings])

    def hold(self, before: "_Terms | None") -> bool:
        return before is not None and (self.places, self.settings) == (before.places, before.settings)

    def are_in_place(self) -> bool:
        """Tell whether all tensors lie where they did."""
        return _places(self.holders) == self.places


def _places(holders: list[Tensors]) -> list[int]:
    return [tensor.data_ptr() for tensors in holders for tensor in tensors.values() if tensor is not None]


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


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


def can_record(device: torch.device) -> bool:
    """Tell whether steps on a device can be recorded."""
    return device.type == "cuda"


def _has_hooks(network: nn.Module) -> bool:
    """Tell whether something wants to be called with each pass, which a replay does not do."""
    of_modules = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    of_parameters = ("_backward_hooks", "_post_accumulate_grad_hooks")
    return any(getattr(module, kind) for module in network.modules() for kind in of_modules) or any(
        getattr(parameter, kind) for parameter in network.parameters() for kind in of_parameters
    )
