"""How alike two rankings of the same rows are."""

from ._agreement_by_epoch import agreement_by_epoch
from ._agreement_matrix import agreement_matrix
from ._overlap import overlap
from ._proxy_agreement import ProxyAgreement, proxy_agreement
from ._rank_correlation import rank_correlation

__all__ = [
    "ProxyAgreement",
    "agreement_by_epoch",
    "agreement_matrix",
    "overlap",
    "proxy_agreement",
    "rank_correlation",
]
