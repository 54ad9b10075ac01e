"""A model as a proxy: what it says of each row."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import _num_samples

from .._inputs._containers import take_rows
from ..strategies import Evidence, Recorder
from ._blocks import row_blocks
from ._features import as_features, concatenate, first_rows, rows_as_features, rows_as_inputs
from ._pipelines import pass_heads, pass_label_free
from ._torch_seed import scoring_torch
from ._training import TrainableModel


class Proxy(TrainableModel):
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
            The kinds that are required, and the labels if they are given.

        Raises
        ------
        ValueError
            For a kind the proxy cannot give, and a record that its training did not keep.
        NoFeatures, a ValueError
            For features that are not numbers, or a network without a final hidden
            vector.
        """
        requires = tuple(dict.fromkeys(requires))
        self.check_gives(requires)
        n_rows = _num_samples(X) if rows is None else len(rows)
        records = self._records_of(requires)
        parts: dict[str, Any] = {name: self._record(name, X, y) for name in records}
        parts |= self._gather_rows_alone(X, requires, rows)
        kinds = tuple(kind for kind in requires if kind not in parts)
        if kinds:
            streams = self.streams and not self.has_head
            with scoring_torch(self.estimator):
                blocks = [self._score_block(block, kinds) for block in row_blocks(X, rows, streams=streams)]
            for name in blocks[0]:
                parts[name] = concatenate([block[name] for block in blocks])
                if parts[name].shape[0] != n_rows:
                    raise ValueError(
                        f"The proxy {type(self.classifier).__name__} gave {name} of {parts[name].shape[0]} rows for "
                        f"the {n_rows} rows of X; each row needs one (a scoring iterator must not drop its last batch)."
                    )
        return Evidence(y=y, n_rows=n_rows, classes=self.labels_of_columns(parts), **parts)

    def check_rows(self, X: Any, requires: Iterable[str]) -> None:
        """Check, before anything is trained, that X can serve as the evidence that it is to be.

        Parameters
        ----------
        X : rows of length n
            Rows.
        requires : iterable of str
            Kinds of evidence.

        Raises
        ------
        NoFeatures, a ValueError
            If X is to serve as features or inputs, and is no table of numbers.
        """
        kinds = [kind for kind in self.kinds_of_rows if kind in requires]
        if kinds:
            self._gather_rows_alone(first_rows(X), kinds, None)

    def _gather_rows_alone(self, X: Any, requires: Iterable[str], rows: np.ndarray | None) -> dict[str, Any]:
        """Return the kinds of evidence that do not depend on what the classifier has learned."""
        name = None if self.classifier is None else type(self.classifier).__name__
        parts: dict[str, Any] = {}
        if "features" in requires and "features" in self.kinds_of_rows:
            parts["features"] = rows_as_features(X if rows is None else take_rows(X, rows), name)
        if "inputs" in requires:
            inputs = pass_label_free(self.estimator, X)
            inputs = rows_as_inputs(inputs if rows is None else take_rows(inputs, rows), name)
            parts["inputs"] = inputs if inputs.ndim == 2 else inputs.reshape(len(inputs), -1)
        return parts

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
            parts["features"] = self.classifier.transform(X) if self.has_own_features else X
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
        parts = {name: recorders[name].result()[rows] for name in requires if name in recorders}
        parts |= self._gather_rows_alone(X, requires, rows)
        kinds = tuple(kind for kind in requires if kind not in parts)
        with scoring_torch(self.estimator):
            return {**parts, **(self._gather_rows(X, kinds, rows) if kinds else {})}

    def _gather_rows(self, X: Any, kinds: tuple[str, ...], rows: np.ndarray) -> Mapping[str, np.ndarray]:
        return self.gather(X, kinds, rows=rows).parts

    @property
    def kept_records(self) -> Mapping[str, np.ndarray]:
        """The records that the training of the fitted proxy kept, by the names of their recorders."""
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
        return name in self.kept_records

    def _record(self, name: str, X: Any, y: np.ndarray | None) -> np.ndarray:
        """Return what a recorder noted in the training."""
        record, n_rows = self.kept_records.get(name), _num_samples(X)
        if record is None or len(record) != n_rows:
            found = "none" if record is None else f"those of {len(record)} rows"
            raise ValueError(
                f"{type(self.classifier).__name__} recorded {found} of the {name} of {n_rows} rows."
            )
        # A large record lies in a mapped file and is not copied.
        shown = np.asarray(record).view()
        shown.flags.writeable = False
        return shown
