"""Whether the pilot's order of strategies holds for convolutional networks, which are no relatives of its judges.

In each cell, a data set, a share that is kept and a seed, a pilot compares strategies on columns made of the images or
texts, judged by its small networks on these columns. Then targets are trained on the images or texts that each strategy
chooses: ResNet20 on images, the small form of VDCNN9 on texts. --judges resnet8 adds pilots judged by ResNet8 on the
images. Finished trainings are kept in --partial, so that a run can be interrupted.
"""

import json
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from _data_of_strategies import PatchFeatures, load
from _report import parser, write
from _results import Results
from bench_pilot import BASELINE, outcome
from joblib import Memory
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sksvp import ProxyCoresetSelector, pilot
from sksvp.datasets import load_cifar10, load_digits, load_text_csv
from sksvp.estimators import ResNetClassifier, VDCNNClassifier
from sksvp.proxies import Incremental
from sksvp.reproduction._data import average_blocks
from sksvp.strategies import named_strategy

STRATEGIES = ("facility_location", "el2n strata", "herding", "beta", "forgetting_events")
DRAWS = 3
JUDGES = {"networks": "small networks on columns", "resnet8": "ResNet8 on the images"}
TARGETS = {"images": "ResNet20", "texts": "VDCNN9, small form"}
# Visits of rows in the training of a target where a tenth is kept.
VISITS = {"images": 7_000, "texts": 18_000}
# VDCNN9 learns next to nothing from a twentieth of the texts.
SHARES = {"images": (0.05, 0.1, 0.3), "texts": (0.1, 0.3)}


class Patches(TransformerMixin, BaseEstimator):
    """`PatchFeatures` of the images that it is fitted on."""

    def fit(self, X, y=None):
        self.features_ = PatchFeatures(X)
        return self

    def transform(self, X):
        return self.features_(X)


def resnet(max_epochs: int, seed: int, depth: int = 20) -> ResNetClassifier:
    return ResNetClassifier(
        depth=depth, max_epochs=max_epochs, schedule="one-cycle", batch_size=64, random_state=seed
    )


def vdcnn(max_epochs: int, seed: int) -> VDCNNClassifier:
    return VDCNNClassifier(
        pooling="maxpool",
        widths=(16, 32, 64, 128),
        hidden=512,
        length=512,
        max_epochs=max_epochs,
        lr=0.001,
        schedule="one-cycle",
        batch_size=64,
        net_params={"optimizer": torch.optim.Adam},
        random_state=seed,
    )


@dataclass
class Task:
    """Rows as they are and as columns, what is trained on them, and how long.

    Parameters
    ----------
    kind : str
        "images" or "texts".
    X, y, X_test, y_test : array-like
        Rows as they are, and their labels.
    columns : ndarray
        Training rows as columns.
    model : callable
        Gives a target of so many epochs and a seed.
    visits : int
        Visits of rows in the training of a target where a tenth is kept.
    """

    kind: str
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    columns: np.ndarray
    model: Callable[[int, int], BaseEstimator]
    visits: int

    def epochs(self, share: float) -> int:
        """Return the epochs of a target: its visits grow with the root of the share."""
        return max(round(self.visits * (share / 0.1) ** 0.5 / (share * len(self.y))), 1)


def name_of(folder: str) -> str:
    """Return the name of a data set on the page."""
    name = Path(folder).stem.removesuffix("_csv")
    return "cifar10" if name.startswith("cifar-10") else name


def images(folder: str, seed: int, options) -> Task:
    """Return the task of CIFAR-10, or of the digits."""
    data = load_digits() if folder == "digits" else load_cifar10(folder)
    rows = drawn(len(data.y_train), options.images_rows, seed)
    tests = drawn(len(data.y_test), options.test_rows, seed)
    # The digits have no axis of colours.
    X, X_test = (
        part if part.ndim == 4 else part[..., None] for part in (data.X_train[rows], data.X_test[tests])
    )
    columns, visits = PatchFeatures(X)(X), options.images_visits
    X, X_test = (average_blocks(part, options.images_averaged) for part in (X, X_test))
    return Task("images", X, data.y_train[rows], X_test, data.y_test[tests], columns, resnet, visits)


