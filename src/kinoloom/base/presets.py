"""Preset: a named set of options of an op, as a readable TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A named set of options.

    Attributes:
        name: as given to `--preset`.
        summary: one line.
        values: by the names of options of its op, checked.
        text: the TOML file.
    """

    name: str
    summary: str
    values: Mapping[str, Any]
    text: str
