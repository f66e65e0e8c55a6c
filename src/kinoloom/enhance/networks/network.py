"""A network from an ONNX file: how far it reaches, and what a tile of it costs.

Files of `train enhance` state their properties. Of others, the reach is bounded from above by the
kernels of all convolutions; a network that takes the mean of the whole picture has no reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinoloom.runtime.onnx import OnnxModel
from kinoloom.runtime.onnx_graph import Outline, read_outline

Floats = NDArray[np.float32]

_GLOBAL = ("GlobalAveragePool", "ReduceMean")
_BYTES_PER_VALUE = 4
_COPIES = 3
"""Tensors of the widest layer that exist at once: its input, its output, and a reordered copy."""


@dataclass(frozen=True)
class Facts:
    """What is needed to run a network in tiles.

    Attributes:
        reach_px: distance beyond which input pixels have no influence; None if all of them have.
        size_multiple: tiles begin at multiples of it, and sides are padded to it.
        bytes_per_pixel: memory for each pixel of the input, measured to within about a third.
    """

    reach_px: int | None
    size_multiple: int
    bytes_per_pixel: int


def read_facts(model: OnnxModel, *, scale: int, multiple: int = 1) -> Facts:
    """Return the facts of a network.

    Args:
        model: as opened.
        scale: factor of its output's sides.
        multiple: what sides are padded to if the file does not say.
    """
    outline = read_outline(model.file)
    properties = model.properties
    multiple = int(properties.get("size_multiple", multiple))
    return Facts(
        _find_reach(outline, properties.get("reach_px"), multiple),
        multiple,
        _estimate_bytes(outline, scale, multiple),
    )


def to_planes(image: Floats) -> Floats:
    """Return (H, W, C) as (1, C, H, W)."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None])


def to_image(planes: Floats) -> Floats:
    """Return (1, C, H, W) as (H, W, C)."""
    return np.asarray(planes[0].transpose(1, 2, 0), np.float32)


def _find_reach(outline: Outline, stated: str | None, multiple: int) -> int | None:
    if stated is not None:
        return int(stated)
    if outline.count(*_GLOBAL):
        return None
    kernels = outline.weight_shapes("Conv")
    return multiple * sum(max(shape[2:], default=1) // 2 for shape in kernels) + multiple - 1


def _estimate_bytes(outline: Outline, scale: int, multiple: int) -> int:
    """Estimate from the widest layer, at the size of the input, and from the output."""
    widest = max((shape[0] for shape in outline.weight_shapes("Conv") if shape), default=3)
    hidden = _COPIES * widest / multiple**2
    if outline.count("Resize") > 1:  # layers behind it have the size of the output
        hidden *= scale**2
    return round(_BYTES_PER_VALUE * (hidden + 4 * 3 * scale**2))
