"""XGBoost's classifiers of trees."""

from typing import Any

from ._boosting_stages import is_xgboost
from ._numbered_labels import NumberedLabels
from ._staged_ensemble import StagedEnsemble


class StagedXGBoost(NumberedLabels, StagedEnsemble):
    """A classifier of XGBoost's: a staged ensemble that takes numbered labels only."""

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        return is_xgboost(classifier)
