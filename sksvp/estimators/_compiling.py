"""torch.compile for the batches of a training, block by block."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

# Different blocks that a process may compile, of all its networks, image sizes and batch sizes.
_MAX_VERSIONS = 256


def compile_blocks(network: nn.Module, **options) -> None:
    """Compile the blocks of a network, in place; one without blocks as a whole.

    Blocks of the same shapes share their code, so that a network of 54 blocks
    takes as long as one of 6. Names, state and pickles of the network stay as they are.

    Parameters
    ----------
    network : torch.nn.Module
        Its `blocks`, if it has that attribute, are compiled one by one.
    **options
        As of `torch.compile`.
    """
    for block in getattr(network, "blocks", [network]):
        block.compile(**options)


@contextmanager
def many_versions() -> Iterator[None]:
    """Let torch keep the code of many blocks: beyond its own limit of 8 they would silently run uncompiled."""
    # Slow to load, and loaded by `compile` in any case.
    import torch._dynamo

    with torch._dynamo.config.patch(recompile_limit=_MAX_VERSIONS):
        yield


@contextmanager
def uncompiled() -> Iterator[None]:
    """Run the operations of compiled blocks as they come, for batches that are not worth code of their own."""
    # In torch before 2.6 they get it all the same.
    if not hasattr(torch.compiler, "set_stance"):
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield
