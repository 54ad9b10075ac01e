"""Facility location by class and BADGE beside the libraries that have them, and at the sizes of ImageNet.

The libraries run in an environment of their own:
python -m venv PEERS && PEERS/bin/pip install apricot-select submodlib-py scikit-activeml
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _report import median_interval, parser, write
from numpy.lib.format import open_memmap


class Case(NamedTuple):
    """Made features of clusters, one a class; `n_classes` probabilities a row where `strategy` is badge."""

    strategy: str
    n_rows: int
    n_features: int
    n_classes: int
    n_samples: int
    dtype: str = "float32"
    rivals: tuple[str, ...] = ()


CASES = {
    "facility location, CIFAR-10": Case(
        "facility_location",
        50_000,
        64,
        10,
        5_000,
        rivals=("apricot", "apricot lazy", "submodlib"),
    ),
    "facility location, ImageNet": Case("facility_location", 1_280_000, 512, 1_000, 128_000, "float16"),
    "BADGE, as large as scikit-activeml can": Case("badge", 5_000, 512, 100, 20, rivals=("scikit-activeml",)),
    "BADGE, 100 classes": Case("badge", 50_000, 512, 100, 1_000),
    "BADGE, a tenth of ImageNet": Case("badge", 100_000, 512, 1_000, 1_000),
    "BADGE, ImageNet": Case("badge", 1_000_000, 512, 1_000, 2_000),
}

# What each side runs, in a process of its own: FOLDER STRATEGY N_SAMPLES SIDE; processor seconds, peak memory, picks.
SIDE = """
import json, resource, sys, time
import numpy as np
folder, strategy, n_samples, side = sys.argv[1:]
n_samples = int(n_samples)
mode = "r" if side == "sksvp" else None
X = np.load(folder + "/features.npy", mmap_mode=mode)
y = np.load(folder + "/y.npy")
p = np.load(folder + "/probabilities.npy", mmap_mode=mode) if strategy == "badge" else None

