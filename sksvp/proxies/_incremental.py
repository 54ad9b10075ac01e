"""Training a `partial_fit` classifier in passes of mini-batches."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, _fit_context, clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metadata_routing import (
    MetadataRequest,
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    get_routing_for_object,
    process_routing,
)
from sklearn.utils.validation import _check_method_params

from .._inputs._containers import take_rows
from .._inputs._lengths import check_training_rows
from .._inputs._parameters import WholeNumber
from .._seeds import own_seed, set_random_states
from ..strategies import Recorder
from ._delegating import DelegatingClassifier
from ._visit_scores import blank_scores, visit_features, visit_scores


class Incremental(DelegatingClassifier):
    """Train a classifier that has `partial_fit` in passes of mini-batches.

    This training shows each visit of a row, which the classifier's own `fit` does
    not. Selectors use it with default parameters if a strategy reads forgetting
    events and the proxy is a bare `partial_fit` classifier.

    Parameters
    ----------
    estimator : classifier with partial_fit
        A clone of it is trained.
    n_epochs : int, default=20
        Number of passes over the rows, each in a new random order. A row can be
        forgotten in every second pass at most. The classifier's own `max_iter` is not used.
    batch_size : int, default=128
        Number of rows of an update.
    random_state : int, RandomState or None, default=None
        Draws the orders, and seeds the classifier if it has no seed. None takes the
        classifier's own `random_state`.

    Attributes
    ----------
    estimator_ : classifier
        Fitted.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Number of columns of X, if the classifier knows it.
    feature_names_in_ : ndarray of str
        Names of the columns of X, if the classifier knows them.

    See Also
    --------
    sksvp.strategies.ForgettingEvents : Ranks rows by what such a training shows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sksvp import ProxyCoresetSelector
    >>> from sksvp.proxies import Incremental
    >>> X, y = load_iris(return_X_y=True)
    >>> proxy = Incremental(SGDClassifier(), n_epochs=5, batch_size=16)
    >>> selector = ProxyCoresetSelector(proxy, random_state=0).fit(X, y)
    >>> len(selector.indices_)
    75
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["partial_fit", "predict"])],
        "n_epochs": [WholeNumber(1, 10**6)],
        "batch_size": [WholeNumber(1)],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator, n_epochs: int = 20, batch_size: int = 128, *, random_state=None):
        self.estimator = estimator
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, **fit_params):
        """Train a clone of the classifier.

        Parameters
        ----------
        X : rows of length n_samples
            Whatever the classifier takes.
        y : array-like of shape (n_samples,)
            Class labels.
        **fit_params : dict
            Passed to `partial_fit`. Values with one entry per row are cut to the rows of
            each batch. With metadata routing: what the classifier's `partial_fit` requests.

        Returns
        -------
        self : object
            Fitted.

        Raises
        ------
        ValueError
            If y does not have one class label per row, if X and y differ in length,
            or if the classifier refuses X.
        """
        self.__dict__.pop("estimator_", None)
        X, y = check_training_rows(X, y, type(self).__name__)
        classifier = self.new_classifier()
        self.train(classifier, X, y, fit_params=fit_params)
        self.estimator_ = classifier
        return self

    def new_classifier(self) -> BaseEstimator:
        """Return a clone of the classifier, seeded by `random_state` if it has no seed of its own.

        Returns
        -------
        classifier
            Not yet fitted.
        """
        classifier = clone(self.estimator)
        set_random_states(classifier, self.random_state)
        return classifier

    def train(
        self,
        classifier: BaseEstimator,
        X: Any,
        y: np.ndarray,
        *,
        recorders: Mapping[str, Recorder] | None = None,
        fit_params: dict | None = None,
        may_end: Callable[[], bool] | None = None,
    ) -> None:
        """Train a classifier in place, as `fit` does its clone, and show each batch to recorders before its update.

        Parameters
        ----------
        classifier : classifier with partial_fit
            Not yet fitted.
        X, y : array-like of length n
            Training rows and their labels.
        recorders : dict of str to Recorder, optional
            The rows of the first batch are shown as wrong, since nothing has been
            learned yet.
        fit_params : dict, optional
            Parameters of `fit`.
        may_end : callable, optional
            Asked after each epoch whether the training may end.

        Raises
        ------
        ValueError
            If the classifier's parameters do not allow `partial_fit`.
        """
        fit_params = fit_params or {}
        if _routing_enabled():
            fit_params = dict(process_routing(self, "fit", **fit_params).estimator.partial_fit)
        classes, columns = np.unique(y, return_inverse=True)
        seed = own_seed(classifier) if self.random_state is None else self.random_state
        random_state = check_random_state(seed)
        is_blank = True
        for _ in range(self.n_epochs):
            order = random_state.permutation(len(y))
            for start in range(0, len(y), self.batch_size):
                rows = order[start : start + self.batch_size]
                batch = take_rows(X, rows)
                for recorder in (recorders or {}).values():
                    if recorder.needs_features:
                        seen = visit_features(classifier, batch)
                    elif is_blank:
                        seen = blank_scores(columns[rows], len(classes))
                    else:
                        seen = visit_scores(classifier, batch, classes, logits=recorder.needs_scores)
                    recorder.note(rows, recorder.judge(seen, columns[rows]))
                params = _check_method_params(X, fit_params, indices=rows)
                try:
                    classifier.partial_fit(batch, y[rows], classes=classes, **params)
                except ValueError as error:
                    if not is_blank or "partial_fit" not in str(error):
                        raise
                    raise ValueError(
                        f"{type(classifier).__name__} is trained by partial_fit here, which its parameters do not "
                        f"allow ({error}). Change them, or take another strategy."
                    ) from error
                is_blank = False
            if may_end is not None and may_end():
                break

    def get_metadata_routing(self):
        """Describe how metadata is routed to the classifier.

        Returns
        -------
        MetadataRouter
            Which metadata goes where.
        """
        mapping = MethodMapping().add(caller="fit", callee="partial_fit")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)


def with_requests_of_fit(classifier: BaseEstimator) -> BaseEstimator:
    """Return a clone whose `partial_fit` requests the metadata that `fit` does, unless it has a request of its own."""
    classifier = clone(classifier)
    requests = get_routing_for_object(classifier)
    if isinstance(requests, MetadataRequest):
        unset = [name for name, alias in requests.partial_fit.requests.items() if alias is None]
        of_fit = {name: requests.fit.requests.get(name) for name in unset}
        wanted = {name: alias for name, alias in of_fit.items() if alias is not None}
        if wanted:
            classifier.set_partial_fit_request(**wanted)
    return classifier
