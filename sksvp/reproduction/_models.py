"""What is trained: a network, on which rows, with which seed. Plain values, whose hash names a folder of the store."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .._storage._identity import name_of

# Hexadecimal digits of a key: of a million models, two have one name once in 10**7 stores.
_KEY_LENGTH = 16


@dataclass(frozen=True)
class Network:
    """A network and its recipe.

    Attributes
    ----------
    name : str
        Name in tables.
    estimator : str
        Class of `sksvp.estimators`.
    params : tuple of (str, value)
        Its parameters, without those of the machine, and ``optimizer``, a class of
        `torch.optim`, where it is not the estimator's.
    stop_after : int or None
        Epochs after which its training ends, before those of its schedule.
    """

    name: str
    estimator: str
    params: tuple[tuple[str, Any], ...] = ()
    stop_after: int | None = None

    def settings(self) -> dict[str, Any]:
        """Return what decides how it is trained, as plain values."""
        params = {name: _plain(value) for name, value in self.params}
        ends = {} if self.stop_after is None else {"stop_after": self.stop_after}
        return {"estimator": self.estimator, **params, **ends}

    def build(self, **more: Any) -> Any:
        """Return the estimator, with further parameters where it has them."""
        import torch

        from .. import estimators

        params = dict(self.params)
        if "optimizer" in params:
            params["net_params"] = {"optimizer": getattr(torch.optim, params.pop("optimizer"))}
        estimator = getattr(estimators, self.estimator)(**params)
        known = estimator.get_params(deep=False)
        return estimator.set_params(**{name: value for name, value in more.items() if name in known})


@dataclass(frozen=True)
class Rows:
    """Which of the training rows a model sees.

    Attributes
    ----------
    share : float
        Share of all rows; 1 for all of them.
    seed : int
        Of a random choice. Random shares of one seed contain each other.
    strategy : str or None
        Chooses the rows from what `by` says of them; None for a random choice.
    by : Model or None
        The model that is asked.
    grows : bool
        Whether the rows that `by` was trained on are kept, and only the others are
        chosen: a round of active learning.
    """

    share: float = 1.0
    seed: int = 0
    strategy: str | None = None
    by: "Model | None" = None
    grows: bool = False


ALL_ROWS = Rows()
DataFor = Callable[[Network], str]


@dataclass(frozen=True)
class Model:
    """One training, whose result every cell of a table may use.

    Attributes
    ----------
    network : Network
    rows : Rows
    seed : int
        Seed of weights, order and augmentation.
    followed : tuple of str
        Strategies whose scores of all rows are kept after each epoch, beside the
        forgetting events, which every training on all rows keeps.
    """

    network: Network
    rows: Rows
    seed: int
    followed: tuple[str, ...] = ()

    def settings(self, data_for: DataFor) -> dict[str, Any]:
        """Return what decides the trained model, as plain values.

        Parameters
        ----------
        data_for : callable
            ``data_for(network)``, the fingerprint of training and test rows as this network computes with them.

        Returns
        -------
        dict
            The settings by name.
        """
        rows: dict[str, Any] = {"share": self.rows.share}
        if self.rows.by is not None:
            rows |= {"strategy": self.rows.strategy, "chosen by": self.rows.by.key(data_for)}
            rows |= {"grows": True} if self.rows.grows else {}
        elif self.rows.share < 1:
            rows |= {"strategy": "random", "seed": self.rows.seed}
        more = {"followed": list(self.followed)} if self.followed else {}
        return {
            **more,
            "network": self.network.settings(),
            "rows": rows,
            "seed": self.seed,
            "data": data_for(self.network),
        }

    def key(self, data_for: DataFor) -> str:
        """Return the name of its folder: a hash of its settings and the data."""
        return name_of(self.settings(data_for))[:_KEY_LENGTH]


def _plain(value: Any) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value
