"""The tables and figures of the method's paper, and the store of trained models behind them."""

from ._plan import format_plan
from ._reproduction import Reproduction
from ._sheet import Sheet
from ._store import RunStore
from ._tables import table_names

__all__ = ["Reproduction", "RunStore", "Sheet", "format_plan", "table_names"]
