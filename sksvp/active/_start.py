"""What chooses the first rows, before there are labels of two classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples

from .._inputs._names import names
from ..proxies import as_proxy
from ..strategies import Random, TypiClust, named_strategy, resolve_strategy


@dataclass
class Start:
    """The strategy of the first rows, and features that only it reads.

    Parameters
    ----------
    strategy : Strategy
        Reads nothing, or the rows alone.
    features : ndarray or None
        One line for each row of the pool. None means that X itself is read.
    """

    strategy: Any
    features: Any = None


def make_start(start: Any, X: Any, features: Any = None) -> Start | None:
    """Turn the parameter `start` and the features of `fit` into a start; None leaves it to the strategy.

    Raises
    ------
    ValueError
        If the name is unknown, the strategy reads more than the rows, X or the features
        are no table of numbers, or features are given that nothing reads.
    """
    if start is None:
        if features is not None:
            raise ValueError("start_features would change nothing: start=None. Set start='clustered'.")
        return None
    strategy = _resolve(start, scale=features is None)
    rows = as_proxy(None)
    missing = [kind for kind in strategy.requires if kind not in rows.kinds_of_rows]
    if missing or getattr(strategy, "needs_labels", False):
        raise ValueError(
            f"start={start!r} reads {' and '.join(missing) or 'labels'}, and there are none before the first labels: "
            "take 'random', 'clustered' or a strategy that reads features only."
        )
    if not strategy.requires:
        if features is not None:
            raise ValueError(f"start_features would change nothing: start={start!r} reads none.")
        return Start(strategy)
    if features is None:
        try:
            rows.check_rows(X, strategy.requires)
        except (ValueError, TypeError) as error:
            raise type(error)(
                f"start={start!r} reads X itself unless start_features are given to fit: {error}"
            ) from error
        return Start(strategy)
    with names("start_features"):
        table = check_array(
            features, accept_sparse="csr", dtype=[np.float32, np.float64], input_name="start_features"
        )
    if table.shape[0] != _num_samples(X):
        raise ValueError(
            f"start_features must have a line for each row of X, got {table.shape[0]} for {_num_samples(X)}."
        )
    return Start(strategy, table)


def _resolve(start: Any, *, scale: bool) -> Any:
    if isinstance(start, str) and start == "clustered":
        # Columns of a table have units of their own; given features are left as they are.
        return TypiClust(scale=scale)
    if isinstance(start, str) and start == "random":
        return Random()
    try:
        return named_strategy(start) if isinstance(start, str) and ":" in start else resolve_strategy(start)
    except (ValueError, TypeError) as error:
        raise type(error)(f"start must be 'random', 'clustered' or a strategy: {error}") from error
