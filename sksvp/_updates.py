"""How long targets are trained: for equal epochs, for equal updates, or for what another training cost."""

from sklearn.base import BaseEstimator, clone

_EPOCHS = "max_epochs"


def has_epochs(target: BaseEstimator) -> bool:
    """Tell whether a number of epochs is a parameter of a target."""
    return _EPOCHS in target.get_params(deep=False)


def check_has_epochs(target: BaseEstimator, what: str) -> None:
    """Check that a target can be trained for a given number of updates.

    Raises
    ------
    ValueError
        If it has no `max_epochs`, as it is trained until it has converged, or a schedule
        that does not follow its epochs.
    """
    schedule = target.get_params(deep=False).get("schedule", "")
    if isinstance(schedule, str) and ":" in schedule:
        raise ValueError(
            f"{what} needs a target whose schedule is scaled to its epochs, got schedule={schedule!r}."
        )
    if not has_epochs(target):
        raise ValueError(
            f"{what} needs a target with the parameter {_EPOCHS}, such as those of sksvp.estimators: "
            f"{type(target).__name__} has no epochs to count, and is trained until it ends by itself."
        )


def epochs_of(target: BaseEstimator) -> int | None:
    """Return the epochs of a target's own training, None if it counts none."""
    return target.get_params(deep=False)[_EPOCHS] if has_epochs(target) else None


def count_batches(target: BaseEstimator, n_rows: int) -> int:
    """Return the updates of an epoch over so many rows. A last batch of one row belongs to the one before."""
    size = target.get_params(deep=False).get("batch_size", 1)
    if not isinstance(size, int) or size == 1:
        return n_rows
    full, rest = divmod(n_rows, size)
    return max(1, full + (rest > 1))


def epochs_with(target: BaseEstimator, n_rows: int, n_updates: float) -> int:
    """Return the whole epochs over `n_rows` with about so many updates, at least one."""
    return max(1, round(n_updates / count_batches(target, n_rows)))


def all_updates(target: BaseEstimator, n_rows: int) -> int:
    """Return the updates of a target's own epochs over so many rows."""
    return target.get_params(deep=False)[_EPOCHS] * count_batches(target, n_rows)


def with_updates(target: BaseEstimator, n_rows: int, n_updates: int) -> BaseEstimator:
    """Return a clone of a target whose epochs over `n_rows` have about so many updates."""
    return clone(target).set_params(**{_EPOCHS: epochs_with(target, n_rows, n_updates)})
