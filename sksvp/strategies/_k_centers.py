"""Greedy k-centers: rows that cover the feature space."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import StrOptions, validate_params

from .._inputs._parameters import WholeNumber
from ._evidence import Evidence
from ._growth import DataSize, Growth
from ._rows import check_candidates, check_rows
from ._strategy import Strategy, check_n_samples

if TYPE_CHECKING:
    from ._farthest_first import Picks

# The published start of a core-set: this many random rows, or a tenth of a choice below 10,000.
_MAX_START = 1000


@validate_params(
    {"random_state": ["random_state"], "return_distances": ["boolean"], "verbose": ["verbose"]},
    prefer_skip_nested_validation=True,
)
def k_centers(
    features: Any,
    n_samples: int,
    *,
    initial: ArrayLike | None = None,
    random_state: Any = None,
    device: Any = "auto",
    return_distances: bool = False,
    verbose: bool = False,
):
    """Choose rows so that every row has a chosen one near it, greedily.

    The next row is always the one whose Euclidean distance to its nearest centre
    is the largest, ties to the lowest row. The choice is exact in float64 and the
    same on every machine. Memory beyond the features is a few numbers per row, short
    codes of all rows where these take less than 0.8 GB, and tiles of fixed size.

    Parameters
    ----------
    features : array-like of shape (n_rows, n_features)
        Features in any real dtype: array, memory map or torch tensor. Read in
        tiles, never copied as a whole (except to a GPU with room for it). A sparse
        matrix that takes 1 GiB at most is made dense.
    n_samples : int
        How many rows to choose, at most the rows that are not in `initial`.
    initial : array-like of int, optional
        Row numbers of the centres to begin with, such as the labelled rows; they
        are not returned. None or empty: the first row is drawn at random.
    random_state : int, RandomState instance or None, default=None
        Draws the first row where there is no initial one.
    device : str or torch.device, default="auto"
        Where to compute: ``"cpu"``, ``"cuda"`` or ``"auto"``, a GPU where there
        is one.
    return_distances : bool, default=False
        Whether to return the covering radii too.
    verbose : bool, default=False
        Whether to show a progress bar.

    Returns
    -------
    rows : ndarray of shape (n_samples,), int
        Chosen row numbers in the order chosen.
    radii : ndarray of shape (n_samples,), float64
        Only with `return_distances`: the covering radius after each choice,
        which is the largest distance of any row to its nearest centre, in the
        units of the features. Greedy choice is at most twice the best possible.

    Raises
    ------
    ValueError
        For NaN or infinity, features that are not 2-D or empty, `n_samples`
        outside ``1 .. rows not in initial``, row numbers that do not exist or
        come twice, or an unknown device.
    TypeError
        For larger sparse features, values that are not real numbers, or row numbers
        that are no integers.

    References
    ----------
    Gonzalez, Clustering to Minimize the Maximum Intercluster Distance, 1985; for
    labels: Sener and Savarese, Active Learning for Convolutional Neural
    Networks: A Core-Set Approach, ICLR 2018.

    Examples
    --------
    >>> from sksvp.strategies import k_centers
    >>> k_centers([[0.0], [1.0], [10.0], [4.0]], 2, initial=[0]).tolist()
    [2, 3]
    """
    # torch is loaded where it is needed: importing sksvp does not need it.
    from ._farthest_first import check_features

    table = check_features(features)
    centres = check_rows([] if initial is None else initial, len(table), "initial")
    candidates = check_candidates(len(table), None, centres)
    check_n_samples(n_samples, len(candidates))
    if not return_distances:
        return _pick(table, n_samples, candidates, centres, random_state, device, verbose=verbose).rows
    # The radius after a choice is the distance of the row that would be chosen next.
    n_picks = min(n_samples + 1, len(candidates))
    rows, distances, _ = _pick(table, n_picks, candidates, centres, random_state, device, verbose=verbose)
    return rows[:n_samples], np.append(distances[1:], 0.0)[:n_samples]


def _pick(
    features: Any,
    n_samples: int,
    candidates: np.ndarray,
    initial: np.ndarray,
    random_state: Any,
    device: Any,
    **options: bool,
) -> "Picks":
    """Pick from checked input; where `initial` is empty, the first row at random and at infinite distance."""
    from ._farthest_first import Picks, farthest_first

    options = {"device": device, **options}
    if len(initial) > 0:
        return farthest_first(features, n_samples, candidates=candidates, initial=initial, **options)
    first = candidates[[check_random_state(random_state).randint(len(candidates))]]
    rows, distances, remaining = farthest_first(
        features, n_samples - 1, candidates=candidates[candidates != first], initial=first, **options
    )
    return Picks(np.append(first, rows), np.append(np.inf, distances), remaining)


class KCenters(Strategy):
    """Choose rows that cover the proxy's feature space: greedy k-centers.

    In active learning the centres to begin with are the labelled rows. For a
    core-set (no `initial` rows) they are some random rows, which count as chosen.

    Parameters
    ----------
    n_initial : "auto" or int, default="auto"
        Random rows at the start of a core-set, counted inside `n_samples`.
        ``"auto"``: ``min(1000, n_samples // 10)``. With 0 the first row alone is
        drawn at random.
    device : str or torch.device, default="auto"
        Where to compute: ``"cpu"``, ``"cuda"`` or ``"auto"``, a GPU where there
        is one. The choice is the same.
    verbose : bool, default=False
        Whether to show a progress bar.
    start_seed : int or None, default=None
        Seed of the random start of a core-set. With None the selector's decides, so
        that runs with other seeds have other starts; with a number they share one.

    See Also
    --------
    k_centers : The same on arrays of features.

    References
    ----------
    Sener and Savarese, Active Learning for Convolutional Neural Networks: A
    Core-Set Approach, ICLR 2018; the random start of a core-set: Coleman et al.,
    Selection via Proxy, ICLR 2020.
    """

    requires = ("features",)
    picks_greedily = True
    _parameter_constraints: ClassVar[dict] = {
        "n_initial": [StrOptions({"auto"}), WholeNumber(0)],
        "device": "no_validation",
        "verbose": ["verbose"],
        "start_seed": [WholeNumber(0, 2**32 - 1), None],
    }

    def __init__(
        self,
        n_initial: str | int = "auto",
        device: Any = "auto",
        verbose: bool = False,
        start_seed: int | None = None,
    ):
        self.n_initial = n_initial
        self.device = device
        self.start_seed = start_seed
        self.verbose = verbose

    def check_params(self, n_samples: int) -> None:
        """Check the parameters alone, before there is any evidence.

        Parameters
        ----------
        n_samples : int
            Number of rows that will be chosen.

        Raises
        ------
        ValueError
            If a parameter is out of range, `n_initial` is above `n_samples`, or the
            device is unknown.
        """
        from .._device import resolve_device

        super().check_params(n_samples)
        self._start_size(n_samples)
        resolve_device(self.device)

    def growth(self, size: DataSize) -> Growth:
        """Return how time and memory grow: as measured, see the page of results on the growth of k-centers."""
        rows = size.n_rows * size.n_features
        # Codes of the rows and tiles of fixed size.
        memory = min(2.0 * rows, 0.8e9) + 64 * size.n_rows + 16e6
        return Growth((rows, rows**0.7 * size.n_samples**0.64), memory)

    def rank(
        self,
        evidence: Evidence,
        n_samples: int,
        *,
        candidates: ArrayLike | None = None,
        initial: ArrayLike | None = None,
        random_state: Any = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pick `n_samples` of the candidates.

        Parameters
        ----------
        evidence : Evidence
            Its features are read.
        n_samples : int
            How many rows to pick, at most the number of candidates.
        candidates : array-like of int, optional
            Row numbers that may be picked; all by default.
        initial : array-like of int, optional
            Row numbers that are labelled already: the centres to begin with,
            never picked. None for a core-set.
        random_state : int, RandomState instance or None, default=None
            Draws the random rows at the start.

        Returns
        -------
        rows : ndarray of shape (n_samples,), int
            Picked row numbers in their order, the random start first.
        scores : ndarray of shape (n_rows,), float64
            Distance to the nearest centre: of a picked row when it was picked
            (infinity for the random start), of another candidate at the end; NaN
            for rows that are no candidates.

        Raises
        ------
        ValueError
            For missing evidence, NaN or infinity in the features, `n_samples`
            outside ``1 .. number of candidates``, `n_initial` above `n_samples`, or
            row numbers that do not exist.
        TypeError
            For large sparse features or row numbers that are no integers.
        """
        from ._farthest_first import check_features

        self._validate_params()
        features = check_features(evidence.require("features"))
        pool = check_candidates(evidence.n_rows, candidates, initial)
        check_n_samples(n_samples, len(pool))
        rng = check_random_state(random_state)
        if initial is None and self.start_seed is not None:
            rng = check_random_state(self.start_seed)
        if initial is None:
            start = rng.choice(pool, self._start_size(n_samples), replace=False)
            pool, centres = check_candidates(evidence.n_rows, pool, start), np.sort(start)
        else:
            start = np.empty(0, dtype=np.intp)
            centres = check_rows(initial, evidence.n_rows, "initial")
        rows, distances, scores = _pick(
            features,
            n_samples - len(start),
            pool,
            centres,
            rng,
            self.device,
            return_remaining=True,
            verbose=bool(self.verbose),
        )
        scores[start] = np.inf
        scores[rows] = distances
        return np.concatenate([start, rows]), scores

    def _start_size(self, n_samples: int) -> int:
        if isinstance(self.n_initial, str):
            return min(_MAX_START, n_samples // 10)
        if self.n_initial > n_samples:
            raise ValueError(
                f"n_initial counts inside n_samples={n_samples}, got n_initial={self.n_initial}."
            )
        return self.n_initial
