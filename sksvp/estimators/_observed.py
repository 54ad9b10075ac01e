"""Trainings that others look at."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from ..strategies import recorder_names


class Observed:
    """Mixin of classifiers whose `fit` is seen by recorders.

    Attributes
    ----------
    records_ : dict of str to ndarray
        What recorders noted of each row whenever the training came to it, before the
        update, by the names of the recorders: in every `fit` those that cost next to
        nothing, such as `sksvp.strategies.ForgettingCounter`.
    """

    records_: Mapping[str, np.ndarray]
    _recorders: Sequence[str] = ()
    _watch: Callable[[Callable], bool] | None = None

    @contextmanager
    def observe(
        self, recorders: Sequence[str] = (), watch: Callable[[Callable], bool] | None = None
    ) -> Iterator[None]:
        """Have more recorders see trainings within the block, and have these looked at after each epoch.

        Parameters
        ----------
        recorders : sequence of str
            Names of recorders beside those of every `fit`.
        watch : callable, optional
            ``watch(gather) -> bool`` tells whether the training may end, where
            ``gather(requires, rows)`` returns evidence of training rows as the model is
            by now, on the clean view: a dict of arrays by their names in `Evidence`.
            A model that is trained text by text asks nobody.

        Yields
        ------
        None
            Nothing; the block is the time of the observation.
        """
        self._recorders, self._watch = tuple(recorders), watch
        try:
            yield
        finally:
            del self._recorders, self._watch

    @property
    def _recorder_names(self) -> list[str]:
        return list(dict.fromkeys([*recorder_names(kept=True), *self._recorders]))