def texts(folder: str, seed: int, options) -> Task:
    """Return the task of a folder with train.csv and test.csv."""
    data, columns = load_text_csv(folder), load(folder, 0, Memory(options.partial / "columns", verbose=0))
    rows = drawn(len(data.y_train), options.texts_rows, seed)
    tests = drawn(len(data.y_test), options.test_rows, seed)
    X, X_test = (np.asarray(list(part), dtype=object) for part in (data.X_train, data.X_test))
    of_test, visits = (X_test[tests], data.y_test[tests]), options.texts_visits
    return Task("texts", X[rows], data.y_train[rows], *of_test, columns.X[rows], vdcnn, visits)


def drawn(n_rows: int, n_kept: int, seed: int) -> np.ndarray:
    return np.random.RandomState(seed).permutation(n_rows)[:n_kept]


def new_proxy() -> BaseEstimator:
    return make_pipeline(
        StandardScaler(), Incremental(MLPClassifier((64,), learning_rate_init=0.003), n_epochs=30)
    )


def strategy_of(name: str, share: float) -> str:
    # Strata leave out as many of the hardest rows as those that a pilot tries by itself.
    dropped = 0.4 if share <= 0.07 else 0.3 if share <= 0.15 else 0.2
    return f"stratified:score=el2n,hardest_dropped={dropped}" if name == "el2n strata" else name


def run_pilot(task: Task, judge: str, share: float, seed: int, memory: Path) -> dict:
    """Return what a pilot says: the errors of its judges by strategy, its pick and its seconds."""
    X, proxy, target = task.columns, new_proxy(), None
    if judge == "resnet8":
        X, proxy = task.X, make_pipeline(Patches(), new_proxy())
        target = resnet(task.epochs(share), seed, depth=8)
    names = {strategy_of(name, share): name for name in STRATEGIES}
    found = pilot(
        proxy,
        X,
        task.y,
        strategies=list(names),
        subset_size=share,
        target=target,
        n_repeats=3,
        memory=memory,
        random_state=seed,
    )
    means = found.errors_.mean(axis=0)
    return {
        "errors": {names.get(name, name): float(mean) for name, mean in zip(found.names, means, strict=True)},
        "pick": names.get(found.best_name_, found.best_name_),
        "seconds": found.seconds_,
    }


def choose(task: Task, name: str, share: float, seed: int, memory: Path) -> np.ndarray:
    """Return the rows of a strategy, or of a draw of the baseline."""
    if name in STRATEGIES:
        selector = ProxyCoresetSelector(new_proxy(), strategy="el2n", memory=memory, random_state=seed)
        fitted = selector.fit(task.columns, task.y)
        strategy = named_strategy(strategy_of(name, share))
        choice = fitted.rerank(strategy=strategy, subset_size=share, X=task.columns)
    else:
        selector = ProxyCoresetSelector(None, strategy="random", class_balanced=True, subset_size=share)
        selector.set_params(random_state=1000 + int(name.removeprefix(BASELINE)))
        choice = selector.fit(task.columns, task.y)
    return choice.indices_


def train(task: Task, name: str, share: float, seed: int, memory: Path) -> dict:
    """Return the test error of a target trained on the rows of a strategy."""
    rows = choose(task, name, share, seed, memory)
    target = task.model(task.epochs(share), seed).fit(task.X[rows], task.y[rows])
    return {"error": float(np.mean(target.predict(task.X_test) != task.y_test))}


def gather(kept: Results, told: dict, judge: str, kind: str) -> dict | None:
    """Return a finished cell in the form of those of `bench_pilot`, None if it is not finished."""
    arms = [*STRATEGIES, *(f"{BASELINE} {draw}" for draw in range(DRAWS))]
    found = {name: kept.find(**told, part=name) for name in arms}
    said = kept.find(**told, part=f"pilot {judge}")
    if said is None or any(part is None for part in found.values()):
        return None
    # Plain random rows are left out: no target is trained on them.
    judged = {name: error for name, error in said["errors"].items() if name != "random"}
    errors = {name: part["error"] for name, part in found.items()}
    errors[BASELINE] = float(np.mean([error for name, error in errors.items() if name not in STRATEGIES]))
    return {
        **told,
        "judge": judge,
        "kind": kind,
        "names": list(judged),
        "pilot": list(judged.values()),
        "pick": BASELINE if said["pick"] == "random" else said["pick"],
        "seconds": said["seconds"],
        "targets": {kind: errors},
    }


