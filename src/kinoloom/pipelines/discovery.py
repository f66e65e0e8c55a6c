"""Discovery of step kinds: every module of a folder declares its own."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import Any


def discover(package: str, folders: Iterable[str], attribute: str) -> Iterator[Any]:
    """Yield the items of an attribute of every module of a package.

    Args:
        package: The package's name.
        folders: The package's `__path__`.
        attribute: A tuple in each module.
    """
    for info in pkgutil.iter_modules(folders):
        yield from getattr(importlib.import_module(f"{package}.{info.name}"), attribute)
