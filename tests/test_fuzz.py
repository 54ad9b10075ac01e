"""Bad values for every argument of every public callable, generated from the signatures.

Each parameter of each function, constructor and method gets every value of `VALUES`
in turn; the other arguments are good ones. A call may succeed where the value is
legal. Otherwise it must raise `ValueError`, `TypeError`, `NotFittedError` or `OSError`
with a message that names the argument or the file. Estimators are fitted or asked
after their construction, since scikit-learn's convention checks parameters there.

A new public function is included by itself. If it needs arguments that `ARGUMENTS`
does not have under their names, `test_good_arguments` fails and asks for them.
`known_fuzz_failures.py` lists what fails today: delete the entry of what you mend.
"""

import inspect
import os
import pickle
import pkgutil
import re
import shutil
import signal
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from numbers import Integral, Real
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from known_fuzz_failures import KNOWN
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, SGDClassifier
from toy_proxies import blobs
from toy_texts import toy_texts

import sksvp

# Not called by users: the trainer's own parts and the program.
NOT_PUBLIC = {"sksvp.training", "sksvp.cli"}
# Called by this package only, with arguments that it has checked before.
CALLED_BY_THE_PACKAGE = {
    "sksvp.proxies.Proxy",
    "sksvp.experiments.ActiveRun.learner",
    "sksvp.experiments.CoresetRun.training_arms",
    "sksvp.experiments.CoresetRun.selector",
    "sksvp.experiments.CoresetRun.target_key",
    "sksvp.experiments.RunFolder",
    "sksvp.experiments.former_run",
    "sksvp.experiments.replay_run",
    # They train a whole table.
    "sksvp.reproduction.Reproduction.run",
    # The hooks of a training, called for every batch.
    *(
        f"sksvp.{name}"
        for name in (
            "active.PredictionsSettled.change",
            "active.PredictionsSettled.is_met",
            "active.PredictionsSettled.sample",
            "coreset.RankingSettled.watch",
            "estimators.*.observe",
            "networks.*.forward",
            "networks.*.features",
            "networks.*.logits_and_features",
            "networks.*.keep_statistics",
            "networks.*.reset_whitening",
            "proxies.Incremental.train",
            # scikit-learn has no model that has both partial_fit and transform.
            "proxies.Incremental.transform",
            "proxies.Incremental.fit_transform",
            "strategies.*.judge",
            "strategies.*.restore",
        )
    ),
}
# Bases that users derive from.
BASES = {"PickingStrategy", "Recorder", "Sampler", "ScoredStrategy", "Strategy"}
# Their tests train networks or whole experiments.
SLOW = {
    "sksvp.estimators",
    "sksvp.experiments",
    "sksvp.active",
    "sksvp.coreset",
    "sksvp.plotting",
    "sksvp.reproduction",
}

# Rows and labels are often checked by scikit-learn, which has other names for them; an index that
# does not fit is an IndexError in numpy.
SYNONYMS = {
    "X": "X array array-like input inputs sample samples features rows texts images",
    "y": "y array input label labels target targets class classes samples",
}

CPU_SECONDS, SECONDS = 10, 60
MODEL_KEY = "0123456789abcdef"
# Legal values: they would download a file, or are called and raise errors of their own.
LEFT_OUT = {
    "download": ("bool", "numpy bool"),
    "report": ("function", "class"),
    "choose": ("function", "class"),
}


def _a_function(*args, **kwargs):
    raise ValueError("the given function was called")


VALUES = {
    "None": None,
    "empty text": "",
    "text": "no",
    "number as text": "3",
    "other digits": "٣",
    "nul": "a\0b",
    "long text": "x" * 5000,
    "bytes": b"no",
    "minus": -1,
    "zero": 0,
    "fraction": 8.9,
    "nan": float("nan"),
    "inf": float("inf"),
    "huge": 10**30,
    "minus huge": -(10**30),
    "complex": 1j,
    "bool": True,
    "numpy bool": np.True_,
    "datetime": np.datetime64("2026-01-01"),
    "ellipsis": ...,
    "object": object(),
    "class": int,
    "function": _a_function,
    "list": [],
    "tuple of None": (None,),
    "texts": ["no", "yes"],
    "mixed list": [1, "1", None],
    "ragged": [[1], [1, 2]],
    "dict": {},
    "set": {3},
    "array of nan": np.full((30, 4), np.nan),
    "array of dates": np.zeros(30, dtype="datetime64[s]"),
    "array of objects": np.array([object(), None, "a"], dtype=object),
    "four axes": np.zeros((2, 2, 2, 2)),
    "scalar array": np.array(3.5),
    "frame": pd.DataFrame({"a": [1.0, None], "b": ["x", "y"]}),
}


# Good arguments ---------------------------------------------------------------------------------


