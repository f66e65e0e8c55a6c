"""Training of fields: presets, samples, errors, and the whole command."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import kinoloom
from kinoloom.base.files import NoOptions, Nothing
from kinoloom.clifford.fields.files import FIELDS_FILES, FieldsWriteOptions
from kinoloom.clifford.fields.noun import Fields
from kinoloom.clifford.nets.size import parameter_count
from kinoloom.clifford.nets.stepper import Stepper
from kinoloom.clifford.ops import make_smoke, train_clifford
from kinoloom.clifford.options import TrainOptions
from kinoloom.clifford.training import presets
from kinoloom.clifford.training.errors import one_step, rollout
from kinoloom.clifford.training.presets import names, preset
from kinoloom.clifford.training.task import Samples, in_memory, sizes, step_loss, step_task
from kinoloom.errors import ArrayError, UsageError
from kinoloom.learn.loop import train

QUICK = replace(presets.SETTINGS, steps=6, batch=2, validate_steps=3, warmup_steps=1)


class Same(nn.Module):
    """Tells that every blade changes by one unit."""

    def forward(self, history: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(history[:, :1])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Presets that take no time: few cells, few channels."""
    for name, equation in presets.EQUATIONS.items():
        given = {"cells": 8, "steps": 6}
        if name == "maxwell":
            given["wavelength"] = 8.0
        widths = {"resnet": 2, "fno": 2, "unet": 1}
        changed = replace(equation, given=given, widths=widths)
        monkeypatch.setitem(presets.EQUATIONS, name, changed)
    monkeypatch.setattr(presets, "_MODES", 4)
    monkeypatch.setattr(presets, "_BLOCKS", 1)


@pytest.mark.parametrize("name", names())
def test_every_preset_takes_a_step(name: str, small: None) -> None:
    chosen = preset(name)
    if chosen.equation.make is None:
        values = np.random.default_rng(0).standard_normal((1, 6, 4, 12, 8)).astype(np.float32)
        fields = Fields(
            "clip", (1, 1), (0, 1, 2), values.shape[1:], 1, 1.0, 1.0, values.__getitem__
        )
    else:
        fields = chosen.fields(1, 0)
    trajectories = in_memory(fields)
    task = step_task(chosen, fields, trajectories, trajectories, QUICK, 2)
    loss = task.losses(task.net, task.batch(0, 0, 1), {"step": 1.0})["step"]
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in task.net.parameters())
    assert loss > 0


@pytest.mark.parametrize("equation", presets.EQUATIONS)
@pytest.mark.parametrize("pair", [("cresnet", "resnet"), ("cfno", "fno"), ("cunet", "unet")])
def test_plain_forms_are_as_large(equation: str, pair: tuple[str, str]) -> None:
    with torch.device("meta"):
        one, other = (parameter_count(preset(f"{equation}-{form}").net()) for form in pair)
    assert other == pytest.approx(one, rel=0.06)


def test_samples_depend_on_seed_step_and_sample_alone() -> None:
    trajectories = np.arange(3 * 9 * 2 * 4, dtype=np.float32).reshape(3, 9, 2, 2, 2)
    samples = Samples(trajectories, 6, 5)
    whole = samples(4, 0, 1)
    parts = [samples(4, share, 3) for share in range(3)]
    for key in ("history", "next"):
        np.testing.assert_array_equal(whole[key], np.concatenate([part[key] for part in parts]))
    assert (whole["history"] != samples(5, 0, 1)["history"]).any()
    step = trajectories[0, 1] - trajectories[0, 0]
    np.testing.assert_array_equal(whole["next"] - whole["history"][:, 1], np.stack([step] * 6))
    np.testing.assert_array_equal(
        whole["history"][:, 1] - whole["history"][:, 0], np.stack([step] * 6)
    )
    seen = {
        float(v) for k in range(60) for v in samples(k, 0, 1)["history"][:, 0].min(axis=(1, 2, 3))
    }
    wanted = {float(t[m].min()) for t in trajectories for m in range(9 - 2)}
    assert seen == wanted, "every moment that has a next one is drawn, and no other"


def field_of(values: np.ndarray) -> Fields:
    return Fields(
        "test", (1, 1), (0, 1), values.shape[1:], len(values), 1.0, 1.0, values.__getitem__
    )


def test_each_grade_has_one_size() -> None:
    values = np.zeros((2, 4, 3, 2, 2), np.float32)
    values[:, :, 0] = 2.0
    values[:, 1::2, 1] = 3.0
    values[:, 1::2, 0] = -2.0
    scale, change = sizes(values, field_of(values))
    assert scale == pytest.approx([2.0, 1.5, 1.5])  # sqrt of 9 / 2 / 2
    assert change == pytest.approx([4.0, 3 / 2**0.5, 3 / 2**0.5])
    with pytest.raises(ArrayError, match="Grade 1 of test is 0"):
        sizes(values[:, ::2], field_of(values[:, ::2]))
    still = np.ones_like(values)
    with pytest.raises(ArrayError, match="Grade 0 of test changes 0"):
        sizes(still, field_of(still))