_WORDS = {
    "images": "- Images: {images_rows:,} training rows, 256 features of fixed random patches as columns; ResNet20 "
    "sees their means over blocks of {images_averaged} by {images_averaged} pixels and visits {images_visits:,} "
    "images where a tenth is kept.",
    "texts": "- Texts: {texts_rows:,} training rows, 128 components of TF-IDF as columns; VDCNN9 in its small form "
    "reads 512 characters of a text and visits {texts_visits:,} texts where a tenth is kept.",
}


def lines_of(record: dict) -> list[str]:
    """Return the page of a record."""
    cells, settings = record["cells"], record["settings"]
    lines = [
        "# Whether a pilot's order of strategies holds for convolutional networks",
        "",
        f"A pilot with three repeats compares {len(STRATEGIES)} strategies and class-balanced random rows on columns. "
        "Its proxy, a network with one hidden layer of 64, and the small networks that judge read these columns. The "
        "targets read the rows themselves, and visit rows in proportion to the root of the share that is kept: all "
        "targets of a cell have as many updates.",
        "",
        *[_WORDS[kind].format(**settings) for kind in dict.fromkeys(cell["kind"] for cell in cells)],
        "",
        "*Gain*: points of the target's test error below class-balanced random rows, the mean of "
        f"{DRAWS} draws. *The best*: the best strategy in hindsight on the same test rows. *Spread*: the standard "
        "deviation of the draws. *Rank agreement*: Spearman's correlation of the errors of pilot and target over the "
        "strategies, their mean over the cells.",
    ]
    if settings["note"]:
        lines += ["", settings["note"]]
    lines += [
        "",
        "| data set | target | judge | kept | cells | error of random rows, % | spread | picks | gain of the pick "
        "| gain of the best | within half a point of the best | worse than random by more than its spread "
        "| rank agreement | pilot, s |",
        "|---" * 14 + "|",
    ]
    groups = list(dict.fromkeys((cell["data"], cell["judge"], cell["share"]) for cell in cells))
    wholes = list(dict.fromkeys((data, judge, None) for data, judge, _ in groups))
    for data, judge, share in [*groups, *wholes]:
        members = [
            cell
            for cell in cells
            if (cell["data"], cell["judge"]) == (data, judge) and share in (None, cell["share"])
        ]
        lines.append(_line(members, "all" if share is None else f"{share:.0%}"))
    lines += [
        "",
        "## Errors",
        "",
        "Means over the seeds, in %: of the judges in the pilot, and of the targets.",
    ]
    for data, judge, _ in wholes:
        lines += ["", *_errors([cell for cell in cells if (cell["data"], cell["judge"]) == (data, judge)])]
    return lines


def _line(cells: list[dict], kept: str) -> str:
    outcomes = [outcome(cell, cell["kind"]) for cell in cells]
    mean = {part: np.mean([one[part] for one in outcomes]) for part in outcomes[0]}
    spread = np.mean([_spread(cell["targets"][cell["kind"]]) for cell in cells])
    picks = ", ".join(dict.fromkeys(cell["pick"] for cell in cells))
    first = cells[0]
    return (
        f"| {first['data']} | {TARGETS[first['kind']]} | {JUDGES[first['judge']]} | {kept} | {len(cells)} "
        f"| {_mean_error(cells, BASELINE):.1f} | {100 * spread:.1f} | {picks} | {mean['gain']:+.2f} "
        f"| {mean['best_gain']:+.2f} | {sum(one['near_best'] for one in outcomes)} "
        f"| {sum(one['worse'] for one in outcomes)} | {mean['agreement']:.2f} "
        f"| {np.median([cell['seconds'] for cell in cells]):.0f} |"
    )


def _spread(errors: dict[str, float]) -> float:
    return float(np.std([error for name, error in errors.items() if name.startswith(f"{BASELINE} ")], ddof=1))


def _mean_error(cells: list[dict], name: str) -> float:
    return 100 * float(np.mean([cell["targets"][cell["kind"]][name] for cell in cells]))


def _errors(cells: list[dict]) -> list[str]:
    shares = list(dict.fromkeys(cell["share"] for cell in cells))
    heads = [f"{share:.0%}: {who}" for share in shares for who in ("pilot", "target")]
    first = cells[0]
    lines = [
        f"| {first['data']}, {JUDGES[first['judge']]} | {' | '.join(heads)} |",
        "|---" * (1 + len(heads)) + "|",
    ]
    for name in (BASELINE, *STRATEGIES):
        values = []
        for share in shares:
            of_share = [cell for cell in cells if cell["share"] == share]
            of_pilot = [cell["pilot"][cell["names"].index(name)] for cell in of_share]
            values += [100 * np.mean(of_pilot), _mean_error(of_share, name)]
        lines.append(f"| {name} | " + " | ".join(f"{value:.1f}" for value in values) + " |")
    return lines


