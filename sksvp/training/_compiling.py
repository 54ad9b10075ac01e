"""Apply torch.compile to a network block by block, for the batches of a training."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

# Limit of compiled versions per process, over all networks, image sizes and batch sizes.
_MAX_VERSIONS = 256
# Modes in which torch.compile records its own CUDA graphs.
_RECORDING_MODES = ("reduce-overhead", "max-autotune")

# With older versions the process crashes when one thread recompiles the code of another.
_BEARS_THREADS = torch.__version__ >= "2.13"


class CompiledBlocks:
    """The blocks of a network, which run compiled within `in_use`.

    Blocks of the same shapes share their code, so that a network of 54 blocks
    takes as long to compile as one of 6. The network's names, state and pickles
    do not change.

    Parameters
    ----------
    network : torch.nn.Module
        The network. Its `blocks` are compiled one by one; a network without this
        attribute is compiled as a whole.
    **options
        Options of `torch.compile`.

    Attributes
    ----------
    records : bool
        Whether torch.compile records CUDA graphs itself with these options.
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
        """Run compiled code for calls of the network within the context."""
        with ExitStack() as stack, _many_versions():
            for block, forward in self._compiled:
                block.forward = forward
                # Deleting the attribute restores the method of the class.
                stack.callback(delattr, block, "forward")
            yield


def may_compile() -> bool:
    """Tell whether this thread may compile.

    Warns
    -----
    UserWarning
        If it may not.
    """
    if _BEARS_THREADS or threading.current_thread() is threading.main_thread():
        return True
    warnings.warn(
        f"net_params['compile'] is ignored: torch {torch.__version__} must not compile in several threads, and this "
        "is not the main one. Use torch 2.13 or later, or processes instead of threads.",
        UserWarning,
        stacklevel=2,
    )
    return False


@contextmanager
def _many_versions() -> Iterator[None]:
    """Let torch keep the code of many blocks; beyond its default limit of 8 they would run uncompiled."""
    # This import is slow, and torch.compile needs it in any case.
    from torch._dynamo import config

    # The second name is that of torch before 2.7.
    name = "recompile_limit" if hasattr(config, "recompile_limit") else "cache_size_limit"
    with config.patch({name: _MAX_VERSIONS}):
        yield
