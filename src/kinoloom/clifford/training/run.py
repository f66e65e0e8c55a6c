"""Trains a preset, follows held-out trajectories, and tells what came out.

In the folder of the training, beside what the loop keeps there (`learn.loop`): `rollout.mp4`, the
first held-out trajectory beside the truth.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kinoloom.base.clip import Clip
from kinoloom.base.files import NoOptions, files_of
from kinoloom.base.options import build
from kinoloom.base.provenance import to_jsonable
from kinoloom.base.report import Picture, Report, Section, Table, Text
from kinoloom.clifford.fields.files import FIELDS_FILES
from kinoloom.clifford.fields.noun import Fields
from kinoloom.clifford.memory import keep_freed_memory
from kinoloom.clifford.training.errors import Rollout, one_step, rollout
from kinoloom.clifford.training.plots import line_plot
from kinoloom.clifford.training.presets import SETTINGS, Preset, preset
from kinoloom.clifford.training.quantities import blades_of, conserved, spectrum
from kinoloom.clifford.training.show import rollout_clip
from kinoloom.clifford.training.task import in_memory, step_task
from kinoloom.errors import UsageError
from kinoloom.learn.settings import Settings

if TYPE_CHECKING:
    from kinoloom.clifford.options import TrainOptions

SCHEMA = "kinoloom.train.clifford/1"
FILM = "rollout.mp4"
_HELD_OUT_SEED = 1_000_003  # added to the seed: other trajectories than those learned from
_OVERRIDES = ("steps", "batch", "learning_rate", "hours", "device", "seed")


def train_preset(options: TrainOptions) -> Report:
    """Train, or go on with a training, and score it; see `ops.train_clifford`.

    Raises:
        UsageError: no folder was given, the preset is unknown, or a file holds another kind of
            fields than the preset is for.
    """
    from kinoloom.clifford.nets.size import parameter_count
    from kinoloom.learn.loop import train

    if options.out is None:
        raise UsageError("train clifford needs a folder for the training.", hint="Give --out DIR.")
    chosen, settings = preset(options.preset), _settings(options)
    learned = _fields(chosen, options.learned, options.trajectories, options.seed)
    other = _fields(chosen, options.held_out, options.tests, options.seed + _HELD_OUT_SEED)
    trajectories, held_out = in_memory(learned), in_memory(other)
    if trajectories.shape[2:] != held_out.shape[2:]:
        raise UsageError(
            f"Held-out fields have cells {held_out.shape[3:]}, those to learn from "
            f"{trajectories.shape[3:]}.",
        )
    keep_freed_memory()
    task = step_task(chosen, learned, trajectories, held_out, settings, options.horizon)
    result = train(task, settings, options.out)
    stepper = _best(task.net, options.out)
    followed = rollout(stepper, held_out, options.horizon)
    film = _write_film(options.out / FILM, other, followed)
    data = {
        "schema": SCHEMA,
        "preset": chosen.name,
        "parameters": parameter_count(stepper),
        "steps": result.steps,
        "ended": result.ended,
        "trajectories": learned.count,
        "held_out": other.count,
        "one_step_smse": one_step(stepper, held_out),
        "rollout_smse": [float(e) for e in followed.smse],
        "no_change_smse": [float(e) for e in followed.still_smse],
        "film": film.name,
    }
    sections = _sections(data, other, followed)
    return Report(f"{chosen.name}: trained and followed", sections, to_jsonable(data))


def _settings(options: TrainOptions) -> Settings:
    given = {name: getattr(options, name) for name in _OVERRIDES}
    changes = {name: value for name, value in given.items() if value is not None}
    settings = dataclasses.replace(SETTINGS, **changes)
    warmup = min(settings.warmup_steps, settings.steps // 4)
    return dataclasses.replace(settings, warmup_steps=warmup)


def _fields(chosen: Preset, path: Path | None, count: int, seed: int) -> Fields:
    """Those of a file, or new ones of the preset's equation.

    Raises:
        UsageError: the file holds others than the preset is for.
    """
    if path is None:
        return chosen.fields(count, seed)
    fields = FIELDS_FILES.read([path], NoOptions())
    wanted = (chosen.equation.signature, chosen.equation.grades)
    if (fields.signature, fields.grades) != wanted:
        raise UsageError(
            f"{path.name} holds fields of signature {fields.signature} and grades {fields.grades}; "
            f"{chosen.name} is for {wanted[0]} and {wanted[1]}."
        )
    return fields


def _best(net: Any, folder: Path) -> Any:
    """The network with the weights that did best, ready to be asked."""
    from kinoloom.learn.checkpointing.weights import read_weights

    tensors, _ = read_weights(folder / "best.safetensors")
    net.load_state_dict(tensors)
    return net.eval()


def _write_film(path: Path, fields: Fields, followed: Rollout) -> Path:
    clip = rollout_clip(followed.truth[0], followed.made[0], fields.signature, fields.grades)
    files = files_of(Clip)
    files.write(clip, path, build(files.write_options, {"overwrite": True}))
    return path


def _sections(data: dict[str, Any], fields: Fields, followed: Rollout) -> tuple[Section, ...]:
    rows = tuple(
        (step, float(smse), float(still))
        for step, (smse, still) in enumerate(
            zip(followed.smse, followed.still_smse, strict=True), 1
        )
    )
    told = (
        f"{data['parameters']} parameters, {data['steps']} steps on {data['trajectories']} "
        f"trajectories. SMSE of one step, from every moment of {data['held_out']} held-out ones: "
        f"{data['one_step_smse']:.4g}; below, rollouts from their first moments. {FILM} shows the "
        "first of them."
    )
    errors = {"network": followed.smse.tolist(), "no change": followed.still_smse.tolist()}
    return (
        Text(told),
        Table(("step", "SMSE", "SMSE of no change"), rows, "Rollout, mean over trajectories"),
        line_plot("Rollout error", errors, x="step", first_x=1, logarithmic=True),
        *_spectra(fields, followed),
        *_conservation(fields, followed),
    )


def _spectra(fields: Fields, followed: Rollout) -> list[Picture]:
    """Energy by wave number at the last step, one plot for each grade."""
    plots = []
    for grade, places in blades_of(fields.signature, fields.grades).items():
        lines = {
            name: spectrum(part[:, -1], places)[1:].tolist()
            for name, part in (("truth", followed.truth), ("network", followed.made))
        }
        title = f"Spectrum of grade {grade} at the last step"
        plots.append(line_plot(title, lines, x="wave number", first_x=1, logarithmic=True))
    return plots


def _conservation(fields: Fields, followed: Rollout) -> list[Picture]:
    """What physics asks of a field, over the rollout, mean over trajectories."""
    found = {
        name: [conserved(t, fields.signature, fields.grades, fields.cell) for t in part]
        for name, part in (("truth", followed.truth), ("network", followed.made))
    }
    plots = []
    for what in found["truth"][0]:
        lines = {name: np.mean([one[what] for one in each], 0) for name, each in found.items()}
        plots.append(line_plot(what[0].upper() + what[1:], lines, x="step", first_x=1))
    return plots
