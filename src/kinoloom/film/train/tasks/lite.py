"""The training task of LiteNet: motion and frames, from prepared crops.

Loss terms:

    laplacian, l1   of the rendered frame, as defined in `learn.losses`
    motion          log(1 + distance) between the motion at each scale and that of the crop, in
                    pixels at half size, weighted by trust; large errors weigh no more than small
                    ones

Training starts with motion alone: it takes longest to learn and needs no rendered frames.
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
from kinoloom.film.train.contact_sheet import draw_contact_sheet
from kinoloom.film.train.metrics import compute_psnr_db
from kinoloom.film.train.samples.crops import CROP_PX, Crop
from kinoloom.film.train.samples.preparation import list_prepared, load_arrays
from kinoloom.learn.losses.laplacian import laplacian_loss
from kinoloom.learn.losses.photometric import l1
from kinoloom.learn.schedules import Piecewise
from kinoloom.learn.seeds import generator, share_indices
from kinoloom.learn.settings import Settings
from kinoloom.learn.task import Task

PATCH_PX = 128
"""Side of the part of a crop that a step uses."""
LOSS_WEIGHTS = {"motion": 1.0, "laplacian": 0.2, "l1": 2.0}
_MOTION_ONLY_FRACTION = 0.5
"""Part of the training without losses on frames."""
_SHOWN_CROPS = 4
_FLIP_SIGNS = np.array([[1, -1, 1, -1], [-1, 1, -1, 1]], np.float16)
"""Signs of motion, (x, y) twice, after flipping rows or columns."""

Batch = Mapping[str, Tensor]


def build_lite_task(
    net: LiteNet, prepared: Path, held_out: Path, settings: Settings, record: Mapping[str, Any]
) -> Task:
    """Build the task of training on the crops of one folder and validating on those of another.

    Args:
        net: the network.
        prepared, held_out: folders of crops, see `samples.crops`.
        settings: of the training loop; a batch consists of patches of crops.
        record: see `learn.task.Task`.

    Raises:
        InputNotFoundError: a folder contains no crops.
    """
    files, held_out_files = (list_prepared(folder) for folder in (prepared, held_out))

    def draw_batch(step: int, share: int, shares: int) -> dict[str, NDArray[Any]]:
        patches = []
        for k in share_indices(settings.batch, share, shares):
            rng = generator(settings.seed, step, k)
            crop = _load_crop(files[int(rng.integers(len(files)))])
            patches.append(_cut_patch(_augment(crop, rng), PATCH_PX, rng))
        return _stack(patches)

    motion_only_steps = round(_MOTION_ONLY_FRACTION * settings.steps)
    weights: dict[str, float | Piecewise] = {
        name: weight if name == "motion" else Piecewise((motion_only_steps - 1,), (0.0, weight))
        for name, weight in LOSS_WEIGHTS.items()
    }
    validation = [_to_tensors(_stack([_load_crop(file)])) for file in held_out_files]
    counts = {"crops": len(files), "held_out": len(held_out_files)}
    return Task(
        net,
        draw_batch,
        compute_losses,
        weights,
        validate=lambda net: evaluate(net, validation),
        best="psnr_db",
        samples=lambda net: {"frame_and_truth": _draw_samples(net, validation)},
        record={**record, **counts, "size": vars(net.size)},
        has_unused_parameters=True,
    )


def compute_losses(net: nn.Module, batch: Batch, weights: Mapping[str, float]) -> dict[str, Tensor]:
    """Return the loss terms of the module docstring, as means over the batch."""
    lite = cast(LiteNet, net)
    first, truth, second, time = _unpack(batch)
    scales = lite.estimate_motion(first, second, time)
    errors = [_compute_motion_error(motion.float(), batch) for motion, _ in scales]
    motion_error = torch.stack(errors).mean()
    if set(weights) == {"motion"}:
        return {"motion": motion_error}
    _, frame = lite.render_frame(first, second, time, *scales[-1])
    with torch.autocast(truth.device.type, enabled=False):
        terms = {
            "motion": motion_error,
            "laplacian": laplacian_loss(frame, truth),
            "l1": l1(frame, truth),
        }
    return {name: terms[name] for name in weights}


def evaluate(net: nn.Module, crops: Sequence[Batch]) -> dict[str, float]:
    """Return the mean PSNR and motion error over crops."""
    psnrs, motion_errors = [], []
    for crop in crops:
        frame, truth, motion = _render(net, crop)
        psnrs.append(compute_psnr_db(frame, truth))
        motion_errors.append(float(_compute_motion_error(motion, crop)))
    return {"psnr_db": float(np.mean(psnrs)), "motion_error": float(np.mean(motion_errors))}


def _render(net: nn.Module, crop: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Return the frame of one crop, the truth and the motion, on the CPU."""
    device = next(net.parameters()).device
    first, truth, second, time = _unpack({name: each.to(device) for name, each in crop.items()})
    lite = cast(LiteNet, net)
    motion, state = lite.estimate_motion(first, second, time)[-1]
    output, frame = lite.render_frame(first, second, time, motion, state)
    return frame.cpu(), truth.cpu(), output.motion.cpu()


