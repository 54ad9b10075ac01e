"""Learning rates of every batch: piecewise constant over epochs, or one cycle; scaled to any number of epochs."""

import re
from collections.abc import Sequence
from math import inf
from operator import index

# Pairs of (epochs, factor of the base rate), as published for the method's experiments. With its base rate of
# 0.1 the CIFAR recipe has the rates 0.01, 0.1, 0.01 and 0.001; "amazon" starts at its base rate of 0.01.
_IMAGENET_WARM_UP = tuple((1, k / 6) for k in range(1, 6))
SCHEDULES: dict[str, tuple[tuple[int, float], ...]] = {
    "cifar": ((1, 0.1), (90, 1.0), (45, 0.1), (45, 0.01)),
    "cifar-50": ((1, 0.1), (45, 1.0), (4, 0.1)),
    "imagenet": (*_IMAGENET_WARM_UP, (25, 1.0), (30, 0.1), (20, 0.01), (20, 0.001)),
    "imagenet-45": (*_IMAGENET_WARM_UP, (25, 1.0), (15, 0.1)),
    "amazon": ((3, 1.0), (3, 1 / 2), (3, 1 / 4), (3, 1 / 8), (3, 1 / 16)),
    "constant": ((1, 1.0),),
}
ONE_CYCLE = "one-cycle"
SCHEDULE_NAMES = (*SCHEDULES, ONE_CYCLE)
# A schedule by name and the epochs it is made for, of which a training has the first.
_OF_EPOCHS = r"([a-z0-9-]+):([1-9][0-9]{0,5})"
# Share of the batches in which the rate of one cycle rises.
_RISE = 0.2

Schedule = str | Sequence[tuple[int, float]]


def check_schedule(schedule: Schedule, max_epochs: int = 1) -> None:
    """Check a schedule of any kind.

    Raises
    ------
    ValueError
        As `resolve_schedule`, and for more epochs than the schedule has.
    """
    whole, n_epochs = split_schedule(schedule)
    if not _is_one_cycle(whole):
        resolve_schedule(whole)
    if n_epochs is not None and max_epochs > n_epochs:
        raise ValueError(f"schedule={schedule!r} has {n_epochs} epochs, fewer than max_epochs={max_epochs}.")


def split_schedule(schedule: Schedule) -> tuple[Schedule, int | None]:
    """Split "cifar:181", the first epochs of a schedule of 181, into the schedule and its epochs.

    The epochs are None for a schedule that is scaled to those of the training.
    """
    found = re.fullmatch(_OF_EPOCHS, schedule) if isinstance(schedule, str) else None
    return (schedule, None) if found is None else (found[1], int(found[2]))


def resolve_schedule(schedule: Schedule) -> tuple[tuple[int, float], ...]:
    """Look a piecewise-constant schedule up by name, or check one given as (epochs, factor) pairs.

    Raises
    ------
    ValueError
        For an unknown name, or pairs that are not a positive number of epochs
        with a positive factor; for "one-cycle", which has no such segments.
    """
    if isinstance(schedule, str):
        if schedule == ONE_CYCLE:
            raise ValueError(f"schedule={schedule!r} changes in every batch and has no segments of epochs.")
        if schedule not in SCHEDULES:
            raise ValueError(
                f"schedule must be one of {sorted(SCHEDULE_NAMES)}, one of them with the epochs of which the training "
                f"has the first, such as 'cifar:181', or (epochs, factor) pairs, got {schedule!r}."
            )
        return SCHEDULES[schedule]
    try:
        pairs = tuple((index(epochs), float(factor)) for epochs, factor in schedule)
    except (TypeError, ValueError) as error:
        raise ValueError(f"schedule must be a name or (epochs, factor) pairs, got {schedule!r}.") from error
    if not pairs or any(epochs < 1 or not 0 < factor < inf for epochs, factor in pairs):
        raise ValueError(
            f"schedule needs pairs of at least one epoch and a positive factor, got {schedule!r}."
        )
    return pairs


