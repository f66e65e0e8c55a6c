"""The run of `train enhance`: open the photos, build the task of a preset, train, and export."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from kinoloom.base.report import Report, Text
from kinoloom.enhance.train.card import CARD_FILE, write_card
from kinoloom.enhance.train.presets import PRESETS, Preset, UpscalePreset
from kinoloom.enhance.train.samples.photos import TrainingPhotos, open_training_photos
from kinoloom.errors import UsageError
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.learn.distributed import join_process_group
from kinoloom.learn.files import check_folder
from kinoloom.learn.loop import Result, train
from kinoloom.learn.runs import (
    build_figure_table,
    check_data,
    encode_sheet,
    override_settings,
    read_initial_figures,
)
from kinoloom.learn.task import Task

if TYPE_CHECKING:
    from kinoloom.enhance.options import TrainOptions
    from kinoloom.enhance.train.tasks.building import Recipe

SCHEMA = "kinoloom.train.enhance/1"
_PREVIEW_SAMPLES = 8


def train_enhance(data: Path, options: TrainOptions) -> Report:
    """Train a preset, or preview its training samples; see `ops.train_enhance`.

    Raises:
        InputChangedError: the data changed during the training.
        InputNotFoundError: the folder or the test set does not exist, or contains no photos.
        MediaError: a photo cannot be read or is too small.
        UsageError: an option does not apply to the preset, or no run directory.
    """
    preset = PRESETS[options.preset]
    for name in ("scale", "degradation"):
        if getattr(options, name) is not None and not isinstance(preset, UpscalePreset):
            raise UsageError(
                f"--{name} does not apply to the preset {options.preset}.",
                hint="Use it with live, fast or small.",
            )
    if options.out is None and not options.preview:
        raise UsageError("train enhance needs a run directory.", hint="Add --out DIR.")
    check_folder(data)
    recipe = _build_recipe(open_training_photos(data), options, preset)
    if options.out is None or options.preview:
        return _preview_samples(options, preset, recipe)
    return _train(options, preset, recipe, options.out)


def _build_recipe(photos: TrainingPhotos, options: TrainOptions, preset: Preset) -> Recipe:
    from kinoloom.enhance.train.tasks.building import Recipe

    scale = (options.scale or preset.scale) if isinstance(preset, UpscalePreset) else 1
    sizes = {name: value for name, value in vars(preset).items() if name != "settings"}
    record = {
        "preset": options.preset,
        **sizes,
        "scale": scale,
        **_count_photos(photos),
        "names_sha256": _hash_names(photos),
    }
    if options.degradation is not None:
        record["degradation"] = options.degradation
    settings = override_settings(preset.settings, options)
    degradation = options.degradation or ""
    return Recipe(photos, settings, scale, degradation, options.from_, options.test, record)


def _hash_names(photos: TrainingPhotos) -> str:
    """Return a hash of the names and the split, which a resumed run must share."""
    names = [[file.name for file in each.files] for each in (photos.kept, photos.held_out)]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()


def _train(options: TrainOptions, preset: Preset, recipe: Recipe, out: Path) -> Report:
    from kinoloom.enhance.train.tasks.building import build_task

    out.mkdir(parents=True, exist_ok=True)
    processes = join_process_group(recipe.settings.device)
    with processes.first_process_first():
        task = build_task(preset, recipe)
    result = train(task, recipe.settings, out)
    if result.ended == "done" and processes.is_first:
        check_data(out)
        suffix = f"-x{recipe.scale}" if isinstance(preset, UpscalePreset) else ""
        suffix += f"-{recipe.degradation}" if recipe.degradation else ""
        _export_best(task, recipe, out / f"{options.preset}{suffix}.onnx")
    return _report_training(options, recipe, result, task)


def _export_best(task: Task, recipe: Recipe, file: Path) -> None:
    """Export the best weights as ONNX, with a card."""
    from kinoloom.enhance.train.export import Network, export_network, fold_network

    tensors, info = read_weights(file.parent / "best.safetensors")
    task.net.load_state_dict(tensors)
    net = cast(Network, task.net.cpu())
    export_network(net, file, overwrite=True)
    folded = fold_network(net)
    kind = f"super-resolution by {recipe.scale}" if recipe.scale > 1 else "denoising"
    if recipe.degradation:
        kind += f" of photos with the degradation {recipe.degradation}"
    names = [each.name for each in recipe.photos.kept.files]
    summary = f"{kind}, trained with the preset {recipe.record['preset']}"
    write_card(file, folded, summary, names, recipe.settings, info["figures"])


def _preview_samples(options: TrainOptions, preset: Preset, recipe: Recipe) -> Report:
    """Build a report with a sheet of training samples: input and truth of each."""
    from kinoloom.enhance.train.tasks.building import build_batches
    from kinoloom.enhance.train.tasks.sheets import draw_batch

    few = replace(recipe, settings=replace(recipe.settings, batch=_PREVIEW_SAMPLES))
    sheet = draw_batch(build_batches(preset, few)(0, 0, 1))
    picture = encode_sheet(sheet, "Input and ground truth")
    facts = {"schema": SCHEMA, "preset": options.preset, **_count_photos(recipe.photos)}
    text = f"Samples for the preset {options.preset}: {_describe_photos(recipe.photos)}."
    return Report(f"Samples for {options.preset}", (Text(text), picture), facts)


def _count_photos(photos: TrainingPhotos) -> dict[str, int]:
    return {
        "photos": len(photos.kept),
        "held_out": len(photos.held_out),
        "excluded": photos.excluded,
    }


def _describe_photos(photos: TrainingPhotos) -> str:
    text = f"{len(photos.kept)} photos, {len(photos.held_out)} held out"
    return f"{text}, {photos.excluded} below val not used" if photos.excluded else text


def _report_training(options: TrainOptions, recipe: Recipe, result: Result, task: Task) -> Report:
    from kinoloom.enhance.train.export import fold_network

    parameters = sum(each.numel() for each in fold_network(task.net).parameters())
    before = read_initial_figures(result.folder)
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        "preset": options.preset,
        "scale": recipe.scale,
        "parameters": parameters,
        **_count_photos(recipe.photos),
        "steps": result.steps,
        "ended": result.ended,
        "before": before,
        "figures": result.figures,
        "best": result.best,
        "card": CARD_FILE if result.ended == "done" else "",
    }
    table = build_figure_table("figure", before, result.figures)
    status = "complete" if result.ended == "done" else "time limit; repeat the command to resume"
    summary = Text(
        f"{options.preset}: {parameters} parameters, {_describe_photos(recipe.photos)}, "
        f"{result.steps} steps ({status})."
    )
    return Report(f"Training of {options.preset}", (summary, table), facts)
