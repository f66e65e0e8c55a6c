"""Layered graphs: boxes in layers from top to bottom, edges as curves between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kinoloom.base.charts.svg import (
    Color,
    box,
    document,
    fill_legend,
    fill_of,
    stroke,
    text,
    text_width,
)

_MIN_WIDTH_PX, _MIN_BOX_PX, _EDGE = 560.0, 90.0, 16.0
_HEIGHT, _GAP_X, _GAP_Y, _TIP_PX = 34.0, 22.0, 46.0, 6.0


@dataclass(frozen=True)
class Box:
    """A node of a graph.

    Attributes:
        name: unique in the graph; written in the box.
        kind: its category, which selects its colour and is an entry of the legend.
    """

    name: str
    kind: str


@dataclass(frozen=True)
class Edge:
    """A directed edge between two boxes, given by their names."""

    start: str
    end: str
    dashed: bool = False


def layered_graph(
    layers: Sequence[Sequence[Box]], edges: Sequence[Edge], colors: Mapping[str, Color]
) -> bytes:
    """Draw a directed graph whose layers are given.

    Args:
        layers: boxes from left to right, layers from top to bottom.
        edges: each from a box to one in a lower layer.
        colors: by kind, in the order of the legend.

    Returns:
        An SVG document.

    Raises:
        UsageError: a kind has no valid colour.
    """
    widths = {
        item.name: max(_MIN_BOX_PX, 24 + text_width(item.name)) for row in layers for item in row
    }
    spans = [sum(widths[b.name] for b in row) + _GAP_X * (len(row) - 1) for row in layers]
    width = max([*spans, _MIN_WIDTH_PX]) + 2 * _EDGE
    kinds = [item.kind for row in layers for item in row]
    parts, top = fill_legend(kinds, colors, _EDGE, width - 2 * _EDGE)
    places: dict[str, tuple[float, float]] = {}
    boxes = []
    for depth, (row, span) in enumerate(zip(layers, spans, strict=True)):
        x, y = (width - span) / 2, top + 8 + depth * (_HEIGHT + _GAP_Y)
        for item in row:
            middle = x + widths[item.name] / 2
            places[item.name] = (middle, y)
            boxes.append(box(x, y, widths[item.name], _HEIGHT, fill_of(item.kind, colors)))
            boxes.append(text(middle, y + 21, item.name, style="white", anchor="middle"))
            x += widths[item.name] + _GAP_X
    for edge in edges:
        parts += _curve(places[edge.start], places[edge.end], edge.dashed)
    height = top + 8 + max(0.0, len(layers) * (_HEIGHT + _GAP_Y) - _GAP_Y) + _EDGE
    return document(width, height, [*parts, *boxes])


def _curve(start: tuple[float, float], end: tuple[float, float], dashed: bool) -> list[str]:
    """Return a curve from below one box to a tip above another."""
    (x0, y0), (x1, y1) = (start[0], start[1] + _HEIGHT), (end[0], end[1] - _TIP_PX)
    middle = (y0 + y1) / 2
    path = f"M{x0:.1f} {y0:.1f}C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    tip = f"{x1 - 4:.1f},{y1 - 1:.1f} {x1 + 4:.1f},{y1 - 1:.1f} {x1:.1f},{end[1] - 1:.1f}"
    return [stroke(path, "edge", dashed=dashed), f'<polygon points="{tip}" class="tip"/>']