def epoch_factors(schedule: Schedule, max_epochs: int) -> list[float]:
    """Factor of the base learning rate in each epoch.

    The segments keep their share of the training. Where it is too short for
    all, one epoch of warm-up and, from two epochs on, one at the full rate stay.

    Parameters
    ----------
    schedule : str or sequence of (epochs, factor)
        A name out of `SCHEDULES`, or the segments themselves.
    max_epochs : int
        Epochs to fill.

    Returns
    -------
    list of float, of length max_epochs

    Examples
    --------
    >>> epoch_factors("cifar", 8)
    [0.1, 1.0, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01]
    """
    segments = resolve_schedule(schedule)
    total = sum(epochs for epochs, _ in segments)
    peak = max(range(len(segments)), key=lambda k: segments[k][1])
    ends, passed = [], 0
    for epochs, _ in segments:
        passed += epochs
        ends.append(round(passed * max_epochs / total))
    if peak > 0:
        # The last step of the warm-up is the one nearest to the full rate: it is the one to keep.
        ends[peak - 1] = max(ends[peak - 1], 1)
    ends[peak:] = [max(end, min(max_epochs, ends[peak - 1] + 1 if peak else 1)) for end in ends[peak:]]
    factors: list[float] = []
    for end, (_, factor) in zip(ends, segments, strict=True):
        factors += [factor] * (min(end, max_epochs) - len(factors))
    return factors


def one_cycle_factors(n_batches: int) -> list[float]:
    """Factor of the base learning rate in each batch of one cycle.

    It rises linearly to 1 over the first fifth of the batches and falls
    linearly to zero over the others: the triangle of [1]_. Zero itself is where
    the batch after the last would be, so that every batch has a positive rate.

    Parameters
    ----------
    n_batches : int
        Of the whole training, at least 1.

    Returns
    -------
    list of float, of length n_batches

    References
    ----------
    .. [1] L. N. Smith and N. Topin, "Super-convergence: very fast training of
       neural networks using large learning rates", 2018 (arXiv:1708.07120).

    Examples
    --------
    >>> one_cycle_factors(5)
    [1.0, 0.8, 0.6, 0.4, 0.2]
    >>> one_cycle_factors(10)[:4]
    [0.5, 1.0, 0.8888888888888888, 0.7777777777777778]
    """
    rise = max(1, round(_RISE * n_batches))
    fall = n_batches - rise + 1
    return [(batch + 1) / rise if batch < rise else (n_batches - batch) / fall for batch in range(n_batches)]


def batch_factors(schedule: Schedule, max_epochs: int, batches_per_epoch: int) -> list[float]:
    """Factor of the base learning rate in each batch of a training, whatever the schedule.

    Parameters
    ----------
    schedule : str or sequence of (epochs, factor)
        A name out of `SCHEDULE_NAMES`, or the segments of a piecewise-constant one.
        ``"NAME:EPOCHS"`` fills so many epochs, and the training has the first of them.
    max_epochs : int
        Epochs of the training.
    batches_per_epoch : int
        The last, smaller batch of an epoch counts as a batch.

    Returns
    -------
    list of float, of length max_epochs * batches_per_epoch

    Examples
    --------
    >>> batch_factors("cifar", 4, 1)
    [0.1, 1.0, 0.1, 0.01]
    >>> batch_factors("cifar:8", 4, 1)
    [0.1, 1.0, 1.0, 1.0]
    """
    schedule, n_epochs = split_schedule(schedule)
    n_epochs = max_epochs if n_epochs is None else n_epochs
    if _is_one_cycle(schedule):
        return one_cycle_factors(n_epochs * batches_per_epoch)[: max_epochs * batches_per_epoch]
    return [
        factor for factor in epoch_factors(schedule, n_epochs)[:max_epochs] for _ in range(batches_per_epoch)
    ]


def _is_one_cycle(schedule: Schedule) -> bool:
    return isinstance(schedule, str) and schedule == ONE_CYCLE
