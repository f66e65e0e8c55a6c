"""Imports from a folder of the user, as python imports from the folder of its script."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

SCRIPT = "__kinoloom__"
"""The module name of a user's file that runs as a script; nothing can import it."""


@contextlib.contextmanager
def importing_from(folder: Path) -> Iterator[None]:
    """Put a folder first on `sys.path`, and forget its modules afterwards.

    Another folder may have modules of the same names. Modules of an environment in the folder are
    kept.
    """
    known = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - known:
            if _is_own(sys.modules[name], folder):
                del sys.modules[name]


def _is_own(module: ModuleType, folder: Path) -> bool:
    file = Path(getattr(module, "__file__", None) or "/")
    return file.is_relative_to(folder) and "site-packages" not in file.parts
