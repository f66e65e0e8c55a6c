"""What optional extras hold: import it, or say exactly how to get it."""

from __future__ import annotations

import importlib
import re
from importlib import metadata
from types import ModuleType

from kinoloom.errors import MissingExtraError, UsageError


def need(module: str, *, extra: str) -> ModuleType:
    """Import and return a module that belongs to an extra.

    Args:
        module: dotted name, such as "torch".
        extra: the extra of kinoloom that installs it.

    Raises:
        MissingExtraError: the package is not installed; the hint is the line that installs it.
            An error from inside an installed package is passed on as it is.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        raise _missing(module, extra) from error


def need_extra(extra: str) -> None:
    """See that every package of an extra is installed, without importing any.

    Raises:
        UsageError: kinoloom has no such extra.
        MissingExtraError: a package is not installed; the hint is the line that installs it.
    """
    known = extras()
    if extra not in known:
        raise UsageError(f"kinoloom has no extra '{extra}'.", hint=f"It has {', '.join(known)}.")
    for package in known[extra]:
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError as error:
            raise _missing(package, extra) from error


def extras() -> dict[str, list[str]]:
    """The extras of kinoloom and the packages of each, as its own metadata declares them."""
    told = metadata.metadata("kinoloom")
    found: dict[str, list[str]] = {name: [] for name in told.get_all("Provides-Extra", [])}
    for line in told.get_all("Requires-Dist", []):
        requirement = re.fullmatch(r"([\w.-]+).*;.*\bextra == ['\"](.+)['\"]", line)
        if requirement is not None:
            found[requirement[2]].append(requirement[1])
    return found


def install_line(extra: str) -> str:
    """The exact shell command that installs an extra."""
    return f"pip install 'kinoloom[{extra}]'"


def _missing(package: str, extra: str) -> MissingExtraError:
    return MissingExtraError(
        f"This needs the Python package {package}, which is not installed.",
        hint=f"Get it with: {install_line(extra)}",
    )
