"""A pipeline's graph as a diagram: steps in layers, below the steps that they need."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from kinoloom.base.report import Picture
from kinoloom.pipelines.language import Graph
from kinoloom.pipelines.reports import svg

_HEIGHT, _GAP_X, _GAP_Y, _EDGE = 34, 22, 44, 16
_LETTER = 7.2


def graph_picture(graph: Graph, fills: Mapping[str, str]) -> Picture:
    """Return the diagram of a graph.

    Args:
        graph: The definition's graph.
        fills: Colours by step; other steps are idle.
    """
    layers = _build_layers(graph)
    widths = {name: max(90.0, 24 + _LETTER * len(name)) for name in graph.order}
    totals = [sum(widths[n] for n in layer) + _GAP_X * (len(layer) - 1) for layer in layers]
    width = max([*totals, 560.0]) + 2 * _EDGE
    positions: dict[str, tuple[float, float]] = {}
    for depth, layer in enumerate(layers):
        x = (width - totals[depth]) / 2
        for name in layer:
            positions[name] = (x, _EDGE + depth * (_HEIGHT + _GAP_Y))
            x += widths[name] + _GAP_X
    height = len(layers) * (_HEIGHT + _GAP_Y) + 2 * _EDGE
    parts = [_edge(graph, need, name, positions, widths) for name in graph.order
             for need in sorted(direct_needs(graph, name))]  # fmt: skip
    for name, (x, y) in positions.items():
        parts.append(svg.box(x, y, widths[name], _HEIGHT, fills.get(name, svg.IDLE)))
        parts.append(svg.text(x + widths[name] / 2, y + 21, name, "#ffffff", "middle"))
    shown = [fills.get(name, svg.IDLE) for name in graph.order]
    parts += svg.legend(_EDGE, height - 10, shown)
    caption = (
        "Each step is below the steps that it needs. Dashed lines lead from conditions to their "
        "branches. Transitive dependencies are omitted."
    )
    return Picture(svg.document(width, height, parts), "image/svg+xml", caption, "Steps")


def _edge(
    graph: Graph,
    need: str,
    name: str,
    positions: Mapping[str, tuple[float, float]],
    widths: Mapping[str, float],
) -> str:
    x0, y0 = positions[need]
    x1, y1 = positions[name]
    is_branch = graph.steps[name].condition == need
    start, end = x0 + widths[need] / 2, x1 + widths[name] / 2
    return svg.curve(start, y0 + _HEIGHT, end, y1, dashed=is_branch)


def direct_needs(graph: Graph, name: str) -> set[str]:
    """Return a step's needs without those that its other needs have too."""
    implied: set[str] = set()
    pending = [deeper for need in graph.needs[name] for deeper in graph.needs[need]]
    while pending:
        one = pending.pop()
        if one not in implied:
            implied.add(one)
            pending += graph.needs[one]
    return set(graph.needs[name]) - implied


def _build_layers(graph: Graph) -> list[list[str]]:
    """Return steps by the longest path to them; each layer is ordered by what it needs."""
    depth: dict[str, int] = {}
    for name in graph.order:
        depth[name] = 1 + max((depth[need] for need in graph.needs[name]), default=-1)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in graph.order:
        layers[depth[name]].append(name)
    for above, layer in pairwise(layers):
        index_of = {name: index for index, name in enumerate(above)}
        layer.sort(
            key=lambda name: _mean([index_of[n] for n in graph.needs[name] if n in index_of])
        )
    return layers


def _mean(indices: list[int]) -> float:
    return sum(indices) / len(indices) if indices else 0.0
