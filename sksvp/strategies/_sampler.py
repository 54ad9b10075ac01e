"""What the samplers share: a score of any kind, turned into a set in their own way."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt

from ._evidence import Evidence
from ._growth import DataSize, Growth
from ._label_issues import label_suspicion, mark_highest, mark_most_suspicious
from ._rows import check_candidates, naming
from ._strategy import Strategy, check_n_samples


class Sampler(Strategy):
    """Base of the samplers: strategies that choose by the score of another strategy.

    A child writes `_sample`. The score is a strategy that scores each row, or the
    name of one.

    Parameters
    ----------
    score : str or strategy
        What scores the rows; the highest is the hardest.
    drop_label_issues : bool or float, default=False
        Whether rows whose label is doubtful are left out before: True for those with a
        `label_suspicion` above 0, or the share that is left out, the most suspicious
        rows. It is read from the training record where the score reads one, else from
        the probabilities where the score reads them, else from a record. Fewer are
        left out where otherwise too few would remain.
    """

    picks_greedily = True
    _parameter_constraints: ClassVar[dict] = {
        "score": [str, HasMethods(["rank"])],
        "drop_label_issues": ["boolean", Interval(RealNotInt, 0, 1, closed="left")],
    }

    def __init__(self, score: Any, *, drop_label_issues: bool | float = False):
        self.score = score
        self.drop_label_issues = drop_label_issues

    def _scorer(self) -> Any:
        from ._registry import resolve_strategy

        with naming("score"):
            scorer = resolve_strategy(self.score)
        if getattr(scorer, "picks_greedily", False):
            raise ValueError(
                f"score must be a strategy that scores every row, such as 'entropy' or EL2N(), got "
                f"{self.score!r}, which picks rows one after the other."
            )
        return scorer

    @property
    def requires(self) -> tuple[str, ...]:  # type: ignore[override]
        """The kinds of evidence that are read: the score's, and what tells doubtful labels."""
        kinds = tuple(self._scorer().requires)
        tells = not self.drop_label_issues or {"training_record", "probabilities"} & {*kinds}
        return kinds if tells else (*kinds, "training_record")

    @property
    def needs_labels(self) -> bool:  # type: ignore[override]
        """Whether the score reads the labels, or doubtful ones are left out."""
        return bool(self.drop_label_issues) or getattr(self._scorer(), "needs_labels", False)

    def check_params(self, n_samples: int) -> None:
        """Check the parameters, and those of the score; see `Strategy.check_params`."""
        super().check_params(n_samples)
        scorer = self._scorer()
        if hasattr(scorer, "check_params"):
            scorer.check_params(n_samples)

    def growth(self, size: DataSize) -> Growth | None:
        """Return how time and memory grow: as those of the score, with one more order of the rows."""
        scorer = self._scorer()
        law = scorer.growth(size._replace(n_samples=size.n_rows)) if hasattr(scorer, "growth") else None
        return law and law._replace(memory=law.memory + 32 * size.n_rows)

    def rank(
        self,
        evidence: Evidence,
        n_samples: int,
        *,
        candidates: ArrayLike | None = None,
        initial: ArrayLike | None = None,
        random_state: Any = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Choose `n_samples` of the candidates.

        Parameters
        ----------
        evidence : Evidence
            What the score reads.
        n_samples : int
            How many rows to choose, at most the number of candidates.
        candidates : array-like of int, optional
            Row numbers that may be chosen; all by default.
        initial : array-like of int, optional
            Row numbers that are labelled already: never chosen.
        random_state : int, RandomState instance or None, default=None
            Draws.

        Returns
        -------
        rows : ndarray of shape (n_samples,), int
            The chosen rows, the highest score first.
        scores : ndarray of shape (n_rows,), float64
            The score of each candidate; NaN for other rows.

        Raises
        ------
        ValueError
            For evidence that is missing or holds NaN, or `n_samples` outside
            ``1 .. number of candidates``.
        """
        self._validate_params()
        rng = check_random_state(random_state)
        pool = check_candidates(evidence.n_rows, candidates, initial)
        check_n_samples(n_samples, len(pool))
        order, scores = self._scorer().rank(
            evidence, len(pool), candidates=pool, initial=None, random_state=rng
        )
        order = self._without_label_issues(evidence, order, n_samples)
        places = self._sample(
            evidence, order, make_finite(np.asarray(scores, dtype=float)[order]), n_samples, rng
        )
        return order[np.sort(places)], scores

    def _without_label_issues(self, evidence: Evidence, order: np.ndarray, n_samples: int) -> np.ndarray:
        """Leave out the rows whose label is doubtful, but no more than leaves `n_samples` rows."""
        if not self.drop_label_issues:
            return order
        by = "aum" if "training_record" in self.requires else "probability"
        suspicion = label_suspicion(evidence, by=by, rows=order)
        n_doubtful = int(mark_most_suspicious(suspicion, self.drop_label_issues).sum())
        return order[~mark_highest(suspicion, min(n_doubtful, len(order) - n_samples))]

    def _sample(
        self,
        evidence: Evidence,
        order: np.ndarray,
        scores: np.ndarray,
        n_samples: int,
        rng: np.random.RandomState,
    ) -> np.ndarray:
        """Return the places in `order`, hardest first, that are chosen, given the finite score of each."""
        raise NotImplementedError


def make_finite(scores: np.ndarray) -> np.ndarray:
    """Put infinite scores, such as those of rows never learned, one step beyond the finite ones."""
    known = scores[np.isfinite(scores)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    return np.nan_to_num(scores, posinf=high + 1.0, neginf=low - 1.0)


def draw_by_weight(log_weights: np.ndarray, n_samples: int, rng: np.random.RandomState) -> np.ndarray:
    """Draw places without replacement, one after the other, with probability proportional to their weights.

    Exponential races: the smallest of independent exponential times with these
    rates come first (Efraimidis and Spirakis, 2006). Weights of zero come last, at
    random.
    """
    times = np.log(rng.exponential(size=len(log_weights))) - np.maximum(log_weights, -1e300)
    ties = rng.permutation(len(times))
    return ties[np.argsort(times[ties], kind="stable")[:n_samples]]
