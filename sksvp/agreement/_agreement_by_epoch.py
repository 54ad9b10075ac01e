"""How early in a training the ranking of the rows agrees with that of another."""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import HasMethods, StrOptions, validate_params

from .._inputs._parameters import ListOf, WholeNumber
from ..strategies import Evidence, TrainingRecord, forgetting_events, resolve_strategy
from ._rank_correlation import METHODS, check_scores, rank_correlation

if TYPE_CHECKING:
    import pandas as pd


@validate_params(
    {
        "record": [TrainingRecord],
        "strategy": [str, HasMethods(["rank"])],
        "y": ["array-like", None],
        "epochs": [ListOf(WholeNumber(1)), None],
        "method": [StrOptions(set(METHODS))],
    },
    prefer_skip_nested_validation=True,
)
def agreement_by_epoch(
    record: TrainingRecord,
    reference: TrainingRecord | ArrayLike,
    strategy: Any = "aum",
    *,
    y: ArrayLike | None = None,
    epochs: Sequence[int] | None = None,
    method: str = "spearman",
) -> "pd.DataFrame":
    """Correlate what a training says of the rows after each epoch with what another says at its end.

    It tells after how many epochs a proxy ranks the rows as the target does, or as
    itself at its end.

    Parameters
    ----------
    record : TrainingRecord
        The training that is followed, as in `record_` of a fitted selector.
    reference : TrainingRecord or array-like of shape (n_rows,)
        The other training, whole, or its scores.
    strategy : str or strategy, default="aum"
        What scores the rows from a training record: ``"forgetting_events"`` or a
        score of the training dynamics, by name or as an object.
    y : array-like of shape (n_rows,), optional
        Labels, for strategies that read them, such as ``"cld"``.
    epochs : sequence of int, optional
        Epochs, from 1, after which the scores are compared; all by default.
    method : {"spearman", "pearson", "kendall"}, default="spearman"
        See `rank_correlation`.

    Returns
    -------
    pandas.DataFrame
        One line per epoch: `epoch` and `correlation`, NaN while the strategy gives all
        rows the same score or needs more visits.

    Raises
    ------
    ValueError
        If the strategy reads more than a training record, if the two have different
        rows, or if an epoch lies beyond the record.

    References
    ----------
    Coleman et al., Selection via Proxy, ICLR 2020, figures 11 and 12.

    Examples
    --------
    >>> from sksvp.agreement import agreement_by_epoch
    >>> from sksvp.strategies import TrainingRecord
    >>> record = TrainingRecord.from_losses([[0.7, 0.6, 0.8], [0.5, 0.1, 0.8], [0.4, 0.1, 0.9]])
    >>> agreement_by_epoch(record, record, "variability")["correlation"].round(2).tolist()[-1]
    1.0
    """
    import pandas as pd

    scorer = resolve_strategy(strategy)
    _check_reads_records(scorer)
    numbers = range(1, record.n_visits + 1) if epochs is None else epochs
    if max(numbers) > record.n_visits:
        raise ValueError(f"epochs must lie in 1 .. {record.n_visits}, got {max(numbers)}.")
    if isinstance(reference, TrainingRecord):
        final = score_record(scorer, reference, y)
    else:
        final = check_scores(reference, "reference")
    if len(final) != record.n_rows:
        raise ValueError(f"reference must have the {record.n_rows} rows of record, got {len(final)}.")
    # What cannot score the whole record raises here.
    score_record(scorer, record, y)
    correlations = []
    for epoch in numbers:
        part = TrainingRecord(**{name: values[:epoch] for name, values in record.channels.items()})
        scores = _score_part(scorer, part, y)
        is_defined = scores is not None and not _is_constant(scores) and not _is_constant(final)
        correlations.append(rank_correlation(scores, final, method) if is_defined else np.nan)
    return pd.DataFrame({"epoch": list(numbers), "correlation": correlations})


def score_record(scorer: Any, record: TrainingRecord, y: ArrayLike | None) -> np.ndarray:
    """Return the scores of all rows by a training record."""
    events = {}
    if "forgetting_events" in scorer.requires:
        # A row is classified right where its margin is positive.
        events["forgetting_events"] = forgetting_events(record.require("margin") > 0)
    evidence = Evidence(y=y, training_record=record, **events)  # type: ignore[arg-type]
    return scorer.rank(evidence, 1, random_state=0)[1]


def _is_constant(scores: np.ndarray) -> bool:
    return bool((scores == scores[0]).all())


def _score_part(scorer: Any, part: TrainingRecord, y: ArrayLike | None) -> np.ndarray | None:
    """Return the scores of the first epochs of a record that can be scored as a whole, None if there are too few."""
    with warnings.catch_warnings():
        # Of windows that are wider than the record is by now.
        warnings.simplefilter("ignore", UserWarning)
        try:
            return score_record(scorer, part, y)
        except ValueError:
            return None


def _check_reads_records(scorer: Any) -> None:
    foreign = set(scorer.requires) - {"training_record", "forgetting_events"}
    if foreign or not scorer.requires or not getattr(scorer, "scores_each_row", False):
        raise ValueError(
            "strategy must score the rows from a training record, such as 'aum', 'el2n' or 'forgetting_events', "
            f"got {type(scorer).__name__}."
        )
