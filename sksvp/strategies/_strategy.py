"""Base classes of the strategies, and the seeded order of rows with equal scores."""

from collections.abc import Callable
from functools import wraps
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import validate_params

from .._docs import inherit_method_docs
from .._inputs._parameters import WholeNumber
from ._evidence import Evidence
from ._growth import DataSize, Growth
from ._probabilities import BLOCK_VALUES
from ._rows import as_array, check_candidates, check_rows

# Constraints of the parameters of `rank`, for scikit-learn's `validate_params`.
RANK_PARAMETERS: dict = {
    "evidence": [Evidence],
    "candidates": ["array-like", None],
    "initial": ["array-like", None],
    "random_state": ["random_state"],
}


def _of_rows(method: Callable[..., Any]) -> Callable[..., Any]:
    """Check the arguments of a method ``(evidence, rows)``."""

    @wraps(method)
    def checked(self, evidence: Evidence, rows: np.ndarray) -> Any:
        if not isinstance(evidence, Evidence):
            raise TypeError(f"evidence must be an Evidence, got {type(evidence).__name__}.")
        if len(check_rows(rows, evidence.n_rows, "rows")) == 0:
            raise ValueError("rows must have at least one row.")
        return method(self, evidence, rows)

    return checked


class Strategy(BaseEstimator):
    """Base of the strategies: an object that ranks rows by evidence about them.

    A child sets `requires` and defines `rank`. A strategy that scores each row by
    itself derives from `ScoredStrategy` and defines `score` only.

    Attributes
    ----------
    requires : tuple of str
        Kinds of evidence that `rank` reads, out of ``"probabilities"``,
        ``"features"`` and the names of recorders (see `recorder_names`).
    picks_greedily : bool
        Whether each pick depends on the picks before it, so that the ranking has
        only the picked rows.
    scores_each_row : bool
        Whether the score of a row depends on this row alone, so that rows that
        cannot be chosen need no evidence.
    needs_labels : bool
        Whether `rank` reads the labels, so that all rows need one.
    hardest_first : bool
        Whether the rows that are hardest for the proxy come first, which makes a small
        choice a risky one.
    optional : tuple of str
        Kinds of `requires` that `rank` does without where the proxy turns out to have
        none.
    """

    requires: tuple[str, ...] = ()
    picks_greedily: bool = False
    scores_each_row: bool = False
    needs_labels: bool = False
    hardest_first: bool = False
    optional: tuple[str, ...] = ()
    _parameter_constraints: ClassVar[dict] = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        inherit_method_docs(cls)
        # The arguments of all strategies are checked, also of those of users.
        if "rank" in vars(cls):
            cls.rank = validate_params(RANK_PARAMETERS, prefer_skip_nested_validation=False)(cls.rank)  # type: ignore[method-assign]
        if "growth" in vars(cls):
            cls.growth = validate_params({"size": [DataSize]}, prefer_skip_nested_validation=True)(cls.growth)  # type: ignore[method-assign]
        for name in {"score", "weigh"} & vars(cls).keys():
            if callable(vars(cls)[name]):
                setattr(cls, name, _of_rows(vars(cls)[name]))

    def check_params(self, n_samples: int) -> None:
        """Check the parameters alone, before there is any evidence.

        Parameters
        ----------
        n_samples : int
            Number of rows that will be chosen.

        Raises
        ------
        ValueError
            If a parameter is invalid. The message names it.
        """
        if not WholeNumber(1).is_satisfied_by(n_samples):
            raise ValueError(f"n_samples must be an int of at least 1, got {n_samples!r:.80}.")
        self._validate_params()

    @validate_params({"size": [DataSize]}, prefer_skip_nested_validation=True)
    def growth(self, size: DataSize) -> Growth | None:
        """Return how time and memory grow with the data, for `estimate_cost`; None if it is not known.

        Parameters
        ----------
        size : DataSize
            Sizes of a choice.

        Returns
        -------
        Growth or None
        """
        return None

    def rank(
        self,
        evidence: Evidence,
        n_samples: int,
        *,
        candidates: ArrayLike | None = None,
        initial: ArrayLike | None = None,
        random_state: Any = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rank rows, best first.

        Parameters
        ----------
        evidence : Evidence
            Evidence of all rows.
        n_samples : int
            Number of rows that are wanted.
        candidates : array-like of int, optional
            Rows that may be chosen; all by default.
        initial : array-like of int, optional
            Rows that are labelled already and never chosen.
        random_state : int, RandomState instance or None, default=None
            Source of random choices.

        Returns
        -------
        rows : ndarray of int
            Row numbers, best first.
        scores : ndarray of shape (n_rows,), float64
            Score of each row; NaN for rows that have none.
        """
        raise NotImplementedError(f"{type(self).__name__} must define rank.")


class ScoredStrategy(Strategy):
    """Base of the strategies that score each row by itself and choose the highest."""

    scores_each_row = True

    def score(self, evidence: Evidence, rows: np.ndarray) -> np.ndarray:
        """Return the scores of `rows`, (len(rows),) float64; the highest is chosen first.

        Parameters
        ----------
        evidence : Evidence
            Evidence of all rows.
        rows : ndarray of int
            Rows to score.

        Returns
        -------
        ndarray of shape (len(rows),), float64
            Their scores.
        """
        raise NotImplementedError(f"{type(self).__name__} must define score.")

    def growth(self, size: DataSize) -> Growth:
        """Return how time and memory grow: each row is read once, and all are sorted."""
        return growth_of_scores(self.requires, size)

    def rank(
        self,
        evidence: Evidence,
        n_samples: int,
        *,
        candidates: ArrayLike | None = None,
        initial: ArrayLike | None = None,
        random_state: Any = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rank all candidates by their score, the highest first.

        Parameters
        ----------
        evidence : Evidence
            What is known of each row.
        n_samples : int
            Number of rows to choose, at most the number of candidates. All
            candidates are ranked.
        candidates : array-like of int, optional
            Row numbers that may be chosen; all by default.
        initial : array-like of int, optional
            Numbers of labelled rows, which are never chosen.
        random_state : int, RandomState instance or None, default=None
            Draws the order of rows with equal scores.

        Returns
        -------
        rows : ndarray of int
            Row numbers of all candidates, best first.
        scores : ndarray of shape (n_rows,), float64
            Score of each row of the evidence; NaN for rows that are no candidates.

        Raises
        ------
        ValueError
            For evidence that is missing or holds NaN, `n_samples` outside
            ``1 .. number of candidates``, or row numbers that do not exist.
        TypeError
            For row numbers that are no integers.
        """
        self._validate_params()
        rows = check_candidates(evidence.n_rows, candidates, initial)
        check_n_samples(n_samples, len(rows))
        scores = spread_scores(self.score(evidence, rows), rows, evidence.n_rows)
        return rank_by_score(scores, rows, random_state), scores


def growth_of_scores(requires: tuple[str, ...], size: DataSize) -> Growth:
    """Return the growth of reading what is required of each row once, and of sorting the rows."""
    width = (
        1 + size.n_classes * ("probabilities" in requires) + size.n_visits * ("training_record" in requires)
    )
    # Scores, keys, the rows and orders of them; a mask of a channel of the record; some two blocks in float64.
    memory = size.n_rows * (64 + size.n_visits * ("training_record" in requires))
    block = 20 * min(BLOCK_VALUES, size.n_rows * (width - 1))
    return Growth((size.n_rows * width, size.n_rows * np.log2(size.n_rows + 1)), memory + block)


def check_n_samples(n_samples: Any, n_candidates: int, *, name: str = "n_samples") -> int:
    """Return `n_samples` as an int between 1 and the number of rows that may be chosen, else raise."""
    if not isinstance(n_samples, Integral) or isinstance(n_samples, bool):
        raise TypeError(f"{name} must be an int, got {n_samples!r}.")
    n_samples = int(n_samples)
    if not 1 <= n_samples <= n_candidates:
        raise ValueError(
            f"{name} must lie in 1 .. {n_candidates}, the rows that may be chosen, got {n_samples}."
        )
    return n_samples


def spread_scores(values: np.ndarray, rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Put the scores of some rows in their places among all rows, NaN elsewhere."""
    scores = np.full(n_rows, np.nan)
    scores[rows] = values
    return scores


@validate_params({"random_state": ["random_state"]}, prefer_skip_nested_validation=True)
def rank_by_score(
    scores: ArrayLike, candidates: ArrayLike | None = None, random_state: Any = None
) -> np.ndarray:
    """Order rows by descending score, and rows with equal scores at random.

    If equal scores were ordered by row number, data sorted by class would lose its
    last classes. An unstable sort would give other rows on another machine.

    Parameters
    ----------
    scores : array-like of shape (n_rows,)
        Score of each row; infinity is allowed.
    candidates : array-like of int, optional
        Row numbers to order; all by default.
    random_state : int, RandomState instance or None, default=None
        Draws the permutation that equal scores follow.

    Returns
    -------
    ndarray of int
        The candidates, highest score first.

    Raises
    ------
    ValueError
        For NaN in the score of a candidate.
    """
    scores = as_array(scores, "scores")
    if scores.ndim != 1 or scores.dtype.kind not in "fiub":
        raise ValueError(
            f"scores must be a 1-D array of numbers, got {scores.dtype} of shape {scores.shape}."
        )
    scores = scores.astype(np.float64)
    rows = check_candidates(len(scores), candidates, None)
    shuffled = check_random_state(random_state).permutation(rows)
    keys = -scores[shuffled]
    if np.isnan(keys).any():
        row = shuffled[np.isnan(keys)].min()
        raise ValueError(f"scores must not be NaN, got NaN for row {row}.")
    return shuffled[np.argsort(keys, kind="stable")]
