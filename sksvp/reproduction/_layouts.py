"""The layouts of tables and figures, by the names in the TOML files: what each needs, and what it shows."""

from types import ModuleType

from . import _active_table, _by_epoch, _coreset_table, _depths, _matrix, _pretrained

LAYOUTS: dict[str, ModuleType] = {
    "active": _active_table,
    "by_epoch": _by_epoch,
    "coreset": _coreset_table,
    "depths": _depths,
    "matrix": _matrix,
    "pretrained": _pretrained,
}