def _evidence():
    _, y = blobs(30)
    probabilities = np.random.RandomState(0).dirichlet(np.ones(3), 30)
    return sksvp.strategies.Evidence(
        y=y,
        classes=np.arange(3),
        probabilities=probabilities,
        features=blobs(30)[0],
        inputs=blobs(30)[0],
        forgetting_events=np.arange(30),
        training_record=_record(),
    )


def _record():
    _, y = blobs(30)
    return sksvp.strategies.TrainingRecord.from_probabilities(
        np.random.RandomState(0).dirichlet(np.ones(3), (12, 30)), y
    )


def _selector():
    proxy = SGDClassifier(loss="log_loss", random_state=0)
    return sksvp.ProxyCoresetSelector(proxy, strategy="aum", random_state=0).fit(*blobs(30))


def _learner(**changes):
    """Return a learner that has asked for labels, has some, and has others to ask for."""
    X, y = blobs(30)
    labels = pd.Series(y).astype(object).where(np.arange(30) < 10, None)
    learner = sksvp.ProxyActiveLearner(LogisticRegression(), LogisticRegression(), random_state=0, **changes)
    learner.fit(X, labels)
    rows = learner.query(3)
    learner.teach(rows, y[rows])
    learner.query(3)
    return learner.fit_target()


@cache
def _curve() -> bytes:
    X, y = blobs(30)
    learner = sksvp.ProxyActiveLearner(LogisticRegression(), rounds=[3], initial_size=9, random_state=0)
    curve = sksvp.active.active_learning_curve(learner, X, y, X, y, n_repeats=1)
    return pickle.dumps((learner.fit(X, y).history_, curve))


def _coreset_run(**changes):
    X, y = blobs(30)
    good = {
        "X_train": X,
        "y_train": y,
        "X_test": X,
        "y_test": y,
        "proxy": LogisticRegression(),
        "target": LogisticRegression(),
        "strategies": ["margin"],
        "subset_sizes": [0.5],
        "seeds": [0],
    }
    return sksvp.experiments.CoresetRun(**good | changes)


def _active_run(**changes):
    X, y = blobs(30)
    good = {
        "X_train": X,
        "y_train": y,
        "X_test": X,
        "y_test": y,
        "proxy": LogisticRegression(),
        "target": LogisticRegression(),
        "strategies": ["margin"],
        "rounds": [3],
        "initial_size": 9,
        "target_at": "last",
        "seeds": [0],
    }
    return sksvp.experiments.ActiveRun(**good | changes)


_numbers = count()


def _run_folder(name="run"):
    return sksvp.experiments.RunFolder(Path(f"{name} {next(_numbers)}"), {}, resume=False)


def _silent(line):
    pass


@cache
def _records() -> bytes:
    """Return the records of a core-set run and of an active run, pickled."""
    coreset, active = _run_folder("records"), _run_folder("active records")
    sksvp.experiments.run_coreset(_coreset_run(), coreset, report=_silent)
    sksvp.experiments.run_active(_active_run(), active, report=_silent)
    return pickle.dumps((list(coreset), list(active)))


def _finished_run(kind):
    folder = _run_folder(kind)
    for number, record in enumerate(pickle.loads(_records())[kind == "active"]):
        folder.add(str(number), record)
    return folder


def _run_store():
    """Return a store with one model."""
    store = sksvp.reproduction.RunStore(Path(f"store {next(_numbers)}"))
    with store._working_on(MODEL_KEY):
        store._add(MODEL_KEY, {"finished": "2026-01-01"})
    return store


def _reproduction():
    return {
        "name": "table2",
        "scale": "smoke",
        "data_dir": "no data",
        "seeds": 1,
        "store": f"store {next(_numbers)}",
        "device": "cpu",
        "report": _silent,
    }


def _plan():
    columns = ["key", "network", "rows", "n_rows", "seed", "stored", "seconds", "cpu_seconds"]
    return pd.DataFrame([["0", "ResNet8", "all rows", 30, 0, False, 1.0, 1.0]], columns=columns)


def _texts_file(name="texts.csv"):
    Path(name).write_text("text,label\ngood food,a\nbad food,b\n")
    return name


def _prefix_file():
    Path("prefix.txt").write_text("__label__a good food\n__label__b bad food\n")
    return "prefix.txt"


