"""Descriptions of user's code: what makes an edited class another one."""

import subprocess
import sys
import types

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sksvp import ProxyActiveLearner, ProxyCoresetSelector
from sksvp._storage._describe import describe

CELL = """
import functools
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.metaestimators import available_if
import torch

CONSTANT = 1.0
LAYERS = [8, 4]

def deep(X):
    return X * 2

def helper(X):
    return deep(X)

@functools.cache
def cached():
    return 3

class Base:
    def scale(self, X):
        return X / 5

class Block(torch.nn.Module):
    def forward(self, X):
        return X.relu()

def make_closure(power):
    def closure(X):
        return X**power
    return closure

def decorated(function):
    @functools.wraps(function)
    def wrapper(self, X, y):
        return function(self, X, y)
    return wrapper

class Mine(Base, ClassifierMixin, BaseEstimator):
    width = 16
    power = staticmethod(make_closure(7))
    part = functools.partial(deep, X=9)

    def __init__(self, C=1.0):
        self.C = C

    @decorated
    def fit(self, X, y):
        class Inner:
            size = 11
        self.model_ = LogisticRegression(C=CONSTANT).fit(helper(self.scale(X)), y)
        self.block_, self.layers_, self.cached_ = Block(), LAYERS, cached()
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)

    @available_if(lambda self: True)
    def predict_proba(self, X, rows=slice(None, 12)):
        return self.model_.predict_proba(X)

    @property
    def doubled(self):
        return 13
"""


def run_cell(text, name="Mine"):
    space = {"__name__": "__main__"}
    exec(text, space)
    return space[name]


EDITS = [
    ("CONSTANT = 1.0", "CONSTANT = 2.0"),
    ("[8, 4]", "[8, 5]"),
    ("X * 2", "X * 3"),
    ("return 3", "return 4"),
    ("X / 5", "X / 6"),
    ("X.relu()", "X.tanh()"),
    ("width = 16", "width = 17"),
    ("make_closure(7)", "make_closure(8)"),
    ("X=9", "X=10"),
    ("size = 11", "size = 12"),
    ("None, 12", "None, 13"),
    ("return 13", "return 14"),
    ("lambda self: True", "lambda self: False"),
    ("return function(self, X, y)", "return function(self, X + 1, y)"),
    ("self.model_.predict(X)", "self.model_.predict(X)[::1]"),
]


@pytest.mark.parametrize(("old", "new"), EDITS, ids=[new for _, new in EDITS])
def test_an_edited_class_is_another_one(old, new):
    assert old in CELL
    plain = describe(run_cell(CELL)())
    assert describe(run_cell(CELL)()) == plain
    assert describe(run_cell(CELL.replace(old, new))()) != plain


def test_what_the_class_does_not_use_does_not_count():
    plain = describe(run_cell(CELL))
    assert describe(run_cell(CELL + "\nmodel_ = 5\ndef other():\n    return 1\n")) == plain


def test_two_classes_of_one_name():
    cell = "def make(C):\n    class Same:\n        def value(self):\n            return C\n    return Same\n"
    make = run_cell(cell, "make")
    assert describe([make(1), make(1)]) != describe([make(1), make(2)])


def test_functions_as_parameters():
    def pipeline(text):
        return make_pipeline(FunctionTransformer(run_cell(text, "helper")), LogisticRegression())

    assert describe(pipeline(CELL)) == describe(pipeline(CELL))
    assert describe(pipeline(CELL)) != describe(pipeline(CELL.replace("X * 2", "X * 3")))


def test_functions_of_a_module_of_the_user(monkeypatch):
    def function_with(text):
        module = types.ModuleType("their_helpers")
        exec(text, vars(module))
        monkeypatch.setitem(sys.modules, "their_helpers", module)
        return run_cell(
            "import their_helpers\ndef function(X):\n    return their_helpers.scale(X)\n", "function"
        )

    plain = describe(function_with("def scale(X):\n    return X\n"))
    assert describe(function_with("def scale(X):\n    return X\n\nunused = 3\n")) == plain
    assert describe(function_with("def scale(X):\n    return 2 * X\n")) != plain


def test_modules_inside_a_module():
    def network(text):
        return run_cell(text + "\ntorch.manual_seed(0)\nnetwork = torch.nn.Sequential(Block())", "network")

    assert describe(network(CELL)) == describe(network(CELL))
    assert describe(network(CELL)) != describe(network(CELL.replace("X.relu()", "X.tanh()")))


def test_circles_and_objects_without_content():
    cell = (
        "import threading\nlock = threading.Lock()\nclass Node:\n    pass\nnode = Node()\nnode.me = node\n"
        "def even(n):\n    return n == 0 or odd(n - 1)\ndef odd(n):\n    return n != 0 and even(n - 1)\n"
        "def function():\n    with lock:\n        return node, even\n"
    )
    plain = describe(run_cell(cell, "function"))
    assert describe(run_cell(cell, "function")) == plain
    assert describe(run_cell(cell.replace("n != 0", "n > 0"), "function")) != plain


@pytest.mark.slow
def test_another_process_describes_alike(tmp_path):
    code = f"from sksvp._storage._describe import describe\n{CELL}\nprint(describe(Mine(C=2.0)))"
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1 and "Mine" in told.pop()


def test_memory_and_checkpoint_see_the_edit(tmp_path, monkeypatch):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 4))
    y = (X[:, 0] > 0).astype(int)
    found = []
    for text in (CELL, CELL, CELL.replace("CONSTANT = 1.0", "CONSTANT = 0.01")):
        exec(text, vars(sys.modules["__main__"]))
        proxy = sys.modules["__main__"].Mine()
        monkeypatch.setattr(sys.modules["__main__"], "Mine", type(proxy), raising=False)
        selector = ProxyCoresetSelector(proxy, strategy="entropy", memory=tmp_path / "memory", random_state=0)
        selector.fit(X, y)
        found.append((selector.from_cache_, selector.proxy_.model_.C))
        learner = ProxyActiveLearner(proxy, checkpoint=tmp_path / "runs", random_state=0)
        learner.fit(X).close()
    assert found == [(False, 1.0), (True, 1.0), (False, 0.01)]
    assert len([path for path in (tmp_path / "runs").iterdir() if path.is_dir()]) == 2
