"""Values of each visit of each row, in memory or, if they are many, in a file that is mapped into it."""

import tempfile
from typing import Any

import numpy as np

from .._storage._mapped import map_file, writing_temporary_file

# Largest number of bytes that is kept in memory.
BYTES_IN_MEMORY = 2**28


class VisitStore:
    """A growing array of shape (n_visits, n_channels, n_rows).

    Above 256 MiB it moves to a temporary file, which is mapped into memory: the
    system reads and writes parts of it as they are used. The file is in the folder
    of temporary files (the environment variable ``TMPDIR`` names another). It has no
    name there, so the system removes it with the last array that shows it, also if
    the process is killed.

    Parameters
    ----------
    n_channels, n_rows : int
        Shape of a visit.
    dtype : numpy.dtype
        A type of floats: visits that were not noted are NaN.

    Attributes
    ----------
    array : ndarray of shape (n_visits, n_channels, n_rows)
        The visits. `extend` replaces it.
    """

    def __init__(self, n_channels: int, n_rows: int, dtype: Any):
        self.array = np.empty((0, n_channels, n_rows), dtype=dtype)
        self._file: Any = None

    def extend(self, n_visits: int) -> None:
        """Append visits that are NaN everywhere.

        Raises
        ------
        OSError
            If the folder of temporary files has no room for them; says how much
            they need. What has been noted before is still there.
        """
        blank = np.full((n_visits, *self.array.shape[1:]), np.nan, dtype=self.array.dtype)
        if self._file is None and self.array.nbytes + blank.nbytes <= BYTES_IN_MEMORY:
            self.array = np.concatenate([self.array, blank])
            return
        # Written out, not left as a hole: a mapped hole without room on the disk would end the process.
        with writing_temporary_file("the training record needs", self.array.nbytes + blank.nbytes):
            file = self._file or tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # it outlives this call
            if self._file is None:
                _write(file, self.array)
            file.seek(self.array.nbytes)
            _write(file, blank)
        self._file = file
        shape = (len(self.array) + n_visits, *self.array.shape[1:])
        self.array = map_file(file, shape, self.array.dtype)


def _write(file: Any, array: np.ndarray) -> None:
    rest = array.reshape(-1).view(np.uint8).data
    while rest:
        rest = rest[file.write(rest) :]