def _image_files():
    from PIL import Image

    for name in ("a/1.png", "a/2.png", "b/3.png"):
        Path("images", name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(Path("images", name))
    return "images"


def _image_rows(n_jobs=1):
    files = ["a/1.png", "a/2.png", "b/3.png"]
    return sksvp.datasets.ImageFolderRows(_image_files(), files, image_size=8, n_jobs=n_jobs)


def _arrays_file():
    np.savez("arrays.npz", X=np.zeros((4, 8, 8, 3), dtype=np.uint8), y=[0, 1, 0, 1])
    return "arrays.npz"


def _torch_dataset():
    from torch.utils.data import TensorDataset

    return _pairs(TensorDataset)


def _pairs(kind):
    import torch

    return kind(torch.zeros((4, 3, 8, 8), dtype=torch.uint8), torch.tensor([0, 1, 0, 1]))


def _cifar(name, files, **content):
    Path(name).mkdir(exist_ok=True)
    for file in files:
        rows = {"data": np.zeros((2, 3072), dtype=np.uint8), **content}
        Path(name, file).write_bytes(pickle.dumps({key.encode(): value for key, value in rows.items()}, 2))
    return Path(name)


def _cifar10():
    files = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
    folder = _cifar("cifar-10-batches-py", files, labels=[0, 1])
    names = [str(k).encode() for k in range(10)]
    (folder / "batches.meta").write_bytes(pickle.dumps({b"label_names": names}, 2))
    return "."


def _cifar100():
    folder = _cifar("cifar-100-python", ["train", "test"], fine_labels=[0, 1], coarse_labels=[0, 1])
    fine, coarse = ([str(k).encode() for k in range(n)] for n in (100, 20))
    (folder / "meta").write_bytes(pickle.dumps({b"fine_label_names": fine, b"coarse_label_names": coarse}, 2))
    return "."


def _mnist():
    for part in ("train", "t10k"):
        Path(f"{part}-images-idx3-ubyte").write_bytes(bytes((0, 0, 8, 3, *(0, 0, 0, 2) * 3, *range(8))))
        Path(f"{part}-labels-idx1-ubyte").write_bytes(bytes((0, 0, 8, 1, 0, 0, 0, 2, 0, 1)))
    return "."


def _reviews(folder, n_columns):
    Path(folder).mkdir(exist_ok=True)
    for name in ("train.csv", "test.csv"):
        line = ",".join(['"1"'] + ['"text"'] * n_columns)
        Path(folder, name).write_text(f"{line}\n")
    return "."


def _answers_file():
    Path("answers.csv").write_text(f"row,name,label\n3,,{blobs(30)[1][3]}\n")
    return "answers.csv"


def _estimator_data(cls):
    """Return small X and y that a classifier of ours can learn."""
    name = cls.__name__
    if name in ("BagOfNgramsClassifier", "FastTextClassifier", "VDCNNClassifier"):
        texts, y = toy_texts(6)
        return texts, y
    if hasattr(cls, "save"):
        return np.random.RandomState(0).randint(0, 256, (6, 16, 16, 3), dtype=np.uint8), np.arange(6) % 2
    return blobs(30)


# Constructor arguments that make an estimator small.
SMALL = {
    "BagOfNgramsClassifier": {"bucket": 1000, "max_epochs": 1, "device": "cpu", "random_state": 0},
    "FastTextClassifier": {"bucket": 1000, "max_epochs": 1, "random_state": 0},
    "ResNetClassifier": {"depth": 8, "max_epochs": 1, "device": "cpu", "random_state": 0},
    "TorchvisionClassifier": {
        "network": "shufflenet_v2_x0_5",
        "max_epochs": 1,
        "device": "cpu",
        "random_state": 0,
    },
    "VDCNNClassifier": {
        "length": 72,
        "widths": (4, 4, 4, 4),
        "hidden": 8,
        "max_epochs": 1,
        "device": "cpu",
        "random_state": 0,
    },
    "WhitenedConvNetClassifier": {
        "widths": (8, 8, 8),
        "max_epochs": 1,
        "device": "cpu",
        "random_state": 0,
        "batch_size": 4,
    },
    "CoresetClassifier": lambda: {
        "estimator": LinearDiscriminantAnalysis(),
        "selector": sksvp.ProxyCoresetSelector(LogisticRegression(), random_state=0),
    },
    "Incremental": lambda: {
        "estimator": SGDClassifier(loss="log_loss", random_state=0),
        "n_epochs": 2,
        "random_state": 0,
    },
    "ProxyActiveLearner": lambda: {
        "proxy": LogisticRegression(),
        "rounds": [3],
        "initial_size": 9,
        "random_state": 0,
    },
    "ProxyCoresetSampler": lambda: {"proxy": LogisticRegression(), "random_state": 0},
    "ProxyCoresetSelector": lambda: {"proxy": LogisticRegression(), "random_state": 0},
    "RankingSettled": {"min_epochs": 1},
    "Soft": {"score": "entropy"},
    "Top": {"score": "entropy"},
    "TrainingRecord": lambda: dict(_record().channels),
    "Window": {"score": "entropy"},
    "VDCNN": {"depth": 9, "n_classes": 2, "widths": (4, 4, 4, 4), "hidden": 8},
    "PreActResNet": {"depth": 8, "n_classes": 2},
    "WhitenedConvNet": {"n_classes": 2, "widths": (8, 8, 8)},
    "BatchNormReLU": {"num_features": 4},
    "EpochErrorDisplay": lambda: {"table": _epochs()},
    "CoresetDisplay": lambda: {"table": sksvp.experiments.summary_table(_trainings())},
    "DataMapDisplay": lambda: {
        "table": pd.DataFrame(0.5, range(5), ["confidence", "variability", "correctness"])
    },
    "TrainingRecordDisplay": lambda: {"record": _record()},
    "AgreementMatrixDisplay": lambda: {"matrix": pd.DataFrame([[0.5]], ["a"], ["a"])},
    "OverlapDisplay": lambda: {"table": sksvp.agreement.overlap(range(9), range(9), [0.5])},
    "PilotDisplay": lambda: {
        "table": pd.DataFrame(
            [["random", 0.2, 0.0, 0.0]], columns=["candidate", "error", "difference", "standard_error"]
        )
    },
    "AgreementByEpochDisplay": lambda: {"tables": pd.DataFrame({"epoch": [1], "correlation": [0.5]})},
    "ActiveLearningDisplay": lambda: {"curve": pickle.loads(_curve())[1]},
    "ImageFolderRows": lambda: {"root": _image_files(), "files": ["a/1.png"], "image_size": 8, "n_jobs": 1},
    "PackedTexts": {"texts": ["a", "b"]},
    "Evidence": lambda: {"probabilities": np.full((4, 2), 0.5)},
    "CoresetRun": lambda: dict(vars(_coreset_run())),
    "ActiveRun": lambda: dict(vars(_active_run())),
    "HeadedNetwork": lambda: {"network": _network()},
    "Reproduction": _reproduction,
    "RunStore": lambda: {"path": _run_store().path},
    "TorchDatasetRows": lambda: {"dataset": _torch_dataset()},
}

# What an object is asked for, so that its constructor's arguments are looked at.
USES = {
    "CoresetRun": lambda run: sksvp.experiments.run_coreset(run, _run_folder(), report=_silent),
    "ActiveRun": lambda run: sksvp.experiments.run_active(run, _run_folder(), report=_silent),
    "PredictionsSettled": lambda stop: _learner(stop=stop),
    "RankingSettled": lambda stop: sksvp.ProxyCoresetSelector(
        SGDClassifier(loss="log_loss", max_iter=3, random_state=0), stop_proxy=stop, random_state=0
    ).fit(*blobs(30)),
    "ImageFolderRows": lambda rows: rows.read([0]),
    "DataMapDisplay": lambda display: display.plot(),
    "TrainingRecordDisplay": lambda display: display.plot(),
}

# Arguments by their names, for all callables; the entries of a callable come before these.
ARGUMENTS = {
    "X": lambda: blobs(30)[0],
    "X_new": lambda: blobs(5)[0],
    "X_test": lambda: blobs(30)[0],
    "X_val": lambda: None,
    "a": lambda: [1, 2, 3],
    "arrays": lambda: blobs(30)[0],
    "b": lambda: [1, 3, 2],
    "baseline_history": lambda: pickle.loads(_curve())[0],
    "changes": lambda: np.random.RandomState(0).rand(12, 30),
    "classes": lambda: None,
    "correct": lambda: np.eye(3, dtype=bool),
    "data_dir": lambda: ".",
    "dataset": _torch_dataset,
    "depth": lambda: 20,
    "estimator": LogisticRegression,
    "evidence": _evidence,
    "features": lambda: blobs(30)[0],
    "filenames": lambda: None,
    "function": lambda: sksvp.strategies.entropy,
    "history": lambda: pickle.loads(_curve())[0],
    "kind": lambda: "probabilities",
    "losses": lambda: np.random.RandomState(0).rand(12, 30),
    "margins": lambda: np.random.RandomState(0).randn(12, 30),
    "learner": lambda: sksvp.ProxyActiveLearner(
        LogisticRegression(), rounds=[3], initial_size=9, random_state=0
    ),
    "n_classes": lambda: 3,
    "n_features": lambda: 2,
    "n_jobs": lambda: 1,
    "n_labels": lambda: 9,
    "n_repeats": lambda: 1,
    "n_rows": lambda: 30,
    "n_samples": lambda: 5,
    "order": lambda: np.arange(30),
    "path": lambda: "file",
    "probabilities": lambda: np.full((30, 2), 0.5),
    "proxy": LogisticRegression,
    "random_state": lambda: 0,
    "record": lambda: sksvp.strategies.TrainingRecord.from_losses(np.random.RandomState(0).rand(12, 30)),
    "reference": lambda: np.arange(30.0),
    "report": lambda: _silent,
    "rows": lambda: np.arange(3),
    "runs": lambda: {"small": np.random.RandomState(0).rand(2, 30), "large": np.arange(30.0)},
    "scores": lambda: np.arange(30.0),
    "size": lambda: sksvp.strategies.DataSize(30, 2, 3, 5, 12),
    "strategy": lambda: "margin",
    "subset_size": lambda: 0.5,
    "target": LogisticRegression,
    "text": lambda: "some words",
    "texts": lambda: ["some", "words"],
    "y": lambda: blobs(30)[1],
    "y_test": lambda: blobs(30)[1],
    "y_val": lambda: None,
}


def _trainings():
    return sksvp.experiments.trainings_table(pickle.loads(_records())[0])


def _epochs():
    tested = {"epoch": [1, 2], "test_error": [0.4, 0.2], "cpu_seconds": [1.0, 2.0], "seconds": [1.0, 2.0]}
    return pd.DataFrame({"kind": "target", "name": "all rows", "n_rows": 30, "seed": 0, **tested})


def _published_weights():
    import torch

    from sksvp.estimators._torchvision import build_network

    torch.save(build_network("resnet18", 2).state_dict(), "resnet18-0123abcd.pth")
    return "resnet18-0123abcd.pth"


def _rounds():
    return sksvp.experiments.rounds_table(pickle.loads(_records())[1])


CALLS = {
    "active.ProxyActiveLearner.import_labels": {"path": _answers_file},
    "active.ProxyActiveLearner.export_query": {"path": lambda: "query.csv"},
    "active.ProxyActiveLearner.resume": {"folder": lambda: _resumable()},
    "active.ProxyActiveLearner.teach": {"rows": lambda: np.arange(2), "y": lambda: blobs(30)[1][:2]},
    "active.ProxyActiveLearner.query": {"n_samples": lambda: 3},
    "active.ProxyActiveLearner.predict": {"X": lambda: blobs(30)[0]},
    "agreement.agreement_by_epoch": {"strategy": lambda: "variability"},
    "agreement.overlap": {"shares": lambda: [0.5]},
    "agreement.proxy_agreement": {"shares": lambda: [0.5]},
    "coreset.CoresetClassifier.transform": {"X": lambda: blobs(30)[0]},
    "coreset.ProxyStop.from_json": {"content": lambda: {"n_epochs": 1, "max_epochs": 2}},
    "coreset.pilot": {"n_repeats": lambda: 3, "strategies": lambda: ["herding"]},
    "datasets.ImageFolderRows.read": {"indices": lambda: [0]},
    "datasets.ImageFolderRows.read_windows": {
        "indices": lambda: [0],
        "choose": lambda: lambda row, size: (0, 0, 8, 8),
    },
    "datasets.TorchDatasetRows.read": {"indices": lambda: [0]},
    "datasets.load_ag_news": {"data_dir": lambda: _reviews("ag_news_csv", 2)},
    "datasets.load_amazon_review_full": {"data_dir": lambda: _reviews("amazon_review_full_csv", 2)},
    "datasets.load_amazon_review_polarity": {"data_dir": lambda: _reviews("amazon_review_polarity_csv", 2)},
    "datasets.load_arrays": {"path": _arrays_file},
    "datasets.load_cifar10": {"data_dir": _cifar10},
    "datasets.load_cifar100": {"data_dir": _cifar100},
    "datasets.load_dbpedia": {"data_dir": lambda: _reviews("dbpedia_csv", 2)},
    "datasets.load_image_folder": {"root": _image_files, "image_size": lambda: 8},
    "datasets.load_imdb": {"data_dir": lambda: _reviews("imdb_csv", 1)},
    "datasets.load_label_prefix": {"path": _prefix_file},
    "datasets.load_mnist": {"data_dir": _mnist},
    "datasets.load_text_csv": {
        "path": _texts_file,
        "text_column": lambda: "text",
        "label_column": lambda: "label",
    },
    "datasets.load_yahoo_answers": {"data_dir": lambda: _reviews("yahoo_answers_csv", 3)},
    "datasets.load_yelp_review_full": {"data_dir": lambda: _reviews("yelp_review_full_csv", 1)},
    "datasets.load_yelp_review_polarity": {"data_dir": lambda: _reviews("yelp_review_polarity_csv", 1)},
    "estimators.*.save": {"path": lambda: "saved"},
    "estimators.TorchvisionClassifier.from_pretrained": {
        "network": lambda: "resnet18",
        "path": _published_weights,
        "image_size": lambda: 32,
    },
    "experiments.epochs_table": {"records": lambda: pickle.loads(_records())[0]},
    "experiments.budgets_table": {"records": lambda: pickle.loads(_records())[1]},
    "experiments.estimate": {"run": _coreset_run},
    "experiments.format_estimate": {"table": lambda: sksvp.experiments.estimate(_coreset_run())},
    "experiments.format_budgets": {
        "table": lambda: sksvp.experiments.budgets_table(pickle.loads(_records())[1])
    },
    "experiments.format_summary": {"table": lambda: sksvp.experiments.summary_table(_trainings())},
    "experiments.report_run": {"folder": lambda: _finished_run("coreset")},
    "experiments.rounds_table": {"records": lambda: pickle.loads(_records())[1]},
    "experiments.run_active": {"run": _active_run, "folder": _run_folder},
    "experiments.run_coreset": {"run": _coreset_run, "folder": _run_folder},
    "experiments.summary_table": {"trainings": _trainings},
    "experiments.trainings_table": {"records": lambda: pickle.loads(_records())[0]},
    "labelling.read_answers": {"path": _answers_file, "classes": lambda: [0, 1]},
    "labelling.write_query": {"path": lambda: "query.csv"},
    "networks.find_head": {"network": lambda: _network()},
    "reproduction.Reproduction.write": {"folder": lambda: "report"},
    "reproduction.RunStore.find": {"beginning": lambda: MODEL_KEY[:5]},
    "reproduction.RunStore.folder": {"key": lambda: MODEL_KEY},
    "reproduction.RunStore.has": {"key": lambda: MODEL_KEY},
    "reproduction.RunStore.read": {"key": lambda: MODEL_KEY},
    "reproduction.format_plan": {"plan": _plan},
    "plotting.ActiveLearningDisplay.from_estimator": {
        "n_repeats": lambda: 1,
        "models": lambda: ("proxy",),
    },
    "plotting.AgreementMatrixDisplay.from_runs": {"runs": lambda: {"a": [[1, 2, 3], [1, 3, 2]]}},
    "plotting.OverlapDisplay.from_scores": {"a": lambda: np.arange(30.0), "b": lambda: np.arange(30.0)},
    "plotting.AgreementByEpochDisplay.from_records": {
        "record": lambda: _record(),
        "reference": lambda: _record(),
    },
    "plotting.DataMapDisplay.from_record": {"record": lambda: _record()},
    "plotting.DataMapDisplay.from_selector": {"selector": lambda: _selector()},
    "plotting.TrainingRecordDisplay.from_record": {"record": lambda: _record()},
    "plotting.TrainingRecordDisplay.from_selector": {"selector": lambda: _selector()},
    "plotting.CoresetDisplay.from_run": {"folder": lambda: _reported_run()},
    "plotting.save_active_figure": {"rounds": _rounds, "path": lambda: "figure.png"},
    "plotting.save_epochs_figure": {"table": _epochs, "path": lambda: "figure.png"},
    "plotting.save_run_figure": {
        "table": lambda: sksvp.experiments.summary_table(_trainings()),
        "path": lambda: "figure.png",
    },
    "strategies.TrainingRecord.from_array": {"array": lambda: np.ones((5, 2, 3))},
    "strategies.TrainingRecord.from_probabilities": {
        "probabilities": lambda: np.full((2, 30, 3), 1 / 3),
        "y": lambda: blobs(30)[1],
    },
    "strategies.TrainingRecord.load": {"path": lambda: _record_file()},
    "strategies.TrainingRecord.require": {"name": lambda: "loss"},
    "strategies.badge": {"y": lambda: None},
    "strategies.choose": {"strategy": lambda: sksvp.strategies.Margin()},
    "strategies.el2n": {"probabilities": lambda: np.full((30, 3), 1 / 3)},
    "strategies.*.note": {"values": lambda: np.ones(3)},
    "strategies.*.update": {"logits": lambda: np.eye(3), "y": lambda: np.arange(3)},
    "strategies.register_strategy": {
        "name": lambda: "margin",
        "cls": lambda: sksvp.strategies.Margin,
    },
}


def _record_file():
    _record().save("record.npz")
    return "record.npz"


def _network():
    from torch import nn

    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))


