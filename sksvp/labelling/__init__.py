"""Exchange of queries and labels with people and labelling tools."""

from ._exchange import read_answers, write_query

__all__ = ["read_answers", "write_query"]
