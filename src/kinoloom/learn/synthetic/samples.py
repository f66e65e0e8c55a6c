"""Frames of packed scenes, with the truth of their motion: the end of the generator.

Each layer is drawn by going back from the pixels of a frame to the layer, at the frame's own time,
and sampling its texture there, from the farthest layer to the nearest. Frames 0 and 1 then suffer
what cameras and files do; the middle frame only shares their light.
"""

from __future__ import annotations

from typing import Literal, TypedDict

import torch
from torch import Tensor

from kinoloom.learn.synthetic.degradations import add_noise, compress, relight
from kinoloom.learn.synthetic.packing import FRAMES, Packed
from kinoloom.learn.synthetic.sampling import colours, cover
from kinoloom.learn.synthetic.truth import Truth, truth_of
from kinoloom.learn.synthetic.warps import canvas, to_layers


class Samples(TypedDict):
    """B triplets of frames.

    Attributes:
        frame0, middle, frame1: (B, 3, H, W) float32 in 0..1.
        time: (B,) of the middle frame.
        truth: of the motion.
    """

    frame0: Tensor
    middle: Tensor
    frame1: Tensor
    time: Tensor
    truth: Truth


@torch.no_grad()
def make_samples(packed: Packed) -> Samples:
    """Make the frames of packed scenes, on the device where they lie."""
    frames = draw_frames(packed)
    ends, middle = _lit(frames, packed)
    if len(packed["noisy"]):
        noisy = add_noise(ends[packed["noisy"]], packed["noise"], packed["seed"])
        ends[packed["noisy"]] = noisy.clamp(0, 1)
    if len(packed["compressed"]):
        ends[packed["compressed"]] = compress(ends[packed["compressed"]], packed["quality"])
    return Samples(
        frame0=ends[:, 0],
        middle=middle,
        frame1=ends[:, 1],
        time=packed["time"],
        truth=truth_of(packed),
    )


def draw_frames(packed: Packed) -> Tensor:
    """Frame 0, the middle and frame 1 as they are in the scenes, (B, FRAMES, 3, H, W) in 0..1."""
    moments = packed["blurred"]["back"].shape[1] // FRAMES
    if not moments:
        return _drawn(packed, "exact", slice(None))
    total = _drawn(packed, "blurred", slice(0, FRAMES))
    for moment in range(1, moments):
        total += _drawn(packed, "blurred", slice(moment * FRAMES, (moment + 1) * FRAMES))
    return total / moments


def _drawn(packed: Packed, which: Literal["exact", "blurred"], times: slice) -> Tensor:
    """The frames at some of the times of their layers; one of many moments need not be so sharp."""
    mode: Literal["bicubic", "bilinear"] = "bicubic" if which == "exact" else "bilinear"
    size, device = packed["size"], packed["background"].device
    pixels = canvas(size, (0, size, 0, size), device)
    frames = colours(packed["background"], to_layers(packed[which], pixels, times), mode)
    for level in packed["levels"]:
        top, bottom, left, right = level["window"]
        points = to_layers(level[which], canvas(size, level["window"], device), times)
        layer = colours(level["texture"][:, :3], points, mode)
        part = cover(level["texture"], points)[:, :, None]
        seen = frames[..., top:bottom, left:right]
        seen[level["scene"]] = torch.lerp(seen[level["scene"]], layer, part)
    return frames


def _lit(frames: Tensor, packed: Packed) -> tuple[Tensor, Tensor]:
    """The frames in their light: both ends (B, 2, 3, H, W), and the middle (B, 3, H, W)."""
    gain = packed["gain"][:, :, None, None]
    part = packed["time"].view(-1, 1, 1, 1)
    ends = torch.stack([frames[:, 0], relight(frames[:, 2], gain)], dim=1)
    return ends, relight(frames[:, 1], gain**part)