def _resumable():
    shutil.rmtree("runs", ignore_errors=True)  # a run of before would go on
    _learner(checkpoint="runs").close()
    return "runs"


def _reported_run():
    folder = _finished_run("coreset")
    sksvp.experiments.report_run(folder, report=_silent)
    return folder.path


def _saved(cls):
    pickle.loads(_fitted(cls)).save("saved model")
    return "saved model"


# Callables ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One public callable: a function, a constructor (`method` is None) or a method of a class."""

    package: str
    name: str
    method: str | None = None

    def __str__(self):
        return f"{self.package}.{self.name}" + (f".{self.method}" if self.method else "")

    @property
    def thing(self):
        return getattr(import_module(self.package), self.name)

    @property
    def callable(self):
        if self.method is None:
            return self.thing
        return getattr(self.thing, self.method)

    @property
    def parameters(self) -> list[inspect.Parameter]:
        parameters = list(inspect.signature(self.callable).parameters.values())
        if self.method is not None and not self._is_bound():
            parameters = parameters[1:]
        return [parameter for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]

    def _is_bound(self) -> bool:
        return isinstance(inspect.getattr_static(self.thing, self.method), classmethod | staticmethod)

    def _arguments_of(self, table) -> dict:
        short = str(self).removeprefix("sksvp.")
        starred = re.sub(r"\.\w+\.", ".*.", short) if self.method else short
        return {**table.get(starred, {}), **table.get(short, {})}

    def good_arguments(self, leave=()) -> dict:
        """Return arguments that the callable takes, without those named in `leave`."""
        is_class = self.method is None and isinstance(self.thing, type)
        own = _small(self.thing) if is_class else {}
        made = self._arguments_of(CALLS)
        good = {}
        X, y = _estimator_data(self.thing) if self.method else (None, None)
        for parameter in self.parameters:
            name = parameter.name
            if name in leave:
                continue
            if name in own:
                good[name] = own[name]
            elif name in made:
                good[name] = made[name]()
            elif self.method == "load" and name == "path":
                good[name] = _saved(self.thing)
            elif self.method and name in ("X", "y") and isinstance(self.thing, type):
                good[name] = X if name == "X" else y
            elif name in ARGUMENTS and parameter.default is parameter.empty:
                good[name] = ARGUMENTS[name]()
        return good

    def call(self, arguments: Mapping):
        """Call with these arguments, on a fitted object where it is a method."""
        arguments = dict(arguments)
        function = self.callable
        if self.method is not None and not self._is_bound():
            function = getattr(_fresh(self.thing), self.method)
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
        positional = [arguments.pop(p.name) for p in self.parameters if p.kind in kinds]
        result = function(*positional, **arguments)
        if self.method is None and isinstance(self.thing, type):
            use(result)
        return result


