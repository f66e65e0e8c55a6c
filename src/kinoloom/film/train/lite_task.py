"""The task of LiteNet: motion and frames, learned from prepared crops.

The terms of the loss:

    laplacian, l1   of the frame that is made, as `learn.losses` defines them
    motion          logarithm of 1 + the distance of the motion found at each size from the one of
                    the crop, in pixels at half size, where that one is trusted: what is far off
                    pulls no more than what is nearly right

First motion alone is learned: it is what takes longest, and no frame need be made for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.film.nets.lite_net import LiteNet
from kinoloom.film.train.crops import CROP_PX, Crop
from kinoloom.film.train.preparing import load_arrays, prepared_in
from kinoloom.film.train.scoring import psnr_db
from kinoloom.film.train.sheets import sheet
from kinoloom.learn.losses.laplacian import laplacian_loss
from kinoloom.learn.losses.photometric import l1
from kinoloom.learn.schedules import Piecewise
from kinoloom.learn.seeds import generator, share_indices
from kinoloom.learn.settings import Settings
from kinoloom.learn.task import Task

PART_PX = 128
"""Sides of what a step sees of a crop."""
WEIGHTS = {"motion": 1.0, "laplacian": 0.2, "l1": 2.0}
_MOTION_ALONE = 0.5
"""Part of the training in which frames are not looked at."""
_SHOWN = 4
_FLIPPED = np.array([[1, -1, 1, -1], [-1, 1, -1, 1]], np.float16)
"""What flipping rows or columns does to motion, (x, y) twice."""

Batch = Mapping[str, Tensor]


def lite_task(
    net: LiteNet, prepared: Path, held_out: Path, settings: Settings, record: Mapping[str, Any]
) -> Task:
    """Train on the crops of one folder; choose the best by those of another.

    Args:
        net: the network.
        prepared, held_out: folders of crops, see `crops`.
        settings: of the training; a batch is of parts of crops.
        record: see `learn.task.Task`.

    Raises:
        InputNotFoundError: one of the folders holds no crops.
    """
    files, held = (prepared_in(folder) for folder in (prepared, held_out))

    def batch_of(step: int, share: int, shares: int) -> dict[str, NDArray[Any]]:
        parts = []
        for k in share_indices(settings.batch, share, shares):
            rng = generator(settings.seed, step, k)
            crop = _load(files[int(rng.integers(len(files)))])
            parts.append(_part(_turned(crop, rng), PART_PX, rng))
        return _stacked(parts)

    alone = round(_MOTION_ALONE * settings.steps)
    weights: dict[str, float | Piecewise] = {
        name: weight if name == "motion" else Piecewise((alone - 1,), (0.0, weight))
        for name, weight in WEIGHTS.items()
    }
    still = [_on_torch(_stacked([_load(file)])) for file in held]
    return Task(
        net,
        batch_of,
        losses,
        weights,
        validate=lambda net: validate(net, still),
        best="psnr_db",
        samples=lambda net: {"made_and_truth": _sheet(net, still)},
        record={**record, "crops": len(files), "held_out": len(held), "size": vars(net.size)},
        has_unused_parameters=True,
    )


def losses(net: nn.Module, batch: Batch, weights: Mapping[str, float]) -> dict[str, Tensor]:
    """The terms above, means over the batch."""
    lite = cast(LiteNet, net)
    first, truth, second, time = _frames(batch)
    found = lite.motions(first, second, time)
    motion = torch.stack([_astray(motion.float(), batch) for motion, _ in found]).mean()
    if set(weights) == {"motion"}:
        return {"motion": motion}
    _, frame = lite.painted(first, second, time, *found[-1])
    with torch.autocast(truth.device.type, enabled=False):
        terms = {
            "motion": motion,
            "laplacian": laplacian_loss(frame, truth),
            "l1": l1(frame, truth),
        }
    return {name: terms[name] for name in weights}


def validate(net: nn.Module, crops: Sequence[Batch]) -> dict[str, float]:
    """Means over crops: the ratio of signal to noise, and how far motion is astray."""
    decibels, astray = [], []
    for crop in crops:
        frame, truth, motion = _made(net, crop)
        decibels.append(psnr_db(frame, truth))
        astray.append(float(_astray(motion, crop)))
    return {"psnr_db": float(np.mean(decibels)), "astray": float(np.mean(astray))}


def _made(net: nn.Module, crop: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """The frame of one crop, the truth and the motion, on the CPU."""
    device = next(net.parameters()).device
    first, truth, second, time = _frames({name: each.to(device) for name, each in crop.items()})
    lite = cast(LiteNet, net)
    answers, frame = lite.painted(first, second, time, *lite.motions(first, second, time)[-1])
    return frame.cpu(), truth.cpu(), answers.motion.cpu()


def _sheet(net: nn.Module, crops: Sequence[Batch]) -> NDArray[np.uint8]:
    """Of the first crops, what was made beside the truth."""
    return sheet([[picture[0] for picture in _made(net, crop)[:2]] for crop in crops[:_SHOWN]])


def _astray(motion: Tensor, batch: Batch) -> Tensor:
    """See the term `motion`; of motion on a grid of any size."""
    truth, trust = batch["motion"].float(), batch["trust"].float()[:, None]
    ratio = truth.shape[2] // motion.shape[2]
    if ratio > 1:
        motion = ratio * functional.interpolate(
            motion, scale_factor=ratio, mode="bilinear", align_corners=False
        )
    squared = (motion - truth).square()
    apart = torch.cat([squared[:, k : k + 2].sum(1, keepdim=True) for k in (0, 2)], 1)
    return (trust * torch.log1p((apart + 1e-6).sqrt())).mean()


def _frames(batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """First, middle and second (B, 3, H, W) in 0..1, and the time (B, 1, 1, 1)."""
    first, truth, second = (batch["frames"][:, k].float() / 255 for k in range(3))
    return first, truth, second, batch["time"].view(-1, 1, 1, 1)


def _turned(crop: Crop, rng: np.random.Generator) -> Crop:
    """The crop reversed, flipped, turned, with other colours, each half of the time."""
    reverse, across, down, turn = rng.random(4) < 0.5
    frames, motion, trust, time = crop.frames, crop.motion, crop.trust, crop.time
    frames = frames[..., rng.permutation(3)]
    if reverse:
        frames, motion, time = frames[::-1], -motion[..., [2, 3, 0, 1]], 1 - time
    for flipped, axis in ((down, 0), (across, 1)):
        if flipped:
            frames, motion, trust = (
                np.flip(frames, 1 + axis),
                np.flip(motion, axis),
                np.flip(trust, axis),
            )
            motion = motion * _FLIPPED[axis]
    if turn:
        frames, motion, trust = frames.swapaxes(1, 2), motion.swapaxes(0, 1), trust.swapaxes(0, 1)
        motion = motion[..., [1, 0, 3, 2]]
    return Crop(time, frames, motion, trust)


def _part(crop: Crop, side: int, rng: np.random.Generator) -> Crop:
    """A random square of the crop."""
    top, left = (2 * int(rng.integers((CROP_PX - side) // 2 + 1)) for _ in range(2))
    cells = np.s_[top // 2 : (top + side) // 2, left // 2 : (left + side) // 2]
    frames = crop.frames[:, top : top + side, left : left + side]
    return Crop(crop.time, frames, crop.motion[cells], crop.trust[cells])


def _stacked(crops: Sequence[Crop]) -> dict[str, NDArray[Any]]:
    """Frames (B, 3, 3, H, W), motion (B, 4, h, w), trust (B, h, w), time (B,)."""
    return {
        "frames": np.stack([np.moveaxis(crop.frames, 3, 1) for crop in crops]),
        "motion": np.stack([np.moveaxis(crop.motion, 2, 0) for crop in crops]),
        "trust": np.stack([crop.trust for crop in crops]),
        "time": np.array([crop.time for crop in crops], np.float32),
    }


def _on_torch(batch: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in batch.items()}


def _load(file: Path) -> Crop:
    return Crop(**load_arrays(file))
