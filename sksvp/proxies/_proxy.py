"""A model as a proxy: what it can be asked, how it is trained, and what it says of each row."""

import copy
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import _num_samples

from .._interrupt import heeding_ctrl_c
from .._seeds import own_seed, set_random_states
from ..strategies import Evidence, Recorder, recorder_names, resolve_strategy, strategy_names
from ._blocks import row_blocks
from ._features import as_features
from ._pipelines import (
    classifier_of,
    has_head,
    is_frozen,
    parts_of,
    pass_heads,
    replace_classifier,
    resamples,
)
from ._torch_seed import holds_skorch_net, scoring_torch, training_torch

# ``gather(requires, rows)`` returns evidence of training rows, as arrays by name, as the model is by now.
Gather = Callable[[tuple[str, ...], np.ndarray], dict[str, np.ndarray]]
# Asked after each epoch; True ends the training.
Watch = Callable[[Gather], bool]


@dataclass(frozen=True)
class Training:
    """How a clone of a proxy is trained; the parameters of `Proxy.train`."""

    recorders: tuple[str, ...]
    seed: int | None
    fit_params: dict
    watch: Watch | None


class Proxy:
    """Any scikit-learn classifier as a proxy, fitted or not; the base of the kinds that can do more.

    `as_proxy` picks the kind. Pipelines and frozen wrappers are looked through: the
    kind is that of the classifier at their end.

    Parameters
    ----------
    estimator : classifier
        As the user gave it, or fitted.
    classes : ndarray, optional
        Labels it was trained on, sorted.

    Attributes
    ----------
    records : dict of str to ndarray
        Results of the recorders that saw its training, by their names.
    """

    # Whether the model scores in batches by itself.
    streams = False
    # Whether its training shows each visit of a row to recorders.
    shows_visits = False
    # Whether each training has epochs, after which it can be ended.
    has_epochs = False

    def __init__(self, estimator: BaseEstimator, *, classes: np.ndarray | None = None):
        self.estimator: Any = estimator
        self.classes = classes
        self.records: Mapping[str, np.ndarray] = {}

    @staticmethod
    def is_kind_of(classifier: Any) -> bool:
        """Tell whether a classifier is of this kind.

        Parameters
        ----------
        classifier : classifier
            At the end of Pipelines and frozen wrappers.

        Returns
        -------
        bool
            Whether it is.
        """
        return True

    @property
    def classifier(self) -> Any:
        """The classifier at the end of Pipelines and frozen wrappers."""
        return classifier_of(self.estimator)

    @property
    def is_frozen(self) -> bool:
        """Whether the classifier is used as it was fitted."""
        return is_frozen(self.estimator)

    @property
    def has_head(self) -> bool:
        """Whether steps stand before the classifier."""
        return has_head(self.estimator)

    # What it can give -----------------------------------------------------------------------

    @property
    def gives(self) -> tuple[str, ...]:
        """The kinds of evidence that it can give once it is trained."""
        scores = {"probabilities": self._has_probabilities(), "features": self._has_features()}
        return (*(kind for kind, has_it in scores.items() if has_it), *self.recorders)

    @property
    def recorders(self) -> tuple[str, ...]:
        """Names of the recorders that its training can show each visit to."""
        if not self.shows_visits or self.is_frozen or resamples(self.estimator):
            return ()
        return tuple(recorder_names(scores=self._scores_visits()))

    def _scores_visits(self) -> bool:
        """Tell whether a visit shows the scores of the classes, and not only the predicted one."""
        return True

    def free_recorders(self, needed: Iterable[str]) -> tuple[str, ...]:
        """Return the names of recorders that see a training with the needed ones at no further cost.

        Parameters
        ----------
        needed : iterable of str
            Names of recorders.

        Returns
        -------
        tuple of str
            Names of recorders.
        """
        return ()

    def _has_probabilities(self) -> bool:
        return hasattr(self.classifier, "predict_proba")

    def _has_features(self) -> bool:
        return hasattr(self.classifier, "transform") or self.has_head

    def check_gives(self, requires: Iterable[str]) -> None:
        """Check that the proxy can give what a strategy needs.

        Parameters
        ----------
        requires : iterable of str
            Kinds of evidence.

        Raises
        ------
        ValueError
            If it cannot; the message lists what it can serve.
        """
        gives = self.gives
        missing = [kind for kind in requires if kind not in gives]
        if not missing:
            return
        served = [name for name in strategy_names() if set(resolve_strategy(name).requires) <= set(gives)]
        raise ValueError(
            f"The proxy {self} cannot give {' and '.join(missing)}, which the strategy needs. It can "
            f"give {', '.join(gives) or 'no evidence'} and so serve the strategies {', '.join(served)}."
            + "".join(f" {way}" for way in self._ways_out(missing))
        )

    def _ways_out(self, missing: list[str]) -> list[str]:
        """Say how the proxy could be made to give what it cannot."""
        name = type(self.classifier).__name__
        ways = []
        if "probabilities" in missing and hasattr(self.classifier, "decision_function"):
            ways.append(f"CalibratedClassifierCV({name}(...)) gives probabilities.")
        if "features" in missing:
            ways.append(
                f"A Pipeline supplies features by the transformer before its classifier, such as "
                f"make_pipeline(StandardScaler(), {name}(...))."
            )
        return ways

    def __str__(self) -> str:
        outer, inner = type(self.estimator).__name__, type(self.classifier).__name__
        return outer if self.classifier is self.estimator else f"{outer} around {inner}"

    def routed_as(self, requires: Iterable[str]) -> Any:
        """Return the estimator whose metadata requests hold in a training that gives these kinds of evidence.

        Parameters
        ----------
        requires : iterable of str
            Kinds of evidence.

        Returns
        -------
        estimator
            The proxy, or what trains it.
        """
        return self.estimator

    # Other checks ---------------------------------------------------------------------------

    def check_classifies(self, name: str) -> None:
        """Check that the parameter called `name`, which is trained on class labels, is no regressor.

        It need not say that it is a classifier: a skorch ``NeuralNet`` and wrappers
        without tags do not.

        Parameters
        ----------
        name : str
            Name of the parameter for the message.

        Raises
        ------
        ValueError
            For a regressor.
        """
        if hasattr(self.estimator, "__sklearn_tags__") and is_regressor(self.estimator):
            raise ValueError(f"{name} must be a classifier, got the regressor {self.estimator!r}.")

    def check_params(self) -> None:
        """Check the parameters of the classifier and of the steps before it, before anything is trained.

        Raises
        ------
        ValueError
            As the `fit` of the part whose parameter it is.
        """
        if get_config()["skip_parameter_validation"] or self.is_frozen:
            return
        for part in parts_of(self.estimator):
            if hasattr(part, "check_params"):
                part.check_params()
            elif hasattr(type(part), "_parameter_constraints"):
                part._validate_params()

    def check_trained_alone(self, what: str) -> None:
        """Refuse a folder for a model that several processes train: all but one would wait for its lock forever.

        Parameters
        ----------
        what : str
            Name of the folder's parameter for the message.

        Raises
        ------
        ValueError
            If several processes have been started; names the folder's parameter.
        """
        together = getattr(self.classifier, "distributed", False)
        if together and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise ValueError(
                f"{what} is held by one process at a time, and distributed=True needs all of them: leave one of them "
                "out (a network's own checkpoint survives interruptions too)."
            )

    def check_warm_start(self) -> None:
        """Check that the proxy can start from former weights.

        Raises
        ------
        ValueError
            If it cannot. An ensemble's `warm_start` does something else: it adds trees
            and leaves the present ones as they are.
        """
        if not self.is_frozen and not self._can_start_warm():
            raise ValueError(
                f"warm_start=True needs a proxy that can train on from former weights: a network of sksvp.estimators, "
                f"a skorch net, or a classifier with a warm_start of that meaning, such as LogisticRegression; got "
                f"{type(self.classifier).__name__}."
            )

    def _can_start_warm(self) -> bool:
        return hasattr(self.classifier, "warm_start") and not hasattr(self.classifier, "n_estimators")

    def check_watchable(self, requires: Iterable[str]) -> None:
        """Check that a training which gives these kinds of evidence has epochs, after which it can be ended.

        Parameters
        ----------
        requires : iterable of str
            Kinds of evidence.

        Raises
        ------
        ValueError
            For a proxy that has no epochs, is frozen, or resamples the rows.
        """
        if resamples(self.estimator):
            raise ValueError(
                f"stop_proxy follows the ranking of the rows of X, and a step of {type(self.estimator).__name__} "
                "resamples them: leave one of them out."
            )
        if self.is_frozen or not self._has_epochs(self._records_of(requires)):
            raise ValueError(
                f"stop_proxy needs a proxy that is trained in epochs here: a network of sksvp.estimators, a skorch "
                f"net, Incremental, or, with forgetting events, a classifier with partial_fit; alone or as the last "
                f"step of a Pipeline. Got {type(self.classifier).__name__}{', frozen' if self.is_frozen else ''}."
            )

    def _records_of(self, requires: Iterable[str]) -> tuple[str, ...]:
        return tuple(kind for kind in requires if kind in self.recorders)

    def _has_epochs(self, recorders: tuple[str, ...]) -> bool:
        """Tell whether a training with these recorders has epochs."""
        return self.has_epochs

    @property
    def max_epochs(self) -> int:
        """Epochs of a whole training."""
        return int(self.classifier.max_epochs)

    def epochs_trained(self, n_watched: int) -> int:
        """Return the number of epochs of a finished training: by its own history, else those that were watched.

        A callback can end a training within an epoch, or before the watch is asked.

        Parameters
        ----------
        n_watched : int
            Epochs that were watched.

        Returns
        -------
        int
            Epochs of the training.
        """
        return n_watched

    # Training -------------------------------------------------------------------------------

    def seeded(self, random_state: int | None) -> Self:
        """Return a clone in which every random state that the user left open is seeded.

        Parameters
        ----------
        random_state : int or None
            Seed; None leaves all as it is.

        Returns
        -------
        Proxy
            Not yet fitted.
        """
        seeded: Any = clone(self.estimator)
        if not isinstance(seeded, FrozenEstimator):
            set_random_states(seeded, random_state)
        return type(self)(seeded)

    def training_seed(self, random_state: int | None) -> int | None:
        """Return the seed of what a training draws besides: the classifier's own `random_state`, or this one.

        Parameters
        ----------
        random_state : int or None
            Seed of a proxy that has none of its own.

        Returns
        -------
        int or None
            The seed.
        """
        seed = own_seed(self.classifier)
        return random_state if seed is None else seed

    def draws_seed(self, recorders: Iterable[str]) -> bool:
        """Tell whether a training draws random numbers beyond the random states among the parameters.

        Parameters
        ----------
        recorders : iterable of str
            Names of the recorders of the training.

        Returns
        -------
        bool
            Whether it needs a seed besides.
        """
        return holds_skorch_net(self.estimator)

    def way(self, recorders: Iterable[str]) -> tuple:
        """Name how the proxy is trained, for a cache: different ways give different models.

        Parameters
        ----------
        recorders : iterable of str
            Names of the recorders of the training.

        Returns
        -------
        tuple
            Plain values.
        """
        return ("fit",)

    def describe_training(self, requires: Iterable[str]) -> str:
        """Say, without a full stop, why a training that gives such evidence takes long, "" if it does not.

        Parameters
        ----------
        requires : iterable of str
            Kinds of evidence.

        Returns
        -------
        str
            The reason, for a message.
        """
        return ""

    def train(
        self,
        X: Any,
        y: np.ndarray,
        *,
        recorders: Iterable[str] = (),
        random_state: int | None = None,
        fit_params: dict | None = None,
        watch: Watch | None = None,
        start: "Proxy | None" = None,
    ) -> Self:
        """Train a clone.

        Parameters
        ----------
        X : rows of length n
            Training rows, handed on untouched.
        y : ndarray of shape (n,)
            Labels. A model that takes class numbers only gets the labels numbered.
        recorders : iterable of str
            Names of the recorders that see each visit, out of `recorders`.
        random_state : int or None
            Seeds every random state inside the proxy that is None, the weights and
            batches of a skorch net (inside a forked generator) and the order of
            mini-batches. None seeds nothing.
        fit_params : dict, optional
            Handed to the proxy's `fit`.
        watch : callable, optional
            Asked after each epoch whether the training may end; for proxies that
            pass `check_watchable`.
        start : Proxy, optional
            Proxy that was trained on the same classes. The training goes on from its
            weights and leaves it as it is. Steps before the classifier are fitted anew.

        Returns
        -------
        Proxy
            Fitted. A frozen one is used as it was fitted.

        Raises
        ------
        ValueError
            For a skorch net whose rows cannot be followed through its iterator.

        Warns
        -----
        UserWarning
            If a skorch net's `train_split` had to be switched off.
        """
        trained = self.seeded(random_state)
        trained.classes = np.unique(y)
        seed = trained.training_seed(random_state)
        training = Training(trained._records_of(recorders), seed, fit_params or {}, watch)
        start = None if trained.is_frozen else start
        with heeding_ctrl_c(), training_torch(trained.estimator, seed), trained._starting_from(start):
            trained.records = trained._fit(X, y, training)
        return trained

    def fit_as_given(self, X: Any, y: np.ndarray, fit_params: dict) -> None:
        """Fit the estimator itself, with nothing seeded or switched off.

        Parameters
        ----------
        X : rows of length n
            Training rows.
        y : ndarray of shape (n,)
            Their labels.
        fit_params : dict
            Parameters of `fit`.
        """
        with heeding_ctrl_c(), training_torch(self.estimator, None):
            self.estimator.fit(X, self.encode(y), **fit_params)

    def _fit(self, X: Any, y: np.ndarray, training: Training) -> Mapping[str, np.ndarray]:
        """Fit in place and return the results of the recorders that saw the training."""
        self.estimator.fit(X, self.encode(y), **training.fit_params)
        return {}

    @contextmanager
    def _starting_from(self, start: "Proxy | None") -> Iterator[None]:
        """Let `_fit` begin with the weights of another proxy, if there is one."""
        if start is not None:
            former = copy.deepcopy(start.classifier).set_params(warm_start=True)
            self.estimator = replace_classifier(self.estimator, former)
        yield

    # Labels ---------------------------------------------------------------------------------

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Give labels the form in which the model is trained on them.

        Parameters
        ----------
        y : ndarray of shape (n,)
            Labels.

        Returns
        -------
        ndarray of shape (n,)
            Labels of the training.
        """
        return y

    @property
    def learns_numbers(self) -> bool:
        """Whether the model knows its classes by other numbers than the user: their places among the sorted ones."""
        return self.classes is not None and not np.array_equal(self.encode(self.classes), self.classes)

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels, those it was given in the training.

        Parameters
        ----------
        X : rows of length n
            Rows.

        Returns
        -------
        ndarray of shape (n,)
            Predicted labels.
        """
        with scoring_torch(self.estimator):
            predicted = as_column(self.estimator.predict(X))
        if self.classes is None or not self.learns_numbers:
            return predicted
        return self.classes[predicted.astype(np.intp)]

    def _column_labels(self, n_columns: int) -> np.ndarray | None:
        """Return the label of each column of the probabilities, None if it is not known."""
        return self.classes if self.learns_numbers else getattr(self.estimator, "classes_", None)

    # What it says of rows -------------------------------------------------------------------

    def gather(
        self,
        X: Any,
        requires: Iterable[str],
        *,
        y: np.ndarray | None = None,
        rows: np.ndarray | None = None,
    ) -> Evidence:
        """Gather what the fitted proxy says of each row, in one pass.

        Rows are scored in blocks on the clean view: X as it is given, in its order,
        without augmentation and in evaluation mode.

        Parameters
        ----------
        X : rows of length n
            Rows to score.
        requires : iterable of str
            Kinds of evidence, out of `gives`.
        y : ndarray, optional
            Labels of the scored rows; needed for the records of a staged ensemble.
        rows : ndarray of int, optional
            Which rows of X to score; all by default.

        Returns
        -------
        Evidence

        Raises
        ------
        ValueError
            For a kind the proxy cannot give, and a record that its training did not keep.
        NoFeatures, a ValueError
            For sparse features, features that are not numbers, or a network without
            a final hidden vector.
        """
        requires = tuple(dict.fromkeys(requires))
        self.check_gives(requires)
        n_rows = _num_samples(X) if rows is None else len(rows)
        records = self._records_of(requires)
        kinds = tuple(kind for kind in requires if kind not in records)
        parts: dict[str, Any] = {name: self._record(name, X, y) for name in records}
        if kinds:
            streams = self.streams and not self.has_head
            with scoring_torch(self.estimator):
                blocks = [self._score_block(block, kinds) for block in row_blocks(X, rows, streams=streams)]
            for name, first in blocks[0].items():
                parts[name] = first if len(blocks) == 1 else np.concatenate([block[name] for block in blocks])
                if len(parts[name]) != n_rows:
                    raise ValueError(
                        f"The proxy {type(self.classifier).__name__} gave {name} of {len(parts[name])} rows for the "
                        f"{n_rows} rows of X; each row needs one (a scoring iterator must not drop its last batch)."
                    )
        return Evidence(y=y, n_rows=n_rows, classes=self.labels_of_columns(parts), **parts)

    def _score_block(self, X: Any, kinds: tuple[str, ...]) -> dict[str, np.ndarray]:
        parts = self._score(pass_heads(self.estimator, X), kinds)
        if "features" in parts:
            parts["features"] = as_features(parts["features"], type(self.estimator).__name__)
        return parts

    def _score(self, X: Any, kinds: tuple[str, ...]) -> dict[str, Any]:
        """Score rows that have passed the steps before the classifier, all kinds in one pass if possible."""
        parts: dict[str, Any] = {}
        if "probabilities" in kinds:
            parts["probabilities"] = np.asarray(self.classifier.predict_proba(X))
        if "features" in kinds:
            parts["features"] = self.classifier.transform(X) if hasattr(self.classifier, "transform") else X
        return parts

    def gather_in_training(
        self, X: Any, requires: tuple[str, ...], rows: np.ndarray, recorders: Mapping[str, Recorder]
    ) -> dict[str, np.ndarray]:
        """Gather evidence of training rows, as arrays by name, while the model is trained and seen by recorders.

        Parameters
        ----------
        X : rows of length n
            Training rows.
        requires : tuple of str
            Kinds of evidence.
        rows : ndarray of int
            Rows whose evidence is wanted.
        recorders : dict of str to Recorder
            Recorders of the training by name.

        Returns
        -------
        dict of str to ndarray
            Evidence by kind.
        """
        records = {name: recorders[name].result()[rows] for name in requires if name in recorders}
        kinds = tuple(kind for kind in requires if kind not in records)
        with scoring_torch(self.estimator):
            return {**records, **(self._gather_rows(X, kinds, rows) if kinds else {})}

    def _gather_rows(self, X: Any, kinds: tuple[str, ...], rows: np.ndarray) -> Mapping[str, np.ndarray]:
        return self.gather(X, kinds, rows=rows).parts

    @property
    def _kept_records(self) -> Mapping[str, np.ndarray]:
        return self.records

    def keeps_record(self, name: str) -> bool:
        """Tell whether a fitted proxy can still give the record of a recorder.

        Parameters
        ----------
        name : str
            Name of the recorder.

        Returns
        -------
        bool
            Whether it can.
        """
        return name in self._kept_records

    def _record(self, name: str, X: Any, y: np.ndarray | None) -> np.ndarray:
        """Return what a recorder noted in the training."""
        record, n_rows = self._kept_records.get(name), _num_samples(X)
        if record is None or len(record) != n_rows:
            found = "none" if record is None else f"those of {len(record)} rows"
            raise ValueError(
                f"{type(self.classifier).__name__} recorded {found} of the {name} of {n_rows} rows."
            )
        return record.copy()

    def labels_of_columns(self, parts: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """Return the label of each column of logits or probabilities, None if it is not known.

        Parameters
        ----------
        parts : dict of str to ndarray
            Evidence by kind.

        Returns
        -------
        ndarray of shape (n_classes,) or None
            The labels.
        """
        scores = parts.get("logits", parts.get("probabilities"))
        if scores is None or scores.ndim != 2:
            return None
        labels = self._column_labels(scores.shape[1])
        return labels if labels is not None and np.shape(labels) == scores.shape[1:] else None


def as_column(predicted: Any) -> np.ndarray:
    """Return predicted labels as an array of shape (n,): some classifiers predict a column of shape (n, 1)."""
    predicted = np.asarray(predicted)
    return predicted[:, 0] if predicted.ndim == 2 and predicted.shape[1] == 1 else predicted
