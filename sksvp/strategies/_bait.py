"""BAIT: rows that lower the expected error of the last layer the most."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from .._inputs._parameters import RealNumber
from ._badge import class_probabilities
from ._growth import DataSize, Growth
from ._picking import PickingStrategy, check_table
from ._probabilities import check_class_matrix
from ._rows import check_candidates, check_rows
from ._strategy import check_n_samples

# After so many changes the products are computed anew, so that rounding does not add up.
_REFRESH = 100


def bait(
    probabilities: ArrayLike,
    features: Any,
    n_samples: int,
    *,
    initial: ArrayLike | None = None,
    regularization: float = 1.0,
) -> np.ndarray:
    """Choose rows by the Fisher information of the last layer, in its binary approximation.

    The information of a row is ``p (1 - p) h h'``, with the probability p of its most
    probable class and its features h with a 1 for the bias. Rows are picked so that
    the inverse of the information of the labelled and picked ones, times the mean
    information of all, has the smallest trace: forward to twice as many rows as
    wanted, then backward to the number wanted.

    Parameters
    ----------
    probabilities : array-like of shape (n_rows, n_classes)
        Class probabilities.
    features : array-like of shape (n_rows, n_features)
        Inputs of the last layer. The time of a pick grows with the size of the table
        and with the square of `n_features`.
    n_samples : int
        How many rows to choose, at most the rows that are not in `initial`.
    initial : array-like of int, optional
        Row numbers that are labelled already; they are not returned.
    regularization : float, default=1.0
        Multiple of the identity that the information starts from.

    Returns
    -------
    ndarray of shape (n_samples,), int
        Chosen row numbers in the order chosen, without those that were given back.

    Raises
    ------
    ValueError
        For NaN or infinity, arrays that do not fit together, `n_samples` outside
        ``1 .. rows not in initial``, or a regularization that is not above 0.
    TypeError
        For sparse features that are too large to be made dense, or row numbers that
        are no integers.

    References
    ----------
    Ash et al., Gone Fishing: Neural Active Learning with Fisher Embeddings, NeurIPS
    2021; the binary form: Huseljic et al., Fast Fishing: Approximating BAIT for
    Efficient and Scalable Deep Active Image Classification, ECML PKDD 2024.

    Examples
    --------
    >>> from sksvp.strategies import bait
    >>> bait([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]], [[1.0], [1.0], [1.0]], 1).tolist()
    [0]
    """
    values = check_class_matrix(probabilities, "probabilities")
    table = check_table(features)
    if len(values) != len(table):
        raise ValueError(f"probabilities have {len(values)} rows, features {len(table)}.")
    if not RealNumber(0, None, closed="neither").is_satisfied_by(regularization):
        raise ValueError(f"regularization must be above 0, got {regularization!r}.")
    labelled = check_rows([] if initial is None else initial, len(table), "initial")
    pool = check_candidates(len(table), None, labelled)
    check_n_samples(n_samples, len(pool))
    return pool[_fish(values, table, pool, labelled, n_samples, regularization)[0]]


def _fish(
    probabilities: np.ndarray,
    features: np.ndarray,
    pool: np.ndarray,
    labelled: np.ndarray,
    n_samples: int,
    regularization: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places in `pool` that are picked, and the gain of each place at the start."""
    sure = probabilities.max(axis=1).astype(np.float64)
    roots = np.column_stack([features, np.ones(len(features))]).astype(np.float64)
    roots *= np.sqrt(np.maximum(sure * (1.0 - sure), 0.0))[:, None]
    known, free = roots[labelled], roots[pool]
    target = (known.T @ known + free.T @ free) / (len(known) + len(free))
    n_all = len(known) + n_samples
    information = regularization * np.eye(roots.shape[1]) + known.T @ known / n_all
    fisher = _Fisher(free * np.sqrt(n_samples / n_all), information, target)
    is_free = np.ones(len(free), dtype=bool)
    first_gains = fisher.gains()
    picks: list[int] = []
    for _ in range(min(2 * n_samples, len(free))):
        pick = int(np.where(is_free, fisher.gains(), -np.inf).argmax())
        is_free[pick] = False
        picks.append(pick)
        fisher.change(pick, sign=1.0)
    while len(picks) > n_samples:
        fisher.change(picks.pop(int(fisher.losses(picks).argmin())), sign=-1.0)
    return np.array(picks, dtype=np.intp), first_gains


