"""The identity of a run: its parameters, fingerprints and versions by name."""

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__
from .._inputs._warn import warn_caller

_PACKAGES = ("scikit-learn", "torch", "skorch", "numpy")


def name_of(identity: dict) -> str:
    """Return a name of 32 hexadecimal digits, equal for equal identities."""
    text = json.dumps(identity, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def differences(there: dict, here: dict) -> str:
    """List the entries in which two identities differ, parameters as ``name=value``; "" if they are equal."""
    return "; ".join(
        f"{name}{'=' if name.isidentifier() else ': '}{there.get(name, 'nothing')} there, "
        f"{here.get(name, 'nothing')} now"
        for name in sorted({*there, *here})
        if there.get(name) != here.get(name)
    )


def versions(packages: tuple[str, ...] = _PACKAGES) -> dict[str, str]:
    """Return the versions of sksvp and of the packages that train models."""
    found = {"sksvp": __version__}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def warn_of_versions(there: dict[str, str], here: dict[str, str], folder: Path) -> None:
    """Warn if a run was begun with other versions of the packages."""
    changed = [
        f"{name} {there.get(name)} -> {here.get(name)}" for name in here if here[name] != there.get(name)
    ]
    if changed:
        warn_caller(
            f"The run in {str(folder)!r} was made with other versions ({', '.join(changed)}): models trained again "
            "may differ."
        )
