"""What a target makes of rows chosen by entropy in sample, out of fold, and at random; which are warned of."""

import tempfile
import warnings
from pathlib import Path

import numpy as np
from _report import parser, write
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from sksvp import ProxyCoresetSelector
from sksvp.coreset import MemorisedProxyWarning, RiskyChoiceWarning
from sksvp.datasets import load_digits, load_text_csv

SIZES = (0.1, 0.2, 0.3, 0.5)
PROXIES = {
    "logistic regression": LogisticRegression(max_iter=300, random_state=0),
    "the same, C=1000": LogisticRegression(C=1000, max_iter=300, random_state=0),
    "forest, oob_score": RandomForestClassifier(oob_score=True, random_state=0),
}


def load(folder: Path | None, n_rows: int | None):
    """Return training and test rows of texts as tf-idf, or of digits."""
    data = load_digits() if folder is None else load_text_csv(folder)
    rows = np.random.RandomState(0).permutation(len(data.y_train))[:n_rows]
    X, y, X_test = data.X_train[rows], data.y_train[rows], data.X_test
    if folder is None:
        return X.reshape(len(X), -1) / X.max(), y, X_test.reshape(len(X_test), -1) / X.max(), data.y_test
    words = TfidfVectorizer(min_df=2, sublinear_tf=True)
    return words.fit_transform(list(X)), y, words.transform(list(X_test)), data.y_test


def choose(proxy, X, y, **params) -> tuple[np.ndarray, str]:
    """Return the chosen rows and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        selector = ProxyCoresetSelector(clone(proxy), random_state=0, **params).fit(X, y)
    told = [warning for warning in caught if issubclass(warning.category, RiskyChoiceWarning)]
    is_memorised = [warning.category is MemorisedProxyWarning for warning in told]
    return selector.indices_, "r" * (False in is_memorised) + "m" * (True in is_memorised)


def compare(name: str, folder: Path | None, n_rows: int | None, memory: str) -> list[dict]:
    """Train the target on each choice from one data set."""
    X, y, X_test, y_test = load(folder, n_rows)

    def error(rows) -> float:
        if len(np.unique(y[rows])) < 2:
            return float(np.mean(y_test != y[rows][0]))
        return 1 - LogisticRegression(C=10, max_iter=300).fit(X[rows], y[rows]).score(X_test, y_test)

    lines = []
    for size in SIZES:
        draws = [
            ProxyCoresetSelector(
                LogisticRegression(),
                strategy="random",
                class_balanced=True,
                subset_size=size,
                random_state=seed,
            ).fit(X, y)
            for seed in range(3)
        ]
        at_random = np.mean([error(draw.indices_) for draw in draws])
        for proxy_name, proxy in PROXIES.items():
            line = {
                "data": name,
                "rows": len(y),
                "proxy": proxy_name,
                "kept": size,
                "random": float(at_random),
            }
            for mode in ("in_sample", "out_of_fold"):
                rows, told = choose(
                    proxy, X, y, strategy="entropy", subset_size=size, probabilities=mode, memory=memory
                )
                line |= {mode: error(rows), f"{mode}_told": told}
            lines.append(line)
    return lines


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--data", type=Path, nargs="*", default=[], help="folders with train.csv and test.csv"
    )
    options.add_argument("--rows", type=int, default=8000, help="random training rows of each, at most")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as memory:
        lines = compare("digits", None, args.rows, memory)
        for folder in args.data:
            lines += compare(folder.name, folder, args.rows, memory)
    settings = {"data": [folder.name for folder in args.data], "rows": args.rows}
    write(
        args.out,
        "bench_out_of_fold",
        {"settings": settings, "lines": lines},
        [
            "# Rows chosen by entropy, in sample and out of fold",
            "",
            "| data | proxy | kept | in sample | out of fold | random by class |",
            "|---|---|---|---|---|---|",
            *(
                f"| {line['data']}, {line['rows']:,} | {line['proxy']} | {line['kept']:.0%} | "
                f"{_cell(line, 'in_sample')} | {_cell(line, 'out_of_fold')} | {line['random']:.1%} |"
                for line in lines
            ),
            "",
            "Test error of a logistic regression (C=10) on the chosen rows; random ones: mean of three draws. r: "
            "`RiskyChoiceWarning`; m: `MemorisedProxyWarning`.",
        ],
    )


def _cell(line: dict, mode: str) -> str:
    told = line[f"{mode}_told"]
    return f"{line[mode]:.1%}" + (f" ({', '.join(told)})" if told else "")


if __name__ == "__main__":
    main()
