"""need(): import a package of an optional extra, or say exactly how to get it."""

from __future__ import annotations

import importlib
from types import ModuleType

from kinoloom.errors import MissingExtraError


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
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingExtraError(
            f"This needs the Python package {module}, which is not installed.",
            hint=f"Get it with: {install_line(extra)}",
        ) from error


def install_line(extra: str) -> str:
    """The exact shell command that installs an extra."""
    return f"pip install 'kinoloom[{extra}]'"
