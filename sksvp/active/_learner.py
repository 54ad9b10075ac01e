"""Active learning with a proxy."""

import os
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from numbers import Integral
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context, clone
from sklearn.utils import get_tags, indexable
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _num_samples,
    check_is_fitted,
)

from .._inputs._labels import read_labels
from .._seeds import draw_seeds
from .._storage._checkpoint import open_checkpoint
from .._storage._fingerprint import fingerprint
from ..labelling import read_answers, write_query
from ..proxies import as_proxy
from ..strategies import check_n_samples
from ._checkpoint import LearnerCheckpoint, describe_run, keep_learner
from ._labels import LabelTable
from ._pool import append_rows, check_several, n_pool_rows
from ._protocol import Answers, make_plan, run_protocol
from ._resume import find_run
from ._run import Run, resolve_pool_strategy, seconds_of
from ._state import State, new_state


def _predictor_has(method: str):
    """Return the check of `available_if`: what predicts has this method."""

    def check(self) -> bool:
        getattr(self.proxy if self.target is None else self.target, method)
        return True

    return check


class ProxyActiveLearner(ClassifierMixin, BaseEstimator):
    """Choose what to label next with a small model; train the large one on what was labelled.

    After each batch of labels a proxy is trained in place of the target and says
    which rows of the pool are worth a label. There are two ways of working:

    - ``rounds=None``: somebody labels. `fit` takes the pool, `query` says which
      rows to label, `teach` takes the labels, `fit_target` trains the target.
    - ``rounds=[...]``: an experiment, or an oracle that can be called. `fit` runs
      all rounds.

    Parameters
    ----------
    proxy : classifier
        Any scikit-learn classifier: one of ``sksvp.estimators``, a skorch net, a
        Pipeline. It chooses.
    target : classifier or None, default=None
        What is to be trained in the end. None: the proxy predicts as well. Of the
        same parameters as the proxy: one model plays both parts and is trained
        once.
    strategy : str or Strategy, default="margin"
        ``"margin"``, ``"least_confidence"`` (the paper's), ``"entropy"``,
        ``"k_centers"`` (beginning from the labelled rows), ``"random"``, or a
        strategy object.
    rounds : list of int, list of float or None, default=None
        How many labels each round buys after the random start: numbers of rows,
        or shares of the pool (rounded).
    initial_size : float or int, default=0.02
        Size of the random start of `rounds`: a share of the pool (rounded, one
        row at least) or a number of rows.
    target_at : {"last", "all"} or list of int, default="last"
        Where the target is trained: after the last of the `rounds`, after each,
        or at these total numbers of labels, that of the random start among them.
    oracle : callable or None, default=None
        ``oracle(rows)`` returns the labels of the rows with these numbers, where y
        lacks them. After a kill it may be asked again for the rows it was asked
        for last.
    missing_label : int, str or None, default=None
        One more value that marks rows of y without a label, beside None, NaN and
        pandas' NA.
    warm_start : bool, default=False
        Whether a proxy starts from the weights of the one before in place of
        fresh ones, which is the method. Where a class is new it starts afresh.
    checkpoint : str, path-like or None, default=None
        Root folder in which every run keeps what it needs to go on after its
        process ended, in a sub-folder found by parameters, X and y. The same
        `fit` goes on where the run was. See `resume` and `close`.
    random_state : int, RandomState or None, default=None
        Seeds proxies, targets and the drawing of rows, from three separate
        streams. A seed set inside proxy or target is left alone.
    verbose : int, default=0
        Above 0, shows a bar of the rounds on stderr.

    Attributes
    ----------
    history_ : list of dict
        One for each selection: ``round``, 0 for the random start; ``n_labeled``,
        after it; ``rows``, chosen in it, best first; seconds of ``proxy_fit``
        (the training that this selection needed), ``inference`` and ``ranking``;
        seconds of ``target_fit`` on all that was labelled after it; each also as
        seconds of the processor, ``proxy_fit_cpu`` and so on;
        ``proxy_score`` and ``target_score``, accuracies on X_val of models
        trained on all that was labelled after it. None where there was no such
        thing.
    scores_ : ndarray of shape (n_rows,)
        Of the last selection, the higher the sooner chosen; NaN for rows that were
        labelled.
    waiting_ : ndarray of int
        Rows that were asked for and have no label yet, best first.
    labeled_rows_ : ndarray of int
        Rows that have a label, ascending.
    labels_ : ndarray of shape (n_labeled,)
        Their labels.
    proxy_ : classifier or None
        The proxy trained last, None where there is none yet.
    target_ : classifier or None
        The target trained last, None where there is none yet.
    classes_ : ndarray of shape (n_classes,)
        Classes of the model that predicts, or, before it is trained, of the labels.
    n_features_in_ : int
        Columns of X, where it has any.
    feature_names_in_ : ndarray of str
        Names of the columns, where X has them.

    See Also
    --------
    active_learning_curve : Error against labels, with repeats.
    selection_speedup : What the proxy saved.
    ProxyCoresetSelector : Choosing among rows that are all labelled.

    References
    ----------
    Coleman et al., Selection via Proxy: Efficient Data Selection for Deep
    Learning, ICLR 2020.

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
        "rounds": ["array-like", None],
        "initial_size": [
            Interval(RealNotInt, 0, 1, closed="right"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "target_at": [StrOptions({"last", "all"}), "array-like"],
        "oracle": [callable, None],
        "missing_label": [Integral, str, None],
        "warm_start": ["boolean"],
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
        target_at="last",
        oracle: Callable | None = None,
        missing_label=None,
        warm_start: bool = False,
        checkpoint=None,
        random_state=None,
        verbose: int = 0,
    ):
        self.proxy = proxy
        self.target = target
        self.strategy = strategy
        self.rounds = rounds
        self.initial_size = initial_size
        self.target_at = target_at
        self.oracle = oracle
        self.missing_label = missing_label
        self.warm_start = warm_start
        self.checkpoint = checkpoint
        self.random_state = random_state
        self.verbose = verbose

    # Fitting --------------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, *, X_val=None, y_val=None):
        """Take the pool; with `rounds`, run them.

        Parameters
        ----------
        X : rows of length n_samples
            The pool, labelled rows among it: whatever proxy and target take.
        y : array-like of shape (n_samples,), optional
            Class labels, missing where there is none. With `rounds` the labels
            that can be bought. None: no row is labelled.
        X_val, y_val : rows and labels, optional
            With `rounds`: what proxies and targets are scored on for `history_`.
            Nothing is chosen by them.

        Returns
        -------
        self : object
            Without `rounds` nothing is trained until it is needed; but where every
            row is labelled, what predicts is trained at once.

        Raises
        ------
        ValueError
            For labels that are no classes, parameters that do not fit the pool or
            the proxy, a checkpoint that is in use, of another run or wholly
            damaged; and whatever proxy, target and oracle raise: the state until
            then is saved.

        Warns
        -----
        UserWarning
            Where the newest state of a checkpoint is damaged: the one before it is
            used. Where it was written with other versions of libraries.

        Notes
        -----
        A learner of this thread that held the run lets go of it, and refuses to go
        on as long as this one holds it.
        """
        # A fit that fails leaves no fitted learner behind, and a new one lets go of the former run.
        self.close()
        self.__dict__.pop("_run", None)
        X, table, y_val = self._check_rows(X, y, X_val, y_val)
        strategy = self._check_strategy()
        with ExitStack() as stack:
            checkpoint, state = self._open(X, table, X_val, y_val, stack)
            run = self._start(X, state, strategy, checkpoint)
            if self.rounds is not None:
                plan = make_plan(self.rounds, self.initial_size, self.target_at, state.n_rows)
                answers = Answers(table, self.oracle, self.missing_label)
                run_protocol(run, plan, answers, X_val, y_val, verbose=self.verbose)
                # The rounds are over: nothing needs the pool any more.
                run.X = run.checkpoint = None
            else:
                if state.table.labelled.all():
                    self._train_predictor(run)
                stack.pop_all()
        self._learn_columns_of(X)
        self._run = run
        return self

    def _check_rows(self, X, y, X_val, y_val) -> tuple[Any, LabelTable, np.ndarray | None]:
        if y is None and self.rounds is not None and self.oracle is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None: rounds "
                "buys labels from y or from an oracle."
            )
        (X,) = indexable(X) if y is None else (indexable(X, y)[0],)
        n_rows = n_pool_rows(X)
        table = LabelTable(n_rows)
        if y is not None:
            table.add(*read_labels(y, missing_label=self.missing_label))
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together.")
        if X_val is None:
            return X, table, None
        if self.rounds is None:
            raise ValueError("X_val is for rounds=[...]; without rounds, score(X_val, y_val) tells the same.")
        indexable(X_val, y_val)
        rows, labels = read_labels(y_val, missing_label=self.missing_label)
        if len(rows) < _num_samples(X_val):
            raise ValueError(f"y_val lacks {_num_samples(X_val) - len(rows)} labels; it needs all of them.")
        return X, table, labels

    def _check_strategy(self):
        if self.oracle is not None and self.rounds is None:
            raise ValueError(
                "oracle is asked in rounds: give rounds=[...] too, or call teach with its labels."
            )
        proxy = as_proxy(self.proxy)
        proxy.check_classifies("proxy")
        if self.target is not None:
            as_proxy(self.target).check_classifies("target")
        strategy = resolve_pool_strategy(self.strategy)
        proxy.check_gives(strategy.requires)
        return strategy

    def _open(
        self, X, table: LabelTable, X_val, y_val, stack: ExitStack
    ) -> tuple[LearnerCheckpoint | None, State]:
        """Return the state of this run: a new one, or, from the checkpoint, where it was."""
        if self.rounds is None:
            rows = np.flatnonzero(table.labelled)
        else:
            # Checked before the run has a folder. What y knows is bought in rounds.
            make_plan(self.rounds, self.initial_size, self.target_at, len(table.codes))
            Answers(table, self.oracle, self.missing_label)
            rows = np.empty(0, dtype=np.intp)
        if self.checkpoint is None:
            return None, new_state(
                len(table.codes), "", rows, table.labels_of(rows), draw_seeds(self.random_state, 3)
            )
        for model in (self.proxy, self.target):
            as_proxy(model).check_trained_alone("checkpoint")
        content = fingerprint(X)
        identity = describe_run(
            self,
            X=f"{len(table.codes)} rows {content}",
            y=f"{int(table.labelled.sum())} labels {fingerprint(table.codes)} {fingerprint(table.classes)}",
            X_val="None" if X_val is None else fingerprint(X_val),
            y_val="None" if y_val is None else fingerprint(y_val),
        )
        checkpoint = open_checkpoint(self.checkpoint, identity, LearnerCheckpoint)
        stack.callback(checkpoint.close)
        state = checkpoint.load_state()
        if state is not None:
            if len(state.parts) > 1:
                raise ValueError(
                    f"The run in checkpoint={str(self.checkpoint)!r} was extended to {state.n_rows} rows, and X has "
                    f"{len(table.codes)}: reopen it with ProxyActiveLearner.resume and all rows."
                )
            return checkpoint, state
        state = new_state(
            len(table.codes), content, rows, table.labels_of(rows), draw_seeds(self.random_state, 3)
        )
        if self.rounds is None:
            keep_learner(checkpoint, clone(self))
        checkpoint.begin_state(state, keeps_labels=self.rounds is None)
        return checkpoint, state

    def _start(self, X, state: State, strategy, checkpoint: LearnerCheckpoint | None) -> Run:
        return Run(
            X,
            state,
            proxy=self.proxy,
            target=self.target,
            strategy=strategy,
            warm_start=bool(self.warm_start),
            checkpoint=checkpoint,
        )

    @staticmethod
    def _train_predictor(run: Run) -> None:
        """Train what predicts, at once: there is nothing to wait for."""
        if run.target is not None and run.state.target_training is None:
            run.train_target()
            run.save()
        run.predictor()

    def _learn_columns_of(self, X) -> None:
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        if len(getattr(X, "shape", ())) == 2:
            _check_n_features(self, X, reset=True)
        _check_feature_names(self, X, reset=True)

    # Labelling ------------------------------------------------------------------------------

    def query(self, n_samples: int, *, discard: bool = False) -> np.ndarray:
        """Choose rows to label next.

        The proxy is trained on all labels so far. With labels of fewer than two
        classes there is nothing to train on, and rows are drawn at random.

        Parameters
        ----------
        n_samples : int
            How many, or as many as are left.
        discard : bool, default=False
            Whether to drop what still waits of the last query. Its rows may come
            again.

        Returns
        -------
        ndarray of int
            Row numbers in the fitted X, best first: none that has a label. While
            labels of the last query are missing, its rows without a label.

        Raises
        ------
        ValueError
            For another size while a query waits, a size below 1, or a pool in which
            every row has a label.
        TypeError
            For a size that is no integer.

        Warns
        -----
        UserWarning
            Where fewer rows are left than asked for: all of them are returned.
        """
        run = self._open_run("query")
        if discard:
            run.drop_waiting()
        waiting = run.state.waiting
        n_free = int((~run.state.table.labelled).sum())
        if len(waiting):
            # A query that took all rows there were is asked again by the size that was too large.
            took_all = len(waiting) == n_free and isinstance(n_samples, Integral)
            if n_samples != run.state.n_asked and not (took_all and n_samples > run.state.n_asked):
                raise ValueError(
                    f"n_samples={n_samples!r}, but {len(waiting)} rows of the last query of {run.state.n_asked} still "
                    "wait for labels: teach them, ask for the same size to see them again, or drop them with "
                    "discard=True."
                )
            return waiting.copy()
        if n_free == 0:
            raise ValueError(
                f"All {run.state.n_rows} rows are labelled, none is left to ask for. Mark rows without a label in y "
                "by None, NaN or pd.NA, or by missing_label=...; or append rows with extend."
            )
        if isinstance(n_samples, Integral) and n_samples > n_free:
            warnings.warn(
                f"n_samples={n_samples}, but only {n_free} rows are left without a label: all of them are returned.",
                UserWarning,
                stacklevel=2,
            )
            n_samples = n_free
        return run.select(check_n_samples(n_samples, n_free)).copy()

    def teach(self, rows, y, *, allow_extra: bool = False):
        """Record labels, of all rows of a query or of some, in any order.

        A label that is recorded already may come again. Nothing is trained here,
        and where one label is refused none is recorded.

        Parameters
        ----------
        rows : array-like of int
            Row numbers.
        y : array-like of shape (len(rows),)
            Their labels; new classes are welcome.
        allow_extra : bool, default=False
            Whether rows may be among them that were not asked for.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For rows that were not asked for, that do not exist, or that have
            another label; for missing labels, or labels of another kind than
            those before.
        TypeError
            For row numbers that are no integers.
        """
        run = self._open_run("teach")
        rows = self._check_taught(rows, run)
        found, labels = read_labels(y, missing_label=self.missing_label)
        n_told = _num_samples(y)
        if n_told != len(rows):
            raise ValueError(f"rows and y must have the same length, got {len(rows)} and {n_told}.")
        if len(found) < n_told:
            place = np.setdiff1d(np.arange(n_told), found)[0]
            raise ValueError(f"y has no label for row {rows[place]}: leave out rows that have none yet.")
        if not allow_extra:
            self._check_asked(rows, run)
        if len(rows):
            run.record(rows, labels)
        return self

    @staticmethod
    def _check_taught(rows, run: Run) -> np.ndarray:
        rows = np.asarray(rows)
        if rows.ndim != 1:
            raise ValueError(f"rows must be a 1-D array of row numbers, got the shape {rows.shape}.")
        if len(rows) == 0:
            return np.empty(0, dtype=np.int64)
        if rows.dtype.kind not in "iu":
            raise TypeError(f"rows must be row numbers (integers), got the dtype {rows.dtype}.")
        rows = rows.astype(np.int64)
        if rows.min() < 0 or rows.max() >= run.state.n_rows:
            wrong = rows[(rows < 0) | (rows >= run.state.n_rows)]
            raise ValueError(f"rows must lie in 0 .. {run.state.n_rows - 1}, got {wrong[:5].tolist()}.")
        return rows

    @staticmethod
    def _check_asked(rows: np.ndarray, run: Run) -> None:
        asked = run.state.table.labelled.copy()  # a label told again is compared, not refused
        asked[run.state.waiting] = True
        extra = rows[~asked[rows]]
        if len(extra):
            raise ValueError(
                f"rows has {len(extra)} that were not asked for, such as {extra[:5].tolist()}; allow_extra=True "
                "records their labels too."
            )

    def extend(self, X_new):
        """Append rows to the pool; they get the numbers after the last.

        Parameters
        ----------
        X_new : rows
            Of the same container and form as the fitted X.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For rows of another form.
        TypeError
            For another container.
        """
        run = self._open_run("extend")
        check_several(X_new, "X_new")
        (X_new,) = indexable(X_new)
        n_new = _num_samples(X_new)
        if n_new:
            content = "" if run.checkpoint is None else fingerprint(X_new)
            run.extend(append_rows(run.X, X_new), n_new, content)
        return self

    def fit_target(self):
        """Train the target on everything labelled; from now on it predicts.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            Without a target, or for labels of fewer than two classes.
        """
        run = self._open_run("fit_target")
        if run.target is None:
            raise ValueError("target is None: the proxy predicts, and is trained when it is needed.")
        target = run.train_target()
        if run.state.history:
            run.state.history[-1] |= seconds_of("target_fit", target.seconds)
        run.save()
        return self

    def export_query(self, path, *, names=None):
        """Write the rows that wait for labels to a CSV file, for any labelling tool.

        Columns are ``row``; ``name``, the row's file name or text; and ``label``,
        empty.

        Parameters
        ----------
        path : str or path-like
            The file, UTF-8; replaced in one step.
        names : array-like of length n_rows, optional
            What each row of the pool is known by. Texts and the files of an image
            folder name themselves.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            Where no row waits, or for names of another number.
        """
        run = self._open_run("export_query")
        if len(run.state.waiting) == 0:
            raise ValueError("No row waits for a label: call query first.")
        write_query(path, run.X, run.state.waiting, names)
        return self

    def import_labels(self, path, *, allow_extra: bool = False):
        """Record the labels that a CSV file has by now.

        Parameters
        ----------
        path : str or path-like
            With a header that names the columns ``row`` and ``label``. Rows without
            a label are passed over. Comma, semicolon or tab.
        allow_extra : bool, default=False
            See `teach`.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            For a file that cannot be read so, and as `teach`.
        """
        run = self._open_run("import_labels")
        return self.teach(*read_answers(path, run.state.table.classes), allow_extra=allow_extra)

    @classmethod
    def resume(cls, folder, X) -> "ProxyActiveLearner":
        """Reopen an interactive run from its checkpoint.

        Parameters
        ----------
        folder : str or path-like
            The `checkpoint` of the run, or the run's own folder in it. The
            parameters are a pickle, which is opened only where X is that of the run,
            and file and folder are yours and not writable by others.
        X : rows
            All rows of the run: those fitted, then those appended by `extend`.

        Returns
        -------
        ProxyActiveLearner
            With the parameters, labels and waiting query of the run.

        Raises
        ------
        ValueError
            For a folder without such a run, or with several that fit X, another X,
            a run in use by another process or thread, or damage beyond the newest
            state.
        PermissionError
            Where others wrote, or could have written, the parameters.
        """
        learner, checkpoint, state = find_run(Path(folder), indexable(X)[0])
        with ExitStack() as stack:
            stack.callback(checkpoint.close)
            run = learner._start(indexable(X)[0], state, resolve_pool_strategy(learner.strategy), checkpoint)
            learner._learn_columns_of(X)
            learner._run = run
            stack.pop_all()
        return learner

    def close(self) -> None:
        """Let go of the checkpoint, so that another learner can go on with the run; this one can no more.

        The end of a ``with`` statement closes too. Predictions stay possible, and
        `fit` begins, or reopens, a run. Without a checkpoint nothing happens.
        """
        run = self.__dict__.get("_run")
        if run is not None and run.checkpoint is not None:
            run.checkpoint.close_for_good()

    def __enter__(self) -> "ProxyActiveLearner":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def _open_run(self, method: str) -> Run:
        """Return the run, if it is one that goes on by calls."""
        check_is_fitted(self)
        if self._run.X is None:
            raise ValueError(f"{method} is for rounds=None; this learner has run its rounds.")
        if self._run.checkpoint is not None:
            self._run.checkpoint.hold()
        return self._run

    # Predicting -----------------------------------------------------------------------------

    @available_if(_predictor_has("predict"))
    def predict(self, X):
        """Predict classes with the target, or with the proxy where target is None, shape (n_samples,)."""
        check_is_fitted(self)
        return self._run.predictor().predict(X)

    @available_if(_predictor_has("predict_proba"))
    def predict_proba(self, X):
        """Predict class probabilities with the same, shape (n_samples, n_classes)."""
        check_is_fitted(self)
        return self._run.predictor().estimator.predict_proba(X)

    @available_if(_predictor_has("decision_function"))
    def decision_function(self, X):
        """Compute the decision function of the same, shape (n_samples,) or (n_samples, n_classes)."""
        check_is_fitted(self)
        return self._run.predictor().estimator.decision_function(X)

    # What the run holds ---------------------------------------------------------------------

    @property
    def history_(self) -> list[dict[str, Any]]:
        """What happened in each selection."""
        return self._run.state.history

    @property
    def scores_(self) -> np.ndarray:
        """Scores of the last selection."""
        if self._run.state.scores is None:
            raise AttributeError("scores_ is there after the first query.")
        return self._run.state.scores

    @property
    def waiting_(self) -> np.ndarray:
        """Rows that were asked for and have no label yet."""
        return self._run.state.waiting

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
        """Classes of what predicts, or of the labels."""
        run = self._run
        trained = None if run.target is None else run.trained_target
        if trained is None:
            return np.unique(self.labels_)
        return trained.classes

    # scikit-learn's protocols ---------------------------------------------------------------

    def __sklearn_is_fitted__(self) -> bool:
        return "_run" in self.__dict__

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        predictor = get_tags(self.proxy if self.target is None else self.target)
        proxy = get_tags(self.proxy)
        tags.input_tags = predictor.input_tags
        tags.input_tags.sparse = predictor.input_tags.sparse and proxy.input_tags.sparse
        tags.input_tags.allow_nan = predictor.input_tags.allow_nan and proxy.input_tags.allow_nan
        if predictor.classifier_tags is not None:
            tags.classifier_tags = predictor.classifier_tags
        return tags
