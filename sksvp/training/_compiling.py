"""torch.compile for the batches of a training, block by block."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

# Different blocks that a process may compile, of all its networks, image sizes and batch sizes.
_MAX_VERSIONS = 256
# With these torch.compile records CUDA graphs of its own.
_RECORDING_MODES = ("reduce-overhead", "max-autotune")

# Before, a process crashes where one thread's code is compiled anew by another.
_BEARS_THREADS = torch.__version__ >= "2.13"


class CompiledBlocks:
    """The blocks of a network, to be run compiled now and then.

    Blocks of the same shapes share their code, so that a network of 54 blocks
    takes as long to compile as one of 6. The network itself stays as it is, with its names, state and
    pickles, and so does what others do with it meanwhile.

    Parameters
    ----------
    network : torch.nn.Module
        Its `blocks`, if it has that attribute, are compiled one by one, else it as a whole.
    **options
        As of `torch.compile`.

    Attributes
    ----------
    records : bool
        Whether torch.compile records CUDA graphs itself, as its options ask for.
    """

    def __init__(self, network: nn.Module, **options):
        self.records = (
            options.get("mode") in _RECORDING_MODES
            or options.get("backend") == "cudagraphs"
            or bool((options.get("options") or {}).get("triton.cudagraphs"))
        )
        blocks = getattr(network, "blocks", [network])
        self._compiled = [(block, torch.compile(block.forward, **options)) for block in blocks]

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Run compiled code where the network is called within the block."""
        with ExitStack() as stack, _many_versions():
            for block, forward in self._compiled:
                block.forward = forward
                # The method of the class comes back.
                stack.callback(delattr, block, "forward")
            yield


def may_compile() -> bool:
    """Tell whether this thread may compile.

    Warns
    -----
    UserWarning
        Where it may not.
    """
    if _BEARS_THREADS or threading.current_thread() is threading.main_thread():
        return True
    warnings.warn(
        f"net_params['compile'] is left out: torch {torch.__version__} must not compile in several threads, and this "
        "is not the main one. Take torch 2.13 or later, or processes in place of threads.",
        UserWarning,
        stacklevel=2,
    )
    return False


@contextmanager
def _many_versions() -> Iterator[None]:
    """Let torch keep the code of many blocks: beyond its own limit of 8 they would run uncompiled."""
    # Slow to load, and loaded by torch.compile in any case.
    from torch._dynamo import config

    # Named so before torch 2.7.
    name = "recompile_limit" if hasattr(config, "recompile_limit") else "cache_size_limit"
    with config.patch({name: _MAX_VERSIONS}):
        yield
