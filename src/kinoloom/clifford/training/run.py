"""The `train clifford` job: trains a preset, evaluates rollouts and reports on them.

The run directory contains the files of the training loop (`learn.loop`) and `rollout.mp4`, the
first held-out trajectory next to the ground truth.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kinoloom.base.charts import MEDIA_TYPE, Line, line_plot
from kinoloom.base.clip import Clip
from kinoloom.base.files import NoOptions, files_of
from kinoloom.base.options import build
from kinoloom.base.provenance import to_jsonable
from kinoloom.base.report import Picture, Report, Section, Table, Text
from kinoloom.clifford.fields.dataset import Fields
from kinoloom.clifford.fields.files import FIELDS_FILES
from kinoloom.clifford.memory import retain_freed_memory
from kinoloom.clifford.training.diagnostics import (
    compute_diagnostics,
    energy_spectrum,
    index_blades,
)
from kinoloom.clifford.training.metrics import Rollout, evaluate_rollout, one_step_smse
from kinoloom.clifford.training.presets import SETTINGS, Preset, get_preset
from kinoloom.clifford.training.task import build_step_task, load_trajectories
from kinoloom.clifford.training.video import render_rollout
from kinoloom.errors import UsageError
from kinoloom.learn.settings import Settings

if TYPE_CHECKING:
    from kinoloom.clifford.options import TrainOptions

SCHEMA = "kinoloom.train.clifford/1"
ROLLOUT_VIDEO = "rollout.mp4"
_HELD_OUT_SEED_OFFSET = 1_000_003  # held-out trajectories differ from the training trajectories
_OVERRIDES = ("steps", "batch", "learning_rate", "hours", "device", "seed")


def train_preset(options: TrainOptions) -> Report:
    """Start or resume a training run and evaluate it; see `ops.train_clifford`.

    Raises:
        UsageError: the run directory is missing, the preset is unknown, or a file contains fields
            of another kind than the preset needs.
    """
    from kinoloom.clifford.nets.sizing import count_parameters
    from kinoloom.learn.loop import train

    if options.out is None:
        raise UsageError("No run directory was given.", hint="Add --out DIR.")
    preset, settings = get_preset(options.preset), _choose_settings(options)
    training, held_out = _load_data(preset, options)
    trajectories, held_out_trajectories = load_trajectories(training), load_trajectories(held_out)
    retain_freed_memory()
    task = build_step_task(
        preset, training, trajectories, held_out_trajectories, settings, options.horizon
    )
    result = train(task, settings, options.out)
    stepper = _load_best(task.net, options.out)
    rollout = evaluate_rollout(stepper, held_out_trajectories, options.horizon)
    video = _write_video(options.out / ROLLOUT_VIDEO, held_out, rollout)
    data = {
        "schema": SCHEMA,
        "preset": preset.name,
        "parameters": count_parameters(stepper),
        "steps": result.steps,
        "ended": result.ended,
        "trajectories": training.count,
        "held_out": held_out.count,
        "one_step_smse": one_step_smse(stepper, held_out_trajectories),
        "rollout_smse": [float(e) for e in rollout.smse],
        "no_change_smse": [float(e) for e in rollout.persistence_smse],
        "film": video.name,
    }
    sections = _build_sections(data, held_out, rollout)
    return Report(f"{preset.name}: training and rollouts", sections, to_jsonable(data))


def _choose_settings(options: TrainOptions) -> Settings:
    values = {name: getattr(options, name) for name in _OVERRIDES}
    changes = {name: value for name, value in values.items() if value is not None}
    settings = dataclasses.replace(SETTINGS, **changes)
    warmup = min(settings.warmup_steps, settings.steps // 4)
    return dataclasses.replace(settings, warmup_steps=warmup)


def _load_data(preset: Preset, options: TrainOptions) -> tuple[Fields, Fields]:
    """Return training and held-out fields, simulated unless the options name files.

    Raises:
        UsageError: the grids differ, or see `_load_fields`.
    """
    training = _load_fields(preset, options.train_data, options.trajectories, options.seed)
    seed, count = options.seed + _HELD_OUT_SEED_OFFSET, options.held_out_trajectories
    held_out = _load_fields(preset, options.held_out, count, seed)
    if training.shape[1:] != held_out.shape[1:]:
        raise UsageError(
            f"The held-out fields have {held_out.shape[2:]} cells, the training fields "
            f"{training.shape[2:]}: expected equal grids.",
        )
    return training, held_out


def _load_fields(preset: Preset, path: Path | None, count: int, seed: int) -> Fields:
    """Read fields from a file, or simulate `count` trajectories of the preset's equation.

    Raises:
        UsageError: the file contains fields of another kind than the preset needs.
    """
    if path is None:
        return preset.generate_fields(count, seed)
    fields = FIELDS_FILES.read([path], NoOptions())
    expected = (preset.equation.signature, preset.equation.grades)
    if (fields.signature, fields.grades) != expected:
        raise UsageError(
            f"{path.name} contains fields of signature {fields.signature} and grades "
            f"{fields.grades}: {preset.name} needs {expected[0]} and {expected[1]}."
        )
    return fields


def _load_best(net: Any, folder: Path) -> Any:
    """Load the best weights of a run into its network, in evaluation mode."""
    from kinoloom.learn.checkpointing.weights import read_weights

    tensors, _ = read_weights(folder / "best.safetensors")
    net.load_state_dict(tensors)
    return net.eval()


def _write_video(path: Path, fields: Fields, rollout: Rollout) -> Path:
    clip = render_rollout(rollout.truth[0], rollout.predicted[0], fields.signature, fields.grades)
    files = files_of(Clip)
    files.write(clip, path, build(files.write_options, {"overwrite": True}))
    return path


def _build_sections(data: dict[str, Any], fields: Fields, rollout: Rollout) -> tuple[Section, ...]:
    rows = tuple(
        (step, float(smse), float(persistence))
        for step, (smse, persistence) in enumerate(
            zip(rollout.smse, rollout.persistence_smse, strict=True), 1
        )
    )
    held_out = f"{data['held_out']} held-out {_count_noun(data['held_out'])}"
    summary = (
        f"{data['parameters']} parameters, trained for {data['steps']} steps on "
        f"{data['trajectories']} {_count_noun(data['trajectories'])}. The one-step SMSE is "
        f"{data['one_step_smse']:.4g}, averaged over all time steps of {held_out}. Rollouts start "
        f"from the first time steps; {ROLLOUT_VIDEO} shows the first rollout."
    )
    errors = {
        "network": rollout.smse.tolist(),
        "persistence (no change)": rollout.persistence_smse.tolist(),
    }
    columns = ("step", "SMSE", "SMSE of persistence")
    return (
        Text(summary),
        Table(columns, rows, "Rollout, mean over trajectories"),
        _plot("Rollout error", errors, "step", "SMSE", y_log=True),
        *_plot_spectra(fields, rollout),
        *_plot_diagnostics(fields, rollout),
    )


def _count_noun(count: int) -> str:
    return "trajectory" if count == 1 else "trajectories"


def _plot_spectra(fields: Fields, rollout: Rollout) -> list[Picture]:
    """Plot the energy spectrum of each grade at the last time step."""
    plots = []
    for grade, blades in index_blades(fields.signature, fields.grades).items():
        lines = {
            name: energy_spectrum(part[:, -1], blades)[1:].tolist()
            for name, part in (("truth", rollout.truth), ("network", rollout.predicted))
        }
        title = f"Spectrum of grade {grade} at the last step"
        plots.append(_plot(title, lines, "wave number", "energy", y_log=True))
    return plots


def _plot_diagnostics(fields: Fields, rollout: Rollout) -> list[Picture]:
    """Plot the physical diagnostics over the rollout, averaged over trajectories."""
    diagnostics = {
        name: [compute_diagnostics(t, fields.signature, fields.grades, fields.cell) for t in part]
        for name, part in (("truth", rollout.truth), ("network", rollout.predicted))
    }
    plots = []
    for quantity in diagnostics["truth"][0]:
        lines = {
            name: np.mean([values[quantity] for values in trajectories], 0)
            for name, trajectories in diagnostics.items()
        }
        plots.append(_plot(quantity[0].upper() + quantity[1:], lines, "step", quantity))
    return plots


def _plot(
    title: str,
    lines: Mapping[str, Sequence[float]],
    x_label: str,
    y_label: str,
    *,
    y_log: bool = False,
) -> Picture:
    """Plot named values over 1, 2, 3, ..."""
    drawn = [Line(name, range(1, len(values) + 1), values) for name, values in lines.items()]
    caption = f"{', '.join(lines)} by {x_label}{', on a logarithmic axis' if y_log else ''}"
    svg = line_plot(drawn, x_label=x_label, y_label=y_label, y_log=y_log)
    return Picture(svg, MEDIA_TYPE, caption, title)
