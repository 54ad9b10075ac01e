"""Training records that are plotted, and where they come from."""

from typing import Any

from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from ..strategies import TrainingRecord

SELECTOR = [HasMethods(["rerank", "get_support"])]


def check_record(record: Any) -> TrainingRecord:
    """Return `record`; raise TypeError if it is no training record."""
    if not isinstance(record, TrainingRecord):
        raise TypeError(f"record must be a TrainingRecord, got {record!r:.80}.")
    return record


def record_of(selector: Any) -> TrainingRecord:
    """Return the training record of a fitted selector; raise ValueError if its training kept none."""
    check_is_fitted(selector)
    if selector.record_ is None:
        raise ValueError(
            f"The training of the selector's proxy {selector.proxy_!r:.60} kept no training record. "
            "strategy='stratified' and others that read one keep it, if the proxy is trained in steps."
        )
    return selector.record_
