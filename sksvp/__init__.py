"""Selection via proxy: choose what to label or to train on with a small model in place of the large one."""

__version__ = "0.1.0"
