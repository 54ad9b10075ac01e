"""Ways to choose rows that a pilot compares."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...proxies import Proxy
from ...strategies import named_strategy, resolve_strategy

BASELINE = "class-balanced random"
# Before the name of a strategy it asks for quotas by class.
_BALANCED = "class-balanced "
# Share of the hardest rows that strata leave out, up to a share that is kept.
_DROPPED = ((0.03, 0.5), (0.07, 0.4), (0.15, 0.3), (0.4, 0.2), (0.6, 0.1), (1.0, 0.0))
# With a smaller share, rows that cover the data come first among the candidates; with a larger one, hard rows.
_SMALL_SHARE = 0.4
# Clusters of one row each are for few rows.
_FEW_ROWS = 0.1


@dataclass(frozen=True)
class Candidate:
    """A way to choose rows.

    Parameters
    ----------
    name : str
        Its name in the table.
    strategy : Strategy
    class_balanced : bool
        Whether classes keep their shares.
    proxy : str or None
        Name of the proxy whose evidence it reads; None if it needs none.
    """

    name: str
    strategy: Any
    class_balanced: bool
    proxy: str | None

    @property
    def draws(self) -> bool:
        """Whether another seed may give other rows at little cost."""
        return not self.strategy.requires or hasattr(self.strategy, "score")


@dataclass(frozen=True)
class LeftOut:
    """A candidate that was not tried, and why."""

    name: str
    reason: str


def candidates_of(
    proxies: Mapping[str, Proxy], strategies: Iterable[Any] | None, share: float
) -> tuple[list[Candidate], list[LeftOut]]:
    """Return the candidates of all proxies, the baseline first, and those that a proxy has no evidence for."""
    found: dict[str, Candidate] = {}
    left_out: list[LeftOut] = []
    for proxy_name, proxy in proxies.items():
        given = default_strategies(proxy.gives, share) if strategies is None else strategies
        for entry in (BASELINE, *given, "random"):
            name, strategy, class_balanced = _read(entry)
            by_proxy = bool(strategy.requires)
            if by_proxy and len(proxies) > 1:
                name = f"{name} by {proxy_name}"
            missing = [kind for kind in strategy.requires if kind not in proxy.gives]
            if missing:
                left_out.append(LeftOut(name, f"the proxy {proxy} gives no {' and no '.join(missing)}"))
            else:
                found.setdefault(
                    name, Candidate(name, strategy, class_balanced, proxy_name if by_proxy else None)
                )
    return list(found.values()), left_out


def default_strategies(gives: Iterable[str], share: float) -> list[str]:
    """Return the strategies that a pilot tries by itself where a share of the rows is kept, the likeliest first."""
    dropped = next(part for limit, part in _DROPPED if share <= limit)

    def strata(score: str) -> str:
        return f"stratified:score={score},hardest_dropped={dropped}"

    covering = ["facility_location", strata("el2n"), "herding", "d2", "beta", strata("aum")]
    if share <= _FEW_ROWS:
        covering.insert(1, "class-balanced typiclust")
    if "training_record" not in gives:
        covering.append(strata("entropy"))
    hard = ["aum", "entropy", "forgetting_events", "dual", "el2n"]
    ordered = covering + hard if share <= _SMALL_SHARE else hard + covering
    return [name for name in ordered if set(_read(name)[1].requires) <= set(gives)]


def _read(entry: Any) -> tuple[str, Any, bool]:
    """Return the name of a candidate, its strategy, and whether classes keep their shares."""
    if not isinstance(entry, str):
        return " ".join(repr(resolve_strategy(entry)).split()), entry, False
    plain = entry.removeprefix(_BALANCED)
    if plain in ("auto", "pilot"):
        raise ValueError(
            f"strategies must name what the pilot compares, got {plain!r}, which compares itself."
        )
    return entry, named_strategy(plain), entry != plain
