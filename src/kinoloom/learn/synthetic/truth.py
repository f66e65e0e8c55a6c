"""Ground truth of the motion in packed scenes: optical flow and visibility.

A flow from frame a to frame b maps each pixel of a to its position in b, as an offset (x, y) in
pixels; it is exact also where that position is occluded or outside the frame. A pixel belongs to
the nearest layer that covers half of it. It is visible in b if the four pixels of b around its
position belong to the same layer.
"""

from __future__ import annotations

from typing import TypedDict

import torch
from torch import Tensor

from kinoloom.learn.synthetic.packing import FRAMES, LayerMotions, PackedScenes
from kinoloom.learn.synthetic.sampling import sample_coverage
from kinoloom.learn.synthetic.warps import Points, canvas_grid, map_to_canvas, map_to_layers

_SOURCE_FRAMES, _TARGET_FRAMES = [1, 1, 0, 2], [0, 2, 2, 0]
"""Of the four flows: from the middle frame to frames 0 and 1, from frame 0 to 1, and back."""
_SNAP_PX = 0.01
"""Positions this close to a pixel count as on it, or rounding would occlude static pixels."""


class Truth(TypedDict):
    """Flows (B, 2, H, W) float32 in pixels, and their visibility masks (B, 1, H, W) bool.

    Attributes:
        flow_t0, flow_t1: from the middle frame to frames 0 and 1.
        flow_01, flow_10: from frame 0 to frame 1, and back.
        seen_t0, seen_t1, seen_01, seen_10: whether a pixel is visible where its flow points.
    """

    flow_t0: Tensor
    flow_t1: Tensor
    flow_01: Tensor
    flow_10: Tensor
    seen_t0: Tensor
    seen_t1: Tensor
    seen_01: Tensor
    seen_10: Tensor


def compute_truth(packed: PackedScenes) -> Truth:
    """Compute the ground truth of each scene."""
    size, device = packed["size"], packed["background"].device
    pixels = canvas_grid(size, (0, size, 0, size), device)
    targets = _map_to_targets(packed["exact"], map_to_layers(packed["exact"], pixels, slice(None)))
    owner = torch.zeros(len(targets[0]), FRAMES, size, size, dtype=torch.int8, device=device)
    for number, level in enumerate(packed["levels"], 1):
        top, bottom, left, right = level["window"]
        pixels_in_window = canvas_grid(size, level["window"], device)
        points = map_to_layers(level["exact"], pixels_in_window, slice(None))
        covered, scene = sample_coverage(level["texture"], points) >= 0.5, level["scene"]
        owners = owner[..., top:bottom, left:right]
        owners[scene] = torch.where(covered, number, owners[scene])
        for target, moved in zip(targets, _map_to_targets(level["exact"], points), strict=True):
            part = target[..., top:bottom, left:right]
            part[scene] = torch.where(covered[:, _SOURCE_FRAMES], moved, part[scene])
    flows = torch.stack([targets[0] - pixels[0], targets[1] - pixels[1]], dim=2)
    visible = _find_visible(owner, targets)[:, :, None]
    return Truth(
        flow_t0=flows[:, 0], flow_t1=flows[:, 1], flow_01=flows[:, 2], flow_10=flows[:, 3],
        seen_t0=visible[:, 0], seen_t1=visible[:, 1], seen_01=visible[:, 2], seen_10=visible[:, 3],
    )  # fmt: skip


def _map_to_targets(motions: LayerMotions, points: Points) -> Points:
    """Return where on the canvas the four flows of each layer point, (n, 4, H, W).

    Args:
        motions: of the layers, at the times of the frames.
        points: in the layers, at the pixels of each frame.
    """
    sources = points[0][:, _SOURCE_FRAMES], points[1][:, _SOURCE_FRAMES]
    return map_to_canvas(motions, sources, _TARGET_FRAMES)


def _find_visible(owner: Tensor, targets: Points) -> Tensor:
    """Return whether the pixels around a position belong to the same layer as its source pixel.

    Args:
        owner: (B, FRAMES, H, W), index of the layer of each pixel.
        targets: positions (B, 4, H, W) from the centre of the canvas.

    Returns:
        (B, 4, H, W) bool.
    """
    last = owner.shape[-1] - 1
    x, y = (coordinate + last / 2 for coordinate in targets)
    inside = (x > -_SNAP_PX) & (x < last + _SNAP_PX) & (y > -_SNAP_PX) & (y < last + _SNAP_PX)
    columns, rows = _neighbours(x, last), _neighbours(y, last)
    source_owner, target_owner = (owner[:, k].flatten(2) for k in (_SOURCE_FRAMES, _TARGET_FRAMES))
    visible = inside.flatten(2)
    for row in rows:
        for column in columns:
            index = (row * (last + 1) + column).flatten(2)
            visible &= target_owner.gather(2, index) == source_owner
    return visible.view(inside.shape)


def _neighbours(coordinate: Tensor, last: int) -> tuple[Tensor, Tensor]:
    """Return the pixels on both sides of a coordinate, or the same one twice for one on a pixel."""
    before, after = (coordinate + _SNAP_PX).floor(), (coordinate - _SNAP_PX).ceil()
    return before.clamp(0, last).long(), after.clamp(0, last).long()
