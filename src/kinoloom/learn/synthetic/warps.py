"""Points mapped between the canvas and moving layers.

Coordinates are in pixels from the centre of the canvas and of the layer, float32 of shape
(n, T, H, W) for n layers at T times; see `paths` for the equations.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kinoloom.learn.synthetic.packing import LayerMotions, Window

_INVERSION_STEPS = 8
"""Each step multiplies the error by 0.3 or less (`paths`): in all 1e-4 of the deformation."""
_MIN_DEPTH = 1e-3

Points = tuple[Tensor, Tensor]
"""x and y."""


def canvas_grid(size: int, window: Window, device: torch.device) -> Points:
    """Return the pixel centres in a part of a square canvas: x (1, 1, 1, W) and y (1, 1, H, 1)."""
    axis = torch.arange(size, device=device, dtype=torch.float32) - (size - 1) / 2
    top, bottom, left, right = window
    return axis[left:right].view(1, 1, 1, -1), axis[top:bottom].view(1, 1, -1, 1)


def map_to_layers(motions: LayerMotions, points: Points, times: slice | list[int]) -> Points:
    """Map points of the canvas to the layers, at some of the layers' times.

    Args:
        motions: of the layers.
        points: on the canvas; broadcast over layers and times.
        times: indices into the times of `motions`.
    """
    x, y = _project(motions["to_layer"][:, times], points)
    offset_x, offset_y = _deform(motions, (x, y), times)
    return x + offset_x, y + offset_y


def map_to_canvas(motions: LayerMotions, points: Points, times: slice | list[int]) -> Points:
    """Map points of the layers to the canvas; the inverse of `map_to_layers`.

    Args:
        motions: of the layers.
        points: in the layers, (n, T, H, W).
        times: indices of T of the times of `motions`.
    """
    x, y = points
    for _ in range(_INVERSION_STEPS if motions["waves"].shape[1] else 0):
        offset_x, offset_y = _deform(motions, (x, y), times)
        x, y = points[0] - offset_x, points[1] - offset_y
    return _project(motions["to_canvas"][:, times], (x, y))


def _deform(
    motions: LayerMotions, points: Points, times: slice | list[int]
) -> tuple[Tensor | float, Tensor | float]:
    """Return the offsets by which the waves move points (n, T, H, W)."""
    if not motions["waves"].shape[1]:
        return 0.0, 0.0
    strength = motions["deformation"][:, times, None, None]
    offset_x, offset_y = torch.zeros_like(points[0]), torch.zeros_like(points[1])
    for wave in motions["waves"].unbind(1):
        wave_x, wave_y, phase, push_x, push_y = wave[:, :, None, None, None].unbind(1)
        displacement = torch.sin(wave_x * points[0] + wave_y * points[1] + phase) * strength
        offset_x += push_x * displacement
        offset_y += push_y * displacement
    return offset_x, offset_y


def _project(matrices: Tensor, points: Points) -> Points:
    """Apply homographies (n, T, 3, 3) to points; those beyond a layer's horizon go far away."""
    x, y = points
    m = matrices[..., None, None]
    rows = [m[:, :, k, 0] * x + (m[:, :, k, 1] * y + m[:, :, k, 2]) for k in range(3)]
    depth = rows[2].clamp_min(_MIN_DEPTH)
    return rows[0] / depth, rows[1] / depth