def by_class(pick):
    # The same share of each class, as sksvp has it where all classes are of one size.
    classes, sizes = np.unique(y, return_counts=True)
    return [np.flatnonzero(y == c)[pick(X[y == c], n_samples // len(classes))] for c in classes]

if side == "sksvp":
    from sksvp.strategies import BADGE, Evidence, FacilityLocation
    kind = BADGE() if strategy == "badge" else FacilityLocation()
    def run(rows):
        classes = None if p is None else np.arange(p.shape[1])
        evidence = Evidence(y=y[rows], features=X[rows], classes=classes, probabilities=None if p is None else p[rows])
        picks, _ = kind.rank(evidence, min(n_samples, evidence.n_rows // 4), random_state=0)
        if strategy == "badge":
            return [picks]
        return [picks[y[rows][picks] == c] for c in np.unique(y[rows])]
elif side.startswith("apricot"):
    from apricot import FacilityLocationSelection
    from sklearn.metrics import pairwise_distances
    optimizer = "lazy" if "lazy" in side else "two-stage"
    def one(rows, k):
        # Its own "euclidean" is the squared distance.
        lengths = pairwise_distances(rows)
        selection = FacilityLocationSelection(k, metric="precomputed", optimizer=optimizer)
        return selection.fit(lengths.max() - lengths).ranking
    run = lambda rows: by_class(one) if rows == slice(None) else one(X[rows], 10)
elif side == "submodlib":
    from sklearn.metrics import pairwise_distances
    from submodlib import FacilityLocationFunction
    def one(rows, k):
        # Its own "euclidean" is 1 / (1 + distance).
        lengths = pairwise_distances(rows)
        function = FacilityLocationFunction(n=len(rows), mode="dense", sijs=lengths.max() - lengths, separate_rep=False)
        picks = function.maximize(
            budget=k, optimizer="LazyGreedy", stopIfZeroGain=False, stopIfNegativeGain=False, show_progress=False
        )
        return np.array([row for row, gain in picks])
    run = lambda rows: by_class(one) if rows == slice(None) else one(X[rows], 10)
else:
    from skactiveml.classifier import SklearnClassifier
    from skactiveml.pool import Badge
    from sklearn.base import BaseEstimator, ClassifierMixin
    class Known(ClassifierMixin, BaseEstimator):
        '''Gives the probabilities that are there.'''
        def fit(self, X, y):
            self.classes_ = np.arange(p.shape[1])
            return self
        def predict_proba(self, X):
            return p[X[:, -1].astype(int)]
    def run(rows):
        n = len(X[rows])
        numbered = np.column_stack([X[rows], np.arange(n)])
        clf = SklearnClassifier(Known(), classes=np.arange(p.shape[1])).fit(numbered[:1], np.zeros(1))
        unlabelled, k = np.full(n, np.nan), min(n_samples, n // 4)
        picks = Badge(random_state=0).query(numbered, unlabelled, clf, batch_size=k, fit_clf=False)
        return [np.array(picks)]

run(slice(0, 200))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start, wall = time.process_time(), time.perf_counter()
picks = run(slice(None))
print(json.dumps({
    "cpu_seconds": time.process_time() - start,
    "seconds": time.perf_counter() - wall,
    "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    "before_gb": before * 1024 / 1e9,
    "picks": [part.tolist() for part in picks],
}))
"""


def make_data(case: Case, folder: Path) -> None:
    """Write features, labels and, for BADGE, probabilities as .npy, in blocks."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.arange(case.n_rows) % case.n_classes)
    np.save(folder / "y.npy", y)
    features = open_memmap(
        folder / "features.npy", mode="w+", dtype=case.dtype, shape=(case.n_rows, case.n_features)
    )
    shape = (case.n_rows, case.n_classes)
    probabilities = (
        open_memmap(folder / "probabilities.npy", mode="w+", dtype="float32", shape=shape)
        if case.strategy == "badge"
        else None
    )
    centres = rng.standard_normal((case.n_classes, case.n_features), dtype=np.float32)
    for start in range(0, case.n_rows, 8192):
        part = slice(start, min(start + 8192, case.n_rows))
        noise = 1.5 * rng.standard_normal((part.stop - start, case.n_features), dtype=np.float32)
        # Rectified, as a network's are.
        block = np.maximum(centres[y[part]] + noise, 0)
        features[part] = block
        if probabilities is not None:
            logits = block @ centres.T
            logits -= logits.mean(axis=1, keepdims=True)
            logits /= logits.std()
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            probabilities[part] = odds / odds.sum(axis=1, keepdims=True)


def run_side(python: str, case: Case, folder: Path, side: str) -> dict:
    """Run one side in a process of its own."""
    command = [python, "-c", SIDE, str(folder), case.strategy, str(case.n_samples), side]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {
            "error": (done.stderr.strip().splitlines() or [f"ended by signal {-done.returncode}"])[-1][:200]
        }
    return json.loads(done.stdout.splitlines()[-1])


def definition(features: np.ndarray, n_samples: int) -> list[int]:
    """Greedy facility location on one class in float64, every gain at every pick, ties to the lowest row."""
    rows = features.astype(np.float64)
    similarity = -np.sqrt(((rows[:, None] - rows[None]) ** 2).sum(axis=2))
    rows -= rows.mean(axis=0)
    covered = np.full(len(rows), -2 * np.linalg.norm(rows, axis=1).max())
    picks: list[int] = []
    for _ in range(n_samples):
        gains = np.maximum(similarity - covered, 0).sum(axis=1)
        gains[picks] = -np.inf
        picks.append(int(np.flatnonzero(gains >= gains.max() - 1e-10 * len(rows))[0]))
        covered = np.maximum(covered, similarity[picks[-1]])
    return picks


def measure(case: Case, args: argparse.Namespace) -> dict[str, object]:
    """Run all sides of a case in turns."""
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        make_data(case, folder)
        sides = {"sksvp": sys.executable}
        if args.peers_python:
            sides |= dict.fromkeys(case.rivals, args.peers_python)
        runs: dict[str, list[dict]] = {side: [] for side in sides}
        for turn in range(args.rounds if case.rivals else 1):
            for side in list(sides)[:: 1 if turn % 2 == 0 else -1]:
                runs[side].append(run_side(sides[side], case, folder, side))
                shown = {key: value for key, value in runs[side][-1].items() if key != "picks"}
                print(side, shown, file=sys.stderr, flush=True)
        figures: dict[str, object] = {**case._asdict(), "sides": {}}
        ours = runs["sksvp"]
        for side, done in runs.items():
            if "error" in done[0]:
                figures["sides"][side] = done[0]
                continue
            entry: dict[str, object] = {
                key: median_interval([run[key] for run in done]) for key in ("cpu_seconds", "seconds")
            }
            entry["peak_gb"] = max(run["peak_gb"] for run in done)
            entry["before_gb"] = max(run["before_gb"] for run in done)
            if side != "sksvp":
                pairs = zip(done, ours, strict=True)
                entry["ratio"] = median_interval(
                    [run["cpu_seconds"] / mine["cpu_seconds"] for run, mine in pairs]
                )
                if case.strategy != "badge":
                    entry["same_picks"] = int(
                        sum(
                            np.sum(np.array(theirs) == np.array(mine))
                            for theirs, mine in zip(done[0]["picks"], ours[0]["picks"], strict=True)
                        )
                    )
            figures["sides"][side] = entry
        if case.rivals and case.strategy != "badge":
            members = np.flatnonzero(np.load(folder / "y.npy") == 0)[: args.definition_rows]
            features = np.load(folder / "features.npy")[members]
            from sksvp.strategies import facility_location

            n_samples = len(members) // 10
            picks = facility_location(features, n_samples)
            expected = definition(features, n_samples)
            figures["definition"] = {
                "rows": len(members),
                "picks": n_samples,
                "equal": int((picks == expected).sum()),
            }
    return figures


def lines_of(figures: dict) -> list[str]:
    """Lines of the table."""
    lines = [
        "| case | rows x features, classes, picks | side | processor seconds | seconds | peak memory | times sksvp | "
        "same picks |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, entry in figures.items():
        size = (
            f"{entry['n_rows']:,} x {entry['n_features']} {entry['dtype']}, {entry['n_classes']:,}, "
            f"{entry['n_samples']:,}"
        )
        for side, values in entry["sides"].items():
            if "error" in values:
                lines.append(f"| {name} | {size} | {side} | failed: {values['error']} | | | | |")
                continue
            ratio = values.get("ratio")
            lines.append(
                f"| {name} | {size} | {side} | {values['cpu_seconds']['median']:,.2f} | "
                f"{values['seconds']['median']:,.2f} | {values['peak_gb']:.2f} GB | "
                + (f"{ratio['median']:,.1f} ({ratio['low']:,.1f} to {ratio['high']:,.1f})" if ratio else "")
                + f" | {values.get('same_picks', '')} |"
            )
    return lines


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--case", action="append", choices=CASES, help="repeatable; default: all")
    options.add_argument("--peers-python", help="Python of an environment with the libraries")
    options.add_argument("--rounds", type=int, default=3, help="turns of the sides, where there are several")
    options.add_argument("--folder", type=Path, help="where the data lie while they are used")
    options.add_argument(
        "--definition-rows", type=int, default=1000, help="rows compared with the definition"
    )
    options.add_argument("--share", type=float, default=1.0, help="of the rows and of the picks of each case")
    options.add_argument("--keep", action="store_true", help="keep the cases of earlier runs in the table")
    args = options.parse_args()
    earlier = args.out / "bench_sets.json"
    figures = json.loads(earlier.read_text())["cases"] if args.keep and earlier.exists() else {}
    for name in args.case or CASES:
        case = CASES[name]
        n_rows, n_samples = (max(1, round(args.share * n)) for n in (case.n_rows, case.n_samples))
        figures[name] = measure(case._replace(n_rows=n_rows, n_samples=n_samples), args)
        compared = [entry["definition"] for entry in figures.values() if "definition" in entry]
        write(
            args.out,
            "bench_sets",
            {"cases": figures},
            [
                "# Facility location by class and BADGE",
                "",
                *lines_of(figures),
                "",
                "Each side runs in a process of its own, with one thread, after a small run that compiles its loops; "
                "peak memory is that of the process, with its libraries and its data. The libraries pick within each "
                "class as well. They get the distances in single precision, by which near ties may fall otherwise, and "
                "later picks with them. apricot picks by its default optimizer and by its lazy one.",
                "",
                *(
                    f"Of {one['picks']} picks from {one['rows']} rows, {one['equal']} are those of the definition, "
                    "with every gain in float64 at every pick."
                    for one in compared
                ),
            ],
        )


if __name__ == "__main__":
    main()
