"""What a trained proxy says of each row: class probabilities, final hidden features, forgetting events."""

from ._gather import available_evidence, check_available, gather, gather_kind
from ._training import TrainedProxy, train_proxy

__all__ = ["TrainedProxy", "available_evidence", "check_available", "gather", "gather_kind", "train_proxy"]
