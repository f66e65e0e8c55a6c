"""The training task of the refinement network: weights and motions of the candidates.

The network's output is blended as in the engine, and the frame is compared with the truth. Loss
terms:

    log_mse           logarithm of the mean squared error of a patch: a decibel weighs the same on
                      easy and difficult patches
    l1                mean absolute error
    candidate_error   mean absolute error of the predicted log squared error of each sample, a
                      direct supervision of the weights
    error             the same for the blended frame, for the error estimate
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.film.nets.blending import blend_candidates
from kinoloom.film.nets.refine_net import RefineNet, RefineSize
from kinoloom.film.synthesis.refine import MOTION_SCALE, RESIDUAL_SCALE, WEIGHT_SCALE
from kinoloom.film.train.contact_sheet import draw_contact_sheet
from kinoloom.film.train.metrics import compute_psnr_db
from kinoloom.film.train.samples.patches import Patch, sample_patch
from kinoloom.film.train.samples.preparation import list_prepared
from kinoloom.film.train.samples.regions import MARGIN_PX, load_region
from kinoloom.learn.seeds import generator, share_indices
from kinoloom.learn.task import Task

PATCH_CELLS = 64
"""Side of a patch, in grid cells."""
LOSS_WEIGHTS = {"log_mse": 0.5, "l1": 5.0, "candidate_error": 0.2, "error": 0.05}
_SHOWN_PATCHES = 4
_MSE_FLOOR = 5e-4
"""Mean squared error (33 dB) below which improvements of a patch weigh less and less."""
_MIN_SQUARED_ERROR = 1e-6


def build_refine_task(
    prepared: Path, held_out: Path, batch: int, seed: int, size: RefineSize
) -> Task:
    """Build the task of training on the regions of one folder and validating on those of another.

    Args:
        prepared, held_out: folders of regions, see `samples.regions`.
        batch: patches per step.
        seed: of the training run.
        size: of the network.

    Raises:
        InputNotFoundError: a folder contains no regions.
    """
    files, held_out_files = (list_prepared(folder) for folder in (prepared, held_out))

    def draw_batch(step: int, share: int, shares: int) -> list[dict[str, Any]]:
        patches = []
        for k in share_indices(batch, share, shares):
            rng = generator(seed, step, k)
            region = load_region(files[int(rng.integers(len(files)))])
            patches.append(vars(sample_patch(region, PATCH_CELLS, rng)))
        return patches

    validation = [
        sample_patch(load_region(file), PATCH_CELLS, generator(seed, k))
        for k, file in enumerate(held_out_files)
    ]
    return Task(
        RefineNet(size),
        draw_batch,
        compute_losses,
        LOSS_WEIGHTS,
        validate=lambda net: evaluate(net, validation),
        best="psnr_db",
        samples=lambda net: {"refined_unrefined_truth": _draw_samples(net, validation)},
        record={"regions": len(files), "held_out": len(held_out_files), "size": vars(size)},
    )


def compute_losses(
    net: nn.Module, batch: Sequence[Mapping[str, Any]], weights: Mapping[str, float]
) -> dict[str, Tensor]:
    """Return the loss terms of the module docstring, as means over the batch."""
    planes = torch.stack([patch["planes"] for patch in batch])
    corrections, residual, log_error, sample_errors = net(planes)
    terms: dict[str, list[Tensor]] = {name: [] for name in LOSS_WEIGHTS}
    for k, patch in enumerate(batch):
        frame = blend_patch(patch, corrections[k], residual[k])
        squared = (frame - patch["truth"]).square().mean(0)
        terms["log_mse"].append(torch.log(squared.mean() + _MSE_FLOOR))
        terms["l1"].append((frame - patch["truth"]).abs().mean())
        target = functional.adaptive_avg_pool2d(squared.detach()[None], log_error.shape[2:])
        log_target = (target + _MIN_SQUARED_ERROR).log() / 2
        terms["error"].append((log_error[k] - log_target).abs().mean())
    targets = torch.stack([patch["log_errors"] for patch in batch])
    terms["candidate_error"] = [(sample_errors - targets).abs().mean()]
    return {name: torch.stack(terms[name]).mean() for name in weights}


def blend_patch(patch: Mapping[str, Any], corrections: Tensor, residual: Tensor) -> Tensor:
    """Blend the frame of a patch, (3, H, W), with the network's output.

    Args:
        patch: the fields of `samples.patches.Patch`, as tensors.
        corrections: (candidates, OUTPUT_PLANES, h, w).
        residual: (3, h, w).
    """
    ratio = patch["truth"].shape[1] // patch["log_weights"].shape[2]
    log_weights = patch["log_weights"] + WEIGHT_SCALE * corrections[:, :2]
    weights = log_weights.flatten(0, 1).softmax(0).view_as(log_weights)
    motions = patch["motions"] + ratio * MOTION_SCALE * corrections[:, 2:]
    motions, weights, residual = (
        _upsample(field, ratio) for field in (motions, weights, RESIDUAL_SCALE * residual[None])
    )
    first, second, time = patch["first"], patch["second"], float(patch["time"])
    return blend_candidates(first, second, motions, weights, residual, time, MARGIN_PX)


def evaluate(net: nn.Module, patches: Sequence[Patch]) -> dict[str, float]:
    """Return the mean PSNR over patches, and its gain over unrefined candidates."""
    refined, unrefined = [], []
    for patch in patches:
        frame, baseline, truth = _render(net, patch)
        refined.append(compute_psnr_db(frame, truth))
        unrefined.append(compute_psnr_db(baseline, truth))
    return {
        "psnr_db": float(np.mean(refined)),
        "gain_db": float(np.mean(refined) - np.mean(unrefined)),
    }


def _render(net: nn.Module, patch: Patch) -> tuple[Tensor, Tensor, Tensor]:
    """Return the frame of a patch with and without the network, and the truth, (3, H, W)."""
    device = next(net.parameters()).device
    tensors = {
        name: torch.from_numpy(value).to(device) if isinstance(value, np.ndarray) else value
        for name, value in vars(patch).items()
    }
    corrections, residual, _, _ = net(tensors["planes"][None])
    frame, baseline = (
        blend_patch(tensors, factor * corrections[0], factor * residual[0]) for factor in (1, 0)
    )
    return frame, baseline, tensors["truth"]


def _draw_samples(net: nn.Module, patches: Sequence[Patch]) -> NDArray[np.uint8]:
    """Draw the first patches of one size: with the network, without it, and the truth."""
    shape = patches[0].truth.shape
    shown = [patch for patch in patches if patch.truth.shape == shape][:_SHOWN_PATCHES]
    return draw_contact_sheet([_render(net, patch) for patch in shown])


def _upsample(field: Tensor, ratio: int) -> Tensor:
    if ratio == 1:
        return field
    return functional.interpolate(field, scale_factor=ratio, mode="bilinear", align_corners=False)
