"""Agreement of two rankings of the same rows."""

from ._rank_correlation import rank_correlation

__all__ = ["rank_correlation"]
