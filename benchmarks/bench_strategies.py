"""Test errors of small targets on rows that every strategy chooses, by the share that is kept.

One training of a proxy serves all strategies of a data set and seed. The targets are networks with two hidden layers
of 64, trained side by side in batched products: once all with the same number of updates, once with as many passes over
their rows. What is finished is kept in --partial, strategy by strategy, so that a run can be interrupted, and continued
with more strategies.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import torch
from _data_of_strategies import load, name_of
from _page_of_strategies import ALL, AUTO, FRESH, PROTOCOLS, RANDOM, SHARES, draw, errors_of, lines_of
from _report import parser, write
from _rule_of_auto import errors_of_auto
from _side_by_side import BATCH, errors, fresh_visits, visits
from joblib import Memory
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksvp import ProxyCoresetSelector
from sksvp.proxies import Incremental
from sksvp.strategies import EL2N, Auto, BetaSample, FacilityLocation, Stratified, fill_quotas
from sksvp.strategies._auto import Thresholds, look

# Share of the hardest rows that strata leave out, fixed beforehand.
DROPPED = {0.02: 0.5, 0.05: 0.4, 0.1: 0.3, 0.2: 0.2, 0.3: 0.2, 0.5: 0.1, 0.7: 0.0}
# What takes long with many picks is tried up to these shares, of few and of many rows.
MOST_KEPT = {
    "badge": (0.2, 0.0),
    "bait": (0.2, 0.0),
    "k-centers": (0.2, 0.0),
    "typiclust": (0.2, 0.0),
}
MANY_ROWS = 20_000
SLOW = ("badge", "bait", "k-centers", "typiclust")
# Strategies whose choice of fewer rows is the head of their choice of more.
BY_CLASS = ("facility location", "facility location, sure", "herding")
NESTED = {
    "random", RANDOM, "forgetting", "entropy", "el2n", "aum", "variability", "dual", "aum, by class",
    "cld", "facility location", "facility location, sure", "herding", "badge",
}  # fmt: skip


def strategies(share: float) -> dict[str, tuple[object, bool]]:
    """Return the strategies by name, each with whether classes keep their shares."""
    return {
        "random": ("random", False),
        RANDOM: ("random", True),
        "forgetting": ("forgetting_events", False),
        "entropy": ("entropy", False),
        "el2n": ("el2n", False),
        "aum": ("aum", False),
        "aum, by class": ("aum", True),
        "variability": ("variability", False),
        "dual": ("dual", False),
        "dual, beta": (BetaSample(), False),
        "el2n, strata": (Stratified(EL2N(), DROPPED[share]), False),
        "el2n, strata, all": (Stratified(EL2N()), False),
        "el2n, strata, 30 % dropped": (Stratified(EL2N(), 0.3), True),
        "aum, strata": (Stratified("aum", DROPPED[share]), False),
        "forgetting, strata": (Stratified("forgetting_events", DROPPED[share]), False),
        "cld": ("cld", True),
        "facility location": ("facility_location", False),
        "facility location, sure": (FacilityLocation("confidence"), False),
        "herding": ("herding", False),
        "moderate": ("moderate", True),
        "d2": ("d2", True),
        "typiclust": ("typiclust", True),
        "k-centers": ("k_centers", False),
        "badge": ("badge", False),
        "bait": ("bait", False),
    }


def passes(n_rows: int, n_visits: int) -> int:
    """Return the passes of each target over its rows: `n_visits` visits of all rows, but from 5 to 40 passes."""
    return min(max(round(n_visits / n_rows), 5), 40)


def shares_of(name: str, n_rows: int) -> list[float]:
    """Return the shares at which a strategy is tried."""
    most = MOST_KEPT.get(name, (1.0, 1.0))[n_rows > MANY_ROWS]
    return [share for share in SHARES if share <= most]


def choose(
    selector: ProxyCoresetSelector, X: np.ndarray, y: np.ndarray, name: str
) -> dict[float, np.ndarray]:
    """Return the rows that a strategy chooses, by share, from one training of the proxy."""
    shares = shares_of(name, len(y))
    if name not in NESTED:
        chosen = {}
        for share in shares:
            strategy, class_balanced = strategies(share)[name]
            chosen[share] = selector.rerank(
                strategy=strategy, class_balanced=class_balanced, subset_size=share, X=X
            ).indices_
        return chosen
    strategy, class_balanced = strategies(shares[-1])[name]
    order = selector.rerank(
        strategy=strategy, class_balanced=class_balanced, subset_size=shares[-1], X=X
    ).order_
    by_class = class_balanced or name in BY_CLASS
    sizes = {share: int(share * len(y) + 1e-9) for share in shares}
    return {
        share: np.sort(fill_quotas(order, y, size) if by_class else order[:size])
        for share, size in sizes.items()
    }


def run(spec: str, seed: int, path: Path, options) -> None:
    """Add to a file the test errors of a data set and seed that it lacks, by protocol, strategy and share."""
    done = json.loads(path.read_text()) if path.exists() else {}
    data = load(spec, seed, Memory(options.partial / "columns", verbose=0))
    X, y = data.X, data.y
    if len(y) > MANY_ROWS and seed >= options.seeds_of_many:
        return
    names = [
        name
        for name in strategies(SHARES[0])
        if shares_of(name, len(y))
        and (name not in SLOW or seed < options.seeds_of_slow)
        and any(f"{name} {share}" not in done.get(PROTOCOLS[-1], {}) for share in shares_of(name, len(y)))
    ]
    if not names:
        return
    n_passes = passes(len(y), options.visits)

    def train(protocol: str, arms: dict[str, object], size: int) -> None:
        n_updates = options.updates if protocol == PROTOCOLS[0] else max(1, n_passes * size // BATCH)
        sequences = [
            fresh_visits(len(y), size, n_updates, seed) if rows is None else visits(rows, n_updates, seed)
            for rows in arms.values()
        ]
        done.setdefault(protocol, {}).update(zip(arms, errors(sequences, data, seed), strict=True))

    if ALL not in done.get(PROTOCOLS[-1], {}):
        for protocol in PROTOCOLS:
            train(protocol, {ALL: np.arange(len(y))}, len(y))
            for share in SHARES:
                train(protocol, {f"{FRESH} {share}": None}, int(share * len(y) + 1e-9))
        path.write_text(json.dumps(done))
    proxy = make_pipeline(
        StandardScaler(), Incremental(MLPClassifier((64,), learning_rate_init=0.003), n_epochs=30)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        selector = ProxyCoresetSelector(
            proxy, strategy="el2n", random_state=seed, memory=options.partial / "memory"
        ).fit(X, y)
        chosen = {name: choose(selector, X, y, name) for name in names}
        looks = look(selector._evidence_again(Auto().requires, X)[0], len(y))
    done["looks"] = {"outvoted": looks.outvoted, "doubtful": looks.doubtful, "n_per_class": looks.n_per_class}
    for share in SHARES:
        arms = {f"{name} {share}": rows[share] for name, rows in chosen.items() if share in rows}
        arms = {name: rows for name, rows in arms.items() if name not in done.get(PROTOCOLS[-1], {})}
        for protocol in PROTOCOLS:
            if arms:
                train(protocol, arms, len(next(iter(arms.values()))))
    path.write_text(json.dumps(done))


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument(
        "--data",
        nargs="+",
        default=["digits"],
        help="'digits', files NAME.npz, folders with train.csv and test.csv or CIFAR-10's folder; after an @ the "
        "share of planted wrong labels or FILE.npz:NAME",
    )
    options.add_argument("--seeds", type=int, default=5, help="number of seeds, 2 or more")
    options.add_argument(
        "--seeds-of-many", type=int, default=3, help="the same, of the data sets of many rows"
    )
    options.add_argument(
        "--seeds-of-slow", type=int, default=2, help="the same, of the strategies that take long"
    )
    options.add_argument("--updates", type=int, default=1000, help="updates of each target")
    options.add_argument(
        "--visits", type=int, default=250_000, help="visits of rows by equal passes over all rows"
    )
    options.add_argument(
        "--partial", type=Path, default=Path("bench_strategies"), help="folder of what is finished"
    )
    options.add_argument("--only-page", action="store_true", help="write the page of what is finished")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    args.partial.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)
    for seed in range(0 if args.only_page else args.seeds):
        for spec in args.data:
            run(spec, seed, args.partial / f"{name_of(spec)}-{seed}.json", args)
    settings = {"updates": args.updates, "visits": args.visits}
    names = [name_of(spec) for spec in args.data]
    record = {"settings": settings, **gather(args.partial, names)}
    draw(record, args.out / "bench_strategies.svg")
    write(args.out, "bench_strategies", record, lines_of(record))


def gather(partial: Path, names: list[str]) -> dict[str, dict]:
    """Return the finished errors by data set, protocol, strategy and share, and what `auto` saw of each seed."""
    found: dict[str, dict] = {"errors": {}, "looks": {}}
    for name in names:
        parts = [json.loads(path.read_text()) for path in sorted(partial.glob(f"{name}-?.json"))]
        parts = [part for part in parts if "looks" in part]
        if parts:
            errors = {protocol: errors_of([part[protocol] for part in parts]) for protocol in PROTOCOLS}
            looks = found["looks"][name] = [part["looks"] for part in parts]
            for protocol, reached in errors_of_auto(errors, looks, Thresholds()).items():
                errors[protocol][AUTO] = reached
            found["errors"][name] = errors
    return found


if __name__ == "__main__":
    main()
