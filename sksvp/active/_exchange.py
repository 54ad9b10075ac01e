"""Queries to a CSV file and labels back from it."""

from sklearn.utils._param_validation import validate_params

from ..labelling import ImportReport, read_answers, report_import, write_query
from ._fitted import FittedLearner


class ExchangingLearner(FittedLearner):
    """A learner that exchanges queries and labels with people and labelling tools."""

    def export_query(self, path, *, names=None):
        """Write the rows that wait for labels to a CSV file, for any labelling tool.

        The columns are ``row``; ``name``, the file name or text of the row; and
        ``label``, which is empty.

        Parameters
        ----------
        path : str or path-like
            The CSV file, in UTF-8. It is replaced in one step.
        names : array-like of length n_rows, optional
            Name of each row of the pool. Texts, and the paths of an image folder,
            need no names.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If no row waits for a label, or the number of names is another one.
        """
        run = self._open_run("export_query")
        run.check_pool()
        if len(run.state.waiting) == 0:
            raise ValueError("No row waits for a label: call query first.")
        write_query(path, run.X, run.state.waiting, names)
        return self

    @validate_params(
        {"allow_extra": ["boolean"], "overwrite": ["boolean"]}, prefer_skip_nested_validation=False
    )
    def import_labels(
        self, path, *, allow_extra: bool = False, overwrite: bool = False, classes=None
    ) -> ImportReport:
        """Record the labels that a CSV file contains.

        Parameters
        ----------
        path : str or path-like
            A CSV file, separated by commas, semicolons or tabs, with the columns
            ``row`` and ``label``. Rows without a label are passed over.
        allow_extra : bool, default=False
            If True, rows that no query asked for are accepted.
        overwrite : bool, default=False
            If True, a label replaces another one that the row has already.
        classes : array-like, default=None
            Classes that are allowed. None allows all, and a wrong spelling then
            makes a class of its own.

        Returns
        -------
        ImportReport
            Numbers of new and repeated rows, corrections, new and rare classes, and
            the rows that are left. ``print`` shows it as text.

        Raises
        ------
        TypeError
            If `path` is not a path.
        ValueError
            If the file cannot be read, a label is not in `classes` (the message
            names the line, the row and the label), and in the cases of `teach`.
        """
        run = self._open_run("import_labels")
        before = dict(zip(self.labeled_rows_.tolist(), self.labels_.tolist(), strict=True))
        rows, labels = read_answers(path, run.state.table.classes, classes=classes)
        self.teach(rows, labels, allow_extra=allow_extra, overwrite=overwrite)
        return report_import(
            before,
            dict(zip(rows.tolist(), labels.tolist(), strict=True)),
            self.labels_,
            n_waiting=len(run.state.waiting),
            n_unlabeled=run.state.n_rows - run.state.n_labeled,
        )
