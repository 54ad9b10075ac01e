"""How many wrong labels are found, what leaving them out wins, and how several proxies agree.

Human labels of CIFAR-10 (CIFAR-10N) are wrong where people err. In texts a fifth of the labels is made wrong: at random
rows, and at rows that a logistic regression, which has not seen them, takes for another class. Images are seen through
256 principal components of how they match 256 fixed patches, texts through 128 of their words. The targets, networks
with two hidden layers of 64, are trained side by side. Finished parts are kept in --partial.
"""

import json
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from _report import parser, write
from _side_by_side import BATCH, errors
from scipy.stats import rankdata
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.neural_network import MLPClassifier
from torch.nn import functional

from sksvp import ProxyCoresetSelector
from sksvp.agreement import rank_correlation
from sksvp.coreset._label_issues import plant_wrong_labels
from sksvp.datasets import load_cifar10, load_text_csv
from sksvp.proxies import Incremental

PLANTED = 0.2
N_TEST_IMAGES = 3000
# Name, proxies, whether folds are trained as well, and how labels are judged.
WAYS = {
    "aum": (1, False, "aum"),
    "aum, 3 proxies": (3, False, "aum"),
    "loss": (1, False, "loss"),
    "probability in sample": (1, False, "probability"),
    "probability out of fold": (1, True, "probability"),
    "both": (1, True, "both"),
}
N_PROXIES = (1, 2, 3, 5)
SCORES = ("el2n", "aum", "forgetting_events", "entropy")


def patch_features(images: np.ndarray, patches: torch.Tensor) -> np.ndarray:
    """Return how images match patches, averaged over their quarters, (n, 4 x patches)."""
    parts = []
    for block in torch.from_numpy(images).split(100):
        maps = functional.conv2d(block.permute(0, 3, 1, 2) / 255, patches)
        maps = (maps - maps.mean(1, keepdim=True)) / (maps.std(1, keepdim=True) + 0.01)
        parts.append(functional.adaptive_avg_pool2d((maps - 1).relu(), 2).flatten(1))
    return torch.cat(parts).numpy()


def load_images(folder: Path, n_rows: int):
    """Return training and test rows and labels of CIFAR-10."""
    data = load_cifar10(folder)
    X, X_test = data.X_train[:n_rows], data.X_test[:N_TEST_IMAGES]
    rng = np.random.RandomState(0)
    rows, places = rng.randint(n_rows, size=256), rng.randint(27, size=(256, 2))
    patches = [X[row, r : r + 6, c : c + 6] / 255 for row, (r, c) in zip(rows, places, strict=True)]
    patches = torch.tensor(np.stack(patches), dtype=torch.float32).permute(0, 3, 1, 2)
    patches -= patches.mean((1, 2, 3), keepdim=True)
    patches /= patches.flatten(1).norm(dim=1)[:, None, None, None] + 0.1
    parts = [patch_features(part, patches) for part in (X, X_test)]
    return reduce(PCA(256, random_state=0), *parts, data.y_train[:n_rows], data.y_test[:N_TEST_IMAGES])


def load_texts(folder: Path, n_rows: int):
    """Return training and test rows and labels of texts."""
    data = load_text_csv(folder)
    words = TfidfVectorizer(min_df=2, sublinear_tf=True)
    X, X_test = words.fit_transform(list(data.X_train[:n_rows])), words.transform(list(data.X_test[:n_rows]))
    classes, codes = np.unique(data.y_train[:n_rows], return_inverse=True)
    return reduce(
        TruncatedSVD(128, random_state=0), X, X_test, codes, np.searchsorted(classes, data.y_test[:n_rows])
    )


def reduce(components, X, X_test, y, y_test):
    """Return rows by their components, with a mean square of 1, and labels."""
    X, X_test = components.fit_transform(X), components.transform(X_test)
    size = X.std()
    return (
        (X / size).astype(np.float32),
        np.asarray(y),
        (X_test / size).astype(np.float32),
        np.asarray(y_test),
    )


def proxy(seed: int):
    return Incremental(
        MLPClassifier((64,), learning_rate_init=0.004), n_epochs=20, batch_size=256, random_state=seed
    )


def select(X, y, seed: int, memory: str, **params):
    return ProxyCoresetSelector(proxy(seed), memory=memory, random_state=seed, **params).fit(X, y)


