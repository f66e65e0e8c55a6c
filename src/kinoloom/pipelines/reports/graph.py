"""A pipeline's graph as a diagram: steps in layers, below the steps that they need."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from kinoloom.base.charts import MEDIA_TYPE, Box, Edge, layered_graph
from kinoloom.base.report import Picture
from kinoloom.pipelines.language import Graph
from kinoloom.pipelines.reports.step_colors import NOT_RUN, STEP_COLOURS


def graph_picture(graph: Graph, kinds: Mapping[str, str]) -> Picture:
    """Return the diagram of a graph.

    Args:
        graph: The definition's graph.
        kinds: Entries of `STEP_COLOURS` by step; other steps have not run.
    """
    layers = [
        [Box(name, kinds.get(name, NOT_RUN)) for name in layer] for layer in build_layers(graph)
    ]
    edges = [
        Edge(need, name, dashed=graph.steps[name].condition == need)
        for name in graph.order
        for need in sorted(direct_needs(graph, name))
    ]
    caption = (
        "Each step is below the steps that it needs. Dashed lines lead from conditions to their "
        "branches. Transitive dependencies are omitted."
    )
    return Picture(layered_graph(layers, edges, STEP_COLOURS), MEDIA_TYPE, caption, "Steps")


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


def build_layers(graph: Graph) -> list[list[str]]:
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
