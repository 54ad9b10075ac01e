"""Which strategy pays on the data at hand: small trainings on the rows of each, beside class-balanced random rows."""

from ._in_fit import NAME as NAME
from ._in_fit import fit_by_pilot as fit_by_pilot
from ._pilot import pilot
from ._result import PilotResult

__all__ = ["PilotResult", "pilot"]