def wrong_labels(data, human: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Return the labels of a data set with errors of each kind."""
    if human:
        return human
    X, y = data[:2]
    unseen = cross_val_predict(LogisticRegression(max_iter=200), X, y, method="predict_proba")
    rng = np.random.RandomState(seed)
    n_planted = int(PLANTED * len(y))
    return {
        "planted, alike": plant_wrong_labels(y, n_planted, np.unique(y), unseen, rng)[0],
        "planted, uniform": plant_wrong_labels(y, n_planted, None, None, rng)[0],
    }


def find(data, labels: np.ndarray, seed: int, n_updates: int) -> dict:
    """Return what each way finds of the wrong labels, and the errors of targets without them."""
    X, y, X_test, y_test = data
    is_wrong = labels != y
    n, n_wrong = len(y), int(is_wrong.sum())
    everything = np.arange(n)
    draw = np.random.RandomState(seed).permutation(n)
    arms = {"all rows": everything, "a random tenth less": draw[n // 10 :]}
    found = {}
    with tempfile.TemporaryDirectory() as memory:
        for name, (n_proxies, folds, by) in WAYS.items():
            mode = "out_of_fold" if folds else "in_sample"
            # The quotas make the folds necessary for a strategy that reads the record.
            balanced = "by_error" if folds else False
            selector = select(
                X,
                labels,
                seed,
                memory,
                strategy="aum",
                n_proxies=n_proxies,
                probabilities=mode,
                class_balanced=balanced,
            )
            table = selector.label_issues(by=by)
            found[name] = judge(table, is_wrong, n_wrong)
            arms[f"{name}: worst tenth less"] = np.sort(table["row"][n // 10 :])
            arms[f"{name}: flagged less"] = np.sort(table["row"][~table["issue"]])
            if name == "aum":
                table = selector.label_issues(by=by, flag="made_up_class")
                found["aum, made-up class"] = judge(table, is_wrong, n_wrong)
                arms["aum, made-up class: flagged less"] = np.sort(table["row"][~table["issue"]])
    arms["wrong labels less"] = np.flatnonzero(~is_wrong)
    places = np.random.RandomState(seed).uniform(size=(n_updates, BATCH))
    batches = [rows[(places * len(rows)).astype(int)] for rows in arms.values()]
    told = errors(batches, (X, labels, X_test, y_test), seed) + errors(batches[:1], data, seed)
    return {
        "wrong": n_wrong / n,
        "found": found,
        "errors": dict(zip([*arms, "true labels"], told, strict=True)),
    }


def judge(table, is_wrong: np.ndarray, n_wrong: int) -> dict[str, float]:
    """Return how well a table of label issues tells the wrong labels."""
    wrong = is_wrong[table["row"]]
    flagged = table["issue"].to_numpy()
    return {
        "auroc": float(roc_auc_score(wrong, table["score"])),
        "precision": float(wrong[:n_wrong].mean()),
        "precision in a tenth": float(wrong[: len(wrong) // 10].mean()),
        "flagged": float(flagged.mean()),
        "precision of flagged": float(wrong[flagged].mean()) if flagged.any() else float("nan"),
        "recall of flagged": float(flagged[wrong].mean()),
    }


def agreement(data) -> dict[str, dict[str, float]]:
    """Return how the mean ranks of some proxies agree with those of five others."""
    X, y = data[:2]
    tables = [
        ProxyCoresetSelector(proxy(seed), strategy="el2n", random_state=seed).fit(X, y).score_table(X)
        for seed in range(5 + max(N_PROXIES))
    ]
    ranks = {name: np.array([rankdata(table[name]) for table in tables]) for name in SCORES}
    return {
        name: {str(n): rank_correlation(of[5 : 5 + n].mean(0), of[:5].mean(0)) for n in N_PROXIES}
        for name, of in ranks.items()
    }


def lines_of(record: dict) -> list[str]:
    """Return the page of a record."""
    settings, parts = record["settings"], record["parts"]
    lines = [
        "# Wrong labels that are found, and what leaving them out wins",
        "",
        f"Means of {settings['seeds']} seeds, with twice their standard error. Proxy: a network with a hidden layer of "
        "64, 20 passes. AUROC: how well the score tells wrong labels from right ones. Precision: share of wrong labels "
        "among as many rows of the highest score as there are wrong ones, and among the flagged rows. Errors: of "
        f"targets after {settings['updates']:,} updates, in %, on test rows with right labels.",
    ]
    for name in dict.fromkeys(part["name"] for part in parts):
        of = [part for part in parts if part["name"] == name]

        def mean(way: str, key: str, of=of) -> float:
            return 100 * float(np.mean([part["found"][way][key] for part in of]))

        def error(arm: str, of=of) -> str:
            if arm not in of[0]["errors"]:
                return ""
            values = 100 * np.array([part["errors"][arm] for part in of])
            spread = f" ± {2 * values.std(ddof=1) / len(values) ** 0.5:.1f}" if len(values) > 1 else ""
            return f"{values.mean():.1f}{spread}"

        wrong = 100 * np.mean([part["wrong"] for part in of])
        lines += [
            "",
            f"## {name}: {wrong:.1f} % wrong",
            "",
            f"Error with all rows {error('all rows')}, without a random tenth {error('a random tenth less')}, without "
            f"all wrong labels {error('wrong labels less')}, with true labels {error('true labels')}.",
            "",
            "| way | AUROC | precision | precision in a tenth | flagged | precision of these | recall | "
            "error without the worst tenth | error without flagged |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for way in of[0]["found"]:
            cells = [f"{mean(way, 'auroc') / 100:.3f}"]
            keys = (
                "precision",
                "precision in a tenth",
                "flagged",
                "precision of flagged",
                "recall of flagged",
            )
            cells += [f"{mean(way, key):.0f} %" for key in keys]
            cells += [error(f"{way}: worst tenth less"), error(f"{way}: flagged less")]
            lines.append(f"| {way} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "## How several proxies agree",
        "",
        "Spearman's correlation of the mean ranks of so many proxies with those of five others, with right labels.",
        "",
        "| data | score | " + " | ".join(f"{n}" for n in N_PROXIES) + " |",
        "|---" * (2 + len(N_PROXIES)) + "|",
    ]
    for name, scores in record["agreement"].items():
        for score, by_number in scores.items():
            lines.append(
                f"| {name} | {score} | " + " | ".join(f"{by_number[str(n)]:.2f}" for n in N_PROXIES) + " |"
            )
    return lines


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--images", type=Path, help="folder with cifar-10-batches-py")
    options.add_argument("--human-labels", type=Path, help="cifar10n_train.npz")
    options.add_argument(
        "--texts", type=Path, nargs="*", default=[], help="folders with train.csv and test.csv"
    )
    options.add_argument("--rows", type=int, default=10_000, help="training rows of each data set")
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--updates", type=int, default=1500)
    options.add_argument("--partial", type=Path, default=Path("label-issues"))
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore")
    args.partial.mkdir(parents=True, exist_ok=True)
    sources = {folder.name: (load_texts, folder, {}) for folder in args.texts}
    if args.images is not None:
        with np.load(args.human_labels) as file:
            human = {
                f"human, {kind}": file[kind][: args.rows].astype(int)
                for kind in ("random1", "worst", "aggregate")
            }
        sources["CIFAR-10"] = (load_images, args.images, human)
    parts, agreements = [], {}
    for name, (load, folder, human) in sources.items():
        data = load(folder, args.rows)
        for seed in range(args.seeds):
            for kind, labels in wrong_labels(data, human, seed).items():
                part = keep(
                    args.partial / f"{name}-{kind}-{seed}.json",
                    lambda data=data, labels=labels, seed=seed: find(data, labels, seed, args.updates),
                )
                parts.append({"name": f"{name}, {kind}", "seed": seed, **part})
        agreements[name] = keep(args.partial / f"{name}-agreement.json", lambda data=data: agreement(data))
    settings = {"rows": args.rows, "seeds": args.seeds, "updates": args.updates}
    record = {"settings": settings, "parts": parts, "agreement": agreements}
    write(args.out, "bench_label_issues", record, lines_of(record))


def keep(path: Path, work) -> dict:
    """Return what a piece of work gave, from the file that keeps it if it is done."""
    if not path.exists():
        path.write_text(json.dumps(work()))
    return json.loads(path.read_text())


if __name__ == "__main__":
    main()
