"""Renders packed scenes: frames, with the ground truth of their motion.

Each pixel of a frame is mapped back to the layers at the frame's own time, and their textures are
sampled there, from the farthest layer to the nearest. Then frames 0 and 1 are degraded; the middle
frame shares only their change of exposure.
"""

from __future__ import annotations

from typing import Literal, TypedDict

import torch
from torch import Tensor

from kinoloom.learn.synthetic.degradations import add_noise, adjust_exposure, compress_jpeg
from kinoloom.learn.synthetic.packing import FRAMES, PackedScenes
from kinoloom.learn.synthetic.sampling import sample_colors, sample_coverage
from kinoloom.learn.synthetic.truth import Truth, compute_truth
from kinoloom.learn.synthetic.warps import canvas_grid, map_to_layers


class Samples(TypedDict):
    """B triplets of frames.

    Attributes:
        frame0, middle, frame1: (B, 3, H, W) float32 in 0..1.
        time: (B,) of the middle frame.
        truth: ground truth of the motion.
    """

    frame0: Tensor
    middle: Tensor
    frame1: Tensor
    time: Tensor
    truth: Truth


@torch.no_grad()
def render_samples(packed: PackedScenes) -> Samples:
    """Render packed scenes, on their device."""
    frames = render_frames(packed)
    ends, middle = _apply_exposure(frames, packed)
    if len(packed["noisy"]):
        noisy = add_noise(ends[packed["noisy"]], packed["noise"], packed["seed"])
        ends[packed["noisy"]] = noisy.clamp(0, 1)
    if len(packed["compressed"]):
        ends[packed["compressed"]] = compress_jpeg(ends[packed["compressed"]], packed["quality"])
    return Samples(
        frame0=ends[:, 0],
        middle=middle,
        frame1=ends[:, 1],
        time=packed["time"],
        truth=compute_truth(packed),
    )


def render_frames(packed: PackedScenes) -> Tensor:
    """Render frame 0, the middle frame and frame 1 without degradations.

    Returns:
        (B, FRAMES, 3, H, W) in 0..1.
    """
    exposures = packed["blurred"]["to_layer"].shape[1] // FRAMES
    if not exposures:
        return _render_times(packed, "exact", slice(None))
    total = _render_times(packed, "blurred", slice(0, FRAMES))
    for exposure in range(1, exposures):
        total += _render_times(packed, "blurred", slice(exposure * FRAMES, (exposure + 1) * FRAMES))
    return total / exposures


def _render_times(packed: PackedScenes, which: Literal["exact", "blurred"], times: slice) -> Tensor:
    """Render the frames at some of their layers' times; motion blur allows bilinear sampling."""
    mode: Literal["bicubic", "bilinear"] = "bicubic" if which == "exact" else "bilinear"
    size, device = packed["size"], packed["background"].device
    pixels = canvas_grid(size, (0, size, 0, size), device)
    frames = sample_colors(packed["background"], map_to_layers(packed[which], pixels, times), mode)
    for level in packed["levels"]:
        top, bottom, left, right = level["window"]
        points = map_to_layers(level[which], canvas_grid(size, level["window"], device), times)
        layer = sample_colors(level["texture"][:, :3], points, mode)
        coverage = sample_coverage(level["texture"], points)[:, :, None]
        region = frames[..., top:bottom, left:right]
        region[level["scene"]] = torch.lerp(region[level["scene"]], layer, coverage)
    return frames


def _apply_exposure(frames: Tensor, packed: PackedScenes) -> tuple[Tensor, Tensor]:
    """Apply the exposure: return both ends (B, 2, 3, H, W), and the middle frame (B, 3, H, W)."""
    gain = packed["gain"][:, :, None, None]
    time = packed["time"].view(-1, 1, 1, 1)
    ends = torch.stack([frames[:, 0], adjust_exposure(frames[:, 2], gain)], dim=1)
    return ends, adjust_exposure(frames[:, 1], gain**time)
