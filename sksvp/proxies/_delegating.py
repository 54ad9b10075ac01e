"""Base of the classifiers that predict by a classifier inside them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import TransformerTags, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ._torch_seed import scoring_torch


def inner_has(method: str):
    """Return the check of `available_if`: the classifier inside, fitted if it is, has this method."""

    def check(self) -> bool:
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return check


class DelegatingClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Base of the classifiers that train a clone of their `estimator` and predict by it, as `estimator_`.

    A child adds `__init__`, `fit` and `get_metadata_routing`.
    """

    @available_if(inner_has("predict"))
    def predict(self, X):
        """Predict classes.

        Parameters
        ----------
        X : rows of length n_samples
            Rows of the form that was fitted.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        with self._naming("X"):
            return self.estimator_.predict(X)

    @available_if(inner_has("predict_proba"))
    def predict_proba(self, X):
        """Predict class probabilities.

        Parameters
        ----------
        X : rows of length n_samples
            Rows of the form that was fitted.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probabilities in the order of `classes_`.
        """
        with self._naming("X"):
            return self.estimator_.predict_proba(X)

    @available_if(inner_has("predict_log_proba"))
    def predict_log_proba(self, X):
        """Predict the natural logarithms of class probabilities.

        Parameters
        ----------
        X : rows of length n_samples
            Rows of the form that was fitted.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Log-probabilities in the order of `classes_`.
        """
        with self._naming("X"):
            return self.estimator_.predict_log_proba(X)

    @available_if(inner_has("decision_function"))
    def decision_function(self, X):
        """Compute the decision function of the classifier inside.

        Parameters
        ----------
        X : rows of length n_samples
            Rows of the form that was fitted.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Scores of the second of two classes, or of each class.
        """
        with self._naming("X"):
            return self.estimator_.decision_function(X)

    @available_if(inner_has("transform"))
    def transform(self, X):
        """Compute the features of the classifier inside.

        Parameters
        ----------
        X : rows of length n_samples
            Rows of the form that was fitted.

        Returns
        -------
        array of shape (n_samples, n_features)
            Features.
        """
        with self._naming("X"):
            return self.estimator_.transform(X)

    @available_if(inner_has("transform"))
    def fit_transform(self, X, y, **fit_params):
        """Fit, then compute the features of the same rows.

        Parameters
        ----------
        X : rows of length n_samples
            Training rows.
        y : array-like of shape (n_samples,)
            Class labels.
        **fit_params : dict
            Passed to `fit`.

        Returns
        -------
        array of shape (n_samples, n_features)
            Features.
        """
        return self.fit(X, y, **fit_params).transform(X)

    @property
    def classes_(self) -> np.ndarray:
        """Class labels, as the classifier inside knows them."""
        return self.estimator_.classes_

    @property
    def n_features_in_(self) -> int:
        """Number of columns of X, as the classifier inside knows it."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns of X, as the classifier inside knows them."""
        return self.estimator_.feature_names_in_

    @contextmanager
    def _naming(self, name: str) -> Iterator[None]:
        """Check that this is fitted, and name the argument in an error of the classifier inside that does not."""
        check_is_fitted(self)
        try:
            with scoring_torch(self.estimator_):
                yield
        except (TypeError, ValueError) as error:
            # Other classes of errors take other arguments than a text.
            if type(error) in (TypeError, ValueError) and not re.search(rf"\b{name}\b", str(error)):
                error.args = (f"{name}: {error}",)
            raise

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        if inner.classifier_tags is not None:
            # One label a row, whatever the classifier inside takes.
            tags.classifier_tags = replace(inner.classifier_tags, multi_label=False)
        if hasattr(self.estimator, "transform"):
            tags.transformer_tags = inner.transformer_tags or TransformerTags()
        return tags
