"""Training steps on a GPU, recorded once and replayed, so that kernels need not wait for Python to launch them."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ._out_of_memory import is_out_of_memory

# Number of ordinary steps before one is recorded; libraries choose their kernels in them.
_EAGER_STEPS = 3

# Number of steps from which the second or two that cuDNN needs to try its kernels pays.
_STEPS_WORTH_TRYING = 4000

# Only one thread at a time records, or runs kernels that may wait for the whole GPU.
_lock = threading.RLock()


class _Streams(threading.local):
    """Streams of this thread, by device; torch keeps memory by stream and has few streams."""

    def __init__(self) -> None:
        self.by_device: dict[torch.device, torch.cuda.Stream] = {}

    def on(self, device: torch.device) -> torch.cuda.Stream:
        if device not in self.by_device:
            self.by_device[device] = torch.cuda.Stream(device)
        return self.by_device[device]


_streams = _Streams()

# Function from inputs and labels on the device to logits and loss.
Forward = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

# A module's parameters or buffers, by name.
Tensors = Mapping[str, Tensor | None]


class RecordedStep:
    """Forward and backward passes of a network, as one CUDA graph [1]_.

    A step of a small network is hundreds of kernels of a few microseconds each.
    Python launches them more slowly than the GPU runs them. The first batches run
    without a recording. Then the launches of one batch are recorded, and batches of
    the same shape replay them. Batches of another shape, such as the last of an
    epoch, run without the recording. Every batch is still a training step of its
    own, so the results differ from unrecorded ones by rounding at most, also with
    kernels chosen by trial.

    Callbacks and optimizers may change the network. Changes between epochs are
    found, and the step is recorded again. Within an epoch weights may change in
    place. If a tensor is replaced by another, or memory has no room for the
    recording, all further batches run without one.

    Parameters
    ----------
    device : torch.device
        A GPU.
    forward : callable
        ``forward(inputs, y) -> logits, loss``; it must not wait for the GPU.
    n_steps : int
        Approximate number of steps. If it is large, cuDNN tries several kernels and
        uses the fastest, unless this process has run the same convolutions before.

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
        """Prepare an epoch: record again if the passes have changed, and not at all if hooks watch them.

        Parameters
        ----------
        network, criterion : torch.nn.Module
            Modules that `forward` calls, on the device. A criterion other than
            `torch.nn.CrossEntropyLoss` may wait for the GPU and is not recorded.
        dtype : torch.dtype
            Precision of the passes.
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
        """Compute the gradients of a batch; return copies of its logits and loss, detached."""
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
        """Run a batch without the recording; if memory has no room for both, drop the recording."""
        if self._recording is not None:
            try:
                return self._run(inputs, y)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            # Within the handler the exception would keep the memory of the failed attempt alive.
            self._record_no_more()
        return self._run(inputs, y)

    def _run(self, inputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        self._drop_gradients()
        current = torch.cuda.current_stream(self._stream.device)
        # The stream that records also runs these steps, because autograd keeps a parameter's stream of first use.
        self._stream.wait_stream(current)
        with _lock, torch.cuda.stream(self._stream):
            logits, loss = self._forward(inputs, y)
            loss.backward()
        current.wait_stream(self._stream)
        return logits.detach(), loss.detach()

    def _record(self, inputs: Tensor, y: Tensor) -> "_Recording | None":
        """Record a step without running it; return None if memory has no room for it."""
        # If there are no gradients, the recorded backward pass writes them instead of adding to them.
        self._drop_gradients()
        graph = torch.cuda.CUDAGraph()
        current = torch.cuda.current_stream(self._stream.device)
        # Other threads may use the GPU at the same time, to read rows ahead.
        recording = torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local")
        try:
            # The outer context restores the current stream even if the recording cannot be ended.
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
        # Only then can other batches use the memory of the recording.
        torch.cuda.empty_cache()

    def _drop_gradients(self) -> None:
        for parameter in self._network.parameters():
            parameter.grad = None


class _Terms(NamedTuple):
    """Properties of network and criterion that a recording depends on."""

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
        # A module's own forward method takes precedence over that of its class.
        code = [part for module in modules for part in (type(module), vars(module).get("forward"))]
        # Momenta, rates, sizes and the like; `forward` itself sets the training mode.
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
        """Tell whether no tensor has moved in memory."""
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
    """Let cuDNN choose kernels by trial, unless the user asked for deterministic results."""
    cudnn = torch.backends.cudnn
    if not tries or cudnn.deterministic or torch.are_deterministic_algorithms_enabled():
        yield
        return
    # The setting belongs to the process, so blocks of two threads must not overlap.
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
    """Tell whether the network has hooks, which a replay does not call."""
    of_modules = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    of_parameters = ("_backward_hooks", "_post_accumulate_grad_hooks")
    return any(getattr(module, kind) for module in network.modules() for kind in of_modules) or any(
        getattr(parameter, kind) for parameter in network.parameters() for kind in of_parameters
    )
