"""How a network is trained: batches, schedules, callbacks, resuming. Nothing here knows scikit-learn's estimators."""
