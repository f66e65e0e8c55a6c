"""Points of the canvas brought to moving layers, and back.

Coordinates are in pixels from the centre of the canvas and of the layer, float32 of shape
(n, T, H, W) for n layers at T times; see `paths` for the equations.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kinoloom.learn.synthetic.packing import Planes, Window

_UNDOING_STEPS = 8
"""Each leaves at most 0.3 of the error (`paths`): 1e-4 of how far the layer is bent."""
_HORIZON = 1e-3

Points = tuple[Tensor, Tensor]
"""x and y."""


def canvas(size: int, window: Window, device: torch.device) -> Points:
    """The centres of the pixels in a part of a square canvas: x (1, 1, 1, W) and y (1, 1, H, 1)."""
    axis = torch.arange(size, device=device, dtype=torch.float32) - (size - 1) / 2
    top, bottom, left, right = window
    return axis[left:right].view(1, 1, 1, -1), axis[top:bottom].view(1, 1, -1, 1)


def to_layers(planes: Planes, points: Points, times: slice | list[int]) -> Points:
    """What of each layer lies at points of the canvas, at some of the layers' times.

    Args:
        planes: the layers.
        points: on the canvas; broadcast over layers and times.
        times: which of the times of `planes`.
    """
    x, y = _projected(planes["back"][:, times], points)
    by_x, by_y = _bent(planes, (x, y), times)
    return x + by_x, y + by_y


def to_canvas(planes: Planes, points: Points, times: slice | list[int]) -> Points:
    """Where points of each layer lie on the canvas; the inverse of `to_layers`.

    Args:
        planes: the layers.
        points: of the layers, (n, T, H, W).
        times: which of the times of `planes`, T of them.
    """
    x, y = points
    for _ in range(_UNDOING_STEPS if planes["waves"].shape[1] else 0):
        by_x, by_y = _bent(planes, (x, y), times)
        x, y = points[0] - by_x, points[1] - by_y
    return _projected(planes["forth"][:, times], (x, y))


def _bent(
    planes: Planes, points: Points, times: slice | list[int]
) -> tuple[Tensor | float, Tensor | float]:
    """By how much the waves move points (n, T, H, W)."""
    if not planes["waves"].shape[1]:
        return 0.0, 0.0
    strength = planes["bending"][:, times, None, None]
    by_x, by_y = torch.zeros_like(points[0]), torch.zeros_like(points[1])
    for wave in planes["waves"].unbind(1):
        along_x, along_y, phase, push_x, push_y = wave[:, :, None, None, None].unbind(1)
        height = torch.sin(along_x * points[0] + along_y * points[1] + phase) * strength
        by_x += push_x * height
        by_y += push_y * height
    return by_x, by_y


def _projected(matrices: Tensor, points: Points) -> Points:
    """Points through homographies (n, T, 3, 3); beyond a tilted layer's horizon they go far."""
    x, y = points
    m = matrices[..., None, None]
    rows = [m[:, :, k, 0] * x + (m[:, :, k, 1] * y + m[:, :, k, 2]) for k in range(3)]
    depth = rows[2].clamp_min(_HORIZON)
    return rows[0] / depth, rows[1] / depth
