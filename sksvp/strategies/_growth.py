"""How the work and the memory of a strategy grow with the data."""

from typing import NamedTuple


class DataSize(NamedTuple):
    """Sizes of a choice.

    Parameters
    ----------
    n_rows : int
        Rows of the data.
    n_features : int
        Columns of the features.
    n_classes : int
        Classes, all of one size.
    n_samples : int
        Rows to choose.
    n_visits : int
        Visits of a training record.
    """

    n_rows: int
    n_features: int
    n_classes: int
    n_samples: int
    n_visits: int

    def of_class(self) -> "DataSize":
        """Return the sizes of one class by itself.

        Returns
        -------
        DataSize
            With a single class, and its share of the rows and of the picks, rounded up.
        """
        return self._replace(
            n_rows=-(-self.n_rows // self.n_classes),
            n_classes=1,
            n_samples=-(-self.n_samples // self.n_classes),
        )


class Growth(NamedTuple):
    """How the work and the memory of a strategy grow.

    Parameters
    ----------
    terms : tuple of float
        The time is a sum of these, each times a factor that depends on the machine.
    memory : float
        Bytes held at the peak, beside the evidence.
    is_by_class : bool
        Whether the time is that of the classes one after the other.
    """

    terms: tuple[float, ...]
    memory: float
    is_by_class: bool = False
