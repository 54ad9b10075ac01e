"""What the two experiments read off their options."""

from collections.abc import Sequence
from typing import Any

from ._groups import option_of


def known_strategies(names: Sequence[str]) -> list[str]:
    """Check names of strategies before anything is trained, and leave out repetitions."""
    from ..strategies import strategy_names

    for name in names:
        if name not in strategy_names():
            raise ValueError(f"--strategy must be one of {', '.join(strategy_names())}, got {name!r}.")
    return list(dict.fromkeys(names))


def read_size(text: str, option: str) -> float | int:
    """Read a share ("0.5") or a count ("5000") of rows."""
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError as error:
        raise ValueError(
            f"{option} must be a share such as 0.5 or a count such as 5000, got {text!r}."
        ) from error


def read_baselines(names: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """Check what to compare with; not given is all, "none" is nothing."""
    if names is None:
        return list(known)
    if list(names) == ["none"]:
        return []
    unknown = [name for name in names if name not in (*known, "none")]
    if unknown:
        raise ValueError(f"--baseline must be one of {', '.join(known)} or none, got {unknown[0]!r}.")
    if "none" in names:
        raise ValueError("--baseline none compares with nothing: leave the other baselines out.")
    return list(names)


def refuse_idle(options: dict[str, Any], reason: str) -> None:
    """Refuse options that a command would not read, rather than drop them silently.

    Raises
    ------
    ValueError
        Where one was given: is none of None, False and an empty list.
    """
    given = [option_of(name) for name, value in options.items() if value not in (None, False, [])]
    if given:
        raise ValueError(f"{' and '.join(given)} would change nothing: {reason}.")
