"""Whether a proxy ranks the rows as its target does, from trainings of both."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils._param_validation import HasMethods, StrOptions, validate_params

from .._inputs._lengths import check_training_rows
from .._inputs._names import names
from .._inputs._parameters import ListOf, WholeNumber
from .._seeds import draw_seeds
from ..proxies import as_proxy
from ..strategies import Auto, Sampler, choose, resolve_strategy
from ._agreement_matrix import agreement_matrix
from ._overlap import SHARES, count_each, overlap_line
from ._rank_correlation import METHODS

if TYPE_CHECKING:
    import pandas as pd

_MODELS = ("proxy", "target")
_PAIRS = (("proxy", "target"), ("proxy", "proxy"), ("target", "target"))


@dataclass(frozen=True)
class ProxyAgreement:
    """What `proxy_agreement` found.

    Parameters
    ----------
    strategy : strategy
        The strategy that ranked the rows.
    method : str
        The kind of correlation.
    scores : dict of str to ndarray of shape (n_runs, n_rows)
        Scores by ``"proxy"`` and ``"target"``, one line per run.
    chosen : dict of str to ndarray of shape (n_runs, n_shares, n_rows), bool
        Which rows each run chooses at each share.
    seconds : dict of str to float
        Mean seconds of a training of each model and its inference.
    """

    strategy: Any
    method: str
    scores: dict[str, np.ndarray]
    chosen: dict[str, np.ndarray]
    seconds: dict[str, float]

    @cached_property
    def matrix(self) -> "pd.DataFrame":
        """Mean correlations between the models, with that of runs of one model on the diagonal."""
        return agreement_matrix(self.scores, method=self.method)

    @cached_property
    def overlap(self) -> "pd.DataFrame":
        """Overlap of the chosen rows, one line per share: `overlap` between proxy and target.

        Beside it `proxy_overlap` and `target_overlap` between runs of one model (NaN for
        a single run), `chance` between random choices, and its standard deviation.
        """
        import pandas as pd

        n_shares, n_rows = self.chosen["proxy"].shape[1:]
        lines = []
        for place in range(n_shares):
            shared = [self._mean_overlap(*pair, place) for pair in _PAIRS]
            line = overlap_line(int(self.chosen["proxy"][0, place].sum()), n_rows, shared[0])
            lines.append({**line, "proxy_overlap": shared[1], "target_overlap": shared[2]})
        return pd.DataFrame(lines)

    @property
    def correlation(self) -> float:
        """Mean correlation between runs of the proxy and runs of the target."""
        return self._mean_correlation("proxy", "target")

    @property
    def ceiling(self) -> float:
        """Mean correlation between runs of the target: what another of its trainings reaches. NaN for a single run."""
        return self._mean_correlation("target", "target")

    def _mean_correlation(self, first: str, second: str) -> float:
        return float(self.matrix[second].to_dict()[first])

    def _mean_overlap(self, first: str, second: str, place: int) -> float:
        a, b = self.chosen[first][:, place], self.chosen[second][:, place]
        pairs = list(combinations(a, 2) if first == second else product(a, b))
        return float(np.mean([(x & y).sum() / x.sum() for x, y in pairs])) if pairs else float("nan")

    def __str__(self) -> str:
        ceiling = (
            "" if np.isnan(self.ceiling) else f"; two trainings of the target agree at {self.ceiling:.2f}"
        )
        agree = f"proxy and target agree at {self.correlation:.2f} ({self.method}){ceiling}"
        lines = [f"{type(self.strategy).__name__}: {agree}."]
        for line in self.overlap.to_dict("records"):
            chance = f"{line['chance']:.0%} ± {2 * line['chance_std']:.1%}"
            lines.append(
                f"Of {line['share']:.0%} kept, {line['overlap']:.0%} are chosen by both; by chance {chance}."
            )
        return "\n".join(lines)


@validate_params(
    {
        "proxy": [HasMethods(["fit"])],
        "target": [HasMethods(["fit"])],
        "strategy": [str, HasMethods(["rank"])],
        "shares": [ListOf(Real)],
        "class_balanced": ["boolean", StrOptions({"proportional", "equal", "by_error"})],
        "n_runs": [WholeNumber(1, 10_000)],
        "method": [StrOptions(set(METHODS))],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def proxy_agreement(
    proxy: Any,
    target: Any,
    X: Any,
    y: ArrayLike,
    *,
    strategy: Any = "entropy",
    shares: Sequence[float | int] = SHARES,
    class_balanced: bool | str = False,
    n_runs: int = 2,
    method: str = "spearman",
    random_state: Any = None,
) -> ProxyAgreement:
    """Train proxy and target on all rows and compare how they rank them.

    Parameters
    ----------
    proxy, target : classifier
        The two models. Clones of them are trained.
    X : rows of length n_rows
        Training rows, in any form that both take.
    y : array-like of shape (n_rows,)
        Class labels.
    strategy : str or strategy, default="entropy"
        What ranks the rows. ``"auto"`` does not: it decides anew for each share, and may
        draw random rows.
    shares : sequence of float or int, default=(0.1, 0.3, 0.5, 0.7)
        Shares of the rows to keep, or their numbers, for the overlap.
    class_balanced : bool or {"proportional", "equal", "by_error"}, default=False
        Whether classes have quotas in the chosen rows.
    n_runs : int, default=2
        Trainings of each model, with different seeds. With two or more, the agreement
        of a model with itself is known, beside which that of two models is read.
    method : {"spearman", "pearson", "kendall"}, default="spearman"
        See `rank_correlation`.
    random_state : int, RandomState or None, default=None
        Seeds the trainings and the rankings. A `random_state` in a model is left as
        it is: all its runs are then the same.

    Returns
    -------
    ProxyAgreement
        Correlations, overlaps and scores. Printed, it says the main of them.

    Raises
    ------
    ValueError
        If a model cannot give what the strategy reads, if proxy and target say the same
        because it reads only features that are those of X, if the labels have one class,
        or if a share keeps no row.

    Notes
    -----
    Scores are correlated as they are. A strategy that picks rows one after the other,
    such as k-centers, ranks all rows for it, as in the paper, which takes long for
    many rows; what is correlated is the place of each pick.

    References
    ----------
    Coleman et al., Selection via Proxy, ICLR 2020, section 4.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sksvp.agreement import proxy_agreement
    >>> X, y = load_iris(return_X_y=True)
    >>> found = proxy_agreement(
    ...     GaussianNB(), LogisticRegression(max_iter=500), X, y, strategy="entropy", random_state=0
    ... )
    >>> found.correlation > 0.5
    True
    """
    X, labels = check_training_rows(X, y, "proxy_agreement")
    if len(np.unique(labels)) < 2:
        raise ValueError(f"y must have two classes or more, got one, {labels[:1].tolist()[0]!r}.")
    sizes = count_each(shares, len(labels))
    models = {name: as_proxy(model) for name, model in zip(_MODELS, (proxy, target), strict=True)}
    if isinstance(strategy, Auto) or (isinstance(strategy, str) and strategy == "auto"):
        raise ValueError(
            "strategy='auto' decides anew for each share and may draw random rows, which agree by chance only; name "
            "what ranks the rows, such as 'entropy'."
        )
    ranker = resolve_strategy(strategy)
    if not ranker.requires:
        raise ValueError(f"strategy must read what the models say of the rows, got {type(ranker).__name__}.")
    for name, model in models.items():
        model.check_classifies(name)
        model.check_params()
        with names(name):
            model.check_gives(ranker.requires)
    scores: dict[str, np.ndarray] = {}
    chosen: dict[str, np.ndarray] = {}
    seconds: dict[str, float] = {}
    features: list[Any] = []
    seeds: list[Any] = [None] * 2 * n_runs
    if random_state is not None:
        seeds = list(draw_seeds(random_state, 2 * n_runs))
    for name, model in models.items():
        own, start = [seeds.pop() for _ in range(n_runs)], time.perf_counter()
        evidence = [_ask(model, X, labels, ranker.requires, seed) for seed in own]
        seconds[name] = (time.perf_counter() - start) / n_runs
        features.append(evidence[0].features)
        ranked = [
            _rank(ranker, said, sizes, class_balanced, seed) for said, seed in zip(evidence, own, strict=True)
        ]
        scores[name], chosen[name] = (np.array(part) for part in zip(*ranked, strict=True))
    if tuple(ranker.requires) == ("features",) and _are_equal(*features):
        raise ValueError(
            f"strategy {type(ranker).__name__} reads features only, and those of proxy and target are the same rows "
            "of X: it asks neither of them."
        )
    return ProxyAgreement(ranker, method, scores, chosen, seconds)


def _are_equal(first: Any, second: Any) -> bool:
    """Tell whether two arrays or sparse matrices have the same numbers."""
    if first.shape != second.shape or issparse(first) != issparse(second):
        return False
    return (first != second).nnz == 0 if issparse(first) else np.array_equal(first, second)


def _ask(model: Any, X: Any, y: np.ndarray, requires: tuple[str, ...], seed: int | None) -> Any:
    trained = model.train(
        X, y, recorders=[kind for kind in requires if kind in model.recorders], random_state=seed
    )
    return trained.gather(X, requires, y=y)


def _rank(
    ranker: Any, evidence: Any, sizes: list[int], class_balanced: bool | str, seed: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of all rows, and which rows are chosen at each size."""
    n_rows = evidence.n_rows
    is_sampler = isinstance(ranker, Sampler)
    picks = getattr(ranker, "picks_greedily", False) and not is_sampler
    # One ranking serves every size, unless the size decides what is chosen.
    by_size = picks or is_sampler
    n_ranked = n_rows if picks else 1 if by_size else max(sizes)
    order, scores = ranker.rank(evidence, n_ranked, random_state=seed)
    chooser = ranker if by_size else _Ranked(order, scores)
    chosen = np.zeros((len(sizes), n_rows), dtype=bool)
    for mask, size in zip(chosen, sizes, strict=True):
        mask[choose(chooser, evidence, size, class_balanced=class_balanced, random_state=seed).rows] = True
    if picks:
        scores = np.empty(n_rows)
        scores[order] = -np.arange(n_rows)
    return scores, chosen


class _Ranked:
    """A ranking that is made already, as a strategy."""

    requires = ()

    def __init__(self, order: np.ndarray, scores: np.ndarray):
        self._ranking = order, scores

    def rank(
        self, evidence: Any, n_samples: int, *, random_state: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        return self._ranking
