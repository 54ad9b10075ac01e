"""Choosing training rows with a proxy."""

from sklearn.base import TransformerMixin
from sklearn.utils import check_array, get_tags, indexable
from sklearn.utils.validation import _check_feature_names, _check_n_features, check_is_fitted

from .._inputs._containers import check_container, take_rows
from .._inputs._warn import warn_caller
from ._base import BaseProxyCoreset


class ProxyCoresetSelector(TransformerMixin, BaseProxyCoreset):
    """Choose the rows to train a large model on, with a small model as its proxy.

    A clone of the proxy is trained on all rows. A strategy ranks the rows by what the
    proxy says of them. The first `subset_size` rows are the core-set, on which the
    large model is trained: ``X_kept, y_kept = selector.select(X, y)``.

    Parameters
    ----------
    proxy : classifier or None, default=None
        Any scikit-learn classifier: one of ``sksvp.estimators``, a skorch net, a
        Pipeline, a ``FrozenEstimator`` around a fitted one. With None there is no
        training, and X itself, a table of numbers such as embeddings, serves as
        features of strategies that read nothing else: ``"k_centers"``,
        ``"facility_location"``, ``"herding"``, ``"typiclust"``, ``"moderate"``,
        ``D2(score=None)``.
    strategy : str or Strategy, default="auto"
        A name out of `sksvp.strategies.strategy_names`, such as ``"entropy"`` or
        ``"k_centers"``, or a strategy object. ``"auto"`` takes the strategy that suits
        the budget, the labels and what the proxy can tell, else random rows of each
        class; see `sksvp.strategies.Auto` and the user guide. For it a scikit-learn
        classifier with `partial_fit` is trained in 20 passes of mini-batches, which
        takes many times as long as its `fit`. ``strategy="entropy"`` uses `fit`, and
        `sksvp.proxies.Incremental` sets the passes. A strategy that needs no proxy
        trains none. ``"pilot"`` tries about a dozen strategies in five divisions of the
        rows first, and takes class-balanced random rows unless one is surely better:
        see `pilot`. That costs five trainings of the proxy, and small ones for each
        strategy; `class_balanced` is then chosen too.
    subset_size : float or int, default=0.5
        Share of the rows to keep, a float in (0, 1] that is rounded down, or their
        number, an int.
    class_balanced : bool or {"proportional", "equal", "by_error"}, default=False
        Whether classes have quotas: in proportion to their sizes (True does so too),
        equal numbers of rows, or in proportion to the share of their rows that the
        proxy classifies wrong, which needs its probabilities. The quotas follow the
        largest remainders. What a class cannot fill goes to the others. They are
        filled in the order of the ranking; strategies that pick rows one after the
        other, such as k-centers, pick within each class.
    n_proxies : int, default=1
        Number of proxies, up to 1000, trained with different seeds. A single score of the
        training dynamics changes much with the seed. With several proxies rows are
        ranked by the mean of the ranks that each proxy gives them; equal scores share
        their mean rank, and infinity is above all others. Strata and weights of a
        sampler read the score that the proxies gave on average at this rank.
        Strategies that pick rows one after the other, such as k-centers, read the mean
        of the probabilities and records, and the features of the first proxy. The
        first proxy is the one of ``n_proxies=1``. The others get other seeds, also
        where the proxy has a seed of its own.
    probabilities : {"in_sample", "out_of_fold"}, default="in_sample"
        Whether the proxy scores the rows it was trained on, or models score rows that
        they have not seen. Out of fold, a forest or bagging classifier with
        ``oob_score=True`` gives its out-of-bag votes, if each row has some. Any other
        proxy is trained five times more, on four fifths of the rows each (stratified
        folds). Use it for a proxy that has memorised its training rows. `proxy_`,
        features and forgetting events are those of the proxy trained on all rows in
        any case. It changes nothing for strategies that read no class probabilities.
    record_all : bool, default=False
        Whether the training of the proxy notes all that it can of each visit of a row,
        so that `rerank` and `score_table` serve every strategy that the proxy allows. Else
        it notes what the strategy reads, and what costs next to nothing. A proxy that
        shows the visits in `partial_fit` alone is then trained so.
    stop_proxy : RankingSettled or None, default=None
        Rule that ends a proxy's training early; for proxies that are trained in
        epochs. Several proxies are watched each for itself.
    memory : str, path-like, joblib.Memory or None, default=None
        Folder that keeps trained proxies and what they said, each by itself. A training is found
        again by the proxy's parameters (without `verbose` and `device`), its
        seeds, the content of X and y and the versions of the libraries. Parallel
        workers that need the same training wait for the first. Nothing is kept without
        a seed, here or in the proxy, and for a frozen proxy. Proxies are pickles: they
        are opened only if all else matches, from a folder of yours that others cannot
        write to.
    random_state : int, RandomState or None, default=None
        Seeds the proxy, if it has no seed of its own, and the ranking, from a separate
        stream.
    verbose : int, default=0
        Above 0, shows a bar on stderr and names the strategy of ``strategy="auto"``.

    Attributes
    ----------
    proxy_ : classifier or None
        The trained proxy, the first of several; None if the strategy needs none or
        `proxy` is None.
    proxies_ : list of classifier
        All trained proxies.
    strategy_ : Strategy
        The strategy that ranked, for ``"auto"`` the one that it took.
    strategy_reason_ : str or None
        Why ``"auto"`` took it, in one sentence.
    scores_ : ndarray of shape (n_samples,)
        Scores of the rows; those with higher scores are chosen first. NaN if not
        computed. For k-centers the distance to the nearest centre, when the row was
        picked or at the end, and infinity for the random start. With several proxies
        the mean rank, 1 for the lowest score; for samplers the mean score of that rank.
    order_ : ndarray of int
        Row numbers, best first: all rows, or those picked by k-centers.
    support_ : ndarray of shape (n_samples,), bool
        Which rows are kept.
    indices_ : ndarray of int
        Their numbers, ascending.
    weights_ : ndarray of shape (n_kept,) or None
        Weights of the kept rows, for strategies that weigh them.
    record_ : TrainingRecord or None
        What the training of `proxy_` noted of each row at each visit; None if it
        showed none.
    pilot_ : PilotResult
        What the pilot found, with ``strategy="pilot"`` only.
    proxy_stop_ : ProxyStop or None
        Number of epochs of `proxy_`, and how the ranking settled; None without a rule.
    timings_ : dict
        Seconds of ``"proxy_fit"``, ``"inference"`` and ``"ranking"``, of all proxies
        together; from a memory the first two are those of the original training. The
        trainings out of fold count as inference. With ``strategy="pilot"`` also
        ``"pilot"``.
    from_cache_ : bool
        Whether all proxies came from the memory.
    classes_ : ndarray of shape (n_classes,) or None
        Class labels in y; None without y.
    n_features_in_ : int
        Number of columns of X, if it has any.
    feature_names_in_ : ndarray of str
        Names of the columns of X, if it has names.

    See Also
    --------
    CoresetClassifier : Selector and target as one classifier, for Pipelines and searches.
    ProxyCoresetSampler : The same choice as a step of imbalanced-learn's Pipeline.

    References
    ----------
    Coleman et al., Selection via Proxy: Efficient Data Selection for Deep
    Learning, ICLR 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksvp.coreset import ProxyCoresetSelector
    >>> X, y = load_iris(return_X_y=True)
    >>> selector = ProxyCoresetSelector(LogisticRegression(), subset_size=0.5, random_state=0).fit(X, y)
    >>> X_kept, y_kept = selector.select(X, y)
    >>> X_kept.shape
    (75, 4)

    Without a proxy and without labels, rows of a table that cover it:

    >>> covering = ProxyCoresetSelector(strategy="k_centers", subset_size=15, random_state=0).fit(X)
    >>> covering.select(X).shape
    (15, 4)
    """

    _fitting_methods = ("fit", "fit_transform")

    def transform(self, X):
        """Cut the X that was fitted to the chosen rows.

        Parameters
        ----------
        X : rows of length n_samples
            The rows that were fitted, in any container and number type.

        Returns
        -------
        rows of length n_kept
            In the container of X.

        Raises
        ------
        ValueError
            If X has other rows: a choice among rows says nothing of new ones.
        """
        check_is_fitted(self)
        check_container(X)
        (X,) = indexable(X)
        _check_feature_names(self, X, reset=False)
        if hasattr(self, "n_features_in_") and len(getattr(X, "shape", ())) == 2:
            _check_n_features(self, X, reset=False)
        if not self._is_fitted_rows(X):
            self._check_form(X)
            raise ValueError(
                f"{type(self).__name__}.transform chooses among the rows that were fitted and got other "
                "ones. Rows cannot be dropped inside a scikit-learn Pipeline: use CoresetClassifier as its "
                "last step, or ProxyCoresetSampler in imbalanced-learn's Pipeline."
            )
        return take_rows(X, self.indices_)

    def _check_form(self, X) -> None:
        """Refuse X if its form is wrong: one dimension, NaN, infinity."""
        if not hasattr(self, "n_features_in_") or len(getattr(X, "shape", (0, 0))) > 2:
            return
        finite = True if not get_tags(self).input_tags.allow_nan else "allow-nan"
        check_array(X, accept_sparse=True, dtype=None, ensure_all_finite=finite, input_name="X")

    def fit_transform(self, X, y=None, **fit_params):
        """Fit, then cut X to the chosen rows. y is not cut along: see `select`.

        Parameters
        ----------
        X : rows of length n_samples
            Training rows.
        y : array-like of shape (n_samples,), optional
            Class labels; see `fit`.
        **fit_params : dict
            Passed to `fit`.

        Returns
        -------
        rows of length n_kept
            In the container of X.

        Warns
        -----
        UserWarning
            Always, since y keeps its length.
        """
        warn_caller(
            f"{type(self).__name__}.fit_transform drops rows of X but cannot drop those of y: select(X, y) "
            "cuts both. In a scikit-learn Pipeline the next step will fail; use CoresetClassifier as its "
            "last step.",
            UserWarning,
        )
        return self.fit(X, y, **fit_params).transform(X)
