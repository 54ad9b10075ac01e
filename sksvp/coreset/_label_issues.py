"""Rows whose label is doubtful, by what the training of the proxy says of them."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions, validate_params
from sklearn.utils.validation import check_is_fitted

from .._inputs._names import names
from .._inputs._parameters import RealNumber, WholeNumber
from ..strategies import (
    LABEL_ISSUE_WAYS,
    Evidence,
    class_probabilities,
    count_rows,
    label_suspicion,
    mark_highest,
    mark_most_suspicious,
    mean_evidence,
    own_columns,
)
from ._by_chance import ByChanceWarning
from ._risky_choice import RiskyChoiceWarning

_WAYS = StrOptions({"auto", *LABEL_ISSUE_WAYS})
_READS = {
    "aum": ("training_record",),
    "loss": ("training_record",),
    "probability": ("probabilities",),
    "both": ("training_record", "probabilities"),
}
# Percentage of the rows of a made-up class that may look as if their label were right.
_UNUSUAL = 1.0
# Rows of each class that keep their label where wrong ones are planted: one for each fold.
_N_SPARED = 5


class LabelIssuesMixin:
    """What a fitted selector or sampler says of the labels."""

    _kept: Evidence
    random_state: Any
    _gives: Callable[[], set[str]]
    _evidence_again: Callable[..., list[Evidence]]
    _rows_again: Callable[[Any], Any]

    @validate_params(
        {
            "by": [_WAYS],
            "flag": [
                StrOptions({"auto", "made_up_class"}),
                RealNumber(0, 1, closed="neither"),
                WholeNumber(1),
            ],
        },
        prefer_skip_nested_validation=False,
    )
    def label_issues(self, X=None, *, by: str = "auto", flag: str | float = "auto", **fit_params):
        """List the rows by how much speaks against their label.

        Parameters
        ----------
        X : rows that were fitted, optional
            Needed for probabilities, and for a made-up class, if the rows are no longer
            in memory.
        by : {"auto", "aum", "loss", "probability", "both"}, default="auto"
            What is read; see `sksvp.strategies.label_suspicion`. ``"auto"`` is
            ``"aum"`` where the training kept a record, else ``"probability"``. Of
            several proxies the mean records and probabilities are read. Probabilities
            are those out of fold if the selector was fitted with them.
        flag : {"auto", "made_up_class"}, float or int, default="auto"
            Which rows are flagged. ``"auto"``: those whose score is above 0, without
            another training. ``"made_up_class"``: the selector is fitted once more,
            with ``n_samples / (n_classes + 1)`` random rows in a class of their own, in
            which there is nothing to learn; rows are flagged whose score is above the
            lowest of these rows, 1 % of them aside. A number: so many rows, or this
            share of them.
        **fit_params : dict
            Passed to `fit` for a made-up class.

        Returns
        -------
        pandas.DataFrame
            One line per row, the most suspicious first: `row`; `label`, the one in y;
            `suggested`, the most probable of the other classes, missing if the proxy
            gives no probabilities; `score`; and `issue`, whether the row is flagged.

        Raises
        ------
        ValueError
            If the training kept nothing that tells doubtful labels, or if X is needed
            or is not the one that was fitted.

        See Also
        --------
        planted_label_issues : How many wrong labels it finds, measured on the same rows.

        References
        ----------
        Pleiss et al., Identifying Mislabeled Data using the Area Under the Margin
        Ranking, NeurIPS 2020.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sksvp import ProxyCoresetSelector
        >>> X, y = load_iris(return_X_y=True)
        >>> y[10] = 2
        >>> selector = ProxyCoresetSelector(LogisticRegression(), probabilities="out_of_fold", random_state=0)
        >>> worst = selector.fit(X, y).label_issues().iloc[0]
        >>> [int(worst[name]) for name in ("row", "label", "suggested")]
        [10, 2, 0]
        """
        check_is_fitted(self)
        import pandas as pd

        by = self._way(by)
        evidence = self._evidence_of_labels(by, X)
        scores = label_suspicion(evidence, by=by)
        if flag == "auto":
            is_issue = mark_most_suspicious(scores, True)
        elif flag == "made_up_class":
            is_issue = scores > self._lowest_of_made_up_class(by, X, fit_params)
        else:
            with names("flag"):
                n_flagged = count_rows(flag, len(scores))
            is_issue = mark_highest(scores, n_flagged)
        table = pd.DataFrame(
            {
                "row": np.arange(len(scores)),
                "label": evidence.y,
                "suggested": _most_probable_others(evidence),
                "score": scores,
                "issue": is_issue,
            }
        )
        return table.sort_values("score", ascending=False, kind="stable", ignore_index=True)

    @validate_params(
        {"planted": [RealNumber(0, 0.5, closed="right")], "by": [_WAYS], "random_state": ["random_state"]},
        prefer_skip_nested_validation=False,
    )
    def planted_label_issues(
        self, X=None, *, planted: float = 0.05, by: str = "auto", random_state=None, **fit_params
    ):
        """Measure how many wrong labels `label_issues` finds, by planting some in the rows that were fitted.

        The selector is fitted twice more, each time with wrong labels in a share of the
        rows. In ``"uniform"`` rows and labels are drawn at random. Such errors are easy
        to find. In ``"alike"`` they are drawn by the probabilities of the proxy, so that
        a row that is likely to be of another class gets this class, as people err
        where classes are alike.

        Parameters
        ----------
        X : rows that were fitted, optional
            Needed if the rows are no longer in memory.
        planted : float, default=0.05
            Share of the rows that get a wrong label, at most 0.5. Five rows of each
            class keep theirs.
        by : {"auto", "aum", "loss", "probability", "both"}, default="auto"
            What is read; see `label_issues`.
        random_state : int, RandomState instance or None, default=None
            Draws the rows and their labels; None takes the selector's own.
        **fit_params : dict
            Passed to `fit`.

        Returns
        -------
        pandas.DataFrame
            One line for ``"uniform"`` and, if the proxy gives probabilities, one for
            ``"alike"``: `planted`, their number; `auroc`, how well scores tell them
            from the other rows; `precision_at_planted`, their share among as many rows
            of the highest score; and of the rows that are flagged by default
            `flagged`, their number, `precision` and `recall`. Labels that were wrong
            before count as right: where there are many, the true precision is higher.

        Raises
        ------
        ValueError
            As `label_issues`, and if a share is less than one row.
        """
        check_is_fitted(self)
        import pandas as pd

        by = self._way(by)
        evidence = self._evidence_of_labels(by, X)
        X = self._rows_again(X)
        n_planted = count_rows(planted, evidence.n_rows)
        rng = check_random_state(self.random_state if random_state is None else random_state)
        kinds: dict[str, np.ndarray | None] = {"uniform": None}
        if {"probabilities"} & {*evidence.kinds} and evidence.classes is not None:
            kinds["alike"] = class_probabilities(evidence)
        lines = {}
        for kind, probabilities in kinds.items():
            y, rows = plant_wrong_labels(evidence.y, n_planted, evidence.classes, probabilities, rng)
            again = self._fit_again(X, y, fit_params)
            scores = label_suspicion(again._evidence_of_labels(by, X), by=by)
            lines[kind] = _count_found(scores, np.isin(np.arange(len(y)), rows))
        return pd.DataFrame.from_dict(lines, orient="index")

    def _way(self, by: str) -> str:
        """Return what is read, out of what the training has kept."""
        if self._kept.y is None:
            raise ValueError("Doubtful labels are found among labels, and the selector was fitted without y.")
        gives = self._gives()
        if by == "auto":
            by = "aum" if "training_record" in gives else "probability"
        missing = [kind for kind in _READS[by] if kind not in gives]
        if missing:
            raise ValueError(
                f"by={by!r} reads {' and '.join(_READS[by])}, and the training gave no {' and no '.join(missing)}. Fit "
                "with a strategy that reads a training record, such as 'aum', or a proxy with predict_proba."
            )
        return by

    def _evidence_of_labels(self, by: str, X: Any) -> Evidence:
        """Gather what is read, and the probabilities that suggest labels; of several proxies the mean."""
        extra = {"probabilities"} & self._gives()
        return mean_evidence(self._evidence_again(tuple(dict.fromkeys((*_READS[by], *extra))), X))

    def _lowest_of_made_up_class(self, by: str, X: Any, fit_params: dict) -> float:
        """Return the score below which hardly a row of a class lies in which there is nothing to learn."""
        classes, codes = np.unique(np.asarray(self._kept.y), return_inverse=True)
        rng = check_random_state(self.random_state)
        rows = rng.permutation(len(codes))[: max(_N_SPARED, len(codes) // (len(classes) + 1))]
        codes[rows] = len(classes)
        X = self._rows_again(X)
        again = self._fit_again(X, codes, fit_params)
        return float(np.percentile(label_suspicion(again._evidence_of_labels(by, X), by=by)[rows], _UNUSUAL))

    def _fit_again(self, X: Any, y: np.ndarray, fit_params: dict) -> Any:
        """Return a clone that is fitted with other labels; what it chooses does not matter."""
        with warnings.catch_warnings():
            for kind in (ByChanceWarning, RiskyChoiceWarning):
                warnings.simplefilter("ignore", kind)
            return clone(self).fit(X, y, **fit_params)


def _most_probable_others(evidence: Evidence) -> Any:
    """Return for each row the most probable class but its own, missing where nothing tells."""
    import pandas as pd

    if "probabilities" not in evidence.kinds:
        return pd.array([pd.NA] * evidence.n_rows)
    probabilities = np.array(class_probabilities(evidence), dtype=np.float64)
    probabilities[np.arange(len(probabilities)), own_columns(evidence, probabilities.shape[1])] = -1.0
    classes = np.unique(np.asarray(evidence.y)) if evidence.classes is None else evidence.classes
    return classes[probabilities.argmax(axis=1)]


def plant_wrong_labels(
    y: Any,
    n_planted: int,
    classes: np.ndarray | None,
    probabilities: np.ndarray | None,
    rng: np.random.RandomState,
) -> tuple[np.ndarray, np.ndarray]:
    """Give some rows a wrong label.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Labels.
    n_planted : int
        How many rows get a wrong one.
    classes : ndarray of shape (n_classes,) or None
        Label of each column of the probabilities.
    probabilities : ndarray of shape (n_rows, n_classes) or None
        Rows are drawn in proportion to the probability of the other classes together,
        and their labels by these probabilities; None draws both at random.
    rng : RandomState
        Draws.

    Returns
    -------
    y : ndarray of shape (n_rows,)
        The labels with the wrong ones.
    rows : ndarray of shape (n_planted,), int
        Rows that got one.

    Raises
    ------
    ValueError
        If there are not so many rows, with some of each class that keep their label.
    """
    labels = np.array(y)
    classes = np.unique(labels) if classes is None or probabilities is None else classes
    weights = (
        np.ones((len(labels), len(classes))) if probabilities is None else np.array(probabilities, float)
    )
    # No other class is impossible.
    weights = np.maximum(weights, 1e-9)
    own = labels[:, None] == classes
    weights[own] = 0.0
    may_change = np.ones(len(labels), dtype=bool)
    for label in np.unique(labels):
        may_change[rng.permutation(np.flatnonzero(labels == label))[:_N_SPARED]] = False
    pool = np.flatnonzero(may_change)
    if len(pool) < n_planted:
        raise ValueError(
            f"planted asks for {n_planted} wrong labels, and {len(pool)} of {len(labels)} rows may get one: "
            f"{_N_SPARED} of each class keep theirs."
        )
    chances = weights[pool].sum(axis=1)
    rows = rng.choice(pool, n_planted, replace=False, p=chances / chances.sum())
    ends = weights[rows].cumsum(axis=1)
    labels[rows] = classes[(ends < rng.uniform(size=(n_planted, 1)) * ends[:, -1:]).sum(axis=1)]
    return labels, rows


def _count_found(scores: np.ndarray, is_planted: np.ndarray) -> dict[str, float]:
    n_planted = int(is_planted.sum())
    flagged = mark_most_suspicious(scores, True)
    n_found = int((flagged & is_planted).sum())
    return {
        "planted": n_planted,
        "auroc": float(roc_auc_score(is_planted, scores)),
        "precision_at_planted": float(is_planted[mark_highest(scores, n_planted)].mean()),
        "flagged": int(flagged.sum()),
        "precision": n_found / flagged.sum() if flagged.any() else float("nan"),
        "recall": n_found / n_planted,
    }
