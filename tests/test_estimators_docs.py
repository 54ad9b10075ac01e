"""The docstrings of the classifiers, whose bases document what they share."""

import inspect
import re

import pytest

from sksvp import estimators, strategies
from sksvp.estimators._classifier import Classifier

CLASSES = [cls for name in estimators.__all__ if isinstance(cls := getattr(estimators, name), type)]


def section(cls, heading):
    """Return name, type and text of the entries of a section, as numpydoc reads them."""
    body = re.split(r"^(\w[\w ]*)\n-+\n", cls.__doc__, flags=re.MULTILINE)
    text = dict(zip(body[1::2], body[2::2], strict=True))[heading]
    return re.findall(r"^(\S.*?) : (.+)\n((?:    .+\n?|\n(?=    ))+)", text, flags=re.MULTILINE)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_parameter_is_documented_in_the_order_of_the_signature(cls):
    parameters = inspect.signature(cls).parameters
    documented = [
        (name, kind, text) for names, kind, text in section(cls, "Parameters") for name in names.split(", ")
    ]
    assert [name for name, _, _ in documented] == list(parameters)
    for name, kind, text in documented:
        default = kind.partition("default=")[2]
        assert eval(default) == parameters[name].default, name
        assert text.strip(), name


@pytest.mark.parametrize("cls", CLASSES)
def test_attributes_of_all_bases_are_documented_once(cls):
    names = [name for name, _, _ in section(cls, "Attributes")]
    assert len(set(names)) == len(names)
    assert names[0] == "classes_" and "format_" in names
    assert ("net_" in names) == hasattr(cls, "partial_fit")


def test_a_class_of_a_user_inherits_too():
    class Narrow(estimators.ResNetClassifier):
        """A ResNet.

        Parameters
        ----------
        depth : int, default=8
            Layers.
        extra : bool, default=False
            Of its own.

        See Also
        --------
        ResNetClassifier : Its base.
        """

        def __init__(self, depth=8, *, extra=False, batch_size=32, undocumented=None):
            super().__init__(depth, batch_size=batch_size)
            self.extra = extra
            self.undocumented = undocumented

    assert Narrow.__doc__.startswith(
        "A ResNet.\n\nParameters\n----------\ndepth : int, default=8\n    Layers.\n"
    )
    assert "batch_size : int, default=32\n    Number of rows of a training batch" in Narrow.__doc__
    assert Narrow.__doc__.endswith("See Also\n--------\nResNetClassifier : Its base.")
    assert [name for name, _, _ in section(Narrow, "Parameters")] == ["depth", "extra", "batch_size"]
    assert (Narrow(extra=True).extra, Narrow().batch_size) == (True, 32)


def test_a_class_without_a_docstring_stays_so():
    class Bare(Classifier):
        def __init__(self, verbose=0):
            self.verbose = verbose

    assert Bare.__doc__ is None


def test_a_method_of_a_user_has_the_sections_of_its_base():
    class Shortest(strategies.ScoredStrategy):
        def score(self, evidence, rows):
            """Return minus the length of `rows`."""

    assert Shortest.score.__doc__.startswith(
        "Return minus the length of `rows`.\n\nParameters\n----------\nevidence"
    )
    assert Shortest.rank.__doc__ == strategies.ScoredStrategy.rank.__doc__
