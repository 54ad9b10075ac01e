"""Whether the agreement of proxy and target predicts what the proxy's choice gains over random rows.

For each data set and seed of `bench_pilot.json` the proxy and three targets are trained on all training rows, and their
entropies are compared: by rank correlation, and by the overlap of the chosen rows at each share. The gains of the rows
that the proxy's entropy chooses are those of `bench_pilot.json`. Options are those of `bench_pilot.py`.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import torch
from _report import parser, write
from _results import Results
from bench_pilot import BASELINE, TARGETS, load_once, thin
from joblib import Memory
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksvp.agreement import overlap, proxy_agreement, rank_correlation
from sksvp.proxies import Incremental


def models() -> dict[str, object]:
    """Return the targets by their kind, as whole trainings."""
    return {
        "networks": make_pipeline(
            StandardScaler(), Incremental(MLPClassifier((64, 64), learning_rate_init=0.003), n_epochs=30)
        ),
        "logistic": LogisticRegression(max_iter=300),
        "boosting": HistGradientBoostingClassifier(
            max_iter=25, min_samples_leaf=5, max_leaf_nodes=15, early_stopping=False
        ),
    }


def agree(path: Path | None, seed: int, n_rows: int, shares: list[float]) -> dict[str, dict]:
    """Return by kind of target its correlation with the proxy, and the excess of overlap at each share."""
    X, y = thin(*load_once("digits" if path is None else str(path), 0, Memory(None))[:2], n_rows, seed)
    proxy = make_pipeline(
        StandardScaler(), Incremental(MLPClassifier((64,), learning_rate_init=0.003), n_epochs=30)
    )
    found = {}
    for kind, target in models().items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said = proxy_agreement(
                proxy, target, X, y, strategy="entropy", shares=shares, n_runs=1, random_state=seed
            )
        shared = overlap(said.scores["proxy"][0], said.scores["target"][0], shares)
        beyond = (shared["overlap"] - shared["chance"]) / (1 - shared["chance"])
        found[kind] = {"correlation": said.correlation, "beyond_chance": beyond.tolist()}
    return found


def points_of(cells: list[dict], agreements: dict[str, dict], shares: list[float]) -> list[dict]:
    """Return agreement and gain of each cell and kind of target."""
    points = []
    for cell in cells:
        if "entropy" not in cell["names"] or f"{cell['data']} {cell['seed']}" not in agreements:
            continue
        for kind, of_target in cell["targets"].items():
            drawn = np.mean([error for name, error in of_target.items() if name.startswith(f"{BASELINE} ")])
            with_target = agreements[f"{cell['data']} {cell['seed']}"][kind]
            points.append(
                {
                    "data": cell["data"],
                    "share": cell["share"],
                    "kind": kind,
                    "correlation": with_target["correlation"],
                    "beyond_chance": with_target["beyond_chance"][shares.index(cell["share"])],
                    "gain": 100 * (drawn - of_target["entropy"]),
                }
            )
    return points


def lines_of(record: dict) -> list[str]:
    """Return the page of a record."""
    points = record["points"]
    lines = [
        "# Does agreement predict the gain?",
        "",
        "Each point is a data set, a seed, a share that is kept and a kind of target, of the cells of "
        "[the pilot's benchmark](bench_pilot.md). *Agreement*: Spearman's correlation of the entropies of proxy and "
        "target, both trained on all rows. *Overlap*: the part of the chosen rows that both choose, beyond chance (0: "
        "as by chance, 1: the same rows). *Gain*: points of test error below class-balanced random rows, of the target "
        "trained on the rows that the proxy's entropy chooses. The last two columns are Spearman's correlations over "
        "the points of a line. Over all shares together, overlap and gain both grow with the share.",
        "",
        "![Gain against agreement, one panel per share](bench_agreement.svg)",
        "",
        "| kept | points | mean gain | gains above 0 | agreement with gain | overlap with gain |",
        "|---|---|---|---|---|---|",
    ]
    for share in [*sorted({point["share"] for point in points}), None]:
        chosen = [point for point in points if share in (None, point["share"])]
        gain = [point["gain"] for point in chosen]
        lines.append(
            f"| {'all' if share is None else f'{share:.0%}'} | {len(chosen)} | {np.mean(gain):+.1f} | "
            f"{sum(value > 0 for value in gain)} | {_correlate(chosen, 'correlation'):+.2f} | "
            f"{_correlate(chosen, 'beyond_chance'):+.2f} |"
        )
    lines += ["", "Agreement of the proxy with each kind of target, mean over data sets and seeds:", ""]
    lines += ["| target | agreement |", "|---|---|"]
    for kind, words in TARGETS.items():
        values = {(point["data"], point["correlation"]) for point in points if point["kind"] == kind}
        lines.append(f"| {words} | {np.mean([value for _, value in values]):.2f} |")
    return lines


def _correlate(points: list[dict], name: str) -> float:
    return rank_correlation([point[name] for point in points], [point["gain"] for point in points])


def draw(points: list[dict], path: Path) -> None:
    """Draw gain against agreement, one panel per share."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "sksvp"
    import matplotlib.pyplot as plt

    shares = sorted({point["share"] for point in points})
    figure, axes = plt.subplots(1, len(shares), figsize=(2.6 * len(shares), 3), squeeze=False, sharex=True)
    for axis, share in zip(axes[0], shares, strict=True):
        for kind, marker in zip(TARGETS, "os^", strict=True):
            of_kind = [point for point in points if point["share"] == share and point["kind"] == kind]
            axis.scatter(
                [point["correlation"] for point in of_kind],
                [point["gain"] for point in of_kind],
                marker=marker,
                s=16,
                alpha=0.8,
                label=kind,
            )
        axis.axhline(0, color="grey", linewidth=0.8)
        axis.set(title=f"{share:.0%} kept", xlabel="agreement")
    axes[0, 0].set_ylabel("gain over random, points")
    axes[0, -1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--tables", type=Path, nargs="*", default=[], help="NAME.npz files")
    options.add_argument(
        "--texts", type=Path, nargs="*", default=[], help="folders with train.csv and test.csv"
    )
    options.add_argument(
        "--gains", type=Path, default=Path(__file__).parent.parent / "docs" / "results" / "bench_pilot.json"
    )
    options.add_argument(
        "--partial", type=Path, default=Path("bench_agreement"), help="folder of finished parts"
    )
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    pilots = json.loads(args.gains.read_text())
    shares, n_rows = pilots["settings"]["shares"], pilots["settings"]["rows"]
    paths = {
        "digits" if path is None else path.stem.removesuffix("_csv"): path
        for path in [None, *args.tables, *args.texts]
    }
    kept = Results(args.partial)
    agreements = {}
    for name, seed in dict.fromkeys((cell["data"], cell["seed"]) for cell in pilots["cells"]):
        if name in paths:
            agreements[f"{name} {seed}"] = kept.get(
                lambda name=name, seed=seed: agree(paths[name], seed, n_rows, shares),
                data=name,
                seed=seed,
                rows=n_rows,
            )
    points = points_of(pilots["cells"], agreements, shares)
    record = {"settings": {"rows": n_rows, "shares": shares}, "agreements": agreements, "points": points}
    write(args.out, "bench_agreement", record, lines_of(record))
    draw(points, args.out / "bench_agreement.svg")


if __name__ == "__main__":
    main()
