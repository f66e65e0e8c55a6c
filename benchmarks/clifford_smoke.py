"""Clifford networks compared with plain networks of equal size on rising smoke.

    python -m benchmarks.clifford_smoke --work DIR [--steps N] [--seeds N] [--forms a,b]

Trains each architecture of the smoke presets (32 x 32 cells, 2 time steps in, 1 out) on 8 and on 64
trajectories, with several seeds and the same number of steps, batch size and schedule. The networks
are narrower than those of the presets, to train in a minute or two. For each architecture the best
of three learning rates is selected in a third of the steps, on separate validation trajectories.
Evaluated on 16 test trajectories: SMSE of one step and of a rollout of 10 steps, mean and standard
deviation over seeds. DIR stores finished runs; the script resumes from it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import time
from functools import cache
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import write_results
from kinoloom.clifford.memory import retain_freed_memory
from kinoloom.clifford.nets.sizing import count_parameters
from kinoloom.clifford.training.metrics import evaluate_rollout, one_step_smse
from kinoloom.clifford.training.presets import SETTINGS, get_preset
from kinoloom.clifford.training.task import Trajectories, build_step_task, load_trajectories
from kinoloom.learn.loop import train

ARCHITECTURES = ("cresnet", "rotresnet", "resnet", "cfno", "fno")
WIDTHS = {"resnet": 8, "fno": 6}
FEW, MANY = 8, 64
RATES = (2e-3, 6e-3, 1.8e-2)
HORIZON = 10
TRAIN_SEED, VALIDATION_SEED, TEST_SEED = 0, 1000, 2000  # of trajectories


def main() -> None:
    """Run what is missing and write benchmarks/results/clifford_smoke.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--forms", default=",".join(ARCHITECTURES))
    args = parser.parse_args()
    torch.set_num_threads(1)
    retain_freed_memory()
    runs = Runs(args.work, args.steps)
    for seed in range(args.seeds):
        for count in (FEW, MANY):
            for form in args.forms.split(","):
                rate = min(RATES, key=lambda r, f=form: runs.validate(f, r))
                runs.test(form, rate, count, seed)
                path = write_results("clifford_smoke", _format_command(args), runs.summarise())
    print(path)


@dataclasses.dataclass
class Runs:
    """Training runs in a folder, each executed once."""

    work: Path
    steps: int

    def validate(self, form: str, rate: float) -> float:
        """Return the one-step error of a learning rate on the validation trajectories."""
        name, steps = f"rate-{form}-{rate:g}", self.steps // 3
        return self._run_once(name, form, rate, FEW, 99, steps, VALIDATION_SEED)["one_step"]

    def test(self, form: str, rate: float, count: int, seed: int) -> dict[str, Any]:
        """Return the test errors of a network trained on `count` trajectories."""
        name = f"test-{form}-{count}-{seed}"
        return self._run_once(name, form, rate, count, seed, self.steps, TEST_SEED)

    def summarise(self) -> dict[str, Any]:
        """Return all finished runs, and means and deviations over seeds."""
        done = [json.loads(path.read_text()) for path in sorted(self.work.glob("test-*.json"))]
        rows = []
        for form, count in sorted({(d["form"], d["trajectories"]) for d in done}):
            mine = [d for d in done if (d["form"], d["trajectories"]) == (form, count)]
            rows.append({
                "form": form, "trajectories": count, "seeds": len(mine),
                "parameters": mine[0]["parameters"], "learning_rate": mine[0]["rate"],
                **{name: _average([d[name] for d in mine]) for name in ("one_step", "rollout")},
                "cpu_s": _average([d["cpu_s"] for d in mine]),
            })  # fmt: skip
        sizes = {"steps": self.steps, "horizon": HORIZON, "rates": RATES, "cells": 32}
        return {**sizes, "rows": rows, "runs": done}

    def _run_once(
        self, name: str, form: str, rate: float, count: int, seed: int, steps: int, test_seed: int
    ) -> dict[str, Any]:
        path = self.work / f"{name}.json"
        if path.exists():
            return dict(json.loads(path.read_text()))
        preset = get_preset(f"smoke-{form}")
        equation = dataclasses.replace(preset.equation, widths=WIDTHS)
        preset = dataclasses.replace(preset, equation=equation)
        settings = dataclasses.replace(
            SETTINGS, steps=steps, seed=seed, learning_rate=rate, validate_steps=steps, save_s=30.0
        )
        fields = preset.generate_fields(count, TRAIN_SEED)
        training, held_out = simulate(count, TRAIN_SEED), simulate(4, VALIDATION_SEED)
        task = build_step_task(preset, fields, training, held_out, settings, HORIZON)
        begin = time.process_time()
        train(task, settings, self.work / name)
        cpu_s = time.process_time() - begin
        test = simulate(16, test_seed)
        task.net.eval()
        rollout = evaluate_rollout(task.net, test, HORIZON)
        result = {
            "form": form, "trajectories": count, "seed": seed, "rate": rate, "steps": steps,
            "parameters": count_parameters(task.net), "one_step": one_step_smse(task.net, test),
            "rollout": float(rollout.smse.sum()), "cpu_s": cpu_s,
            "still_rollout": float(rollout.persistence_smse.sum()),
            "still_one_step": one_step_smse(_Persistence(task.net), test),
        }  # fmt: skip
        path.write_text(json.dumps(result))
        print(name, result, flush=True)
        return result


@cache
def simulate(count: int, seed: int) -> Trajectories:
    """Return trajectories of a seed, the same for all networks."""
    return load_trajectories(get_preset("smoke-cresnet").generate_fields(count, seed))


class _Persistence:
    """The forecast that nothing changes."""

    def __init__(self, stepper: Any) -> None:
        self.history_steps, self.scale = stepper.history_steps, stepper.scale

    def rollout(self, history: torch.Tensor, steps: int) -> torch.Tensor:
        """Repeat the last time step."""
        return history[:, -1:].repeat(1, steps, *[1] * (history.dim() - 2))


def _average(values: list[float]) -> dict[str, float]:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": round(statistics.fmean(values), 5), "deviation": round(deviation, 5)}


def _format_command(args: argparse.Namespace) -> str:
    return (
        f"python -m benchmarks.clifford_smoke --work DIR --steps {args.steps} "
        f"--seeds {args.seeds} --forms {args.forms}"
    )


if __name__ == "__main__":
    main()
