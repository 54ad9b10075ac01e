"""The command ``sksvp score``."""

import shutil
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from .._storage._files import replacing
from ._config import read_config, write_config
from ._coreset import DIGITS_EPOCHS
from ._data import Data
from ._folders import new_folder
from ._groups import Group, option, takes_groups
from ._models import build_classifier, full_name, network_kind, network_names
from ._networks import Learning, proxy_default
from ._run import says_how_to_go_on

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.utils import Bunch

_SUFFIXES = (".csv", ".parquet")
_PARQUET_ENGINES = ("pyarrow", "fastparquet")


@dataclass(frozen=True)
class Scorer(Group):
    """The network that scores."""

    panel: ClassVar[str] = "Network"

    proxy: str | None = option(
        f"Network that scores: {network_names()}.",
        unset="resnet20; digits: resnet8; texts: bag-of-ngrams",
    )
    probabilities: str = option(
        "Whose class probabilities give entropy, least confidence and margin: in_sample (the proxy's, which was "
        "trained on the rows) or out_of_fold (models' that have not seen them; five trainings more).",
        choices=("in_sample", "out_of_fold"),
        default="in_sample",
    )
    seed: int = option("Seed of weights, order and augmentation.", default=0, low=0, high=2**32 - 1)


@dataclass(frozen=True)
class Table(Group):
    """The file of the scores, and whether its training is resumed."""

    panel: ClassVar[str] = "Run"

    config: Path | None = option(
        "A TOML file of options. Options of the command line have precedence.", callback=read_config
    )
    out: Path = option(
        "File of the scores: .csv, or .parquet, which needs pyarrow or fastparquet.",
        default=Path("scores.csv"),
    )
    checkpoint_every: int = option(
        "Epochs after which an unfinished training is kept for --resume; 0: only finished ones are.",
        default=10,
        low=0,
    )
    resume: bool = option("Continue a stopped command with this --out.", default=False)

    @property
    def unfinished(self) -> Path:
        """Folder beside the file, which holds the training until the file is written."""
        return self.out.with_name(f"{self.out.name}.unfinished")

    def check(self) -> None:
        """Check the file's name before anything is loaded.

        Raises
        ------
        ValueError
            For another kind of file, and for one that exists.
        ImportError
            For a .parquet file without a package that writes it.
        """
        suffix = self.out.suffix.lower()
        if suffix not in _SUFFIXES:
            raise ValueError(f"--out must be a file .csv or .parquet, got {self.out}.")
        if suffix == ".parquet" and not any(map(find_spec, _PARQUET_ENGINES)):
            raise ImportError(
                f"--out {self.out} needs pyarrow or fastparquet (pip install pyarrow); a .csv file needs neither."
            )
        if self.out.exists():
            raise ValueError(f"--out {self.out} is there already: name another file, or remove it.")
        if self.resume and not self.unfinished.exists():
            typer.echo(
                f"note: no unfinished run of --out {self.out} is there: --resume begins one.", err=True
            )
        if not self.resume and self.unfinished.exists():
            raise ValueError(
                f"--out {self.out}: a stopped command has left {self.unfinished}: --resume goes on with it, or remove "
                "it."
            )


