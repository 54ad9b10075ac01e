"""What is checked of a model before it is trained."""

import os
from collections.abc import Iterable

from sklearn import get_config
from sklearn.base import is_regressor

from ..strategies import resolve_strategy, strategy_names
from ._model import Model
from ._pipelines import parts_of, resamples


class CheckedModel(Model):
    """A model that can be checked for what it will have to do."""

    def check_gives(self, requires: Iterable[str]) -> None:
        """Check that the proxy can give what a strategy needs.

        Parameters
        ----------
        requires : iterable of str
            Kinds of evidence.

        Raises
        ------
        ValueError
            If it cannot; the message lists what it can serve.
        """
        gives = self.gives
        missing = [kind for kind in requires if kind not in gives]
        if missing:
            raise ValueError(
                f"The proxy {self} cannot give {' and '.join(missing)}, which the strategy needs. It can "
                f"give {', '.join(gives)} and so serve the strategies {', '.join(self._served())}."
                + "".join(f" {way}" for way in self._ways_out(missing))
            )

    def _served(self) -> list[str]:
        """Return the names of the strategies that it can serve."""
        gives = set(self.gives)
        return [name for name in strategy_names() if set(resolve_strategy(name).requires) <= gives]

    def _ways_out(self, missing: list[str]) -> list[str]:
        """Say how the proxy could be made to give what it cannot."""
        name = type(self.classifier).__name__
        ways = []
        if "probabilities" in missing and hasattr(self.classifier, "decision_function"):
            ways.append(f"CalibratedClassifierCV({name}(...)) gives probabilities.")
        if "inputs" in missing:
            ways.append(
                f"Inputs are numbers that have not seen the labels, and {name} reads texts. A Pipeline with a "
                "vectorizer and a TruncatedSVD before its classifier has such."
            )
        return ways

    def check_classifies(self, name: str) -> None:
        """Check that the parameter called `name`, which is trained on class labels, is no regressor.

        It need not say that it is a classifier: a skorch ``NeuralNet`` and wrappers
        without tags do not.

        Parameters
        ----------
        name : str
            Name of the parameter for the message.

        Raises
        ------
        ValueError
            For a regressor.
        """
        if hasattr(self.estimator, "__sklearn_tags__") and is_regressor(self.estimator):
            raise ValueError(f"{name} must be a classifier, got the regressor {self.estimator!r}.")

    def check_params(self) -> None:
        """Check the parameters of the classifier and of the steps before it, before anything is trained.

        Raises
        ------
        ValueError
            As the `fit` of the part whose parameter it is.
        """
        if get_config()["skip_parameter_validation"] or self.is_frozen:
            return
        for part in parts_of(self.estimator):
            if hasattr(part, "check_params"):
                part.check_params()
            elif hasattr(type(part), "_parameter_constraints"):
                part._validate_params()

    def check_trained_alone(self, what: str) -> None:
        """Refuse a folder for a model that several processes train: all but one would wait for its lock forever.

        Parameters
        ----------
        what : str
            Name of the folder's parameter for the message.

        Raises
        ------
        ValueError
            If several processes have been started; names the folder's parameter.
        """
        together = getattr(self.classifier, "distributed", False)
        if together and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise ValueError(
                f"{what} is held by one process at a time, and distributed=True needs all of them: leave one of them "
                "out (a network's own checkpoint survives interruptions too)."
            )

    def check_warm_start(self) -> None:
        """Check that the proxy can start from former weights.

        Raises
        ------
        ValueError
            If it cannot. An ensemble's `warm_start` does something else: it adds trees
            and leaves the present ones as they are.
        """
        if not self.is_frozen and not self._can_start_warm():
            raise ValueError(
                f"warm_start=True needs a proxy that can train on from former weights: a network of sksvp.estimators, "
                f"a skorch net, or a classifier with a warm_start of that meaning, such as LogisticRegression; got "
                f"{type(self.classifier).__name__}."
            )

    def check_nests_in(self, target: "CheckedModel") -> None:
        """Check that a target can begin from the weights of this proxy.

        Parameters
        ----------
        target : Proxy
            The target.

        Raises
        ------
        ValueError
            If the two are no networks of ``sksvp.estimators`` of one architecture; a
            residual network also nests a shallower one.
        """
        if not self._nests_in(target):
            raise ValueError(
                "warm_target=True needs a proxy whose weights the target can begin from: networks of sksvp.estimators "
                "with the same architecture, or a shallower ResNetClassifier with the same block; got "
                f"{self.classifier!r} for {target.classifier!r}."
            )

    def _nests_in(self, target: "CheckedModel") -> bool:
        return False

    def _can_start_warm(self) -> bool:
        return hasattr(self.classifier, "warm_start") and not hasattr(self.classifier, "n_estimators")

    def check_watchable(self, requires: Iterable[str]) -> None:
        """Check that a training which gives these kinds of evidence has epochs, after which it can be ended.

        Parameters
        ----------
        requires : iterable of str
            Kinds of evidence.

        Raises
        ------
        ValueError
            For a proxy that has no epochs, is frozen, or resamples the rows.
        """
        if resamples(self.estimator):
            raise ValueError(
                f"stop_proxy follows the ranking of the rows of X, and a step of {type(self.estimator).__name__} "
                "resamples them: leave one of them out."
            )
        if self.is_frozen or not self._has_epochs(self._records_of(requires)):
            raise ValueError(
                f"stop_proxy needs a proxy that is trained in epochs here: a network of sksvp.estimators, a skorch "
                f"net, Incremental, or, with forgetting events, a classifier with partial_fit; alone or as the last "
                f"step of a Pipeline. Got {type(self.classifier).__name__}{', frozen' if self.is_frozen else ''}."
            )
