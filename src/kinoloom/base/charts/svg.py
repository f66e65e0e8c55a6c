"""SVG elements of charts: document, style sheet, text and legend; every text is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from kinoloom.errors import UsageError

MEDIA_TYPE = "image/svg+xml"

Color = Literal["blue", "orange", "green", "purple", "teal", "amber", "red", "grey"]

# (fills, and strokes on a light page; strokes on a dark page). White on a fill and a stroke on its
# page have a contrast of at least 4.5, the level AA of WCAG 2.
COLOURS: dict[str, tuple[str, str]] = {
    "blue": ("#2563c4", "#7db0ff"),
    "orange": ("#b8521a", "#ff9a5c"),
    "green": ("#27794a", "#5fcf93"),
    "purple": ("#7d4fa8", "#c79bf0"),
    "teal": ("#1f7686", "#5cc4d6"),
    "amber": ("#8a6500", "#e3b84d"),
    "red": ("#b3372f", "#ff8178"),
    "grey": ("#667080", "#a3abb3"),
}
_STYLE = (
    "text{fill:#1c1e21}.soft{fill:#5f656d}.white{fill:#fff}"
    ".line,.edge{fill:none;stroke-linejoin:round;stroke-linecap:round}"
    ".line{stroke-width:2}.edge{stroke:#7b858d;stroke-width:1.4}.tip{fill:#7b858d}"
    ".axis{stroke:#5f656d}.grid{stroke:#e4e7eb}.gap{stroke:#fff;stroke-width:.5}"
    + "".join(f".f-{name}{{fill:{light}}}" for name, (light, _) in COLOURS.items())
    + "".join(f".s-{name}{{stroke:{light}}}" for name, (light, _) in COLOURS.items())
    + "@media(prefers-color-scheme:dark){text{fill:#e9eaec}.soft{fill:#9aa0a8}.white{fill:#fff}"
    ".axis{stroke:#9aa0a8}.grid{stroke:#2d3237}.gap{stroke:#16181b}"
    + "".join(f".s-{name}{{stroke:{dark}}}" for name, (_, dark) in COLOURS.items())
    + "}"
)
_LETTER_PX, _LEGEND_ROW_PX, _LEGEND_GAP_PX = 6.9, 20.0, 18.0
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(width: float, height: float, parts: Iterable[str]) -> bytes:
    """Return an SVG document of `parts`."""
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    font = 'font-family="system-ui,sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>\n"]).encode()


def escape(text: str) -> str:
    """Escape `text` for XML; characters that XML cannot contain are replaced."""
    return html.escape(_NOT_XML.sub("\ufffd", text))


def text(x: float, y: float, content: str, *, style: str = "", anchor: str = "start") -> str:
    """Return a line of text with its baseline at `y`; `style` is a class of the style sheet."""
    classes = f' class="{style}"' if style else ""
    align = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{align}{classes}>{escape(content)}</text>'


def text_width(content: str) -> float:
    """Estimate the width of a line of text, generously: the reader's font is unknown."""
    return _LETTER_PX * len(content)


def stroke(path: str, style: str, *, dashed: bool = False) -> str:
    """Return the outline of a path; `style` lists classes of the style sheet."""
    dash = ' stroke-dasharray="6 4"' if dashed else ""
    return f'<path d="{path}" class="{style}"{dash}/>'


def box(x: float, y: float, width: float, height: float, style: str) -> str:
    """Return a rectangle with round corners; `style` is a class of the style sheet."""
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {size} rx="4" class="{style}"/>'


def fill_of(kind: str, colors: Mapping[str, Color]) -> str:
    """Return the class that fills shapes of a kind.

    Raises:
        UsageError: `colors` lacks the kind, or has an unknown colour for it.
    """
    color = colors.get(kind)
    if color not in COLOURS:
        raise UsageError(
            f"The kind '{kind}' has the colour {color!r}: expected one of {', '.join(COLOURS)}."
        )
    return f"f-{color}"


def fill_legend(
    kinds: Iterable[str], colors: Mapping[str, Color], left: float, width: float
) -> tuple[list[str], float]:
    """Return the legend of the kinds that occur, in the order of `colors`; see `legend`."""
    present = set(kinds)
    swatches = [
        (kind, box(0, -10, 12, 12, fill_of(kind, colors))) for kind in colors if kind in present
    ]
    return legend(swatches, 12, left, width)


def legend(
    swatches: Sequence[tuple[str, str]], swatch_px: float, left: float, width: float
) -> tuple[list[str], float]:
    """Return a legend in rows at the top of a chart, and the height that it takes.

    Args:
        swatches: (name, element with the origin at the left end of the baseline); entries
            without a name are left out.
        swatch_px: width of a swatch.
        left: where rows start.
        width: of the rows.
    """
    parts, x, y = [], left, 16.0
    named = [(name, swatch) for name, swatch in swatches if name]
    for name, swatch in named:
        entry_px = swatch_px + 6 + text_width(name)
        if x > left and x + entry_px > left + width:
            x, y = left, y + _LEGEND_ROW_PX
        label = text(swatch_px + 6, 0, name)
        parts.append(f'<g transform="translate({x:.1f} {y:.1f})">{swatch}{label}</g>')
        x += entry_px + _LEGEND_GAP_PX
    return parts, y + 14 if named else 10
