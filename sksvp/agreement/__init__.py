"""How alike two rankings of the same rows are."""

from ._rank_correlation import rank_correlation

__all__ = ["rank_correlation"]