class _Fisher:
    """The trace of the inverse information times the target, and by how much each row would change it.

    Both products that a row's change consists of follow each change of the information by
    two products of all rows with one vector (Sherman and Morrison).
    """

    def __init__(self, roots: np.ndarray, information: np.ndarray, target: np.ndarray):
        self._roots, self._information, self._target = roots, information.copy(), target
        self._n_changes = 0
        self._compute()

    def _compute(self) -> None:
        inverse = np.linalg.inv(self._information)
        self._inverse = (inverse + inverse.T) / 2.0
        self._spread = self._inverse @ self._target @ self._inverse
        self._lengths = np.einsum("ij,ij->i", self._roots @ self._inverse, self._roots)
        self._falls = np.einsum("ij,ij->i", self._roots @ self._spread, self._roots)

    def gains(self) -> np.ndarray:
        """Return by how much the trace falls if each row is added."""
        return self._falls / (1.0 + self._lengths)

    def losses(self, rows: list[int]) -> np.ndarray:
        """Return by how much the trace rises if each of some rows, which have been added, is taken away."""
        return self._falls[rows] / (1.0 - self._lengths[rows])

    def change(self, row: int, *, sign: float) -> None:
        """Add a row (`sign` 1) or take it away (-1)."""
        root = self._roots[row]
        self._information += sign * np.outer(root, root)
        self._n_changes += 1
        if self._n_changes % _REFRESH == 0:
            self._compute()
            return
        half, spread = self._inverse @ root, self._spread @ root
        scale, fall = 1.0 + sign * (half @ root), spread @ root
        mixed = np.outer(half, spread)
        self._inverse -= sign / scale * np.outer(half, half)
        self._spread += fall / scale**2 * np.outer(half, half) - sign / scale * (mixed + mixed.T)
        along_half, along_spread = self._roots @ half, self._roots @ spread
        self._lengths -= sign / scale * along_half**2
        self._falls += along_half * (fall / scale**2 * along_half - 2.0 * sign / scale * along_spread)


class BAIT(PickingStrategy):
    """Choose rows by the Fisher information of the last layer, in its binary approximation.

    The binary form does not tell classes apart. It is published as strong on wide
    frozen features; on tables with few columns and many classes it may lose to random
    rows. `scores_` hold the gain of each row at the start.

    Parameters
    ----------
    regularization : float, default=1.0
        Multiple of the identity that the information starts from.

    See Also
    --------
    bait : The same on arrays.

    References
    ----------
    Ash et al., Gone Fishing: Neural Active Learning with Fisher Embeddings, NeurIPS
    2021; the binary form: Huseljic et al., Fast Fishing, ECML PKDD 2024.
    """

    requires = ("probabilities", "features")
    _parameter_constraints: ClassVar[dict] = {"regularization": [RealNumber(0, None, closed="neither")]}

    def __init__(self, regularization: float = 1.0):
        self.regularization = regularization

    def growth(self, size: DataSize) -> Growth:
        """Return how time and memory grow: twice as many picks as wanted, each compared with all rows."""
        n_picks, width = min(2 * size.n_samples, size.n_rows), size.n_features + 1
        work = n_picks * width * (size.n_rows + width) + (n_picks - size.n_samples) * n_picks * width
        return Growth(
            (size.n_rows * width**2, work),
            16 * (size.n_rows + n_picks) * width + 64 * size.n_rows + 64 * width**2,
        )

    def _pick(self, evidence, pool, initial, n_samples, rng) -> tuple[np.ndarray, np.ndarray]:
        features = check_table(evidence.require("features"))
        return _fish(class_probabilities(evidence), features, pool, initial, n_samples, self.regularization)
