"""Active learning with a proxy."""

import os
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions, validate_params
from sklearn.utils.validation import _num_samples

from .._inputs._labels import read_labels
from .._inputs._lengths import indexable_rows
from .._inputs._parameters import ListOf, WholeNumber
from .._inputs._paths import as_path
from .._inputs._row_numbers import check_row_numbers
from .._storage._fingerprint import fingerprint
from ..labelling import check_classes, read_classes
from ..proxies import as_proxy
from ._candidates import Candidates
from ._exchange import ExchangingLearner
from ._opening import check_models, open_state, read_pool, route_fit_params
from ._pool import append_rows
from ._predictions_settled import PredictionsSettled
from ._protocol import Answers, make_plan, run_protocol
from ._queries import check_asked, check_asked_again, check_candidates, check_query_size
from ._resume import find_run
from ._run import Run, resolve_pool_strategy, seconds_of
from ._start import make_start
from ._stopping import describe_stop


class ProxyActiveLearner(ExchangingLearner):
    """Choose the rows to label next with a small model, and train a large one on the labelled rows.

    After each batch of labels a proxy is trained in place of the target and ranks
    the unlabelled rows of the pool. There are two ways of working:

    - ``rounds=None``: people provide the labels. `fit` takes the pool, `query`
      returns the rows to label, `teach` takes the labels, `fit_target` trains the
      target.
    - ``rounds=[...]``: the labels are in y, or an oracle function provides them.
      `fit` runs all rounds.

    Parameters
    ----------
    proxy : classifier
        The model that chooses: any scikit-learn classifier, such as one of
        ``sksvp.estimators``, a skorch net or a Pipeline.
    target : classifier or None, default=None
        The model to be trained on the labelled rows. If None, the proxy predicts.
        If it has the same parameters as the proxy, one model plays both parts and
        is trained once.
    strategy : str or Strategy, default="margin"
        ``"margin"``, ``"least_confidence"`` (used in the paper), ``"entropy"``,
        ``"k_centers"`` (starting from the labelled rows), ``"random"``, or a
        strategy object. ``"auto"`` covers the pool as long as there are few labels,
        and starts from typical rows of X; see `sksvp.strategies.AutoQuery`.
    rounds : list of int, list of float or None, default=None
        Number of labels that each round buys after the random start: numbers of
        rows, or shares of the pool (rounded).
    initial_size : float or int, default=0.02
        Size of the start of `rounds`: a share of the pool (rounded, at least one row)
        or a number of rows, which `start` chooses.
    start : {"random", "clustered"}, str, Strategy or None, default=None
        What chooses rows as long as there are no labels of two classes. ``"clustered"``
        takes the most typical row of each cluster of X, or of the `start_features` of
        `fit`; see `sksvp.strategies.TypiClust`. Any strategy that reads features only
        serves. None draws them at random, unless the `strategy` is ``"auto"`` or one that
        reads features only, and X itself serves as features.
    target_at : {"last", "all"} or list of int, default="last"
        When the target is trained: after the last of the `rounds`, after each, or
        at these total numbers of labels, which include the start.
    n_updates : int or None, default=None
        Updates of each target, in whole epochs, in place of its own number of epochs:
        fewer labels then mean more epochs. None keeps the epochs, so that fewer labels
        mean fewer updates. The target needs a parameter `max_epochs`.
    oracle : callable or None, default=None
        ``oracle(rows)`` returns the labels of the rows with these numbers. It is
        called for rows that have no label in y. A run that continues after a kill
        may call it again for the last rows.
    missing_label : int, str or None, default=None
        A further value that marks rows of y without a label. None, NaN and pandas'
        NA always do.
    max_candidates : int or None, default=None
        Number of rows that each selection ranks at most, for huge pools. None ranks all.
    candidates : {"random", "neighbors"}, default="random"
        Which rows are ranked if there are more than `max_candidates`: rows drawn at
        random, or rows among the 100 nearest neighbours of each labelled row, for rare
        classes [2]_. Neighbours need a numeric X; distances are Euclidean.
    stop : PredictionsSettled or None, default=None
        Rule that says when the labels suffice. It ends `rounds`; without them `query`
        warns once the rule is met.
    warm_start : bool, default=False
        If True, a proxy starts from the weights of the previous proxy instead of
        fresh ones. It starts from fresh weights when a class is new.
    warm_target : bool, default=False
        If True, the target starts from the weights of the proxy of the same labels: both
        are networks of ``sksvp.estimators`` of the same architecture, or residual networks
        of which the proxy has fewer blocks. The other blocks pass on their input at first.
    checkpoint : str, path-like or None, default=None
        Root folder for the states of runs. Each run has a sub-folder, found by
        parameters, X and y, with all that it needs to continue after its process
        ended. The same `fit` continues the run. See `resume` and `close`.
    random_state : int, RandomState or None, default=None
        Seeds proxies, targets and the drawing of rows, from three separate
        streams. Seeds that are set inside proxy or target are left alone.
    verbose : int, default=0
        If above 0, a progress bar of the rounds is printed on stderr.

    Attributes
    ----------
    history_ : list of dict
        One entry for each selection: ``round`` (0 for the random start);
        ``n_labeled``, labels after it; ``rows``, the chosen rows, best first;
        seconds of ``proxy_fit`` (the training before this selection),
        ``inference`` and ``ranking``; seconds of ``target_fit`` on all labels after
        it; each also as seconds of the processor, ``proxy_fit_cpu`` and so on;
        ``proxy_score`` and ``target_score``, accuracies on X_val of models trained
        on all labels after it; with a rule `stop`, ``proxy_change`` and
        ``target_change``, how much these models differ from those before, and
        ``settled``, whether the rule is met. Entries that do not apply are None.
    settled_ : bool
        Whether the rule `stop` is met with the models trained so far.
    scores_ : ndarray of shape (n_rows,)
        Scores of the last selection; higher scores are chosen first. NaN for rows
        that were labelled.
    strategy_ : Strategy or None
        What ranked at the last selection; None before it.
    strategy_reason_ : str or None
        Why ``strategy="auto"`` took it.
    waiting_ : ndarray of int
        Rows of the last query that have no label yet, best first.
    labeled_rows_ : ndarray of int
        Rows that have a label, ascending.
    labels_ : ndarray of shape (n_labeled,)
        Labels of these rows.
    proxy_ : classifier or None
        The proxy trained last; None before the first training.
    target_ : classifier or None
        The target trained last; None before the first training.
    classes_ : ndarray of shape (n_classes,)
        Classes of the model that predicts, or of the labels before it is trained.
    n_features_in_ : int
        Number of columns of X, if X has columns.
    feature_names_in_ : ndarray of str
        Names of the columns, if X has names.

    See Also
    --------
    active_learning_curve : Error against the number of labels, with repeats.
    selection_speedup : How much faster the proxy selects than the target would.
    ProxyCoresetSelector : Choose among rows that are all labelled.

    References
    ----------
    Coleman et al., Selection via Proxy: Efficient Data Selection for Deep
    Learning, ICLR 2020.

    .. [2] Coleman et al., Similarity Search for Efficient Active Learning and Search of
       Rare Concepts, AAAI 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sksvp.active import ProxyActiveLearner
    >>> X, y = load_iris(return_X_y=True)
    >>> known = np.where(np.arange(150) % 10 == 0, y, -1)
    >>> proxy = LogisticRegression(max_iter=1000)
    >>> learner = ProxyActiveLearner(proxy, missing_label=-1, random_state=0).fit(X, known)
    >>> rows = learner.query(5)
    >>> learner.teach(rows, y[rows]).labeled_rows_.shape
    (20,)
    """

    _parameter_constraints: ClassVar[dict] = {
        "proxy": [HasMethods("fit")],
        "target": [HasMethods("fit"), None],
        "strategy": [str, HasMethods("rank")],
        "rounds": [ListOf(Real, can_be_empty=True), None],
        "initial_size": [
            Interval(RealNotInt, 0, 1, closed="right"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "start": [str, HasMethods("rank"), None],
        "target_at": [StrOptions({"last", "all"}), ListOf(Integral, can_be_empty=True)],
        "n_updates": [WholeNumber(1), None],
        "oracle": [callable, None],
        "missing_label": [Integral, str, None, "nan"],
        "max_candidates": [WholeNumber(1), None],
        "candidates": [StrOptions({"random", "neighbors"})],
        "stop": [PredictionsSettled, None],
        "warm_start": ["boolean"],
        "warm_target": ["boolean"],
        "checkpoint": [str, os.PathLike, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        proxy,
        target=None,
        *,
        strategy="margin",
        rounds=None,
        initial_size: float = 0.02,
        start=None,
        target_at="last",
        n_updates: int | None = None,
        oracle: Callable | None = None,
        missing_label=None,
        max_candidates: int | None = None,
        candidates: str = "random",
        stop: PredictionsSettled | None = None,
        warm_start: bool = False,
        warm_target: bool = False,
        checkpoint=None,
        random_state=None,
        verbose: int = 0,
    ):
        self.proxy = proxy
        self.target = target
        self.strategy = strategy
        self.rounds = rounds
        self.initial_size = initial_size
        self.start = start
        self.target_at = target_at
        self.n_updates = n_updates
        self.oracle = oracle
        self.missing_label = missing_label
        self.max_candidates = max_candidates
        self.candidates = candidates
        self.stop = stop
        self.warm_start = warm_start
        self.warm_target = warm_target
        self.checkpoint = checkpoint
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, *, X_val=None, y_val=None, start_features=None, **fit_params):
        """Take the pool; with `rounds`, run all rounds.

        Parameters
        ----------
        X : rows of length n_samples
            The pool, labelled and unlabelled rows, in any form that proxy and target
            accept.
        y : array-like of shape (n_samples,), optional
            Class labels; rows without a label have a missing value. With `rounds`,
            the labels that can be bought. If None, no row is labelled.
        X_val, y_val : rows and labels, optional
            With `rounds`, proxies and targets are scored on them for `history_`.
            They have no influence on the choice.
        start_features : array-like or sparse matrix of shape (n_samples, n_features), optional
            What the `start` reads in place of X, such as embeddings of texts or images.
            Such a run is continued by the same `fit`, not by `resume`.
        **fit_params : dict
            With metadata routing, what the `fit` of proxy and target has requested,
            such as ``sample_weight``. Of values for each row of X, a training gets
            those of its rows.

        Returns
        -------
        self : object
            Without `rounds` models are trained when they are needed. If every row is
            labelled, the model that predicts is trained at once.

        Raises
        ------
        ValueError
            If labels are not classes, if labels of X_val are of another kind than
            those of y, if parameters do not fit the pool or the proxy, or if the
            checkpoint is in use, belongs to another run or is damaged beyond its
            newest state. Errors of proxy, target and oracle are
            passed on; the state before them is saved.

        Warns
        -----
        UserWarning
            If the newest state of a checkpoint is damaged and the previous one is
            used, if it was written with other versions of libraries, or if no class
            of y_val is among the labels of y.

        Notes
        -----
        A learner of this thread that held the run releases it, and cannot continue
        while this one holds it.

        X is not copied. A later call raises an error if it was changed in place.
        """
        # A failing fit leaves no fitted learner behind, and a new fit releases the former run.
        self.close()
        self.__dict__.pop("_run", None)
        X, table, y_val = read_pool(self, X, y, X_val, y_val)
        strategy = check_models(self, X)
        start = make_start(self.start, X, start_features)
        routed = route_fit_params(self, fit_params)
        if self.rounds is not None:
            # Both are checked before the run gets a folder.
            plan = make_plan(self.rounds, self.initial_size, self.target_at, len(table.codes))
            Candidates(self.max_candidates).check(max(plan.sizes[1:]))
            answers = Answers(table, self.oracle, self.missing_label)
        with ExitStack() as stack:
            checkpoint, state = open_state(
                self, X, table, X_val, y_val, routed, stack, None if start is None else start.features
            )
            watches = self.rounds is None or self.oracle is not None
            run = Run(
                X,
                state,
                self.proxy,
                self.target,
                strategy,
                self.warm_start,
                checkpoint,
                routed,
                watches_pool=watches,
                stop=self.stop,
                candidates=Candidates(self.max_candidates, self.candidates),
                start=start,
                n_updates=self.n_updates,
                warm_target=self.warm_target,
            )
            if self.rounds is not None:
                run_protocol(run, plan, answers, X_val, y_val, verbose=self.verbose)
                # Nothing needs the pool after the last round.
                run.X = run.checkpoint = run.start = None
            else:
                if state.table.labelled.all():
                    run.train_predictor()
                stack.pop_all()
        self._keep_run(run, X)
        return self

    @validate_params({"discard": ["boolean"]}, prefer_skip_nested_validation=False)
    def query(self, n_samples: int, *, candidates=None, discard: bool = False) -> np.ndarray:
        """Choose rows to label next.

        The proxy is trained on all labels so far. If these are of fewer than two
        classes, it cannot be trained, and `start` says which rows are chosen.

        Parameters
        ----------
        n_samples : int
            Number of rows.
        candidates : array-like of int, optional
            Only these rows may be chosen. By default all rows without a label.
        discard : bool, default=False
            If True, drop the rows of the last query that have no label yet. They may
            be chosen again.

        Returns
        -------
        ndarray of int
            Row numbers in the fitted X, best first, all without a label. While
            labels of the last query are missing, its rows without a label, whatever
            `candidates` are.

        Raises
        ------
        ValueError
            If labels of a query of another size are missing, if the size is below
            1, if every row of the pool has a label, if a candidate has one or does not
            exist, or if the pool was changed in place since it was fitted.
        TypeError
            If the size or candidates are not integers.

        Warns
        -----
        UserWarning
            If fewer rows or candidates are left than asked for: all of them are
            returned. If the rule
            `stop` is met: more labels will hardly change the model.
        """
        if not isinstance(n_samples, Integral) or isinstance(n_samples, bool):
            raise TypeError(f"n_samples must be an int, got {n_samples!r}.")
        run = self._open_run("query")
        run.check_pool()
        if discard:
            run.drop_waiting()
        allowed = None if candidates is None else check_candidates(candidates, run.state)
        if len(run.state.waiting):
            check_asked_again(n_samples, run.state)
            return run.state.waiting.copy()
        rows = run.select(check_query_size(n_samples, run.state, allowed), allowed).copy()
        if run.stop is not None and self.settled_:
            warnings.warn(
                f"The labels seem to suffice. {describe_stop(run.stop, run)}", UserWarning, stacklevel=3
            )
        return rows

    @validate_params(
        {"allow_extra": ["boolean"], "overwrite": ["boolean"]}, prefer_skip_nested_validation=False
    )
    def teach(self, rows, y, *, allow_extra: bool = False, overwrite: bool = False, classes=None):
        """Record labels, of all rows of a query or of some, in any order.

        A label that is already recorded may be given again, and another one
        replaces it if `overwrite` is True. Nothing is trained here. If one label is
        refused, none is recorded.

        Parameters
        ----------
        rows : array-like of int
            Row numbers.
        y : array-like of shape (len(rows),)
            Labels of these rows. They may be new classes.
        allow_extra : bool, default=False
            If True, rows that no query asked for are accepted.
        overwrite : bool, default=False
            If True, a label replaces another one that the row has already. The
            journal of a checkpoint keeps both.
        classes : array-like, default=None
            Classes that are allowed; None allows all.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a row was not asked for, does not exist or has another label, if a
            label is missing or not in `classes`, or if labels are of another kind
            than earlier ones.
        TypeError
            If row numbers are not integers.
        """
        run = self._open_run("teach")
        rows = check_row_numbers(rows, run.state.n_rows)
        (y,) = indexable_rows(y=y)
        found, labels = read_labels(y, missing_label=self.missing_label)
        n_told = _num_samples(y)
        if n_told != len(rows):
            raise ValueError(f"rows and y must have the same length, got {len(rows)} and {n_told}.")
        if len(found) < n_told:
            place = np.setdiff1d(np.arange(n_told), found)[0]
            raise ValueError(f"y has no label for row {rows[place]}: leave out rows that have none yet.")
        if classes is not None:
            check_classes(rows, labels.tolist(), read_classes(classes))
        if not allow_extra:
            check_asked(rows, run.state)
        if len(rows):
            run.record(rows, labels, overwrite=overwrite)
        return self

    def extend(self, X_new):
        """Append rows to the pool; their numbers follow those of the present rows.

        Parameters
        ----------
        X_new : rows
            Rows in the same container and of the same form as the fitted X.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If rows are of another form, the pool was changed in place, or `fit` got
            metadata with a value for each row.
        TypeError
            If the container is another one.
        """
        run = self._open_run("extend")
        run.check_pool()
        (X_new,) = indexable_rows(X_new=X_new)
        n_new = _num_samples(X_new)
        if n_new:
            run.check_extendable()
            content = fingerprint(X_new) if run.checkpoint is not None else ""
            run.extend(append_rows(run.X, X_new), n_new, content)
        return self

    def fit_target(self):
        """Train the target on all labelled rows; it then predicts.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If there is no target, or labels are of fewer than two classes.
        """
        run = self._open_run("fit_target")
        if run.target is None:
            raise ValueError("target is None: the proxy predicts, and is trained when it is needed.")
        run.check_pool()
        target = run.train_target()
        if run.state.history:
            run.state.history[-1] |= seconds_of("target_fit", target.seconds)
        run.save()
        return self

    @classmethod
    def resume(cls, folder, X) -> "ProxyActiveLearner":
        """Reopen an interactive run from its checkpoint.

        Parameters
        ----------
        folder : str or path-like
            The `checkpoint` of the run, or the run's own folder in it. The
            parameters are a pickle, which is opened only if X is that of the run and
            file and folder are yours and not writable by others.
        X : rows
            All rows of the run: those of `fit`, then those of `extend`.

        Returns
        -------
        ProxyActiveLearner
            With the parameters, labels and waiting query of the run.

        Raises
        ------
        ValueError
            If the folder has no such run or several that fit X, if X is another one,
            if another process or thread uses the run, or if the run is damaged
            beyond its newest state.
        PermissionError
            If other users wrote, or could have written, the parameters.
        """
        folder = as_path(folder, "folder")
        (X,) = indexable_rows(X=X)
        learner, checkpoint, state = find_run(folder, X)
        with ExitStack() as stack:
            stack.callback(checkpoint.close)
            strategy = resolve_pool_strategy(learner.strategy, as_proxy(learner.proxy).gives)
            run = Run(
                X,
                state,
                learner.proxy,
                learner.target,
                strategy,
                learner.warm_start,
                checkpoint,
                watches_pool=True,
                stop=learner.stop,
                candidates=Candidates(learner.max_candidates, learner.candidates),
                start=make_start(learner.start, X),
                n_updates=learner.n_updates,
                warm_target=learner.warm_target,
            )
            learner._keep_run(run, X)
            stack.pop_all()
        return learner
