"""Tests of training: presets, samples, metrics, command."""

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
from kinoloom.clifford.fields.dataset import Fields
from kinoloom.clifford.fields.files import FIELDS_FILES, FieldsWriteOptions
from kinoloom.clifford.nets.sizing import count_parameters
from kinoloom.clifford.nets.stepper import Stepper
from kinoloom.clifford.ops import make_smoke, train_clifford
from kinoloom.clifford.options import TrainOptions
from kinoloom.clifford.training import presets
from kinoloom.clifford.training.metrics import evaluate_rollout, one_step_smse
from kinoloom.clifford.training.presets import get_preset, list_presets
from kinoloom.clifford.training.task import (
    Samples,
    build_step_task,
    compute_scales,
    load_trajectories,
    step_loss,
)
from kinoloom.errors import ArrayError, UsageError
from kinoloom.learn.loop import train

QUICK = replace(presets.SETTINGS, steps=6, batch=2, validate_steps=3, warmup_steps=1)


class ConstantChange(nn.Module):
    """Predicts that every blade changes by one unit."""

    def forward(self, history: torch.Tensor) -> torch.Tensor:
        return torch.ones_like(history[:, :1])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrink the presets: few cells, few channels."""
    for name, equation in presets.EQUATIONS.items():
        overrides = {"cells": 8, "steps": 6}
        if name == "maxwell":
            overrides["wavelength"] = 8.0
        widths = {"resnet": 2, "fno": 2, "unet": 1}
        changed = replace(equation, overrides=overrides, widths=widths)
        monkeypatch.setitem(presets.EQUATIONS, name, changed)
    monkeypatch.setattr(presets, "_MODES", 4)
    monkeypatch.setattr(presets, "_BLOCKS", 1)


@pytest.mark.parametrize("name", list_presets())
def test_every_preset_computes_gradients(name: str, small: None) -> None:
    preset = get_preset(name)
    if preset.equation.generate is None:
        values = np.random.default_rng(0).standard_normal((1, 6, 4, 12, 8)).astype(np.float32)
        fields = Fields(
            "clip", (1, 1), (0, 1, 2), values.shape[1:], 1, 1.0, 1.0, values.__getitem__
        )
    else:
        fields = preset.generate_fields(1, 0)
    trajectories = load_trajectories(fields)
    task = build_step_task(preset, fields, trajectories, trajectories, QUICK, 2)
    loss = task.losses(task.net, task.batch(0, 0, 1), {"step": 1.0})["step"]
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in task.net.parameters())
    assert loss > 0


@pytest.mark.parametrize("equation", presets.EQUATIONS)
@pytest.mark.parametrize("pair", [("cresnet", "resnet"), ("cfno", "fno"), ("cunet", "unet")])
def test_networks_of_a_family_have_equal_sizes(equation: str, pair: tuple[str, str]) -> None:
    with torch.device("meta"):
        one, other = (
            count_parameters(get_preset(f"{equation}-{architecture}").build_net())
            for architecture in pair
        )
    assert other == pytest.approx(one, rel=0.06)


def test_samples_depend_on_seed_step_and_index_only() -> None:
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
    expected = {float(t[m].min()) for t in trajectories for m in range(9 - 2)}
    assert seen == expected, "every window that has a target is drawn, and no other"


def create_fields(values: np.ndarray) -> Fields:
    return Fields(
        "test", (1, 1), (0, 1), values.shape[1:], len(values), 1.0, 1.0, values.__getitem__
    )


def test_blades_of_a_grade_share_their_scale() -> None:
    values = np.zeros((2, 4, 3, 2, 2), np.float32)
    values[:, :, 0] = 2.0
    values[:, 1::2, 1] = 3.0
    values[:, 1::2, 0] = -2.0
    scale, change = compute_scales(values, create_fields(values))
    assert scale == pytest.approx([2.0, 1.5, 1.5])  # sqrt of 9 / 2 / 2
    assert change == pytest.approx([4.0, 3 / 2**0.5, 3 / 2**0.5])
    with pytest.raises(ArrayError, match="Grade 1 of test is zero"):
        compute_scales(values[:, ::2], create_fields(values[:, ::2]))
    still = np.ones_like(values)
    with pytest.raises(ArrayError, match="Grade 0 of test is constant"):
        compute_scales(still, create_fields(still))


def test_errors_match_hand_computed_values() -> None:
    """The truth is constant; the stepper adds (1, 2) in each step and has the scale (2, 4)."""
    stepper = Stepper(ConstantChange(), 2, [2.0, 4.0], [1.0, 2.0])
    still = np.ones((3, 6, 2, 4, 4), np.float32)
    each = (1 / 2) ** 2 + (2 / 4) ** 2
    assert one_step_smse(stepper, still) == pytest.approx(each)
    rollout = evaluate_rollout(stepper, still, 4)
    np.testing.assert_allclose(rollout.smse, [each * k**2 for k in (1, 2, 3, 4)], rtol=1e-6)
    np.testing.assert_array_equal(rollout.persistence_smse, np.zeros(4))
    np.testing.assert_allclose(rollout.predicted[0, :, 1, 0, 0], [3, 5, 7, 9])
    rising = still + np.arange(6, dtype=np.float32).reshape(1, 6, 1, 1, 1) * [[[[1.0]], [[2.0]]]]
    rising = rising.astype(np.float32)
    assert evaluate_rollout(stepper, rising, 4).smse.max() == pytest.approx(0, abs=1e-10)
    assert evaluate_rollout(stepper, rising, 4).persistence_smse[1] == pytest.approx(4 * each)
    batch = {"history": still[:, :2], "next": still[:, 2]}
    assert float(step_loss(stepper, batch, {"step": 1.0})["step"]) == pytest.approx(1.0)
    with pytest.raises(UsageError, match="have 6 time steps: a rollout of 5 steps from 2 needs 7"):
        evaluate_rollout(stepper, still, 5)


def test_invalid_steppers_and_histories_are_refused() -> None:
    with pytest.raises(UsageError, match="expected a positive size"):
        Stepper(ConstantChange(), 2, [1.0, 0.0], [1.0, 1.0])
    with pytest.raises(ArrayError, match=r"shape \(1, 3, 1, 4\): expected \(B, 2, 1, \*space\)"):
        Stepper(ConstantChange(), 2, [1.0], [1.0])(torch.zeros(1, 3, 1, 4))
    short = np.zeros((1, 2, 3, 4, 4), np.float32)
    with pytest.raises(UsageError, match="have 2 time steps: expected at least 3"):
        load_trajectories(create_fields(short))


def test_resumed_run_is_bit_identical(small: None, tmp_path: Path) -> None:
    preset = get_preset("smoke-cfno")
    trajectories = load_trajectories(preset.generate_fields(2, 0))

    def train_to(folder: str, steps: int) -> dict[str, torch.Tensor]:
        settings = replace(QUICK, schedule="constant", steps=steps)
        task = build_step_task(
            preset, preset.generate_fields(2, 0), trajectories, trajectories, settings, 2
        )
        train(task, settings, tmp_path / folder)
        return task.net.state_dict()

    whole = train_to("whole", 6)
    settings = replace(QUICK, schedule="constant", hours=0.0)
    task = build_step_task(
        preset, preset.generate_fields(2, 0), trajectories, trajectories, settings, 2
    )
    assert train(task, settings, tmp_path / "parts").steps == 1
    resumed = train_to("parts", 6)
    for name, tensor in whole.items():
        assert torch.equal(tensor, resumed[name]), name


def test_training_reduces_the_error_and_reports_it(small: None, tmp_path: Path) -> None:
    report = train_clifford(
        Nothing(), preset="shallow-water-cresnet", out=tmp_path, trajectories=2,
        held_out_trajectories=1, steps=60, batch=4, horizon=3, learning_rate=0.01,
    )  # fmt: skip
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    figures = [line["one_step_smse"] for line in log if line["kind"] == "validation"]
    assert min(figures) < figures[0] / 2
    assert report.data["one_step_smse"] == pytest.approx(min(figures), rel=1e-3)
    assert len(report.data["rollout_smse"]) == len(report.data["no_change_smse"]) == 3
    assert len(list(kinoloom.read(tmp_path / "rollout.mp4"))) == 3
    titles = [section.title for section in report.sections]
    assert {"Rollout error", "Spectrum of grade 1 at the last step", "Divergence"} <= set(titles)


def test_command_trains_on_files(small: None, tmp_path: Path) -> None:
    data = tmp_path / "smoke.npz"
    fields = make_smoke(Nothing(), trajectories=2, steps=5, cells=16)
    FIELDS_FILES.write(fields, data, FieldsWriteOptions())
    words = ["--preset", "smoke-fno", "--out", str(tmp_path / "run"), "--train-data", str(data)]
    words += ["--held-out", str(data), "--steps", "2", "--horizon", "2", "--json"]
    line = [sys.executable, "-m", "kinoloom", "train", "clifford", *words]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["steps"] == 2
    assert record["trajectories"] == 2
    assert (tmp_path / "run" / "best.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "smoke-fno"}, "No run directory"),
        ({"preset": "video-unet", "out": "x"}, "--train-data and --held-out are required"),
        ({"preset": "smoke-gru", "out": "x"}, "Unknown preset 'smoke-gru'"),
        ({"preset": "maxwell-rotresnet", "out": "x"}, "Unknown preset 'maxwell-rotresnet'"),
        ({"preset": "maxwell-fno", "out": "x", "train_data": "smoke.npz"}, r"signature \(1, 1\)"),
        (
            {
                "preset": "smoke-fno",
                "out": "x",
                "train_data": "smoke.npz",
                "held_out_trajectories": 1,
            },
            "expected equal grids",
        ),
    ],
)
def test_invalid_training_options_are_refused(
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
    assert TrainOptions().preset in list_presets()
