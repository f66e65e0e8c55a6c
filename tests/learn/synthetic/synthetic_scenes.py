"""Textures and scenes for the tests of synthetic motion, smooth enough for accurate warps."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from kinoloom.learn.synthetic.degradations import DegradationOptions
from kinoloom.learn.synthetic.paths import Motion, MotionOptions
from kinoloom.learn.synthetic.scenes import Scene, SceneOptions, make_scene

CLEAN = DegradationOptions(exposure=0, noise=0, jpeg=0)


def smooth_photos(count: int = 6, side: int = 160, softness_px: float = 3.0) -> list[Any]:
    """Return photos of random colours, smooth at the scale of a few pixels, with full contrast."""
    rng = np.random.default_rng(5)
    photos = []
    for _ in range(count):
        noise = cv2.GaussianBlur(rng.random((side, side, 3)), (0, 0), softness_px)
        low, high = noise.min(axis=(0, 1)), noise.max(axis=(0, 1))
        photos.append(np.uint8(20 + 215 * (noise - low) / (high - low)))
    return photos


def scene_options(**changes: Any) -> SceneOptions:
    """Return options of small scenes without degradations, with motion of at most 40 px."""
    motion = changes.pop("motion", MotionOptions(max_px=40))
    return SceneOptions(
        **({"size_px": 96, "degrade": CLEAN, "blurred": 0, "motion": motion} | changes)
    )


def draw_scene(number: int, **changes: Any) -> Scene:
    return make_scene(smooth_photos(), np.random.default_rng(number), scene_options(**changes))


def translation(shift: tuple[float, float], centre: tuple[float, float] = (0, 0)) -> Motion:
    """Return a pure translation."""
    return Motion(
        centre=np.array(centre, float),
        translation=np.array(shift, float),
        path_bend=np.zeros(2),
        pose=np.zeros(5),
        pose_change=np.zeros(5),
        acceleration=0.0,
        waves=np.zeros((3, 5)),
    )


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Sample an image (B, C, H, W) where the flow (B, 2, H, W) points, bicubic."""
    height, width = image.shape[2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x = (2 * (columns + flow[:, 0]) + 1) / width - 1
    y = (2 * (rows + flow[:, 1]) + 1) / height - 1
    return functional.grid_sample(
        image, torch.stack([x, y], 3), mode="bicubic", padding_mode="border", align_corners=False
    )


def erode(mask: Tensor, border_px: int = 3) -> Tensor:
    """Return the mask (B, 1, H, W) without a border."""
    around = -functional.max_pool2d(-mask.float(), 2 * border_px + 1, 1, border_px)
    return around.bool()
