"""Names for people: layers that have weights are called as the modules that they come from."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from kinoloom.tiny.front.float_network import FloatConv, FloatGru, FloatNetwork, Layer

WEIGHTED = FloatConv | FloatGru
RESERVED = {"label", "loss"}
"""What a training step itself has of such names."""


def rename_layers(network: FloatNetwork) -> FloatNetwork:
    """The network with its layers of weights renamed: "features.3" is features_3, "0" is layer0.

    The name of torch's node is kept where a module has none, and where parts of a layer (its
    weights are <layer>_w) could take the name of another layer.
    """
    names = {layer.name: layer.name for layer in network.layers}
    names[network.input] = network.input
    for layer in network.layers:
        wanted = make_identifier(layer.module) if isinstance(layer, WEIGHTED) else ""
        others = {name for old, name in names.items() if old != layer.name}
        for name in (wanted, *(f"{wanted}_{number}" for number in range(2, 9))):
            if wanted and not _clashes(name, others):
                names[layer.name] = name
                break
    return replace(
        network,
        layers=tuple(_rename_layer(layer, names) for layer in network.layers),
        output=names[network.output],
        ranges={names.get(name, name): limits for name, limits in network.ranges.items()},
    )


def make_identifier(module: str) -> str:
    """A module's path as a C identifier; "" for none."""
    plain = re.sub(r"\W+", "_", module, flags=re.ASCII).strip("_").lower()
    return f"layer{plain}" if plain[:1].isdigit() else plain


def _clashes(name: str, others: Collection[str]) -> bool:
    """Whether a name is another's, or may be that of a part of another, or the other way round."""
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
