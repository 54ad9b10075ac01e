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
        Inputs of the last layer. The time of a pick grows with `n_rows` times
        `n_features`, and with the square of `n_features`.
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
    known, free = (_weighted_rows(probabilities, features, rows) for rows in (labelled, pool))
    target = (known.T @ known + free.T @ free) / (len(known) + len(free))
    n_all = len(known) + n_samples
    free *= np.sqrt(n_samples / n_all)
    state = _Fisher(regularization * np.eye(len(target)) + known.T @ known / n_all, target, free)
    first_gains = state.gains()
    is_free = np.ones(len(free), dtype=bool)
    picks: list[int] = []
    for _ in range(min(2 * n_samples, len(free))):
        pick = int(np.where(is_free, state.gains(), -np.inf).argmax())
        is_free[pick] = False
        picks.append(pick)
        state.add(free[pick])
    state = _Fisher(state.information, target, free[picks])
    while len(picks) > n_samples:
        worst = int(state.losses().argmin())
        root = state.drop(worst)
        picks.pop(worst)
        state.add(root, sign=-1.0)
    return np.array(picks, dtype=np.intp), first_gains


def _weighted_rows(probabilities: np.ndarray, features: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the features with a 1 for the bias, of which the outer products are the information of the rows."""
    weighted = np.ones((len(rows), features.shape[1] + 1))
    weighted[:, :-1] = features[rows]
    sure = probabilities.max(axis=1)[rows].astype(np.float64)
    weighted *= np.sqrt(np.maximum(sure * (1.0 - sure), 0.0))[:, None]
    return weighted


class _Fisher:
    """The information M of the chosen rows, and what each of some rows would change.

    For each row v it keeps the products ``v' M^-1 v`` and ``v' M^-1 F M^-1 v`` with the
    mean information F, and brings them up to date by two products of a vector with all
    rows where M gains or loses a row (Sherman and Morrison).
    """

    def __init__(self, information: np.ndarray, target: np.ndarray, rows: np.ndarray):
        self.information = information
        self._rows = rows
        self._inverse = np.linalg.inv(information)
        self._middle = self._inverse @ target @ self._inverse
        self._own = np.einsum("ij,ij->i", rows @ self._inverse, rows)
        self._seen = np.einsum("ij,ij->i", rows @ self._middle, rows)

    def gains(self) -> np.ndarray:
        """Return by how much the trace falls when each row is added."""
        return self._seen / (1.0 + self._own)

    def losses(self) -> np.ndarray:
        """Return by how much the trace rises when each row is taken away."""
        return self._seen / (1.0 - self._own)

    def drop(self, place: int) -> np.ndarray:
        """Forget a row, which stays in the information, and return it."""
        root = self._rows[place]
        self._rows, self._own, self._seen = (
            np.delete(values, place, axis=0) for values in (self._rows, self._own, self._seen)
        )
        return root

    def add(self, root: np.ndarray, *, sign: float = 1.0) -> None:
        """Add a row to the information, or take it away with ``sign=-1``."""
        half, middle = self._inverse @ root, self._middle @ root
        scale = sign / (1.0 + sign * root @ half)
        square = root @ middle * scale**2
        along, across = self._rows @ half, self._rows @ middle
        self._own -= scale * along**2
        self._seen += square * along**2 - 2.0 * scale * along * across
        self._inverse -= scale * np.outer(half, half)
        cross = scale * np.outer(half, middle)
        self._middle += square * np.outer(half, half) - cross - cross.T
        self.information = self.information + sign * np.outer(root, root)


class BAIT(PickingStrategy):
    """Choose rows by the Fisher information of the last layer, in its binary approximation.

    It is strong on frozen features of a moderate width. `scores_` hold the gain of
    each row at the start.

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
