"""Selector and target as one classifier."""

import time
from typing import Any, ClassVar

import numpy as np
from sklearn.base import _fit_context, clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params, check_is_fitted

from .._inputs._labels import check_labels
from .._inputs._warn import warn_caller
from ..proxies import DelegatingClassifier, Proxy, as_proxy, inner_has


def _check_classes_kept(y: np.ndarray, y_kept: np.ndarray) -> None:
    """Refuse a choice of one class, and warn of classes that the target does not get to know."""
    kept = np.unique(y_kept)
    if len(kept) < 2:
        raise ValueError(
            f"The {len(y_kept)} chosen rows hold one class only; use a larger subset_size or "
            "class_balanced=True."
        )
    lost = np.setdiff1d(y, kept)
    if len(lost):
        named = ", ".join(map(str, lost[:10]))
        warn_caller(
            f"The {len(y_kept)} chosen rows hold no row of {len(lost)} class(es): {named}. The target cannot "
            "predict them; class_balanced=True keeps classes in proportion.",
            UserWarning,
        )


class CoresetClassifier(DelegatingClassifier):
    """Train a target on the rows that a selector chooses, as one classifier.

    It is the last step of a scikit-learn Pipeline, and the estimator for searches and
    cross-validation: in every fit the selector sees the training rows of that fit only.

    Parameters
    ----------
    estimator : classifier
        The target. A clone of it is trained on the chosen rows. Labels that no
        torch loss takes, such as strings, are numbered for a skorch net.
    selector : ProxyCoresetSelector
        Chooses the rows. A ``FrozenEstimator`` around a fitted selector gives the rows
        that this one chose, and only of the X it was fitted on.
    warm_target : bool, default=False
        Whether the target begins from the weights of the selector's proxy, of several
        proxies from those of the first. Both are networks of `sksvp.estimators` of one
        architecture, or the proxy is a shallower `ResNetClassifier`. The target then
        needs fewer epochs.

    Attributes
    ----------
    estimator_ : classifier
        The trained target.
    selector_ : ProxyCoresetSelector
        The fitted selector.
    classes_ : ndarray of shape (n_classes,)
        Class labels, as the target knows them.
    timings_ : dict
        Seconds of ``"proxy_fit"``, ``"inference"``, ``"ranking"`` and ``"target_fit"``.
    n_features_in_ : int
        Number of columns of X, if the target knows it.
    feature_names_in_ : ndarray of str
        Names of the columns of X, if the target knows them.

    See Also
    --------
    ProxyCoresetSelector : The selection by itself.

    References
    ----------
    Coleman et al., Selection via Proxy: Efficient Data Selection for Deep
    Learning, ICLR 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksvp.coreset import CoresetClassifier, ProxyCoresetSelector
    >>> X, y = load_iris(return_X_y=True)
    >>> selector = ProxyCoresetSelector(LogisticRegression(max_iter=1000), subset_size=0.5, random_state=0)
    >>> classifier = CoresetClassifier(RandomForestClassifier(random_state=0), selector).fit(X, y)
    >>> int(classifier.selector_.support_.sum())
    75
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods("fit")],
        "selector": [HasMethods(["fit", "select", "get_support"])],
        "warm_target": ["boolean"],
    }

    # Labels that the target was trained on, sorted.
    _kept_classes: Any = None

    def __init__(self, estimator, selector, *, warm_target=False):
        self.estimator = estimator
        self.selector = selector
        self.warm_target = warm_target

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **params):
        """Choose rows of X, then train the target on them.

        Parameters
        ----------
        X : rows of length n_samples
            Training rows in any form that proxy and target take.
        y : array-like of shape (n_samples,)
            Class labels.
        **params : dict
            With metadata routing: what the target's `fit` requests, cut to the chosen
            rows, and what the proxy's `fit` requests, through the selector.

        Returns
        -------
        self : object
            Fitted.

        Raises
        ------
        ValueError
            If the target is a regressor, if a frozen selector was fitted on another X,
            if the choice holds one class only, if the target cannot begin from the proxy,
            or if selector or target refuse the rows.

        Warns
        -----
        UserWarning
            If no row of a class was chosen.
        """
        # A failed or interrupted fit leaves no fitted classifier.
        self.__dict__.pop("estimator_", None)
        target = as_proxy(self.estimator)
        target.check_classifies("estimator")
        target.check_params()
        if self.warm_target:
            self._check_warm(target)
        target_params, selector_params = self._route(params)
        self.selector_ = clone(self.selector).fit(X, y, **selector_params)
        if isinstance(self.selector_, FrozenEstimator) and not self.selector_._is_fitted_rows(X):
            raise ValueError(
                "selector is frozen and was fitted on other rows than this X: a choice among rows says "
                "nothing of new ones. Fit it on this X, or give it unfrozen."
            )
        X_kept, y_kept = self.selector_.select(X, y)
        _check_classes_kept(np.asarray(y), np.asarray(y_kept))
        target_params = _check_method_params(
            X, target_params, indices=self.selector_.get_support(indices=True)
        )
        start = time.perf_counter()
        trained = self._train(X_kept, np.asarray(y_kept), target_params)
        self.estimator_, self._kept_classes = trained.estimator, trained.classes
        self.timings_ = {**self.selector_.timings_, "target_fit": time.perf_counter() - start}
        return self

    def _check_warm(self, target: Proxy) -> None:
        proxy = getattr(self.selector, "proxy", None)
        if proxy is None:
            raise ValueError("warm_target=True needs a selector with a proxy, and selector has none.")
        as_proxy(proxy).check_nests_in(target)

    def _train(self, X: Any, y: np.ndarray, fit_params: dict) -> Proxy:
        """Train the target on the chosen rows."""
        classes = np.unique(y)
        if not self.warm_target:
            trained = as_proxy(clone(self.estimator), classes=classes)
            trained.fit_as_given(X, y, fit_params)
            return trained
        proxy = self.selector_.proxy_
        if len(proxy.classes_) != len(classes):
            raise ValueError(
                f"warm_target=True: the proxy knows {len(proxy.classes_)} classes, and the chosen rows have "
                f"{len(classes)}; use class_balanced=True or a larger subset_size."
            )
        return as_proxy(self.estimator).train(X, y, fit_params=fit_params, start=as_proxy(proxy))

    def _route(self, params: dict) -> tuple[dict, dict]:
        """Divide the parameters of `fit` between the target and the selector."""
        if not _routing_enabled():
            _raise_for_params(params, self, "fit")
            return {}, {}
        routed = process_routing(self, "fit", **params)
        return dict(routed.estimator.fit), dict(routed.selector.fit)

    @available_if(inner_has("predict"))
    def predict(self, X):
        """Predict classes with the target.

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
            return self._target.predict(X)

    @available_if(inner_has("score"))
    def score(self, X, y, **params):
        """Score the target by its own `score`, which is the accuracy for most classifiers.

        Parameters
        ----------
        X : rows of length n_samples
            Test rows.
        y : array-like of shape (n_samples,)
            Their labels.
        **params : dict
            Passed to the target's `score`. With metadata routing: what it requests.

        Returns
        -------
        float
            The score.
        """
        check_is_fitted(self)
        y = check_labels(y)
        if _routing_enabled():
            params = dict(process_routing(self, "score", **params).estimator.score)
        if self._target.learns_numbers:
            return accuracy_score(y, self.predict(X), **params)
        with self._naming("X"):
            return self.estimator_.score(X, y, **params)

    @property
    def classes_(self) -> np.ndarray:
        """Class labels, as the target knows them."""
        return self._kept_classes if self._target.learns_numbers else self.estimator_.classes_

    @property
    def _target(self) -> Proxy:
        return as_proxy(self.estimator_, classes=self._kept_classes)

    def get_metadata_routing(self):
        """Describe how metadata is routed to the target and to the selector.

        Returns
        -------
        MetadataRouter
            Which metadata goes where.
        """
        to_target = MethodMapping().add(caller="fit", callee="fit").add(caller="score", callee="score")
        to_selector = MethodMapping().add(caller="fit", callee="fit")
        return (
            MetadataRouter(owner=self)
            .add(estimator=self.estimator, method_mapping=to_target)
            .add(selector=self.selector, method_mapping=to_selector)
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        chooser = get_tags(self.selector).input_tags
        tags.input_tags.sparse &= chooser.sparse
        tags.input_tags.allow_nan &= chooser.allow_nan
        return tags
