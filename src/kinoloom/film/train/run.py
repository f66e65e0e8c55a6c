"""Runs `train film`: finds data, makes the task of a preset, trains, tells what came out."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kinoloom.base.report import Picture, Report, Table, Text
from kinoloom.errors import UsageError
from kinoloom.film.train.preparing import Cut, prepare
from kinoloom.film.train.presets import PRESETS, FramesPreset, LitePreset, Preset, RefinePreset
from kinoloom.film.train.splitting import split
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.learn.data.batches import Batches, finish
from kinoloom.learn.data.opening import open_data
from kinoloom.learn.data.preview import preview
from kinoloom.learn.data.source import Source
from kinoloom.learn.data.videos import open_videos
from kinoloom.learn.distributed import join_process_group
from kinoloom.learn.loop import Result, train
from kinoloom.learn.settings import Settings
from kinoloom.learn.synthetic.scenes import SceneOptions
from kinoloom.learn.task import Task

if TYPE_CHECKING:
    from kinoloom.film.options import TrainOptions

SCHEMA = "kinoloom.train.film/1"
_OVERRIDES = ("steps", "batch", "learning_rate", "hours", "device", "seed")
_CROP_PX = 256
_SHOWN = 6
_SCANNED = "videos.json"


def train_film(data: Path, options: TrainOptions) -> Report:
    """Train a preset, or show samples of its data; see `ops.train_film`.

    Where torchrun started several processes, the first prepares the data and writes the files.

    Raises:
        UsageError: the preset is unknown, an option is not for it, or no folder for the training
            was given.
        InputNotFoundError: there is nothing to train on in the folder.
    """
    if options.preset not in PRESETS:
        raise UsageError(
            f"There is no preset '{options.preset}'.", hint=f"Known: {', '.join(PRESETS)}."
        )
    preset = PRESETS[options.preset]
    if options.unshared and not isinstance(preset, FramesPreset):
        raise UsageError(
            f"--unshared is for the network FILM; the preset {options.preset} trains another.",
            hint="Use it with paper-l1, paper-vgg or paper-style.",
        )
    if options.preview:
        return _preview(data, options, preset)
    if options.out is None:
        raise UsageError("train film needs a folder for the training.", hint="Give --out DIR.")
    options.out.mkdir(parents=True, exist_ok=True)
    settings = _settings(preset.settings, options)
    team = join_process_group(settings.device)
    with team.first_process_first():
        task = _task(data, options, preset, settings)
    result = train(task, settings, options.out)
    if not isinstance(preset, FramesPreset) and result.ended == "done" and team.is_first:
        _export(task, options.out / f"{options.preset}.onnx")
    return _report(options, result, task)


def _task(data: Path, options: TrainOptions, preset: Preset, settings: Settings) -> Task:
    if isinstance(preset, RefinePreset):
        return _refine(data, options, preset, settings)
    if isinstance(preset, LitePreset):
        return _lite(data, options, preset, settings)
    return _frames(data, options, preset, settings)


def _refine(data: Path, options: TrainOptions, preset: RefinePreset, settings: Settings) -> Task:
    from kinoloom.film.nets.refine_net import RefineSize
    from kinoloom.film.train.prepared import regions
    from kinoloom.film.train.refine_task import refine_task
    from kinoloom.film.train.starting import begin_with

    assert options.out is not None
    source = open_videos(data, index=options.out / _SCANNED, min_px=preset.min_px)
    kept, held = (
        replace(part, any_time=preset.any_time, longest_px=preset.longest_px)
        for part in source.split(preset.held_part)
    )
    places = _prepare(data, options.out, (kept, held), preset, settings, regions)
    task = refine_task(*places, settings.batch, settings.seed, RefineSize())
    if options.from_ is not None:
        begin_with(task.net, options.from_)
    return task


def _lite(data: Path, options: TrainOptions, preset: LitePreset, settings: Settings) -> Task:
    import torch

    from kinoloom.film.nets.lite_net import LiteNet
    from kinoloom.film.train.crops import CROP_PX, crops
    from kinoloom.film.train.lite_task import lite_task
    from kinoloom.film.train.starting import begin_with

    assert options.out is not None
    opened = open_data(
        data,
        SceneOptions(size_px=CROP_PX),
        synthetic=preset.made,
        any_time=preset.any_time,
        index=options.out / _SCANNED,
    )
    torch.manual_seed(settings.seed)
    net = LiteNet()
    if options.from_ is not None:  # before what takes long
        begin_with(net, options.from_)
    places = _prepare(data, options.out, split(opened.source), preset, settings, crops)
    return lite_task(net, *places, settings, {"data": opened.parts})


def _prepare(
    data: Path,
    out: Path,
    sources: tuple[Source, Source],
    preset: RefinePreset | LitePreset,
    settings: Settings,
    cut: Cut,
) -> tuple[Path, Path]:
    """The folders of what is learned from and of what is held out, filled.

    Raises:
        UsageError: there is nothing in the data to learn from.
    """
    kept, held = sources
    places = out / "prepared", out / "held"
    for source, place, samples, seed in (
        (held, places[1], preset.held_out, settings.seed + 1),
        (kept, places[0], preset.samples, settings.seed),
    ):
        if not prepare(source, place, samples, seed, settings.loaders + 1, cut):
            raise UsageError(
                f"Of {samples} triplets of {data.name} none can be learned from: they are too "
                "small, hardly move, or have too little in common.",
                hint="Give other or more videos.",
            )
    return places


def _frames(data: Path, options: TrainOptions, preset: FramesPreset, settings: Settings) -> Task:
    import torch

    from kinoloom.film.nets.film_net import FilmNet, FilmOptions, unshared
    from kinoloom.film.nets.film_weights import load_film
    from kinoloom.film.train.film_task import film_task, published_start
    from kinoloom.learn.losses.perceptual import perceptual_losses
    from kinoloom.learn.losses.vgg_weights import load_vgg

    assert options.out is not None
    scenes = SceneOptions(size_px=preset.crop_px)
    opened = open_data(data, scenes, synthetic=preset.made, index=options.out / _SCANNED)
    kept, held = split(opened.source)
    torch.manual_seed(settings.seed)
    size = unshared(FilmOptions()) if options.unshared else FilmOptions()
    net = load_film(options.from_, size) if options.from_ else published_start(FilmNet(size))
    batches = Batches(kept, settings.batch, preset.crop_px, settings.seed, preset.augmentation)
    record = {"preset": options.preset, "data": opened.parts, "unshared": options.unshared}
    features = None
    if preset.weights.keys() & {"vgg", "style"}:
        network = load_vgg(options.vgg)
        features = lambda made, truth: perceptual_losses(network, made, truth)  # noqa: E731
        record["features"] = network.description
    return film_task(net, batches, held, preset.weights, features, record)


def _settings(settings: Settings, options: TrainOptions) -> Settings:
    """The preset's settings, with those that were given in their place.

    A training shorter than the preset's warm-up is warm-up only.
    """
    given = {name: getattr(options, name) for name in _OVERRIDES}
    told = replace(settings, **{name: value for name, value in given.items() if value is not None})
    return replace(told, warmup_steps=min(told.warmup_steps, told.steps))


def _export(task: Task, file: Path) -> None:
    """Write the best weights of a network as ONNX, beside them."""
    from kinoloom.film.nets.lite_net import LiteNet
    from kinoloom.film.train.export import export_lite, export_refine

    task.net.load_state_dict(read_weights(file.parent / "best.safetensors")[0])
    net = task.net.cpu()
    if isinstance(net, LiteNet):
        export_lite(net, file, overwrite=True)
    else:
        export_refine(net, file, overwrite=True)  # type: ignore[arg-type]


def _preview(data: Path, options: TrainOptions, preset: Preset) -> Report:
    """A report with a sheet of samples."""
    crop_px = preset.crop_px if isinstance(preset, FramesPreset) else _CROP_PX
    made = 0.0 if isinstance(preset, RefinePreset) else preset.made
    opened = open_data(data, SceneOptions(size_px=crop_px), synthetic=made)
    drawn = Batches(opened.source, _SHOWN, crop_px, options.seed or 0)(0, 0, 1)
    sheet = preview(finish(drawn), drawn["origins"])
    parts = ", ".join(f"{part:.0%} {name}" for name, part in opened.parts.items())
    words = [f"Samples of {data.name} for the preset {options.preset}: {parts}."]
    if opened.skipped:
        words.append(f"{len(opened.skipped)} files are not used: {opened.skipped[0]}")
    texts = tuple(Text(line) for line in words)
    facts = {"schema": SCHEMA, "preset": options.preset, "parts": opened.parts}
    return Report(f"Samples for {options.preset}", (*texts, _png(sheet)), facts)


def _before(folder: Path) -> dict[str, float]:
    """The figures before the first step, as the log tells them."""
    with (folder / "log.jsonl").open(encoding="utf-8") as lines:
        told = next(line for line in map(json.loads, lines) if line["kind"] == "validation")
    return {name: value for name, value in told.items() if name not in ("kind", "step")}


def _png(sheet: NDArray[np.uint8]) -> Picture:
    """A sheet as a picture of the page."""
    out = io.BytesIO()
    Image.fromarray(sheet).save(out, "PNG")
    return Picture(out.getvalue(), "image/png", "Frames, motion, and what is hidden")


def _report(options: TrainOptions, result: Result, task: Task) -> Report:
    parameters = sum(parameter.numel() for parameter in task.net.parameters())
    before = _before(result.folder)
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
    rows = tuple(
        (name, round(before[name], 3), round(value, 3)) for name, value in result.figures.items()
    )
    table = Table(("held out", "before", "after"), rows)
    ended = "all of them" if result.ended == "done" else "the time was up; run it again to go on"
    words = Text(f"{options.preset}: {parameters} parameters, {result.steps} steps ({ended}).")
    return Report(f"Training of {options.preset}", (words, table), facts)
