"""The run of `train film`: prepare the data, build the task of a preset, train, and report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinoloom.base.report import Report, Text
from kinoloom.errors import UsageError
from kinoloom.film.train.presets import PRESETS, FilmPreset, FusionPreset, Preset
from kinoloom.film.train.split import limit_strides, split_source
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.learn.data.batches import Batches, finish
from kinoloom.learn.data.opening import open_data
from kinoloom.learn.data.preview import preview
from kinoloom.learn.data.source import Source
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
from kinoloom.learn.settings import Settings
from kinoloom.learn.synthetic.scenes import SceneOptions
from kinoloom.learn.task import Task

if TYPE_CHECKING:
    from kinoloom.film.options import TrainOptions

SCHEMA = "kinoloom.train.film/1"
_PREVIEW_SAMPLES = 6
_PREVIEW_CROP_PX = 256
_SHEET_CAPTION = "Frames, motion and occlusion masks"
_VIDEO_INDEX = "videos.json"
_FORMER_PRESETS = ("refine", "lite")


def train_film(data: Path, options: TrainOptions) -> Report:
    """Train a preset, or preview its training samples; see `ops.train_film`.

    With several processes (torchrun), the first one prepares the data and writes the files.

    Raises:
        InputChangedError: the data changed during the training.
        UsageError: an unknown preset, an option that does not apply to it, or no run directory.
        InputNotFoundError: the folder does not exist, or contains no training data.
    """
    preset = _get_preset(options)
    if options.preview:
        return _preview_samples(data, options, preset)
    if options.out is None:
        raise UsageError("train film needs a run directory.", hint="Add --out DIR.")
    check_folder(data)
    options.out.mkdir(parents=True, exist_ok=True)
    settings = override_settings(preset.settings, options)
    processes = join_process_group(settings.device)
    with processes.first_process_first():
        task = _build_task(data, options.out, options, preset, settings)
    result = train(task, settings, options.out)
    if isinstance(preset, FusionPreset) and result.ended == "done" and processes.is_first:
        check_data(options.out)
        _export_best(task, options.out / f"{options.preset}.onnx")
    return _report_training(options, result, task)


def _get_preset(options: TrainOptions) -> Preset:
    expected = f"expected one of {', '.join(PRESETS)}."
    if options.preset in _FORMER_PRESETS:
        raise UsageError(f"The preset '{options.preset}' was removed: {expected}")
    if options.preset not in PRESETS:
        raise UsageError(f"Unknown preset '{options.preset}': {expected}")
    preset = PRESETS[options.preset]
    if options.unshared and not isinstance(preset, FilmPreset):
        raise UsageError(
            f"--unshared does not apply to the preset {options.preset}.",
            hint="Use it with paper-l1, paper-vgg or paper-style.",
        )
    return preset


def _build_task(
    data: Path, out: Path, options: TrainOptions, preset: Preset, settings: Settings
) -> Task:
    if isinstance(preset, FusionPreset):
        return _build_fusion(data, out, options, preset, settings)
    return _build_film(data, out, options, preset, settings)


def _build_fusion(
    data: Path, out: Path, options: TrainOptions, preset: FusionPreset, settings: Settings
) -> Task:
    import torch

    from kinoloom.film.nets.fusion_net import FusionSize
    from kinoloom.film.train.samples.regions import SCENE_PX
    from kinoloom.film.train.tasks.fusion import build_fusion_task

    opened = open_data(
        data,
        replace(preset.scenes, size_px=SCENE_PX),
        synthetic=preset.synthetic_share,
        any_time=preset.any_time,
        index=out / _VIDEO_INDEX,
    )
    sources = limit_strides(split_source(opened.source), preset.strides)
    folders = _prepare_regions(data, out, sources, preset, settings)
    torch.manual_seed(settings.seed)
    task = build_fusion_task(*folders, settings.batch, settings.seed, FusionSize(), opened.parts)
    if options.from_ is not None:
        from kinoloom.learn.checkpointing.initial_weights import load_initial_weights

        load_initial_weights(task.net, options.from_)
    return task


def _prepare_regions(
    data: Path,
    out: Path,
    sources: tuple[Source, Source],
    preset: FusionPreset,
    settings: Settings,
) -> tuple[Path, Path]:
    """Prepare regions and return the folders of the training and of the held-out ones.

    Raises:
        UsageError: no sample of the data is suitable.
    """
    from kinoloom.film.train.samples.preparation import prepare_samples
    from kinoloom.film.train.samples.regions import extract_regions

    kept, held_out = sources
    folders = out / "prepared", out / "held"
    for source, folder, samples, seed in (
        (held_out, folders[1], preset.held_out, settings.seed + 1),
        (kept, folders[0], preset.samples, settings.seed),
    ):
        workers = settings.loaders + 1
        if not prepare_samples(source, folder, samples, seed, workers, extract_regions):
            raise UsageError(
                f"None of {samples} samples of {data.name} is suitable for training: they are "
                "too small, nearly static, or too different.",
                hint="Provide other or more videos.",
            )
    return folders


def _build_film(
    data: Path, out: Path, options: TrainOptions, preset: FilmPreset, settings: Settings
) -> Task:
    import torch

    from kinoloom.film.nets.film_net import FilmNet, FilmOptions, unshare_weights
    from kinoloom.film.nets.film_weights import load_film
    from kinoloom.film.train.tasks.film import build_film_task, initialise_glorot
    from kinoloom.learn.losses.perceptual import perceptual_losses
    from kinoloom.learn.losses.vgg_weights import load_vgg

    scenes = SceneOptions(size_px=preset.crop_px)
    opened = open_data(data, scenes, synthetic=preset.synthetic_share, index=out / _VIDEO_INDEX)
    kept, held_out = split_source(opened.source)
    torch.manual_seed(settings.seed)
    size = unshare_weights(FilmOptions()) if options.unshared else FilmOptions()
    net = load_film(options.from_, size) if options.from_ else initialise_glorot(FilmNet(size))
    batches = Batches(kept, settings.batch, preset.crop_px, settings.seed, preset.augmentation)
    record = {"preset": options.preset, "data": opened.parts, "unshared": options.unshared}
    perceptual = None
    if preset.weights.keys() & {"vgg", "style"}:
        network = load_vgg(options.vgg)
        perceptual = lambda frame, truth: perceptual_losses(network, frame, truth)  # noqa: E731
        record["features"] = network.description
    return build_film_task(net, batches, held_out, preset.weights, perceptual, record)


def _export_best(task: Task, file: Path) -> None:
    """Export the best weights of a fusion network as ONNX."""
    from kinoloom.film.train.export import export_fusion

    task.net.load_state_dict(read_weights(file.parent / "best.safetensors")[0])
    export_fusion(task.net.cpu(), file, overwrite=True)  # type: ignore[arg-type]


def _preview_samples(data: Path, options: TrainOptions, preset: Preset) -> Report:
    """Build a report with a sheet of training samples."""
    crop_px = preset.crop_px if isinstance(preset, FilmPreset) else _PREVIEW_CROP_PX
    scenes = SceneOptions(size_px=crop_px)
    opened = open_data(data, scenes, synthetic=preset.synthetic_share)
    drawn = Batches(opened.source, _PREVIEW_SAMPLES, crop_px, options.seed or 0)(0, 0, 1)
    sheet = preview(finish(drawn), drawn["origins"])
    parts = ", ".join(f"{part:.0%} {name}" for name, part in opened.parts.items())
    lines = [f"Samples of {data.name} for the preset {options.preset}: {parts}."]
    if opened.skipped:
        lines.append(f"{len(opened.skipped)} unused files, such as: {opened.skipped[0]}")
    texts = tuple(Text(line) for line in lines)
    facts = {"schema": SCHEMA, "preset": options.preset, "parts": opened.parts}
    return Report(
        f"Samples for {options.preset}", (*texts, encode_sheet(sheet, _SHEET_CAPTION)), facts
    )


def _report_training(options: TrainOptions, result: Result, task: Task) -> Report:
    parameters = sum(parameter.numel() for parameter in task.net.parameters())
    before = read_initial_figures(result.folder)
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        "preset": options.preset,
        "parameters": parameters,
        "steps": result.steps,
        "ended": result.ended,
        "before": before,
        "figures": result.figures,
        "best": result.best,
    }
    table = build_figure_table("held out", before, result.figures)
    status = "complete" if result.ended == "done" else "time limit; repeat the command to resume"
    summary = Text(f"{options.preset}: {parameters} parameters, {result.steps} steps ({status}).")
    return Report(f"Training of {options.preset}", (summary, table), facts)