def use(thing):
    """Do with an object what makes it look at its parameters."""
    if type(thing).__name__ in USES:
        USES[type(thing).__name__](thing)
    elif hasattr(thing, "rank"):
        thing.rank(_evidence(), 5, random_state=0)
    elif isinstance(thing, BaseEstimator) and hasattr(thing, "fit"):
        thing.fit(*_estimator_data(type(thing)))


def _small(cls) -> dict:
    small = SMALL.get(cls.__name__, {})
    return small() if callable(small) else dict(small)


@cache
def _fitted(cls) -> bytes:
    thing = cls(**_small(cls)).fit(*_estimator_data(cls))
    return pickle.dumps(thing)


def _fresh(cls):
    """Return an object whose methods can be called."""
    name = cls.__name__
    if name == "ProxyActiveLearner":
        return _learner()
    if name == "TorchDatasetRows":
        return cls(_torch_dataset())
    if issubclass(cls, BaseEstimator) and hasattr(cls, "fit"):
        return pickle.loads(_fitted(cls))
    if issubclass(cls, sksvp.strategies.Recorder):
        return cls(30)
    if name == "Evidence":
        return _evidence()
    return cls(**_small(cls))


def _own_methods(cls) -> list[str]:
    names = []
    for name in dir(cls):
        method = getattr(cls, name)
        if name.startswith("_") or name.endswith("_request") or not callable(method):
            continue
        if getattr(method, "__module__", "").startswith("sksvp") and not isinstance(method, type):
            names.append(name)
    return names


