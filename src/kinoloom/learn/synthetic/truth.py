"""The truth about the motion in packed scenes: flow, and what of it can be seen.

A flow from frame a to frame b says for each pixel of a where what is seen there lies in b, as
(x, y) in pixels; it is exact also where that is hidden in b or out of its sight. A pixel is of the
nearest layer that covers half of it. It is visible in b where the four pixels of b around its
place are of the same layer.
"""

from __future__ import annotations

from typing import TypedDict

import torch
from torch import Tensor

from kinoloom.learn.synthetic.packing import FRAMES, Packed, Planes
from kinoloom.learn.synthetic.sampling import cover
from kinoloom.learn.synthetic.warps import Points, canvas, to_canvas, to_layers

_FROM, _TO = [1, 1, 0, 2], [0, 2, 2, 0]
"""Of the four flows: from the middle to frames 0 and 1, from frame 0 to 1, and back."""
_ON_PIXEL = 0.01
"""Places so close to a pixel, in pixels, are on it: rounding must not hide what stands still."""


class Truth(TypedDict):
    """Flows (B, 2, H, W) float32 in pixels, and where they can be seen, (B, 1, H, W) bool.

    Attributes:
        flow_t0, flow_t1: from the middle frame to frames 0 and 1.
        flow_01, flow_10: from frame 0 to frame 1, and back.
        seen_t0, seen_t1, seen_01, seen_10: whether a pixel is visible where its flow leads.
    """

    flow_t0: Tensor
    flow_t1: Tensor
    flow_01: Tensor
    flow_10: Tensor
    seen_t0: Tensor
    seen_t1: Tensor
    seen_01: Tensor
    seen_10: Tensor


def truth_of(packed: Packed) -> Truth:
    """The truth of each scene."""
    size, device = packed["size"], packed["background"].device
    pixels = canvas(size, (0, size, 0, size), device)
    there = _all_flows(packed["exact"], to_layers(packed["exact"], pixels, slice(None)))
    owner = torch.zeros(len(there[0]), FRAMES, size, size, dtype=torch.int8, device=device)
    for number, level in enumerate(packed["levels"], 1):
        top, bottom, left, right = level["window"]
        points = to_layers(level["exact"], canvas(size, level["window"], device), slice(None))
        mine, scene = cover(level["texture"], points) >= 0.5, level["scene"]
        owners = owner[..., top:bottom, left:right]
        owners[scene] = torch.where(mine, number, owners[scene])
        for whole, moved in zip(there, _all_flows(level["exact"], points), strict=True):
            part = whole[..., top:bottom, left:right]
            part[scene] = torch.where(mine[:, _FROM], moved, part[scene])
    flows = torch.stack([there[0] - pixels[0], there[1] - pixels[1]], dim=2)
    seen = _seen(owner, there)[:, :, None]
    return Truth(
        flow_t0=flows[:, 0], flow_t1=flows[:, 1], flow_01=flows[:, 2], flow_10=flows[:, 3],
        seen_t0=seen[:, 0], seen_t1=seen[:, 1], seen_01=seen[:, 2], seen_10=seen[:, 3],
    )  # fmt: skip


def _all_flows(planes: Planes, points: Points) -> Points:
    """Where on the canvas the four flows of each layer lead, (n, 4, H, W).

    Args:
        planes: the layers' motion at the times of the frames.
        points: of the layers, at the pixels of each frame.
    """
    return to_canvas(planes, (points[0][:, _FROM], points[1][:, _FROM]), _TO)


def _seen(owner: Tensor, there: Points) -> Tensor:
    """Whether the pixels around a place are of the same layer as the pixel that comes there.

    Args:
        owner: (B, FRAMES, H, W), number of the layer of each pixel.
        there: places (B, 4, H, W) from the centre of the canvas.

    Returns:
        (B, 4, H, W) bool.
    """
    last = owner.shape[-1] - 1
    x, y = (place + last / 2 for place in there)
    inside = (x > -_ON_PIXEL) & (x < last + _ON_PIXEL) & (y > -_ON_PIXEL) & (y < last + _ON_PIXEL)
    columns, rows = _neighbours(x, last), _neighbours(y, last)
    mine, theirs = owner[:, _FROM].flatten(2), owner[:, _TO].flatten(2)
    seen = inside.flatten(2)
    for row in rows:
        for column in columns:
            seen &= theirs.gather(2, (row * (last + 1) + column).flatten(2)) == mine
    return seen.view(inside.shape)


def _neighbours(place: Tensor, last: int) -> tuple[Tensor, Tensor]:
    """The pixels on both sides of a place along one axis; twice the same for one on a pixel."""
    before, after = (place + _ON_PIXEL).floor(), (place - _ON_PIXEL).ceil()
    return before.clamp(0, last).long(), after.clamp(0, last).long()
