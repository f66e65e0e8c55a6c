"""Packages of optional extras: import them, or raise with the command that installs them."""

from __future__ import annotations

import importlib
import re
from importlib import metadata
from types import ModuleType

from kinoloom.errors import MissingExtraError, UsageError


def need(module: str, *, extra: str) -> ModuleType:
    """Import and return a module of an extra.

    Args:
        module: dotted name, such as "torch".
        extra: the extra of kinoloom that installs it.

    Raises:
        MissingExtraError: the package is not installed; the hint is the command that installs it.
            An ImportError inside an installed package is not caught.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        raise _missing(module, extra) from error


def need_extra(extra: str) -> None:
    """Check that every package of an extra is installed, without importing any.

    Raises:
        UsageError: an unknown extra.
        MissingExtraError: a package is not installed; the hint is the command that installs it.
    """
    known = extras()
    if extra not in known:
        raise UsageError(f"Unknown extra '{extra}'.", hint=f"Extras: {', '.join(known)}.")
    for package in known[extra]:
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError as error:
            raise _missing(package, extra) from error


def extras() -> dict[str, list[str]]:
    """Return the packages of each extra, from kinoloom's own metadata."""
    own = metadata.metadata("kinoloom")
    found: dict[str, list[str]] = {name: [] for name in own.get_all("Provides-Extra", [])}
    for line in own.get_all("Requires-Dist", []):
        requirement = re.fullmatch(r"([\w.-]+).*;.*\bextra == ['\"](.+)['\"]", line)
        if requirement is not None:
            found[requirement[2]].append(requirement[1])
    return found


def install_line(extra: str) -> str:
    """Return the shell command that installs an extra."""
    return f"pip install 'kinoloom[{extra}]'"


def _missing(package: str, extra: str) -> MissingExtraError:
    return MissingExtraError(
        f"The package {package} is required and not installed.",
        hint=f"Install it with: {install_line(extra)}",
    )
