"""Errors that the rule of `auto` reaches: those of the strategies of `bench_strategies` that it takes."""

from _page_of_strategies import PROTOCOLS, RANDOM, SHARES

from sksvp.strategies._auto import Decision, Looks, Thresholds, decide_by

_NAMES = {
    ("FacilityLocation()", False): "facility location",
    ("FacilityLocation(weights='confidence')", False): "facility location, sure",
    ("D2()", True): "d2",
    ("Stratified(score=EL2N())", False): "el2n, strata, all",
    ("Stratified(hardest_dropped=0.3, score=EL2N())", True): "el2n, strata, 30 % dropped",
    ("Random()", True): RANDOM,
}


def name_of(decision: Decision) -> str | None:
    """Return the name of a decision on the page of strategies, None if it is not there."""
    return _NAMES.get((repr(decision.strategy), decision.class_balanced))


def errors_of_auto(
    by_protocol: dict, looks: list[dict], limits: Thresholds
) -> dict[str, dict[str, list[float]]]:
    """Return the errors that thresholds reach on a data set, by protocol and share, one of each seed.

    Parameters
    ----------
    by_protocol : dict
        Errors of the strategies by protocol, name and share.
    looks : list of dict
        What `auto` saw of each seed, with all rows kept.
    limits : Thresholds
        The thresholds.
    """
    reached: dict[str, dict] = {protocol: {} for protocol in PROTOCOLS}
    for share in SHARES:
        names = [
            name_of(
                decide_by(
                    Looks(share, share * seen["n_per_class"], seen["outvoted"], seen["doubtful"]), limits
                )
            )
            for seen in looks
        ]
        for protocol, errors in by_protocol.items():
            values = [errors.get(name, {}).get(str(share), []) for name in names]
            if all(seed < len(part) for seed, part in enumerate(values)):
                reached[protocol][str(share)] = [part[seed] for seed, part in enumerate(values)]
    return reached
