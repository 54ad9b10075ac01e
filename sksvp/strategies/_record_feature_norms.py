"""The recorder of the features' lengths."""

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.extmath import row_norms

from ._record_visits import VisitRecorder


class RecordFeatureNorms(VisitRecorder):
    """Keeps the squared length of a row's final hidden vector at every visit, the channel `feature_norm`.

    A row takes four bytes a visit, since squares soon leave the range of float16. It
    is kept only where a strategy reads it, such as ``GraNd(features="visits")``.

    Parameters
    ----------
    n_rows : int
        Number of training rows.

    See Also
    --------
    GraNd : Reads it.

    Examples
    --------
    >>> import numpy as np
    >>> from sksvp.strategies import RecordFeatureNorms
    >>> norms = RecordFeatureNorms(2)
    >>> norms.note([0, 1], norms.judge(np.array([[3.0, 4.0], [0.0, 1.0]]), np.array([0, 1])))
    >>> norms.result().tolist()
    [[25.0], [1.0]]
    """

    name: ClassVar[str] = "feature_norm"
    needs_features: ClassVar[bool] = True
    is_dear: ClassVar[bool] = True
    dtype: ClassVar[np.dtype] = np.dtype(np.float32)

    @staticmethod
    def judge(logits: Any, y: Any) -> Any:
        """Return the squared lengths of the features of a batch, (n_batch,), which stand in place of logits."""
        if not hasattr(logits, "device") or isinstance(logits, np.ndarray):
            return row_norms(logits, squared=True)
        return logits.float().square().sum(dim=1)
