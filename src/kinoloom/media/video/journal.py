"""Read the records of an interrupted film: its job, its segments and its partial output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from kinoloom.errors import OutputError

T = TypeVar("T")


def read_record(path: Path, parse: Callable[[Any], T]) -> T:
    """Read a JSON file of a work folder.

    Args:
        path: the file.
        parse: converts its plain values; may raise any error of wrong types and values.

    Raises:
        OutputError: the file is damaged.
    """
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise OutputError(
            f"{path} is damaged.",
            hint=f"Start again without --resume, or remove {path.parent.name}.",
        ) from None