def main() -> None:
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--images", help="CIFAR-10's folder, or 'digits'")
    options.add_argument("--texts", help="folder with train.csv and test.csv")
    options.add_argument("--images-shares", type=float, nargs="*", default=SHARES["images"])
    options.add_argument("--texts-shares", type=float, nargs="*", default=SHARES["texts"])
    options.add_argument("--seeds", type=int, default=2, help="number of seeds")
    options.add_argument("--first-seed", type=int, default=0)
    options.add_argument("--judges", nargs="*", choices=JUDGES, default=["networks"])
    options.add_argument("--images-rows", type=int, default=10_000, help="training images")
    options.add_argument(
        "--images-averaged",
        type=int,
        default=1,
        help="side of the blocks of pixels that the targets see as one",
    )
    options.add_argument("--texts-rows", type=int, default=25_000, help="training texts")
    options.add_argument("--test-rows", type=int, default=4_000)
    options.add_argument("--images-visits", type=int, default=VISITS["images"])
    options.add_argument("--texts-visits", type=int, default=VISITS["texts"])
    options.add_argument(
        "--partial", type=Path, default=Path("bench_pilot_transfer"), help="folder of what is finished"
    )
    options.add_argument("--note", default="", help="a sentence for the page")
    options.add_argument("--add", action="store_true", help="keep the other cells of the record in --out")
    options.add_argument("--report-only", action="store_true", help="write the page of the finished cells")
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    kept = Results(args.partial)
    tasks = [
        (make, folder, shares)
        for make, folder, shares in (
            (images, args.images, args.images_shares),
            (texts, args.texts, args.texts_shares),
        )
        if folder
    ]
    cells = []
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        for make, folder, shares in tasks:
            kind = make.__name__
            judges = [name for name in args.judges if name != "resnet8" or kind == "images"]
            cells_told = [{"data": name_of(folder), "share": share, "seed": seed} for share in shares]
            if not args.report_only:
                task = make(folder, seed, args)
                with tempfile.TemporaryDirectory() as memory, warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    for told in cells_told:
                        run(task, told, judges, kept, Path(memory))
            found = [gather(kept, told, judge, kind) for told in cells_told for judge in judges]
            cells += [cell for cell in found if cell is not None]
    names = (
        "images_rows",
        "images_averaged",
        "texts_rows",
        "test_rows",
        "images_visits",
        "texts_visits",
        "note",
    )
    settings = {name: getattr(args, name) for name in names}
    if args.add:
        cells += others(args.out / "bench_pilot_transfer.json", cells, settings)
    cells.sort(key=lambda cell: (cell["kind"], cell["judge"], cell["share"], cell["seed"]))
    record = {"settings": settings, "cells": cells}
    write(args.out, "bench_pilot_transfer", record, lines_of(record))


def others(record: Path, cells: list[dict], settings: dict) -> list[dict]:
    """Return the cells that a record has beside these; ValueError if they were measured with other settings."""
    earlier = json.loads(record.read_text())
    differ = [
        name for name, value in settings.items() if name != "note" and earlier["settings"].get(name) != value
    ]
    if differ:
        raise ValueError(f"{record} was measured with other settings: {', '.join(differ)}.")

    def place(cell: dict) -> tuple:
        return cell["data"], cell["share"], cell["seed"], cell["judge"]

    known = {place(cell) for cell in cells}
    return [cell for cell in earlier["cells"] if place(cell) not in known]


def run(task: Task, told: dict, judges: list[str], kept: Results, memory: Path) -> None:
    """Run the pilots and the targets of a cell that are missing."""
    share, seed = told["share"], told["seed"]
    for judge in judges:
        kept.get(
            lambda judge=judge: run_pilot(task, judge, share, seed, memory), **told, part=f"pilot {judge}"
        )
    for name in (*STRATEGIES, *(f"{BASELINE} {draw}" for draw in range(DRAWS))):
        kept.get(lambda name=name: train(task, name, share, seed, memory), **told, part=name)


if __name__ == "__main__":
    main()
