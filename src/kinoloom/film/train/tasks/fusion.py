"""The training task of the fusion network: a weight for each moved image, on prepared regions.

Loss terms:

    log_mse         logarithm of the mean squared error of a patch: a decibel weighs the same on
                    easy and difficult patches
    log_laplacian   logarithm of the Laplacian loss of a patch, for the same reason; it rewards
                    sharpness
    census          UnFlow's census loss, which rewards the structure of fine texture
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kinoloom.film.nets.fusion_net import FusionNet, FusionSize
from kinoloom.film.synthesis.fusion import (
    COARSE_SOURCES,
    SOURCES,
    build_fusion_input,
)
from kinoloom.film.synthesis.warping import WarpedPair
from kinoloom.film.train.metrics import compute_psnr_db
from kinoloom.film.train.samples.preparation import list_prepared
from kinoloom.film.train.samples.regions import REGION_PX, Region, load_region
from kinoloom.learn.logging.contact_sheet import draw_contact_sheet
from kinoloom.learn.losses.census import census_unflow
from kinoloom.learn.losses.laplacian import laplacian_pyramid
from kinoloom.learn.seeds import generator, share_indices
from kinoloom.learn.task import Task

PATCH_PX = 128
"""Side of the part of a region that a step uses."""
LOSS_WEIGHTS = {"log_mse": 0.5, "log_laplacian": 1.0, "census": 0.05}
_MSE_FLOOR = 5e-5
"""Mean squared error (43 dB) below which improvements of a patch weigh less and less."""
_LAPLACIAN_LEVELS = 5
_LAPLACIAN_FLOOR = 0.02
_SHOWN_REGIONS = 4

Batch = Mapping[str, Tensor]


def build_fusion_task(
    prepared: Path, held_out: Path, batch: int, seed: int, size: FusionSize, data: Mapping[str, Any]
) -> Task:
    """Build the task of training on the regions of one folder and validating on those of another.

    Args:
        prepared, held_out: folders of regions, see `samples.regions`.
        batch: patches per step.
        seed: of the training run.
        size: of the network.
        data: description of the data, recorded with the weights.

    Raises:
        InputNotFoundError: a folder contains no regions.
    """
    files, held_out_files = (list_prepared(folder) for folder in (prepared, held_out))

    def draw_batch(step: int, share: int, shares: int) -> dict[str, NDArray[Any]]:
        patches = []
        for k in share_indices(batch, share, shares):
            rng = generator(seed, step, k)
            region = load_region(files[int(rng.integers(len(files)))])
            patches.append(cut_patch(_augment(region, rng), PATCH_PX, rng))
        return collate(patches)

    held_out_regions = [load_region(file) for file in held_out_files]
    validation = [
        _to_tensors(collate([replace(region, is_fine=is_fine)]))
        for region in held_out_regions
        for is_fine in {region.is_fine, False}
    ]
    return Task(
        FusionNet(size),
        draw_batch,
        compute_losses,
        LOSS_WEIGHTS,
        validate=lambda net: evaluate(net, validation),
        best="psnr_db",
        samples=lambda net: {"fused_mean_truth": _draw_samples(net, validation)},
        record={
            "data": dict(data),
            "regions": len(files),
            "held_out": len(held_out_files),
            "size": vars(size),
        },
    )


def compute_losses(net: nn.Module, batch: Batch, weights: Mapping[str, float]) -> dict[str, Tensor]:
    """Return the loss terms of the module docstring, as means over the batch."""
    frame, truth = render(net, batch), batch["truth"]
    squared = (frame - truth).square().mean((1, 2, 3))
    levels = laplacian_pyramid(frame - truth, _LAPLACIAN_LEVELS)
    laplacian = sum(2**k * level.abs().mean((1, 2, 3)) for k, level in enumerate(levels))
    terms = {
        "log_mse": torch.log(squared + _MSE_FLOOR).mean(),
        "log_laplacian": torch.log(laplacian + _LAPLACIAN_FLOOR).mean(),
        "census": census_unflow(frame, truth),
    }
    return {name: terms[name] for name in weights}


def render(net: nn.Module, batch: Batch) -> Tensor:
    """Return the fused frames of a batch from `collate`, (B, 3, H, W)."""
    sides = torch.cat([batch["sides"][:, 0], batch["sides"][:, 1]])
    weights = net(sides, batch["common"], batch["speeds"])
    frames: Tensor = (weights[:, :, None] * batch["images"]).sum(1)
    return frames


def evaluate(net: nn.Module, regions: Sequence[Batch]) -> dict[str, float]:
    """Return the mean PSNR over regions, and its gain over the mean of the sources."""
    fused, means = [], []
    for region in regions:
        frame, mean, truth = _render_one(net, region)
        fused.append(compute_psnr_db(frame, truth))
        means.append(compute_psnr_db(mean, truth))
    return {
        "psnr_db": float(np.mean(fused)),
        "gain_db": float(np.mean(fused) - np.mean(means)),
    }


def cut_patch(region: Region, side: int, rng: np.random.Generator) -> Region:
    """Cut a random square with even corners out of a region."""
    top, left = (2 * int(rng.integers((REGION_PX - side) // 2 + 1)) for _ in range(2))
    box = np.s_[top : top + side, left : left + side]
    half = np.s_[:, top // 2 : (top + side) // 2, left // 2 : (left + side) // 2]
    return Region(
        region.time,
        region.truth[box],
        region.before[:, *box],
        region.after[:, *box],
        region.share[:, *box],
        region.speeds[half],
        region.is_fine,
    )


def collate(regions: Sequence[Region]) -> dict[str, NDArray[Any]]:
    """Build a batch: the network's input, truth (B, 3, H, W) and images (B, 2 S, 3, H, W)."""
    pairs = [_load_pairs(region) for region in regions]
    inputs = [
        build_fusion_input(each, list(region.speeds[: len(each)].astype(np.float32)))
        for each, region in zip(pairs, regions, strict=True)
    ]
    return {
        "sides": np.stack([each.sides for each in inputs]),
        "common": np.concatenate([each.common for each in inputs]),
        "speeds": np.concatenate([each.speeds for each in inputs]),
        "images": np.stack([_stack_images(each) for each in pairs]),
        "truth": np.stack([np.moveaxis(each.truth, 2, 0) for each in regions]).astype(np.float32)
        / np.float32(255),
    }


