"""Predictions of boosted ensembles stage by stage: those of scikit-learn's form, of LightGBM and of XGBoost."""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

# At about so many stages the libraries beside scikit-learn are asked: each costs a prediction of the trees so far.
_N_STAGES = 20


def is_lightgbm(classifier: Any) -> bool:
    """Tell whether a classifier is LightGBM's, without importing it."""
    return _is_from("lightgbm", "LGBMClassifier", classifier)


def is_xgboost(classifier: Any) -> bool:
    """Tell whether a classifier is XGBoost's and made of trees; its linear booster has no stages."""
    return (
        _is_from("xgboost", "XGBClassifier", classifier)
        and classifier.get_params().get("booster") != "gblinear"
    )


def is_catboost(classifier: Any) -> bool:
    """Tell whether a classifier is CatBoost's, without importing it."""
    return _is_from("catboost", "CatBoostClassifier", classifier)


def _is_from(library: str, name: str, classifier: Any) -> bool:
    # Where nobody has imported the library, the classifier is not of it.
    return isinstance(classifier, getattr(sys.modules.get(library), name, ()))


def has_staged_probabilities(classifier: Any) -> bool:
    """Tell whether the stages of an ensemble show probabilities, and not only labels."""
    return hasattr(classifier, "staged_predict_proba") or is_lightgbm(classifier) or is_xgboost(classifier)


def staged_probabilities(classifier: Any, X: Any) -> Iterator[np.ndarray]:
    """Yield the class probabilities, (n, n_classes), of a fitted ensemble after its first stages, to the last.

    After early stopping the last stage is the one that the ensemble predicts with.
    """
    if is_lightgbm(classifier):
        n_trees = classifier.best_iteration_ or classifier.booster_.current_iteration()
        for stage in _stages(n_trees):
            yield classifier.predict_proba(X, num_iteration=stage)
    elif is_xgboost(classifier):
        n_trees = _best_of_xgboost(classifier)
        for stage in _stages(n_trees):
            yield classifier.predict_proba(X, iteration_range=(0, stage))
    elif is_catboost(classifier):
        period = -(-classifier.tree_count_ // _N_STAGES)
        yield from classifier.staged_predict_proba(X, eval_period=period)
    else:
        yield from classifier.staged_predict_proba(X)


def _best_of_xgboost(classifier: Any) -> int:
    # The attribute exists only after early stopping.
    if hasattr(classifier, "best_iteration"):
        return int(classifier.best_iteration) + 1
    return int(classifier.get_booster().num_boosted_rounds())


def _stages(n_trees: int) -> list[int]:
    """Return about 20 numbers of trees, evenly apart, to the last."""
    return np.unique(np.linspace(1, n_trees, min(n_trees, _N_STAGES)).round().astype(int)).tolist()