def _is_left_out(case: Case) -> bool:
    names = {f"{case.package}.{case.name}", str(case)}
    if case.method:
        names.add(f"{case.package}.*.{case.method}")
    return bool(names & CALLED_BY_THE_PACKAGE)


def _needs(case: Case) -> str | None:
    if case.name == "FastTextClassifier":
        return "fasttext"
    if case.name == "TorchvisionClassifier":
        return "torchvision"
    return "matplotlib" if case.package == "sksvp.plotting" else None


def find_cases() -> list[Case]:
    """List every public callable, an inherited method once, except that all classes are fitted."""
    cases = []
    seen = set()
    for module in pkgutil.iter_modules(sksvp.__path__, "sksvp."):
        if module.name in NOT_PUBLIC or module.name.rpartition(".")[2].startswith("_"):
            continue
        package = import_module(module.name)
        for name in package.__all__:
            thing = getattr(package, name)
            if not callable(thing) or (isinstance(thing, type) and issubclass(thing, Warning | Exception)):
                continue
            # Results are dataclasses and tuples: users read them.
            is_result = is_dataclass(thing) or (isinstance(thing, type) and issubclass(thing, tuple))
            if name not in BASES and (name in USES or not is_result):
                cases.append(Case(module.name, name))
            if isinstance(thing, type) and name not in BASES and not is_result:
                for method in _own_methods(thing):
                    function = getattr(getattr(thing, method), "__func__", getattr(thing, method))
                    if method == "fit" or function not in seen:
                        cases.append(Case(module.name, name, method))
                    seen.add(function)
    return [case for case in cases if not _is_left_out(case)]


