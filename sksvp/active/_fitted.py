"""What a fitted active learner predicts and reports of its run."""

from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_feature_names, _check_n_features, check_is_fitted

from .._inputs._names import names
from ..strategies import CarriesStrategies
from ._run import Run


def _predictor_has(method: str):
    """Return a check for `available_if`: the model that predicts has this method."""

    def check(self) -> bool:
        getattr(self.proxy if self.target is None else self.target, method)
        return True

    return check


class FittedLearner(CarriesStrategies, MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Predictions and attributes of a learner; its run is in ``_run`` after `fit`."""

    proxy: BaseEstimator
    target: BaseEstimator | None
    _run: Run

    # Predicting -----------------------------------------------------------------------------

    @available_if(_predictor_has("predict"))
    def predict(self, X):
        """Predict classes with the target, or with the proxy if there is no target.

        Parameters
        ----------
        X : rows of length n_samples
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predicted classes.
        """
        return self._ask("predict", X)

    @available_if(_predictor_has("predict_proba"))
    def predict_proba(self, X):
        """Predict class probabilities with the model that `predict` uses.

        Parameters
        ----------
        X : rows of length n_samples
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities, with columns in the order of `classes_`.
        """
        return self._ask("predict_proba", X)

    @available_if(_predictor_has("decision_function"))
    def decision_function(self, X):
        """Compute the decision function of the model that `predict` uses.

        Parameters
        ----------
        X : rows of length n_samples
            Rows to classify.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Decision function of that model.
        """
        return self._ask("decision_function", X)

    def _ask(self, method: str, X: Any) -> np.ndarray:
        check_is_fitted(self)
        predictor = self._run.predictor()
        model = predictor if method == "predict" else predictor.estimator
        with names("X"):
            return getattr(model, method)(X)

    # Attributes -----------------------------------------------------------------------------

    @property
    def history_(self) -> list[dict[str, Any]]:
        """One entry for each selection; a copy."""
        return [{**entry, "rows": entry["rows"].copy()} for entry in self._run.state.history]

    @property
    def scores_(self) -> np.ndarray:
        """Scores of the last selection; a copy."""
        if self._run.state.scores is None:
            raise AttributeError("scores_ is available after the first query.")
        return self._run.state.scores.copy()

    @property
    def strategy_(self) -> Any:
        """Strategy of the last selection, None before it."""
        return self._run.took

    @property
    def strategy_reason_(self) -> str | None:
        """Why ``strategy="auto"`` took it, None for any other strategy."""
        return self._run.reason

    @property
    def settled_(self) -> bool:
        """Whether the rule `stop` is met with the models trained so far."""
        judged = [entry.get("settled") for entry in self._run.state.history]
        return next((settled for settled in reversed(judged) if settled is not None), False)

    @property
    def waiting_(self) -> np.ndarray:
        """Rows of the last query that have no label yet; a copy."""
        return self._run.state.waiting.copy()

    @property
    def labeled_rows_(self) -> np.ndarray:
        """Rows that have a label, ascending."""
        return np.flatnonzero(self._run.state.table.labelled)

    @property
    def labels_(self) -> np.ndarray:
        """Labels of `labeled_rows_`."""
        return self._run.state.table.labels_of(self.labeled_rows_)

    @property
    def proxy_(self) -> BaseEstimator | None:
        """The proxy trained last."""
        trained = self._run.trained_proxy
        return None if trained is None else trained.estimator

    @property
    def target_(self) -> BaseEstimator | None:
        """The target trained last."""
        trained = self._run.trained_target
        return None if trained is None else trained.estimator

    @property
    def classes_(self) -> np.ndarray:
        """Classes of the model that predicts, or of the labels if it is not trained yet."""
        trained = self._run.trained_target
        return np.unique(self.labels_) if trained is None else trained.classes.copy()

    # The run --------------------------------------------------------------------------------

    def close(self) -> None:
        """Release the checkpoint, so that another learner can continue the run.

        This learner cannot query or learn any more. Its predictions stay available,
        and `fit` starts or reopens a run. The end of a ``with`` statement closes the
        learner. Without a checkpoint nothing happens.
        """
        run = self.__dict__.get("_run")
        if run is not None and run.checkpoint is not None:
            run.checkpoint.close_for_good()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def _keep_run(self, run: Run, X: Any) -> None:
        """Become fitted: take a run and learn the columns of its pool."""
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        if len(getattr(X, "shape", ())) == 2:
            _check_n_features(self, X, reset=True)
        _check_feature_names(self, X, reset=True)
        self._run = run

    def _open_run(self, method: str) -> Run:
        """Return the run of an interactive learner and hold its folder."""
        check_is_fitted(self)
        if self._run.X is None:
            raise ValueError(f"{method} is for rounds=None; this learner has run its rounds.")
        if self._run.checkpoint is not None:
            self._run.checkpoint.hold()
        return self._run

    # scikit-learn's protocols ---------------------------------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        return "_run" in self.__dict__

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        predictor = get_tags(self.proxy if self.target is None else self.target)
        proxy = get_tags(self.proxy)
        tags.input_tags = predictor.input_tags
        if getattr(self, "rounds", None) is not None:
            # Without rounds fit does not train the proxy, and what the proxy takes matters to query only.
            tags.input_tags.sparse &= proxy.input_tags.sparse
            tags.input_tags.allow_nan &= proxy.input_tags.allow_nan
        if predictor.classifier_tags is not None:
            # One label a row, whatever the models take.
            tags.classifier_tags = replace(predictor.classifier_tags, multi_label=False)
            if proxy.classifier_tags is not None:
                tags.classifier_tags.multi_class &= proxy.classifier_tags.multi_class
        return tags

    def get_metadata_routing(self):
        """Describe how metadata of `fit` goes to the proxy and to the target.

        Returns
        -------
        MetadataRouter
            Router to the `fit` of both models.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        for name in ("proxy", "target"):
            model = getattr(self, name)
            if model is not None:
                router.add(**{name: model}, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
        return router
