"""The training loop: learning, logging, checkpoints, and errors."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toy
from torch import Tensor, nn

from kinoloom.errors import ArrayError, TrainingError, UsageError
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.learn.logging.writers import read_log
from kinoloom.learn.loop import train
from kinoloom.learn.schedules import Piecewise
from kinoloom.learn.settings import Settings
from kinoloom.learn.task import Task


def clone_weights(task: Task) -> list[Tensor]:
    return [p.detach().clone() for p in task.net.parameters()]


def test_training_learns_and_keeps_the_best_weights(tmp_path: Path) -> None:
    settings = replace(
        toy.QUICK, steps=300, validate_steps=50, log_steps=20, save_steps=100, loaders=0
    )
    task = toy.task(settings)
    result = train(task, settings, tmp_path)
    lines = read_log(tmp_path)
    losses = [line["loss"] for line in lines if line["kind"] == "train"]
    errors = {line["step"]: line["error"] for line in lines if line["kind"] == "validation"}
    assert losses[-1] < 0.1 * losses[0]
    assert list(errors) == [0, 50, 100, 150, 200, 250, 300]
    assert result.best == min(errors.values()) < 0.3 * errors[0]
    assert (result.steps, result.ended, result.figures) == (300, "done", {"error": errors[300]})
    best, about = read_weights(tmp_path / "best.safetensors")
    assert errors[about["step"]] == about["figures"]["error"] == result.best
    net = toy.net()
    net.load_state_dict(best)
    with torch.no_grad():
        assert toy.score(net)["error"] == result.best
    last, about = read_weights(tmp_path / "last.safetensors")
    assert about["step"] == 300
    assert about["settings"]["learning_rate"] == 0.01
    assert all(torch.equal(last[k], v) for k, v in task.net.state_dict().items())
    run = json.loads((tmp_path / "run.json").read_text())
    assert (run["device"], run["processes"]) == ("cpu", 1)


def test_logged_values_match_a_step_by_hand(tmp_path: Path) -> None:
    settings = replace(toy.QUICK, steps=1, optimiser="sgd", momentum=0.0)
    task = toy.task(settings, weights={"l2": 2.0, "l1": 0.5})
    net, batch = toy.net(), toy.Numbers(settings)(0, 0, 1)
    error = net(torch.from_numpy(batch["x"])) - batch["y"]
    loss = 2.0 * error.square().mean() + 0.5 * error.abs().mean()
    loss.backward()
    train(task, settings, tmp_path)
    line = next(line for line in read_log(tmp_path) if line["kind"] == "train")
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in net.parameters()))
    assert line["loss"] == pytest.approx(float(loss.detach()))
    assert line["terms"]["l1"] == pytest.approx(float(error.detach().abs().mean()))
    assert line["gradient_norm"] == pytest.approx(norm)
    assert line["learning_rate"] == 0.01
    for before, after in zip(net.parameters(), task.net.parameters(), strict=True):
        torch.testing.assert_close(after, before - 0.01 * before.grad)


def test_log_line_is_the_mean_since_the_last(tmp_path: Path) -> None:
    train(toy.task(), toy.QUICK, tmp_path / "each")
    train(toy.task(), replace(toy.QUICK, log_steps=5), tmp_path / "fives")
    each = [line["loss"] for line in read_log(tmp_path / "each") if line["kind"] == "train"]
    fives = [line["loss"] for line in read_log(tmp_path / "fives") if line["kind"] == "train"]
    assert fives == pytest.approx([np.mean(each[i : i + 5]) for i in range(0, 20, 5)])


def test_gradient_is_clipped(tmp_path: Path) -> None:
    settings = replace(toy.QUICK, steps=1, optimiser="SGD", momentum=0.0, clip=0.001)
    task = toy.task(settings)
    before = clone_weights(task)
    train(task, settings, tmp_path)
    moved = [(a - b).square().sum() for a, b in zip(before, clone_weights(task), strict=True)]
    assert float(sum(moved)) ** 0.5 == pytest.approx(0.01 * 0.001, rel=1e-2)


def test_parameter_groups_have_their_own_rate_and_decay(tmp_path: Path) -> None:
    def groups(net: nn.Module) -> list[dict[str, Any]]:
        first, *others = net.parameters()
        return [{"params": [first], "rate": 0.0}, {"params": others, "weight_decay": 0.5}]

    settings = replace(toy.QUICK, steps=2, optimiser="sgd", weight_decay=0.0)
    task = toy.task(settings, groups=groups)
    before = clone_weights(task)
    train(task, settings, tmp_path)
    after = clone_weights(task)
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])


@pytest.mark.parametrize("name", ["adam", "AdamW", "sgd", "rmsprop", "adafactor", "NAdam"])
def test_optimisers_of_torch_are_supported(name: str, tmp_path: Path) -> None:
    settings = replace(toy.QUICK, steps=3, optimiser=name)
    task = toy.task(settings)
    before = clone_weights(task)
    train(task, settings, tmp_path)
    assert not torch.equal(before[0], task.net[0].weight)  # type: ignore[index]


def test_unknown_optimiser_is_rejected_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown optimiser 'adamv'. Did you mean adam"):
        train(toy.task(), replace(toy.QUICK, optimiser="adamv"), tmp_path)
    with pytest.raises(UsageError, match="unknown optimiser 'lbfgs'"):
        train(toy.task(), replace(toy.QUICK, optimiser="lbfgs"), tmp_path)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_reduced_precision_reaches_a_similar_error(precision: Any, tmp_path: Path) -> None:
    settings = replace(toy.QUICK, steps=60, precision=precision)
    seen = set()

    def losses(net: nn.Module, batch: Any, weights: Mapping[str, float]) -> dict[str, Tensor]:
        seen.add(net(batch["x"]).dtype)
        return toy.losses(net, batch, weights)

    result = train(toy.task(settings, losses=losses), settings, tmp_path / precision)
    exact = train(toy.task(), replace(settings, precision="fp32"), tmp_path / "fp32")
    assert seen == {{"bf16": torch.bfloat16, "fp16": torch.float16}[precision]}
    line = next(line for line in read_log(tmp_path / precision) if line["kind"] == "train")
    assert ("loss_scale" in line) == (precision == "fp16") != ("gradient_norm" in line)
    assert result.figures["error"] == pytest.approx(exact.figures["error"], rel=0.1)


def test_averaged_weights_follow_their_definition(tmp_path: Path) -> None:
    settings = replace(toy.QUICK, steps=4, ema=0.4)
    seen: list[list[Tensor]] = []

    def losses(net: nn.Module, batch: Any, weights: Mapping[str, float]) -> dict[str, Tensor]:
        seen.append([p.detach().clone() for p in net.parameters()])
        return toy.losses(net, batch, weights)

    task = toy.task(settings, losses=losses)
    train(task, settings, tmp_path)
    seen.append(clone_weights(task))
    mean = seen[0]
    for updates, now in enumerate(seen[1:], 1):
        decay = min(0.4, (1 + updates) / (10 + updates))
        mean = [decay * m + (1 - decay) * w for m, w in zip(mean, now, strict=True)]
    saved = read_weights(tmp_path / "last.safetensors")[0]
    for name, expected in zip(dict(task.net.named_parameters()), mean, strict=True):
        torch.testing.assert_close(saved[name], expected)


def test_only_terms_with_a_weight_are_requested(tmp_path: Path) -> None:
    requested: list[dict[str, float]] = []

    def losses(net: nn.Module, batch: Any, weights: Mapping[str, float]) -> dict[str, Tensor]:
        requested.append(dict(weights))
        return toy.losses(net, batch, weights)

    settings = replace(toy.QUICK, steps=4)
    weights = {"l2": 1.0, "l1": Piecewise((1,), (0.0, 3.0))}
    train(toy.task(settings, losses=losses, weights=weights), settings, tmp_path)
    assert requested == [{"l2": 1.0}] * 2 + [{"l2": 1.0, "l1": 3.0}] * 2


def test_terms_that_do_not_match_the_weights_are_rejected(tmp_path: Path) -> None:
    def losses(net: nn.Module, batch: Any, weights: Mapping[str, float]) -> dict[str, Tensor]:
        return {"other": net(batch["x"]).mean()}

    with pytest.raises(UsageError, match=r"losses are \['other'\], but its weights name \['l2'\]"):
        train(toy.task(losses=losses), toy.QUICK, tmp_path)


def spoil(step: int, corrupt: Any) -> Any:
    """Return losses whose l1 becomes invalid at a step."""

    def losses(net: nn.Module, batch: Any, weights: Mapping[str, float]) -> dict[str, Tensor]:
        found = toy.losses(net, batch, weights)
        if batch["step"] == step:
            found["l1"] = corrupt(found["l1"])
        return found

    return losses


@pytest.mark.parametrize(
    ("corrupt", "message"),
    [
        (lambda loss: loss * math.nan, "At step 12 the l1 is nan"),
        (lambda loss: loss + math.inf, "At step 12 the l1 is inf"),
        (lambda loss: loss + (0 * loss).sqrt(), "At step 12 the gradient norm is nan"),
    ],
    ids=["nan", "inf", "gradient"],
)
def test_non_finite_values_stop_the_run(corrupt: Any, message: str, tmp_path: Path) -> None:
    task = toy.task(losses=spoil(12, corrupt), weights={"l2": 1.0, "l1": 1.0})
    with pytest.raises(TrainingError, match=message) as caught:
        train(task, toy.QUICK, tmp_path)
    assert "step-000000010.pt is from an earlier step" in str(caught.value)
    saved = read_weights(tmp_path / "checkpoints" / "step-000000010.pt")[0]
    assert all(bool(tensor.isfinite().all()) for tensor in saved.values())
    assert not (tmp_path / "last.safetensors").exists()


def test_non_finite_term_is_named(tmp_path: Path) -> None:
    task = toy.task(losses=spoil(0, lambda loss: loss * math.nan), weights={"l2": 1, "l1": 1e-9})
    with pytest.raises(TrainingError, match=r"At step 0 the l1 is nan.*No earlier checkpoint"):
        train(task, toy.QUICK, tmp_path)


def test_non_finite_weights_are_never_saved(tmp_path: Path) -> None:
    """Adam without epsilon divides 0 by 0 where a gradient is 0."""
    settings = replace(toy.QUICK, epsilon=0.0, save_steps=1)
    net = toy.net()
    net.append(nn.Linear(1, 1))
    net[-1].weight.data.zero_()  # type: ignore[union-attr,operator]
    with pytest.raises(TrainingError, match=r"After step 0 the weights 0.weight are not finite"):
        train(toy.task(settings, net=net, validate=None, best=""), settings, tmp_path)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_failing_validation_stops_before_the_first_step(tmp_path: Path) -> None:
    def broken(net: nn.Module) -> dict[str, float]:
        raise RuntimeError("no such data")

    task = toy.task(validate=broken)
    before = clone_weights(task)
    with pytest.raises(RuntimeError, match="no such data"):
        train(task, toy.QUICK, tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(before, clone_weights(task), strict=True))
    with pytest.raises(UsageError, match=r"returns no 'psnr'.*; it returns error"):
        train(toy.task(best="psnr"), toy.QUICK, tmp_path)
    with pytest.raises(UsageError, match="has no validation that computes it"):
        train(toy.task(validate=None), toy.QUICK, tmp_path)


def test_higher_metric_may_be_better(tmp_path: Path) -> None:
    scores = iter([1.0, 3.0, math.nan, 2.0])
    settings = replace(toy.QUICK, steps=3, validate_steps=1)
    task = toy.task(settings, validate=lambda net: {"s": next(scores)}, best="s")
    task = replace(task, higher_is_better=True)
    assert train(task, settings, tmp_path).best == 3.0
    assert read_weights(tmp_path / "best.safetensors")[1]["step"] == 1
    assert [x["s"] for x in read_log(tmp_path) if x["kind"] == "validation"] == [1, 3, None, 2]


def test_clock_triggers_validation_and_checkpoints(tmp_path: Path) -> None:
    settings = replace(
        toy.QUICK, validate_steps=None, save_steps=None, validate_s=0.0, save_s=0.0, keep=50
    )
    train(toy.task(settings), settings, tmp_path)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 20
    assert sum(line["kind"] == "validation" for line in read_log(tmp_path)) == 21


def test_samples_are_written_at_each_validation(tmp_path: Path) -> None:
    from PIL import Image

    picture = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    train(toy.task(samples=lambda net: {"grey": picture}), toy.QUICK, tmp_path)
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == ["grey-000000000.png", "grey-000000010.png", "grey-000000020.png"]
    with Image.open(tmp_path / "samples" / names[0]) as image:
        assert np.array_equal(np.asarray(image), picture)
    with pytest.raises(ArrayError, match=r"sample 'bad' is float64 \(4, 5\)"):
        bad = toy.task(samples=lambda net: {"bad": np.zeros((4, 5))})
        train(bad, toy.QUICK, tmp_path / "bad")


def test_validation_runs_in_evaluation_mode(tmp_path: Path) -> None:
    seen = []

    def validate(net: nn.Module) -> dict[str, float]:
        seen.append((net.training, torch.is_grad_enabled()))
        return {"error": 0.0}

    train(toy.task(validate=validate), toy.QUICK, tmp_path)
    assert set(seen) == {(False, False)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "--steps must be at least 1, not 0"),
        ({"learning_rate": -1.0}, "--learning-rate must be at least 0"),
        ({"schedule": "linear"}, "--schedule must be one of constant, cosine, staircase"),
        ({"precision": "fp8"}, "--precision must be one of fp32, bf16, fp16"),
        ({"ema": 1.0}, "--ema must be below 1"),
        ({"warmup_steps": 30}, "--warmup-steps 30 must not exceed --steps 20"),
    ],
)
def test_invalid_settings_are_rejected_by_name(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        train(toy.task(), replace(toy.QUICK, **changes), tmp_path)
    assert not list(tmp_path.iterdir())


def test_network_without_trainable_parameters_is_rejected(tmp_path: Path) -> None:
    net = toy.net().requires_grad_(False)
    with pytest.raises(UsageError, match="no trainable parameters"):
        train(toy.task(net=net), toy.QUICK, tmp_path)


def test_settings_are_options_of_an_op() -> None:
    from kinoloom.base.options import build

    settings: Settings = build(Settings, {"steps": "12", "hours": "0.5", "optimiser": "sgd"})
    assert (settings.steps, settings.hours, settings.optimiser) == (12, 0.5, "sgd")
