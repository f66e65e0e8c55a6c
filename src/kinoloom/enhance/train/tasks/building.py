"""Builds the task of a preset from a folder of photos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from kinoloom.base.arrays import Picture
from kinoloom.enhance.bench.pairs import find_pairs, list_pictures, read_rgb8
from kinoloom.enhance.nets.compact import Compact
from kinoloom.enhance.nets.ffdnet import FFDNet
from kinoloom.enhance.nets.luma import Luma
from kinoloom.enhance.train.presets import DenoisePreset, UpscalePreset
from kinoloom.enhance.train.samples.degraded import DegradedBatches, DegradedPhotos
from kinoloom.enhance.train.samples.noise import NoiseBatches
from kinoloom.enhance.train.samples.photos import TrainingPhotos
from kinoloom.enhance.train.samples.reductions import ReducedPhotos, ReductionBatches
from kinoloom.enhance.train.tasks import denoise, upscale
from kinoloom.errors import InputNotFoundError
from kinoloom.learn.checkpointing.initial_weights import load_initial_weights
from kinoloom.learn.settings import Settings
from kinoloom.learn.task import Task


@dataclass(frozen=True)
class Recipe:
    """What a run trains.

    Attributes:
        photos: of the data folder.
        settings: of the loop.
        scale: of an upscaler; 1 for a denoiser.
        degradation: of the photos for an upscaler; "" for a bicubic reduction.
        initial: file of initial weights, or None.
        test: folder of the test set, or None.
        record: see `learn.task.Task`.
    """

    photos: TrainingPhotos
    settings: Settings
    scale: int
    degradation: str
    initial: Path | None
    test: Path | None
    record: dict[str, Any]


def build_task(preset: UpscalePreset | DenoisePreset, recipe: Recipe) -> Task:
    """Build the task of a preset.

    Raises:
        MediaError: a held-out photo or the test set cannot be read.
        WeightsError: the initial weights are of another network.
    """
    torch.manual_seed(recipe.settings.seed)
    if isinstance(preset, UpscalePreset):
        return _build_upscaling(preset, recipe)
    return _build_denoising(preset, recipe)


def build_batches(
    preset: UpscalePreset | DenoisePreset, recipe: Recipe
) -> ReductionBatches | DegradedBatches | NoiseBatches:
    """Build the batches of a preset."""
    if isinstance(preset, UpscalePreset):
        return _reduce(preset, recipe)
    return _add_noise(preset, recipe)


def _reduce(preset: UpscalePreset, recipe: Recipe) -> ReductionBatches | DegradedBatches:
    if recipe.degradation:
        return DegradedBatches(
            recipe.photos.kept,
            recipe.scale,
            recipe.degradation,
            recipe.settings.batch,
            preset.low_px,
            recipe.settings.seed,
            luma=preset.network == "luma",
        )
    return ReductionBatches(
        ReducedPhotos(recipe.photos.kept, recipe.scale),
        recipe.settings.batch,
        preset.low_px,
        recipe.settings.seed,
        luma=preset.network == "luma",
    )


def _add_noise(preset: DenoisePreset, recipe: Recipe) -> NoiseBatches:
    return NoiseBatches(
        recipe.photos.kept,
        recipe.settings.batch,
        preset.crop_px,
        preset.max_sigma,
        recipe.settings.seed,
    )


def _build_upscaling(preset: UpscalePreset, recipe: Recipe) -> Task:
    network = Luma if preset.network == "luma" else Compact
    net = network(preset.channels, preset.blocks, recipe.scale)
    if recipe.initial is not None:
        load_initial_weights(net, recipe.initial)
    held_out = _open_held_out(recipe)
    test = _read_pairs(recipe.test, recipe.scale) if recipe.test else []
    return upscale.build_upscaling_task(
        net,
        _reduce(preset, recipe),
        upscale.build_cases((held_out[k] for k in range(len(held_out))), recipe.scale),
        upscale.build_cases(test, recipe.scale),
        recipe.settings.steps,
        recipe.record,
    )


def _open_held_out(recipe: Recipe) -> ReducedPhotos | DegradedPhotos:
    photos, scale = recipe.photos.held_out, recipe.scale
    if recipe.degradation:
        return DegradedPhotos(photos, scale, recipe.degradation, recipe.settings.seed)
    return ReducedPhotos(photos, scale)


def _build_denoising(preset: DenoisePreset, recipe: Recipe) -> Task:
    net = FFDNet(preset.channels, preset.layers)
    if recipe.initial is not None:
        load_initial_weights(net, recipe.initial)
    held_out = recipe.photos.held_out
    test = _read_pictures(recipe.test / "HR") if recipe.test else []
    return denoise.build_denoising_task(
        net,
        _add_noise(preset, recipe),
        denoise.build_cases(held_out[k] for k in range(len(held_out))),
        denoise.build_cases(test),
        recipe.settings.steps,
        recipe.record,
    )


def _read_pairs(folder: Path, scale: int) -> list[tuple[Picture, Picture]]:
    found = find_pairs(folder)
    if scale not in found:
        raise InputNotFoundError(
            f"{folder} has no LR_x{scale}.", hint="Choose another --scale or test set."
        )
    return [pair.load() for pair in found[scale]]


def _read_pictures(folder: Path) -> list[Picture]:
    files = list_pictures(folder)
    if not files:
        raise InputNotFoundError(f"{folder} contains no pictures.")
    return [read_rgb8(file) for file in files]
