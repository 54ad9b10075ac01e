"""Queries to a CSV file and labels back from it."""

from ..labelling import read_answers, write_query
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
        if len(run.state.waiting) == 0:
            raise ValueError("No row waits for a label: call query first.")
        write_query(path, run.X, run.state.waiting, names)
        return self

    def import_labels(self, path, *, allow_extra: bool = False):
        """Record the labels that a CSV file contains.

        Parameters
        ----------
        path : str or path-like
            A CSV file, separated by commas, semicolons or tabs, with the columns
            ``row`` and ``label``. Rows without a label are passed over.
        allow_extra : bool, default=False
            If True, rows that no query asked for are accepted.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the file cannot be read, and in the cases of `teach`.
        """
        run = self._open_run("import_labels")
        return self.teach(*read_answers(path, run.state.table.classes), allow_extra=allow_extra)
