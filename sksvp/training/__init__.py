"""Training of networks: batches, schedules, callbacks, resuming. It does not depend on scikit-learn's estimators.

The names below are for the other packages; users train through `sksvp.estimators`.
"""

from ._augment import AUGMENTATIONS, augmentation, resized_crop_window
from ._bag_trainer import mean_embeddings, train_bags
from ._batches import TrainingView
from ._callbacks import EndAsAsked
from ._epoch_tests import error_of
from ._net import TrainingNet, check_net_params, validation_data
from ._out_of_memory import is_out_of_memory
from ._resume import training_folder
from ._row_source import Read, Rows, is_slow_to_read
from ._schedule import SCHEDULE_NAMES, Schedule, check_schedule, split_schedule
from ._scoring import score_rows
from ._seeding import alone_with_torch
from ._team import Team, join_team
from ._trainer import Trainer

__all__ = [
    "AUGMENTATIONS",
    "SCHEDULE_NAMES",
    "EndAsAsked",
    "Read",
    "Rows",
    "Schedule",
    "Team",
    "Trainer",
    "TrainingNet",
    "TrainingView",
    "alone_with_torch",
    "augmentation",
    "check_net_params",
    "check_schedule",
    "error_of",
    "is_out_of_memory",
    "is_slow_to_read",
    "join_team",
    "mean_embeddings",
    "resized_crop_window",
    "score_rows",
    "split_schedule",
    "train_bags",
    "training_folder",
    "validation_data",
]
