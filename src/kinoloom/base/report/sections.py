"""Report: findings as data, and as sections that a person can read.

Sections are plain values; `report.files` renders them as HTML (one self-contained file), text for a
terminal, or JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kinoloom.base.provenance import Provenance
from kinoloom.errors import UsageError


@dataclass(frozen=True)
class Text:
    """A paragraph or preformatted lines, with an optional title."""

    text: str
    preformatted: bool = False
    title: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under named columns, one cell for each; numbers are right-aligned.

    Raises:
        UsageError: a row with more or fewer cells than there are columns.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    title: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise UsageError(f"Each row of a table must have {len(self.columns)} cells.")


@dataclass(frozen=True)
class Picture:
    """An encoded picture: PNG, JPEG or WebP bytes, or SVG text as bytes."""

    data: bytes
    media_type: str
    caption: str
    title: str = ""


@dataclass(frozen=True)
class Slider:
    """Two pictures of one size, overlaid, with a divider to drag.

    Attributes:
        before: the picture on the left of the divider.
        after: the picture on its right.
        title: of the section.
        has_tools: whether buttons zoom to the pixels and show the difference of the two pictures.
    """

    before: Picture
    after: Picture
    title: str = ""
    has_tools: bool = False


Section = Text | Table | Picture | Slider


@dataclass(frozen=True)
class Report:
    """A titled list of sections, and the same findings as plain data.

    Attributes:
        title: one line.
        sections: in reading order.
        data: what `--json` prints; plain values only.
        provenance: how it was made.
    """

    title: str
    sections: tuple[Section, ...]
    data: dict[str, Any] = field(default_factory=dict)
    provenance: Provenance | None = None

    @property
    def summary(self) -> str:
        """Its first paragraph, else its title; printed when the report is written to a file."""
        words = (s.text for s in self.sections if isinstance(s, Text) and not s.preformatted)
        return next(words, self.title)
