"""Strategies by their names, with parameters: ``stratified:score=el2n,hardest_dropped=0.1``."""

from contextlib import suppress
from typing import Any

from sklearn.base import BaseEstimator

from ._registry import resolve_strategy

_WORDS = {"true": True, "false": False, "none": None}


def named_strategy(name: str) -> Any:
    """Build the strategy of a name, which parameters may follow.

    Parameters
    ----------
    name : str
        A registered name, alone or as ``NAME:PARAMETER=VALUE,PARAMETER=VALUE``.
        Numbers, ``true``, ``false`` and ``none`` are read as such, other values as
        texts. A parameter of a sampler's score has the form ``score__PARAMETER``.

    Returns
    -------
    Strategy or "auto"

    Raises
    ------
    ValueError
        For an unknown name or parameter, a value that a parameter does not take,
        and a text of another form.
    """
    plain, colon, settings = name.partition(":")
    if plain == "auto" and not colon:
        return plain
    strategy = resolve_strategy(plain)
    if not colon:
        return strategy
    try:
        strategy.set_params(**_nested(strategy, read_parameters(settings)))
        strategy._validate_params()
        for part in strategy.get_params(deep=False).values():
            if isinstance(part, BaseEstimator):
                part._validate_params()
        # A sampler looks its score up here.
        tuple(strategy.requires)
    except (ValueError, TypeError) as error:
        raise ValueError(f"strategy={name!r}: {error}") from error
    return strategy


def read_parameters(settings: str) -> dict[str, Any]:
    """Read ``PARAMETER=VALUE,PARAMETER=VALUE``.

    Parameters
    ----------
    settings : str
        Numbers, ``true``, ``false`` and ``none`` are read as such, other values as texts.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        For a text of another form, and a parameter that comes twice.
    """
    read: dict[str, Any] = {}
    for setting in settings.split(","):
        key, equals, text = (part.strip() for part in setting.partition("="))
        if not key or not equals or not text:
            raise ValueError(f"parameters must be PARAMETER=VALUE with commas between, got {settings!r}.")
        if key in read:
            raise ValueError(f"the parameter {key} comes twice.")
        read[key] = _value(text)
    return read


def _value(text: str) -> Any:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return _WORDS.get(text.lower(), text)


def _nested(strategy: Any, read: dict[str, Any]) -> dict[str, Any]:
    """Build strategies inside a strategy whose own parameters are set."""
    outer = {key.partition("__")[0] for key in read if "__" in key}
    own = strategy.get_params(deep=False)
    for name in outer & own.keys():
        inside = read.get(name, own[name])
        if isinstance(inside, str):
            read = {name: resolve_strategy(inside), **{key: read[key] for key in read if key != name}}
    return read
