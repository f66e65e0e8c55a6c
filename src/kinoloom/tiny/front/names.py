"""Readable layer names: layers with weights take the names of their torch modules."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from kinoloom.tiny.front.float_network import FloatConv, FloatGru, FloatNetwork, Layer

WEIGHTED = FloatConv | FloatGru
RESERVED = {"label", "loss"}
"""Names of tensors of a training step."""


def rename_layers(network: FloatNetwork) -> FloatNetwork:
    """Rename layers with weights after their modules: "features.3" to features_3, "0" to layer0.

    A layer keeps the name of its torch node if its module has none, or if the name of one of its
    tensors (such as <layer>_w) could be that of another layer.
    """
    names = {layer.name: layer.name for layer in network.layers}
    names[network.input] = network.input
    for layer in network.layers:
        preferred = make_identifier(layer.module) if isinstance(layer, WEIGHTED) else ""
        others = {name for old, name in names.items() if old != layer.name}
        for name in (preferred, *(f"{preferred}_{number}" for number in range(2, 9))):
            if preferred and not _conflicts(name, others):
                names[layer.name] = name
                break
    return replace(
        network,
        layers=tuple(_rename_layer(layer, names) for layer in network.layers),
        output=names[network.output],
        ranges={names.get(name, name): limits for name, limits in network.ranges.items()},
    )


def make_identifier(module: str) -> str:
    """Convert the path of a module to a C identifier; "" if nothing is left."""
    name = re.sub(r"\W+", "_", module, flags=re.ASCII).strip("_").lower()
    return f"layer{name}" if name[:1].isdigit() else name


def _conflicts(name: str, others: Collection[str]) -> bool:
    """Return whether a name, or that of a tensor of its layer, conflicts with another layer's."""
    if name in RESERVED or name.startswith(("d_", "kl_")):
        return True
    pairs = [pair for other in others for pair in ((name, other), (other, name))]
    return name in others or any(re.match(rf"{one}_[a-z]", two) for one, two in pairs)


def _rename_layer(layer: Layer, names: dict[str, str]) -> Layer:
    changes: dict[str, Any] = {"name": names[layer.name]}
    for field in ("x", "a", "b"):
        if hasattr(layer, field):
            old = getattr(layer, field)
            changes[field] = names.get(old, old)
    if hasattr(layer, "xs"):
        changes["xs"] = tuple(names.get(x, x) for x in layer.xs)
    return replace(layer, **changes)
