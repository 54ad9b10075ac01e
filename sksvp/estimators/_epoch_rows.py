"""Trainings whose epochs visit only some of the rows, drawn anew for each."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from numbers import Integral


class EpochRows:
    """Mixin of classifiers that train in epochs of ours."""

    _epoch_rows: int | None = None
    _recorders: Sequence[str]

    def drawing_rows(self, n_rows: int) -> AbstractContextManager[None]:
        """Have each epoch of trainings within the block visit so many rows, drawn at random for this epoch.

        This is RS2, repeated sampling of random subsets [1]_, the rival of a fixed
        subset that costs the same.

        Parameters
        ----------
        n_rows : int
            Rows of an epoch; as many as there are changes nothing.

        Returns
        -------
        context manager
            Its block is the time of the trainings.

        Raises
        ------
        ValueError
            For fewer than two rows.

        References
        ----------
        .. [1] P. Okanovic et al., "Repeated random sampling for minimizing the
           time-to-accuracy of learning", ICLR 2024.
        """
        if not isinstance(n_rows, Integral) or isinstance(n_rows, bool) or n_rows < 2:
            raise ValueError(f"n_rows must be a number of rows from 2, got {n_rows!r}.")
        return self._with_epoch_rows(int(n_rows))

    @contextmanager
    def _with_epoch_rows(self, n_rows: int) -> Iterator[None]:
        self._epoch_rows = n_rows
        try:
            yield
        finally:
            del self._epoch_rows

    def _rows_per_epoch(self, n_rows: int) -> int:
        """Return the rows that an epoch visits.

        Raises
        ------
        ValueError
            For more rows than there are, or where recorders wait for every row in each
            epoch.
        """
        if self._epoch_rows is None:
            return n_rows
        if self._epoch_rows > n_rows:
            raise ValueError(
                f"n_rows must be at most the {n_rows} rows that there are, got {self._epoch_rows}."
            )
        if self._recorders:
            raise ValueError("drawing_rows cannot be observed: a record has every row in each epoch.")
        return self._epoch_rows
