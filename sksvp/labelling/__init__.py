"""Queries out to people and labelling tools, and their answers back."""

from ._exchange import read_answers, write_query

__all__ = ["read_answers", "write_query"]
