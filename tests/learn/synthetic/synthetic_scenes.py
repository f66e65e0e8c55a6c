"""Textures and scenes for the tests of made motion: smooth, so that bilinear warps are exact."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from kinoloom.learn.synthetic.degradations import DegradationOptions
from kinoloom.learn.synthetic.paths import Motion, MotionOptions
from kinoloom.learn.synthetic.scenes import Scene, SceneOptions, make_scene

CLEAN = DegradationOptions(exposure=0, noise=0, jpeg=0)


def smooth_photos(count: int = 6, side: int = 160, softness_px: float = 3.0) -> list[Any]:
    """Random colours, smooth at the scale of a few pixels, over the whole range of brightness."""
    rng = np.random.default_rng(5)
    photos = []
    for _ in range(count):
        noise = cv2.GaussianBlur(rng.random((side, side, 3)), (0, 0), softness_px)
        low, high = noise.min(axis=(0, 1)), noise.max(axis=(0, 1))
        photos.append(np.uint8(20 + 215 * (noise - low) / (high - low)))
    return photos


def options(**changes: Any) -> SceneOptions:
    """Small scenes without degradations, whose largest motion is 40 px."""
    motion = changes.pop("motion", MotionOptions(max_px=40))
    return SceneOptions(
        **({"size_px": 96, "degrade": CLEAN, "blurred": 0, "motion": motion} | changes)
    )


def scene(number: int, **changes: Any) -> Scene:
    return make_scene(smooth_photos(), np.random.default_rng(number), options(**changes))


def straight(shift: tuple[float, float], centre: tuple[float, float] = (0, 0)) -> Motion:
    """A plain translation."""
    return Motion(
        centre=np.array(centre, float),
        translation=np.array(shift, float),
        path_bend=np.zeros(2),
        pose=np.zeros(5),
        pose_change=np.zeros(5),
        acceleration=0.0,
        waves=np.zeros((3, 5)),
    )


def warped(image: Tensor, flow: Tensor) -> Tensor:
    """What of `image` (B, C, H, W) lies where the flow (B, 2, H, W) leads, bicubic."""
    height, width = image.shape[2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x = (2 * (columns + flow[:, 0]) + 1) / width - 1
    y = (2 * (rows + flow[:, 1]) + 1) / height - 1
    return functional.grid_sample(
        image, torch.stack([x, y], 3), mode="bicubic", padding_mode="border", align_corners=False
    )


def inner(mask: Tensor, rim_px: int = 3) -> Tensor:
    """The mask (B, 1, H, W) without its rim."""
    around = -functional.max_pool2d(-mask.float(), 2 * rim_px + 1, 1, rim_px)
    return around.bool()


def bytes_of(made: Scene) -> list[NDArray[Any]]:
    """All that a scene is made of, as arrays."""
    return [
        made.background,
        made.cutouts,
        np.array([made.time, made.exposure, made.exposures]),
        *(
            np.concatenate(
                [m.centre, m.translation, m.path_bend, m.pose, m.pose_change, m.waves.ravel()]
            )
            for m in made.motions
        ),
    ]