def test_errors_are_those_by_hand() -> None:
    """The truth stands still; the stepper adds (1, 2) at each step and sees sizes (2, 4)."""
    stepper = Stepper(Same(), 2, [2.0, 4.0], [1.0, 2.0])
    still = np.ones((3, 6, 2, 4, 4), np.float32)
    each = (1 / 2) ** 2 + (2 / 4) ** 2
    assert one_step(stepper, still) == pytest.approx(each)
    found = rollout(stepper, still, 4)
    np.testing.assert_allclose(found.smse, [each * k**2 for k in (1, 2, 3, 4)], rtol=1e-6)
    np.testing.assert_array_equal(found.still_smse, np.zeros(4))
    np.testing.assert_allclose(found.made[0, :, 1, 0, 0], [3, 5, 7, 9])
    rising = still + np.arange(6, dtype=np.float32).reshape(1, 6, 1, 1, 1) * [[[[1.0]], [[2.0]]]]
    rising = rising.astype(np.float32)
    assert rollout(stepper, rising, 4).smse.max() == pytest.approx(0, abs=1e-10)
    assert rollout(stepper, rising, 4).still_smse[1] == pytest.approx(4 * each)
    batch = {"history": still[:, :2], "next": still[:, 2]}
    assert float(step_loss(stepper, batch, {"step": 1.0})["step"]) == pytest.approx(1.0)
    with pytest.raises(UsageError, match="trajectories of 7, not 6"):
        rollout(stepper, still, 5)


def test_steppers_refuse_what_they_cannot_step() -> None:
    with pytest.raises(UsageError, match="positive size"):
        Stepper(Same(), 2, [1.0, 0.0], [1.0, 1.0])
    with pytest.raises(ArrayError, match=r"\(B, 2, 1, \*space\), not \(1, 3, 1, 4\)"):
        Stepper(Same(), 2, [1.0], [1.0])(torch.zeros(1, 3, 1, 4))
    short = np.zeros((1, 2, 3, 4, 4), np.float32)
    with pytest.raises(UsageError, match="2 moments are too short"):
        in_memory(field_of(short))


def test_training_goes_on_where_it_stopped(small: None, tmp_path: Path) -> None:
    chosen = preset("smoke-cfno")
    trajectories = in_memory(chosen.fields(2, 0))

    def trained(folder: str, steps: int) -> dict[str, torch.Tensor]:
        settings = replace(QUICK, schedule="constant", steps=steps)
        task = step_task(chosen, chosen.fields(2, 0), trajectories, trajectories, settings, 2)
        train(task, settings, tmp_path / folder)
        return task.net.state_dict()

    whole = trained("whole", 6)
    settings = replace(QUICK, schedule="constant", hours=0.0)
    task = step_task(chosen, chosen.fields(2, 0), trajectories, trajectories, settings, 2)
    assert train(task, settings, tmp_path / "parts").steps == 1
    resumed = trained("parts", 6)
    for name, tensor in whole.items():
        assert torch.equal(tensor, resumed[name]), name


def test_a_network_learns_what_it_is_shown(small: None, tmp_path: Path) -> None:
    report = train_clifford(
        Nothing(), preset="shallow-water-cresnet", out=tmp_path, trajectories=2, tests=1,
        steps=60, batch=4, horizon=3, learning_rate=0.01,
    )  # fmt: skip
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    figures = [line["one_step_smse"] for line in log if line["kind"] == "validation"]
    assert min(figures) < figures[0] / 2
    assert report.data["one_step_smse"] == pytest.approx(min(figures), rel=1e-3)
    assert len(report.data["rollout_smse"]) == len(report.data["no_change_smse"]) == 3
    assert len(list(kinoloom.read(tmp_path / "rollout.mp4"))) == 3
    titles = [section.title for section in report.sections]
    assert {"Rollout error", "Spectrum of grade 1 at the last step", "Divergence"} <= set(titles)


def test_the_command_trains_on_a_file(small: None, tmp_path: Path) -> None:
    data = tmp_path / "smoke.npz"
    fields = make_smoke(Nothing(), trajectories=2, steps=5, cells=16)
    FIELDS_FILES.write(fields, data, FieldsWriteOptions())
    words = ["--preset", "smoke-fno", "--out", str(tmp_path / "run"), "--learned", str(data)]
    words += ["--held-out", str(data), "--steps", "2", "--horizon", "2", "--json"]
    line = [sys.executable, "-m", "kinoloom", "train", "clifford", *words]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["steps"] == 2
    assert told["trajectories"] == 2
    assert (tmp_path / "run" / "best.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "smoke-fno"}, "needs a folder"),
        ({"preset": "video-unet", "out": "x"}, "give it --learned and --held-out"),
        ({"preset": "smoke-gru", "out": "x"}, "no preset 'smoke-gru'"),
        ({"preset": "maxwell-rotresnet", "out": "x"}, "no preset 'maxwell-rotresnet'"),
        ({"preset": "maxwell-fno", "out": "x", "learned": "smoke.npz"}, r"signature \(1, 1\)"),
        ({"preset": "smoke-fno", "out": "x", "learned": "smoke.npz", "tests": 1}, "cells"),
    ],
)
def test_trainings_that_cannot_be_are_refused(
    options: dict[str, object], message: str, small: None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    fields = make_smoke(Nothing(), trajectories=1, steps=5, cells=16)
    FIELDS_FILES.write(fields, tmp_path / "smoke.npz", FieldsWriteOptions())
    with pytest.raises(UsageError, match=message):
        train_clifford(Nothing(), **options)
    assert FIELDS_FILES.read([tmp_path / "smoke.npz"], NoOptions()).count == 1
    assert not (tmp_path / "x").exists()
    assert TrainOptions().preset in names()
