"""The graph of a pipeline as a picture: steps in layers, what each needs above it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from kinoloom.base.report import Picture
from kinoloom.pipelines.language import Graph
from kinoloom.pipelines.pages import svg

_HEIGHT, _GAP_X, _GAP_Y, _EDGE = 34, 22, 44, 16
_LETTER = 7.2


def graph_picture(graph: Graph, fills: Mapping[str, str]) -> Picture:
    """The picture of a graph.

    Args:
        graph: of a definition.
        fills: colours by step; others are idle.
    """
    layers = _layers(graph)
    widths = {name: max(90.0, 24 + _LETTER * len(name)) for name in graph.order}
    totals = [sum(widths[n] for n in layer) + _GAP_X * (len(layer) - 1) for layer in layers]
    width = max([*totals, 560.0]) + 2 * _EDGE
    places: dict[str, tuple[float, float]] = {}
    for depth, layer in enumerate(layers):
        x = (width - totals[depth]) / 2
        for name in layer:
            places[name] = (x, _EDGE + depth * (_HEIGHT + _GAP_Y))
            x += widths[name] + _GAP_X
    height = len(layers) * (_HEIGHT + _GAP_Y) + 2 * _EDGE
    parts = [_edge(graph, need, name, places, widths) for name in graph.order
             for need in sorted(direct_needs(graph, name))]  # fmt: skip
    for name, (x, y) in places.items():
        parts.append(svg.box(x, y, widths[name], _HEIGHT, fills.get(name, svg.IDLE)))
        parts.append(svg.words(x + widths[name] / 2, y + 21, name, "#ffffff", "middle"))
    shown = [fills.get(name, svg.IDLE) for name in graph.order]
    parts += svg.legend(_EDGE, height - 10, shown)
    caption = (
        "What each step needs is above it; dashed lines lead from conditions to their branches. "
        "Lines that follow from others are left out."
    )
    return Picture(svg.picture(width, height, parts), "image/svg+xml", caption, "Steps")


def _edge(
    graph: Graph,
    need: str,
    name: str,
    places: Mapping[str, tuple[float, float]],
    widths: Mapping[str, float],
) -> str:
    x0, y0 = places[need]
    x1, y1 = places[name]
    branch = graph.steps[name].condition == need
    start, end = x0 + widths[need] / 2, x1 + widths[name] / 2
    return svg.curve(start, y0 + _HEIGHT, end, y1, dashed=branch)


def direct_needs(graph: Graph, name: str) -> set[str]:
    """The needs of a step that are not needs of its other needs too."""
    implied: set[str] = set()
    front = [deeper for need in graph.needs[name] for deeper in graph.needs[need]]
    while front:
        one = front.pop()
        if one not in implied:
            implied.add(one)
            front += graph.needs[one]
    return set(graph.needs[name]) - implied


def _layers(graph: Graph) -> list[list[str]]:
    """Steps by the length of the longest way to them, each layer ordered by what it needs."""
    depth: dict[str, int] = {}
    for name in graph.order:
        depth[name] = 1 + max((depth[need] for need in graph.needs[name]), default=-1)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in graph.order:
        layers[depth[name]].append(name)
    for above, layer in pairwise(layers):
        place = {name: index for index, name in enumerate(above)}
        layer.sort(key=lambda name: _middle([place[n] for n in graph.needs[name] if n in place]))
    return layers


def _middle(places: list[int]) -> float:
    return sum(places) / len(places) if places else 0.0
