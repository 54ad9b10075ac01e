"""What layouts ask: the lines of a table for a data set at a scale, and the networks that stand for the paper's."""

from pathlib import Path
from typing import Any

from .._inputs._paths import as_path
from ..experiments import clocks_in_order
from ._data import load_data
from ._models import ALL_ROWS, Model, Network, Rows
from ._store import RunStore
from ._tables import Row, check_known, data_sets, read_table, recipes, stand_ins
from ._trainings import Trainings

_PAPER_NAMES = {
    **{f"resnet{depth}": f"ResNet{depth}" for depth in (18, 20, 50, 56, 110, 164)},
    "vdcnn9": "VDCNN9",
    "vdcnn29": "VDCNN29",
    "fasttext": "fastText",
}


class Job:
    """A table of the paper on one data set at one scale; the parameters are those of `Reproduction`.

    Attributes
    ----------
    table : Table
        What the paper shows.
    recipe : dict
        Settings of the scale.
    paper_data : str
        Data set of the paper whose figures stand beside ours.
    data_name : str
        Data set of our trainings.
    trainings : Trainings
    seeds : list of int
    clock : {"cpu_seconds", "seconds"}
        Of the processor on a CPU, by the wall on a GPU.
    asked_rows : list of Row
        Lines whose trainings are asked for.
    asked_shares : list of float
        Columns whose trainings are asked for.
    """

    def __init__(
        self,
        name,
        *,
        dataset,
        data_dir,
        download,
        scale,
        seeds,
        lines,
        shares,
        weights,
        store,
        device,
        checkpoint_every,
        report,
    ):
        self.table = read_table(name)
        self.scale = scale
        self.recipe = recipes()[scale]
        dataset = next(iter(self.table.rows)) if dataset is None else dataset
        check_known(dataset, [*data_sets()], "dataset")
        self.paper_data = data_sets()[dataset].get("paper", dataset)
        if self.paper_data not in self.table.rows:
            here = [
                other for other, entry in data_sets().items() if entry.get("paper", other) in self.table.rows
            ]
            raise ValueError(f"dataset={dataset!r} is not in {name}, which has {', '.join(here)}.")
        self.asked_rows = self._asked_rows(lines)
        self.asked_shares = self._asked_shares(shares)
        folder = as_path(data_dir, "data_dir")
        self.data_name = dataset if download else self._stand_in(dataset, folder)
        self.dataset = dataset
        self.target_name = data_sets()[dataset]["target"]
        settings = {
            part: self._of_data(self.recipe.get(part, {})) for part in ("train_rows", "test_rows", "averaged")
        }
        data = load_data(
            self.data_name, data_sets()[self.data_name]["loader"], folder, download=download, **settings
        )
        store = store if isinstance(store, RunStore) else RunStore(as_path(store, "store"))
        self.trainings = Trainings(
            store, data, device=device, checkpoint_every=checkpoint_every, report=report
        )
        n_seeds = seeds or self.recipe.get("seeds", self.table.settings["seeds"])
        self.seeds = list(range(n_seeds))
        self.weights = weights
        self.clock = clocks_in_order(self.target.build(device=device))[0]

    def _of_data(self, settings: dict[str, Any]) -> Any:
        """Return what settings have for the data set, or for the family of recipes that it belongs to."""
        return settings.get(self.dataset, settings.get(data_sets()[self.dataset]["recipes"]))

    def _asked_rows(self, lines: list[str] | None) -> list[Row]:
        if lines is None:
            return self.rows
        if not self.rows:
            raise ValueError(f"lines={lines!r:.60}: {self.table.name} has no lines to choose from.")
        for line in lines:
            if not any(row.answers_to(line) for row in self.rows):
                check_known(line, list(dict.fromkeys(row.name for row in self.rows)), "lines")
        return [row for row in self.rows if any(row.answers_to(line) for line in lines)]

    def _asked_shares(self, shares: list[float] | None) -> list[float]:
        known = self.table.settings.get("shares", [])
        unknown = [share for share in shares or [] if share not in known]
        if unknown:
            has = f"the shares {', '.join(map(str, known))}" if known else "no shares"
            raise ValueError(f"shares={unknown[0]!r:.60} is not in {self.table.name}, which has {has}.")
        return known if shares is None else [share for share in known if share in shares]

    def _stand_in(self, dataset: str, folder: Path) -> str:
        """Return the data set, or at the scale "smoke" the one that needs no files, where these are not there."""
        needs_files = dataset not in stand_ins().values()
        if self.scale == "smoke" and needs_files and not folder.exists():
            return stand_ins()[data_sets()[dataset]["recipes"]]
        return dataset

    # What layouts ask for --------------------------------------------------------------------

    @property
    def rows(self) -> list[Row]:
        """The lines of the table for the data set."""
        return self.table.rows[self.paper_data]

    @property
    def shares(self) -> list[float]:
        """Its columns."""
        return self.table.settings["shares"]

    @property
    def initial(self) -> float:
        """Share of the rows that active learning begins with."""
        return self.recipe["initial"]

    def network(self, name: str, epochs: int | None = None) -> Network:
        """Return what stands for a network of the paper at this scale.

        Parameters
        ----------
        name : str
            Name of the paper's network in the recipes.
        epochs : int, optional
            Epochs after which its training is stopped, out of the paper's 181.

        Returns
        -------
        Network
        """
        params = dict(self._of_data(self.recipe)[name])
        shown, estimator = params.pop("name"), params.pop("estimator")
        n_epochs = None if epochs is None else self.recipe.get("epochs", {}).get(str(epochs), epochs)
        values = tuple(
            (key, tuple(value) if isinstance(value, list) else value) for key, value in params.items()
        )
        return Network(shown + (f", {n_epochs} epochs" if epochs else ""), estimator, values, n_epochs)

    @property
    def target(self) -> Network:
        """The network that is trained on the chosen rows."""
        return self.network(self.target_name)

    def label(self, row: Row) -> str:
        """Return how a line is called: strategy, the paper's network, and ours if it is another."""
        words = [row.strategy.replace("_", " ")] if row.strategy else []
        if row.selector is not None:
            ours, paper = self.network(row.selector, row.epochs).name, _PAPER_NAMES[row.selector]
            paper += f", {row.epochs} epochs" if row.epochs else ""
            words.append(f"{paper}{'' if ours == paper else f' (here {ours})'}")
            words[-1] += " (B)" if row.selector == self.target_name and row.strategy else ""
        return ", ".join(words)

    def on_all_rows(self, name: str, seed: int, epochs: int | None = None) -> Model:
        """Return a network trained on all rows."""
        return Model(self.network(name, epochs), ALL_ROWS, seed)

    def at_random(self, network: Network, share: float, seed: int) -> Model:
        """Return a network trained on a random share of the rows."""
        return Model(network, Rows(share, seed) if share < 1 else ALL_ROWS, seed)
