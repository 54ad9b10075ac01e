"""Choosing training rows with a proxy, inside imbalanced-learn's Pipeline."""

from dataclasses import dataclass, field, fields

import numpy as np
from sklearn.utils import InputTags, Tags, indexable
from sklearn.utils._metadata_requests import METHODS

from .._inputs._containers import take_rows
from ._base import BaseProxyCoreset


@dataclass(slots=True)
class _SamplerTags:
    """The tags of samplers, as imbalanced-learn has them."""

    sample_indices: bool = True


@dataclass(slots=True)
class _SamplerInputTags(InputTags):
    dataframe: bool = True


@dataclass(slots=True)
class _TagsOfSampler(Tags):
    sampler_tags: _SamplerTags = field(default_factory=_SamplerTags)


class ProxyCoresetSampler(BaseProxyCoreset):
    """Sampler that keeps the rows which `ProxyCoresetSelector` chooses.

    It is a step of ``imblearn.pipeline.Pipeline``, which skips it when it predicts.
    imbalanced-learn itself is not needed. Parameters and attributes are those of
    `ProxyCoresetSelector`.

    Parameters
    ----------
    proxy : classifier or None, default=None
        Any scikit-learn classifier. With None there is no training, and X itself serves
        as features.
    strategy : str or Strategy, default="auto"
        How rows are ranked.
    subset_size : float or int, default=0.5
        Share of the rows to keep, or their number.
    class_balanced : bool or {"proportional", "equal", "by_error"}, default=False
        Whether classes have quotas: in proportion to their sizes, equal, or in
        proportion to the share of their rows that the proxy classifies wrong.
    n_proxies : int, default=1
        Number of proxies, up to 1000, trained with different seeds, whose rankings are averaged.
    probabilities : {"in_sample", "out_of_fold"}, default="in_sample"
        Whether the proxy scores the rows it was trained on, or models score rows
        that they have not seen.
    record_all : bool, default=False
        Whether the training notes all that it can, for any strategy to come.
    stop_proxy : RankingSettled or None, default=None
        Rule that ends the proxy's training early; for proxies that are trained in
        epochs.
    memory : str, path-like, joblib.Memory or None, default=None
        Folder that keeps trained proxies.
    random_state : int, RandomState or None, default=None
        Seeds the proxy and the ranking.
    verbose : int, default=0
        Above 0, shows a bar on stderr.

    Attributes
    ----------
    sample_indices_ : ndarray of int
        Numbers of the kept rows, ascending; also called `indices_`.
    support_, order_, scores_, strategy_, strategy_reason_, proxy_, proxies_, proxy_stop_ : object
        As in `ProxyCoresetSelector`.
    weights_, record_, timings_, from_cache_, classes_, n_features_in_, feature_names_in_ : object
        As in `ProxyCoresetSelector`.

    See Also
    --------
    ProxyCoresetSelector : Describes every parameter and attribute.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksvp.coreset import ProxyCoresetSampler
    >>> X, y = load_iris(return_X_y=True)
    >>> X_kept, y_kept = ProxyCoresetSampler(LogisticRegression(), subset_size=75).fit_resample(X, y)
    >>> X_kept.shape
    (75, 4)
    """

    @property
    def _fitting_methods(self) -> tuple[str, ...]:  # type: ignore[override]
        # imbalanced-learn makes a routed method of it.
        return ("fit", "fit_resample") if "fit_resample" in METHODS else ("fit",)

    @property
    def sample_indices_(self) -> np.ndarray:
        """Numbers of the kept rows, ascending."""
        return self.indices_

    def fit_resample(self, X, y, **fit_params):
        """Fit, then cut X and y to the chosen rows.

        Parameters
        ----------
        X : rows of length n_samples
            Training rows.
        y : array-like of shape (n_samples,) or None
            Class labels; None where `fit` needs none.
        **fit_params : dict
            Passed to `fit`.

        Returns
        -------
        X_resampled, y_resampled
            The kept rows and their labels, each in its own container; without labels
            None in their place.
        """
        self.fit(X, y, **fit_params)
        X, y = indexable(X, y)
        return take_rows(X, self.indices_), None if y is None else take_rows(y, self.indices_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "sampler"
        tags.input_tags = _SamplerInputTags(**_values(tags.input_tags))
        return _TagsOfSampler(**_values(tags))


def _values(tags) -> dict:
    return {tag.name: getattr(tags, tag.name) for tag in fields(tags)}