CASES = find_cases()


# What may be refused and what must be ---------------------------------------------------------------


def _documented_type(case: Case, name: str) -> str:
    """Return the type that a docstring states for a parameter."""
    documented = inspect.getdoc(case.callable) or ""
    found = re.search(rf"^(?:\w+, )*{name}(?:, \w+)* : (.*)$", documented, flags=re.MULTILINE)
    return found.group(1) if found else ""


def must_refuse(case: Case, parameter: inspect.Parameter, value) -> bool:
    """Tell whether the signature or the docstring rules a value out."""
    if isinstance(value, np.ndarray | pd.DataFrame):
        return False
    stated = re.sub(r",? (default=|optional).*", "", _documented_type(case, parameter.name))
    if value is None and (parameter.default is None or "None" in stated):
        return False
    stated = stated.removesuffix(" or None")
    is_bool = isinstance(value, bool | np.bool_)
    if parameter.name == "verbose":
        return not (is_bool or isinstance(value, Integral))
    if isinstance(parameter.default, bool) or stated == "bool":
        return not is_bool
    if stated == "int":
        return is_bool or not isinstance(value, Integral)
    if stated == "float":
        return is_bool or not isinstance(value, Real) or value != value
    if re.fullmatch(r"\{[^}]*\}", stated):
        return not isinstance(value, str) or value not in re.findall(r'"(.*?)"', stated)
    if stated in ("str or path", "str or path-like"):
        return not isinstance(value, str | os.PathLike) or value == ""
    if stated == "str":
        return not isinstance(value, str)
    return type(value) is object