@takes_groups
def score(data: Data, scorer: Scorer, learning: Learning, table: Table) -> None:
    """Train one small proxy on all rows, and write every score that it allows for each row.

    The file has one line for each training row: its number, its file or line where it
    has one, its label and the scores. Rows with higher scores are chosen first.

    \b
    Examples:
      sksvp score --dataset digits --out digits.csv
      sksvp score --data reviews.csv --epochs 25 --lr 0.5 --out reviews.csv
      sksvp score --dataset folder --data-dir photos --image-size 64 --out p.csv
    """
    table.check()
    data.check()
    name = full_name(scorer.proxy or proxy_default(data), data.dataset)
    network_kind(name, "--proxy")
    filled = learning.filled(data, digits_epochs=DIGITS_EPOCHS)
    proxy = build_classifier(name, option="--proxy", random_state=scorer.seed, **filled.params(data))
    bunch = data.load(proxy, [name], needs_test=False)

    from ..experiments import RunFolder, keep_training, training_folder
    from ._bunch import data_digest

    settings = {
        **data.settings(),
        "proxy": name,
        "seed": scorer.seed,
        "probabilities": scorer.probabilities,
        **filled.settings(proxy),
        "content of the data": data_digest(bunch),
    }
    folder = RunFolder(new_folder("score", table.unfinished), settings, resume=table.resume)
    write_config(folder.path, "score", data, scorer, learning, table)
    keep_training(proxy, training_folder(folder.path, "proxy"), table.checkpoint_every)
    with folder.alone(), says_how_to_go_on(table.out):
        fitted = _fit(proxy, bunch, scorer, folder.path / "proxies")
        scores = fitted.score_table(bunch.X_train).drop(columns=["y", "kept"])
        _write(_about_rows(bunch).join(scores), table.out)
    shutil.rmtree(table.unfinished)
    if bunch.X_test is not None:
        error = 1.0 - fitted.proxy_.score(bunch.X_test, bunch.y_test)
        typer.echo(f"{name}: error {100 * error:.2f} % on {len(bunch.y_test):,} test rows")
    _tell_missing(name, fitted.proxy_, list(scores))
    typer.echo(f"{len(scores):,} rows with {len(scores.columns)} scores: {', '.join(scores)}")
    typer.echo(f"written to {table.out}")


def _fit(proxy: Any, bunch: "Bunch", scorer: Scorer, memory: Path) -> Any:
    """Train the proxy; of what is said of chosen rows, only what concerns their scores is shown."""
    from ..coreset import ByChanceWarning, MemorisedProxyWarning, ProxyCoresetSelector, RiskyChoiceWarning

    selector = ProxyCoresetSelector(
        proxy,
        strategy="entropy",
        record_all=True,
        probabilities=scorer.probabilities,
        memory=memory,
        random_state=scorer.seed,
    )
    with warnings.catch_warnings():
        for category in (ByChanceWarning, RiskyChoiceWarning):
            warnings.simplefilter("ignore", category)
        warnings.simplefilter("default", MemorisedProxyWarning)
        return selector.fit(bunch.X_train, bunch.y_train)


def _about_rows(bunch: "Bunch") -> "pd.DataFrame":
    """Return number, place and label of each training row."""
    import numpy as np
    import pandas as pd

    labels = np.asarray(bunch.y_train)
    names = np.asarray(bunch.target_names)
    # Loaders of files number the classes; arrays keep the user's labels.
    if labels.dtype.kind in "iu" and names.dtype.kind == "U":
        labels = names[labels]
    numbers = bunch.get("row_numbers")
    columns: dict[str, Any] = {"row": np.arange(len(labels)) if numbers is None else numbers}
    for column, place in (("file", "filenames_train"), ("line", "lines_train")):
        if bunch.get(place) is not None:
            columns[column] = bunch[place]
    return pd.DataFrame({**columns, "label": labels})


def _write(scores: "pd.DataFrame", path: Path) -> None:
    with replacing(path) as part:
        if path.suffix.lower() == ".csv":
            # File names can have bytes that are not text.
            scores.to_csv(part, index=False, errors="backslashreplace")
        else:
            scores.to_parquet(part, index=False)


def _tell_missing(name: str, proxy: Any, scores: list[str]) -> None:
    """Name the scores that the proxy's evidence does not allow."""
    from ..proxies import as_proxy
    from ..strategies import resolve_strategy, strategy_names

    gives = as_proxy(proxy).gives
    missing: dict[str, list[str]] = {}
    for rule in strategy_names():
        strategy = resolve_strategy(rule)
        lacking = " and ".join(kind for kind in strategy.requires if kind not in gives)
        if rule not in scores and lacking and getattr(strategy, "scores_each_row", False):
            missing.setdefault(lacking, []).append(rule)
    for lacking, rules in missing.items():
        typer.echo(f"without {', '.join(rules)}: {name} gives no {lacking}")
