"""Choices by scikit-learn's models, as ``recorded_choices.json`` has them.

``python tests/recorded_choices.py`` records them anew, where a change of the chosen rows is meant.
"""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sksvp import ProxyActiveLearner, ProxyCoresetSelector

RECORDS = Path(__file__).with_suffix(".json")
PROXIES = {
    "logistic regression": LogisticRegression(),
    "SGD": SGDClassifier(loss="log_loss"),
    "SGD, hinge": SGDClassifier(),
    "MLP": MLPClassifier((8,), max_iter=30),
    "Gaussian naive Bayes": GaussianNB(),
    "nearest neighbours": KNeighborsClassifier(7, weights="distance"),
    "forest": RandomForestClassifier(20),
    "boosting": GradientBoostingClassifier(n_estimators=8, max_depth=2),
    "Pipeline of logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "Pipeline of SGD": make_pipeline(MinMaxScaler(), SGDClassifier(loss="log_loss")),
    "Pipeline of MLP": make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=30)),
}
STRATEGIES = ("entropy", "least_confidence", "margin", "forgetting_events", "k_centers", "random", "auto")
LEARNERS = ("logistic regression", "forest", "Pipeline of SGD")


def rows_and_labels() -> tuple[np.ndarray, np.ndarray]:
    """Return 178 wines of three classes of unequal size, a tenth of them with another's label."""
    X, y = load_wine(return_X_y=True)
    rng = np.random.RandomState(0)
    moved = rng.permutation(len(y))[: len(y) // 10]
    y[moved] = (y[moved] + 1) % 3
    return (X - X.mean(axis=0)) / X.std(axis=0), np.array(["barolo", "grignolino", "barbera"])[y]


def core_set(proxy: str, strategy: str, class_balanced: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the chosen rows, best first, and the scores of all rows."""
    selector = ProxyCoresetSelector(
        PROXIES[proxy], strategy=strategy, subset_size=0.2, class_balanced=class_balanced, random_state=3
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        selector.fit(*rows_and_labels())
    return selector.order_[selector.support_[selector.order_]], selector.scores_


def purchases(proxy: str, strategy: str) -> list[list[int]]:
    """Return the rows that a learner buys in each round."""
    learner = ProxyActiveLearner(
        PROXIES[proxy], strategy=strategy, initial_size=12, rounds=[12, 12], random_state=5
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learner.fit(*rows_and_labels())
    return [list(map(int, entry["rows"])) for entry in learner.history_]


def record() -> dict[str, dict[str, Any]]:
    """Return every choice; None where a proxy does not serve a strategy."""
    core_sets: dict[str, Any] = {}
    for proxy in PROXIES:
        for strategy in STRATEGIES:
            for class_balanced in (False, True):
                name = f"{proxy} / {strategy}{' / class balanced' if class_balanced else ''}"
                try:
                    core_sets[name] = core_set(proxy, strategy, class_balanced)[0].tolist()
                except ValueError:
                    core_sets[name] = None
    learners = {
        f"{proxy} / {strategy}": purchases(proxy, strategy)
        for proxy in LEARNERS
        for strategy in ("least_confidence", "margin", "k_centers", "random")
        if not (strategy == "k_centers" and not proxy.startswith("Pipeline"))
    }
    return {"core_sets": core_sets, "learners": learners}


if __name__ == "__main__":
    groups = (
        f'"{group}": {{\n' + ",\n".join(f'"{name}": {json.dumps(c)}' for name, c in choices.items()) + "\n}"
        for group, choices in record().items()
    )
    RECORDS.write_text("{\n" + ",\n".join(groups) + "\n}\n", encoding="utf-8")