def _draw_samples(net: nn.Module, crops: Sequence[Batch]) -> NDArray[np.uint8]:
    """Draw the frames of the first crops next to the truth."""
    return draw_contact_sheet(
        [[image[0] for image in _render(net, crop)[:2]] for crop in crops[:_SHOWN_CROPS]]
    )


def _compute_motion_error(motion: Tensor, batch: Batch) -> Tensor:
    """Return the loss term `motion` of motion on a grid of any size."""
    truth, trust = batch["motion"].float(), batch["trust"].float()[:, None]
    ratio = truth.shape[2] // motion.shape[2]
    if ratio > 1:
        motion = ratio * functional.interpolate(
            motion, scale_factor=ratio, mode="bilinear", align_corners=False
        )
    squared = (motion - truth).square()
    distances = torch.cat([squared[:, k : k + 2].sum(1, keepdim=True) for k in (0, 2)], 1)
    return (trust * torch.log1p((distances + 1e-6).sqrt())).mean()


def _unpack(batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return first, middle and last (B, 3, H, W) in 0..1, and the time (B, 1, 1, 1)."""
    first, truth, second = (batch["frames"][:, k].float() / 255 for k in range(3))
    return first, truth, second, batch["time"].view(-1, 1, 1, 1)


def _augment(crop: Crop, rng: np.random.Generator) -> Crop:
    """Shuffle the channels; reverse, flip and transpose, each with probability one half."""
    reverse, flip_x, flip_y, transpose = rng.random(4) < 0.5
    frames, motion, trust, time = crop.frames, crop.motion, crop.trust, crop.time
    frames = frames[..., rng.permutation(3)]
    if reverse:
        frames, motion, time = frames[::-1], -motion[..., [2, 3, 0, 1]], 1 - time
    for flipped, axis in ((flip_y, 0), (flip_x, 1)):
        if flipped:
            frames, motion, trust = (
                np.flip(frames, 1 + axis),
                np.flip(motion, axis),
                np.flip(trust, axis),
            )
            motion = motion * _FLIP_SIGNS[axis]
    if transpose:
        frames, motion, trust = frames.swapaxes(1, 2), motion.swapaxes(0, 1), trust.swapaxes(0, 1)
        motion = motion[..., [1, 0, 3, 2]]
    return Crop(time, frames, motion, trust)


def _cut_patch(crop: Crop, side: int, rng: np.random.Generator) -> Crop:
    """Cut a random square out of a crop."""
    top, left = (2 * int(rng.integers((CROP_PX - side) // 2 + 1)) for _ in range(2))
    cells = np.s_[top // 2 : (top + side) // 2, left // 2 : (left + side) // 2]
    frames = crop.frames[:, top : top + side, left : left + side]
    return Crop(crop.time, frames, crop.motion[cells], crop.trust[cells])


def _stack(crops: Sequence[Crop]) -> dict[str, NDArray[Any]]:
    """Return frames (B, 3, 3, H, W), motion (B, 4, h, w), trust (B, h, w) and time (B,)."""
    return {
        "frames": np.stack([np.moveaxis(crop.frames, 3, 1) for crop in crops]),
        "motion": np.stack([np.moveaxis(crop.motion, 2, 0) for crop in crops]),
        "trust": np.stack([crop.trust for crop in crops]),
        "time": np.array([crop.time for crop in crops], np.float32),
    }


def _to_tensors(batch: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in batch.items()}


def _load_crop(file: Path) -> Crop:
    return Crop(**load_arrays(file))
