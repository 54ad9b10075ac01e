"""The one door to torchvision, which also opens beside a torch that its compiled part does not fit."""

import importlib
import sys
import threading
from types import ModuleType

_OPERATORS = ("nms", "qnms")
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

_lock = threading.Lock()
# A declaration lasts as long as the object that made it, and cannot be made twice.
_declarations: list[object] = []


def import_torchvision() -> ModuleType:
    """Import torchvision, without its compiled operators where these do not load.

    Next to a build of torch that torchvision was not compiled for (its wheel from
    PyPI beside a CPU build, for one) the operators for object detection are
    missing, and `import torchvision` ends in an error for want of
    ``torchvision::nms``. Networks, transforms and data sets need none of them, so
    the operators are declared without a body and the import is tried once more.
    Call this before any other import of torchvision, inside the function that
    needs it.

    Returns
    -------
    module
        The package ``torchvision``.

    Raises
    ------
    ImportError
        Where torchvision, or what it needs, is not installed; the message tells
        how to install it.
    RuntimeError
        Where torchvision fails for any reason other than a missing
        ``torchvision::nms``.
    """
    with _lock:
        try:
            return importlib.import_module("torchvision")
        except ImportError as error:
            raise ImportError(
                f"torchvision is needed here and cannot be imported ({error}): pip install torchvision."
            ) from error
        except RuntimeError as error:
            if "torchvision::nms" not in str(error):
                raise
        _forget_half_imported()
        return _import_with_declared_operators()


def _forget_half_imported() -> None:
    """Drop the submodules that a failed import leaves behind, so that the next one starts afresh."""
    for name in list(sys.modules):
        if name == "torchvision" or name.startswith("torchvision."):
            del sys.modules[name]


def _import_with_declared_operators() -> ModuleType:
    import torch

    if not _declarations:
        declarations = torch.library.Library("torchvision", "FRAGMENT")
        _declarations.append(declarations)
        for operator in _OPERATORS:
            declarations.define(operator + _SIGNATURE)
    return importlib.import_module("torchvision")
