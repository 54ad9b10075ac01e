"""Classifiers that take the numbers 0 .. k-1 as labels only."""

import sys
from typing import Any

import numpy as np

from ._proxy import Proxy


class NumberedLabels(Proxy):
    """XGBoost's classifiers and those around one: other labels are numbered for them."""

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        xgboost = sys.modules.get("xgboost")
        if xgboost is None or not hasattr(classifier, "get_params"):
            return False
        parts = [classifier, *classifier.get_params(deep=True).values()]
        return any(isinstance(part, xgboost.XGBClassifier) for part in parts)

    def encode(self, y: np.ndarray) -> np.ndarray:
        return y if self.is_frozen else np.unique(y, return_inverse=True)[1]
