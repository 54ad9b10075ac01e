"""Trainings that take hours, kept one by one; their seconds and their spread."""

import json
from pathlib import Path

import numpy as np
from _report import machine

from sksvp._clock import Clock
from sksvp._storage._files import write_json


class Results:
    """Results of trainings, each kept as JSON when it ends and read again where it is there already."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, **settings) -> dict | None:
        """Return the result of a training with these settings, or None."""
        path = self._path(settings)
        return json.loads(path.read_text())["result"] if path.exists() else None

    def get(self, train, **settings) -> dict:
        """Return the result of a training with these settings; ``train()`` makes it where it is missing."""
        result = self.find(**settings)
        if result is None:
            result = train()
            write_json(self._path(settings), {"settings": settings, "machine": machine(), "result": result})
            shown = {key: value for key, value in result.items() if not isinstance(value, list)}
            print(settings, shown, flush=True)
        return result

    def _path(self, settings: dict) -> Path:
        name = "-".join(map(str, settings.values()))
        return self.folder / f"{name}.json"


def timed_fit(model, X, y) -> dict:
    """Train; return seconds of the processor and of the wall, from the training's first process on."""
    with Clock() as clock:
        model.fit(X, y)
    clock.add_earlier(model)
    return {"cpu_seconds": clock.cpu, "seconds": clock.wall}


def spread(values, digits: int = 3) -> str:
    """Mean, with the standard deviation where there are several."""
    deviation = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{deviation}"
