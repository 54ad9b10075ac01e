"""All that a proxy says of the rows, from one fit of a selector."""

import warnings
from typing import Any

from sklearn.base import clone

from ...strategies import Evidence, Strategy


class _Listener(Strategy):
    """A strategy that asks for evidence, keeps it, and ranks as another one does.

    Parameters
    ----------
    requires : tuple of str
        Kinds of evidence to ask for.
    ranker : Strategy
        The strategy that ranks, also where a rule watches the training of the proxy.
    """

    evidence: Evidence
    # Features that turn out to be no numbers are done without.
    optional = ("features",)

    def __init__(self, requires: tuple[str, ...], ranker: Any):
        self.requires = requires
        self.ranker = ranker

    def rank(self, evidence, n_samples, *, candidates=None, initial=None, random_state=None):
        """Keep the evidence, and rank."""
        self.evidence = evidence
        return self.ranker.rank(
            evidence, n_samples, candidates=candidates, initial=initial, random_state=random_state
        )


def listen(
    selector: Any, X: Any, y: Any, requires: tuple[str, ...], ranker: Any, seed: int, fit_params: dict
) -> tuple[Evidence, float]:
    """Train the proxy of a selector and return what it says of all rows, and the seconds that it took.

    Features are left out where the proxy has none that are numbers.
    """
    listener = _Listener(requires, ranker)
    fitted = clone(selector).set_params(strategy=listener, class_balanced=False, random_state=seed, verbose=0)
    with warnings.catch_warnings():
        # Of a choice that is not used.
        warnings.simplefilter("ignore", UserWarning)
        fitted.fit(X, y, **fit_params)
    return listener.evidence, fitted.timings_["proxy_fit"] + fitted.timings_["inference"]
