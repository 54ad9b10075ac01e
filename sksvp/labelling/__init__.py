"""Exchange of queries and labels with people and labelling tools."""

# With a name repeated: for other packages, and no part of the public interface.
from ._classes import check_classes as check_classes
from ._classes import read_classes as read_classes
from ._exchange import read_answers, write_query
from ._report import ImportReport
from ._report import report_import as report_import

__all__ = ["ImportReport", "read_answers", "write_query"]
