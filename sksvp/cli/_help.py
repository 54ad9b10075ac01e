"""The help of a command, with its options under the headings of their groups."""

from typer.core import TyperCommand


class GroupedHelp(TyperCommand):
    """A command whose help is plain text that terminals wrap."""

    def format_options(self, ctx, formatter) -> None:
        """Write the options, and fill in names from registries."""
        names = _registered_names()
        panels: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            panel = getattr(param, "rich_help_panel", None) or "Help"
            if (record := param.get_help_record(ctx)) is not None:
                panels.setdefault(panel, []).append((record[0], record[1].format(**names)))
        for panel, records in panels.items():
            with formatter.section(panel):
                formatter.write_dl(records)


def _registered_names() -> dict[str, str]:
    # The import would make the first message of a command slower.
    from ..strategies import recorder_names, resolve_strategy, strategy_names

    names = strategy_names()
    # Rows of a pool have no labels to train on, and so no records of a training.
    of_pools = [name for name in names if not set(resolve_strategy(name).requires) & set(recorder_names())]
    return {"strategies": listed(names), "pool_strategies": listed(of_pools)}


def listed(names) -> str:
    """Write names as "a, b or c"."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