class Hang(BaseException):
    """Raised in a call that takes too long; no `except Exception` stops it."""


def _alarm(number, frame):
    raise Hang("did not end")


def judge(case: Case, parameter: inspect.Parameter, label: str) -> str | None:
    """Call with a bad value; return what is wrong with the outcome, or None."""
    value = VALUES[label]
    arguments = case.good_arguments(leave={parameter.name}) | {parameter.name: value}
    try:
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        case.call(arguments)
    except (ValueError, TypeError, NotFittedError, OSError) as error:
        names = {parameter.name, parameter.name.rstrip("_")}
        if isinstance(value, str) and value and (value[:50] in str(error) or repr(value) in str(error)):
            return None
        if label == "texts" and any(f"/{text} " in str(error) for text in value):
            return None
        names |= set(SYNONYMS.get(parameter.name.partition("_")[0], "").split())
        if any(re.search(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", str(error)) for name in names):
            return None
        return f"{type(error).__name__} does not name it: {str(error)[:150]}"
    except Hang:
        return "did not end"
    except Exception as error:
        if isinstance(error, IndexError) and parameter.name == "indices":
            return None
        return f"{type(error).__name__}: {str(error)[:150]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "was accepted" if must_refuse(case, parameter, value) else None


# Tests ----------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True, scope="module")
def compiled_loops():
    """Compile the loops of strategies, which takes seconds once on a machine and is no part of a call."""
    for strategy in (sksvp.strategies.FacilityLocation(), sksvp.strategies.BADGE()):
        strategy.rank(_evidence(), 5, random_state=0)


@pytest.fixture(autouse=True)
def bounded(tmp_path, monkeypatch):
    """Work in an empty folder, without warnings, and end what does not end by itself."""
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.signal(number, _alarm) for number in (signal.SIGALRM, signal.SIGPROF)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _skip_without_its_library(case: Case) -> None:
    library = _needs(case)
    if library and find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    if library == "matplotlib":
        import matplotlib

        matplotlib.use("Agg")


def _marks(case: Case) -> list:
    return [pytest.mark.fuzz] if case.package in SLOW else []


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case), marks=_marks(case)) for case in CASES])
def test_good_arguments(case):
    """Without this a bad value could be refused for another argument's sake."""
    _skip_without_its_library(case)
    case.call(case.good_arguments())


def _is_known(case: Case, parameter: inspect.Parameter) -> bool:
    return parameter.name in KNOWN.get(str(case), "").split()


def _parameters():
    for case in CASES:
        for parameter in case.parameters:
            marks = _marks(case)
            if _is_known(case, parameter):
                marks.append(pytest.mark.xfail(strict=True, reason="listed in KNOWN"))
            yield pytest.param(case, parameter, id=f"{case}-{parameter.name}", marks=marks)


@pytest.mark.parametrize(("case", "parameter"), list(_parameters()))
def test_bad_values(case, parameter, monkeypatch):
    _skip_without_its_library(case)
    labels = [label for label in VALUES if label not in LEFT_OUT.get(parameter.name, ())]
    wrong = {label: judge(case, parameter, label) for label in labels}
    wrong = {label: why for label, why in wrong.items() if why is not None}
    assert not wrong, "\n".join(f"{case}({parameter.name}={label}): {why}" for label, why in wrong.items())


def test_every_known_failure_is_of_a_callable():
    parameters = {f"{case} {parameter.name}" for case in CASES for parameter in case.parameters}
    assert {f"{case} {name}" for case, names in KNOWN.items() for name in names.split()} <= parameters
