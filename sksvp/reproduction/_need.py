"""One training that a table needs, and what is asked of it."""

from dataclasses import dataclass

from ._models import Model
from ._trainings import Trainings


@dataclass(frozen=True)
class Need:
    """A training, and what is kept of it beside its record.

    Attributes
    ----------
    model : Model
    ordered : tuple of str
        Strategies by which all rows are ranked.
    shared_start : bool
        Whether k-centers begins with rows that all models share.
    """

    model: Model
    ordered: tuple[str, ...] = ()
    shared_start: bool = False

    def run(self, trainings: Trainings) -> None:
        """Train and rank what the store does not have."""
        trainings.train(self.model)
        for strategy in self.ordered:
            trainings.order(self.model, strategy, shared_start=self.shared_start)
