"""What `test_fuzz.py` finds wrong today: callable and its parameters, sorted by package.

Each entry is a strict xfail. Delete a parameter when it is mended.
"""

KNOWN: dict[str, str] = {
    "sksvp.estimators.BagOfNgramsClassifier": "bucket dim lr max_epochs min_count word_ngrams",
    "sksvp.estimators.BagOfNgramsClassifier.fit": "y",
    "sksvp.estimators.BagOfNgramsClassifier.load": "device path",
    "sksvp.estimators.BagOfNgramsClassifier.save": "path",
    "sksvp.estimators.FastTextClassifier": "bucket dim lr max_epochs max_n min_count n_jobs word_ngrams",
    "sksvp.estimators.FastTextClassifier.fit": "y",
    "sksvp.estimators.ResNetClassifier": "checkpoint checkpoint_every lr max_epochs weight_decay",
    "sksvp.estimators.ResNetClassifier.fit": "X y",
    "sksvp.estimators.ResNetClassifier.partial_fit": "X classes y",
    "sksvp.estimators.ResNetClassifier.predict_logits": "X",
    "sksvp.estimators.ResNetClassifier.predict_outputs": "X",
    "sksvp.estimators.ResNetClassifier.transform": "X",
    "sksvp.estimators.TorchvisionClassifier": "checkpoint checkpoint_every lr max_epochs weight_decay",
    "sksvp.estimators.TorchvisionClassifier.fit": "X y",
    "sksvp.estimators.VDCNNClassifier": "checkpoint checkpoint_every hidden length lr max_epochs weight_decay",
    "sksvp.estimators.VDCNNClassifier.fit": "y",
    "sksvp.estimators.WhitenedConvNetClassifier": "checkpoint checkpoint_every lr max_epochs weight_decay",
    "sksvp.estimators.WhitenedConvNetClassifier.fit": "X y",
    "sksvp.strategies.Evidence.score_rows": "function",
}