def _load_pairs(region: Region) -> list[WarpedPair]:
    """Return the pairs of a region in 32 bits, without absent sources."""
    height, width = region.truth.shape[:2]
    presence = np.ones((height, width), np.float32)
    count = SOURCES if region.is_fine else COARSE_SOURCES
    images = (each[:count].astype(np.float32) for each in (region.before, region.after))
    shares = region.share[:count].astype(np.float32)
    return [
        WarpedPair(before, after, share, presence)
        for before, after, share in zip(*images, shares, strict=True)
    ]


def _stack_images(pairs: Sequence[WarpedPair]) -> NDArray[np.float32]:
    """Return the images of all sources, (2 S, 3, H, W), as the network's weights order them."""
    filled = [*pairs, *[pairs[-1]] * (SOURCES - len(pairs))]
    images = [*(each.before for each in filled), *(each.after for each in filled)]
    return np.moveaxis(np.stack(images), 3, 1)


def _augment(region: Region, rng: np.random.Generator) -> Region:
    """Shuffle the channels; reverse, flip, transpose and keep only coarse sources.

    Each of these has a probability of one half.
    """
    reverse, flip_x, flip_y, transpose, keeps_fine = rng.random(5) < 0.5
    channels = rng.permutation(3)
    truth, before, after = (
        image[..., channels] for image in (region.truth, region.before, region.after)
    )
    fields: list[NDArray[Any]] = [truth[None], before, after, region.share, region.speeds]
    time = region.time
    if reverse:
        fields[1:4] = after, before, 1 - region.share
        time = 1 - time
    for flipped, axis in ((flip_y, 1), (flip_x, 2)):
        if flipped:
            fields = [np.flip(field, axis) for field in fields]
    if transpose:
        fields = [field.swapaxes(1, 2) for field in fields]
    is_fine = region.is_fine and bool(keeps_fine)
    return Region(time, fields[0][0], fields[1], fields[2], fields[3], fields[4], is_fine)


def _render_one(net: nn.Module, region: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Return the fused frame, the mean of the sources, and the truth, (1, 3, H, W)."""
    device = next(net.parameters()).device
    batch = {name: tensor.to(device) for name, tensor in region.items()}
    share = torch.exp(batch["sides"][:, :, batch["speeds"].shape[1] :] * 3).flatten(1, 2)
    mean = (share[:, :, None] * batch["images"]).sum(1) / share.sum(1)[:, None]
    return render(net, batch).cpu(), mean.cpu(), batch["truth"].cpu()


def _draw_samples(net: nn.Module, regions: Sequence[Batch]) -> NDArray[np.uint8]:
    """Draw the first regions: fused, the mean of the sources, and the truth."""
    return draw_contact_sheet(
        [[image[0] for image in _render_one(net, each)] for each in regions[:_SHOWN_REGIONS]]
    )


def _to_tensors(batch: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in batch.items()}
