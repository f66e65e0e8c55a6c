"""Tone tables: one function of a channel's value, stored as offsets at 65,536 levels.

A table holds the offset to add to each value rather than the new value. An unchanged tone then has
the offset 0 and stays bit-identical, whatever its precision.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinoloom.enhance.filters.channels import merge, split

Table = NDArray[np.float32]
"""(65536, 3) float32: offsets of red, green and blue for the values 0/65535 .. 65535/65535."""

_TOP = 65535
LEVELS = np.linspace(0, 1, _TOP + 1)
"""(65536,) float64: the values at which a table is defined."""


def add_offsets(
    picture: NDArray[np.float32], table: Table, strength: float = 1.0
) -> NDArray[np.float32]:
    """Return the picture plus the offsets of its values.

    Args:
        picture: (H, W, 3) float32 in 0..1.
        table: (65536, 3) offsets.
        strength: factor of the offsets.

    Returns:
        (H, W, 3) float32, not clipped.
    """
    scaled = np.ascontiguousarray(table.T) * np.float32(strength)
    planes = []
    for column, plane in zip(scaled, split(picture), strict=True):
        offsets = column.take(_to_levels(plane))
        offsets += plane
        planes.append(offsets)
    return merge(planes)


def _to_levels(plane: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.asarray(plane * np.float32(_TOP) + np.float32(0.5), np.uint16)
