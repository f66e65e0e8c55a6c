"""Clifford networks beside plain ones of equal size: rising smoke, few and many trajectories.

    python -m benchmarks.clifford_smoke --work DIR [--steps N] [--seeds N] [--forms a,b]

Trains each form of network of the smoke presets (32 x 32 cells, 2 moments in, 1 out) by the one
training loop, from as many seeds, on 8 and on 64 trajectories, all with the same number of steps,
batches and schedule. The networks are narrower than the presets' own, to be trained in a minute or
two. Each form has the best of three learning rates, found in a third of the steps on trajectories
that are neither learned from nor tested on. Tested on 16 trajectories that no choice has seen: the
SMSE of one step and of a rollout of 10, mean and standard deviation over seeds. DIR keeps what is
done: started again, the script goes on.
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
from kinoloom.clifford.training.metrics import one_step, rollout
from kinoloom.clifford.training.presets import SETTINGS, preset
from kinoloom.clifford.training.task import Trajectories, build_step_task, load_trajectories
from kinoloom.learn.loop import train

ARCHITECTURES = ("cresnet", "rotresnet", "resnet", "cfno", "fno")
WIDTHS = {"resnet": 8, "fno": 6}
FEW, MANY = 8, 64
RATES = (2e-3, 6e-3, 1.8e-2)
HORIZON = 10
LEARNED, CHOSEN_ON, TESTED_ON = 0, 1000, 2000  # seeds of trajectories


def main() -> None:
    """Train and test all that is not done yet; write benchmarks/results/clifford_smoke.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--forms", default=",".join(ARCHITECTURES))
    told = parser.parse_args()
    torch.set_num_threads(1)
    retain_freed_memory()
    runs = Runs(told.work, told.steps)
    for seed in range(told.seeds):
        for count in (FEW, MANY):
            for form in told.forms.split(","):
                rate = min(RATES, key=lambda r, f=form: runs.chosen_by(f, r))
                runs.tested(form, rate, count, seed)
                path = write_results("clifford_smoke", _command(told), runs.findings())
    print(path)


@dataclasses.dataclass
class Runs:
    """Trainings in a folder, each done once."""

    work: Path
    steps: int

    def chosen_by(self, form: str, rate: float) -> float:
        """The one-step error by which a learning rate is chosen."""
        name = f"rate-{form}-{rate:g}"
        return self._once(name, form, rate, FEW, 99, self.steps // 3, CHOSEN_ON)["one_step"]

    def tested(self, form: str, rate: float, count: int, seed: int) -> dict[str, Any]:
        """The errors of a network of a seed that has seen `count` trajectories."""
        return self._once(
            f"test-{form}-{count}-{seed}", form, rate, count, seed, self.steps, TESTED_ON
        )

    def findings(self) -> dict[str, Any]:
        """All that is done, and mean and deviation over seeds."""
        done = [json.loads(path.read_text()) for path in sorted(self.work.glob("test-*.json"))]
        rows = []
        for form, count in sorted({(d["form"], d["trajectories"]) for d in done}):
            mine = [d for d in done if (d["form"], d["trajectories"]) == (form, count)]
            rows.append({
                "form": form, "trajectories": count, "seeds": len(mine),
                "parameters": mine[0]["parameters"], "learning_rate": mine[0]["rate"],
                **{name: _mean([d[name] for d in mine]) for name in ("one_step", "rollout")},
                "cpu_s": _mean([d["cpu_s"] for d in mine]),
            })  # fmt: skip
        sizes = {"steps": self.steps, "horizon": HORIZON, "rates": RATES, "cells": 32}
        return {**sizes, "rows": rows, "runs": done}

    def _once(
        self, name: str, form: str, rate: float, count: int, seed: int, steps: int, test: int
    ) -> dict[str, Any]:
        path = self.work / f"{name}.json"
        if path.exists():
            return dict(json.loads(path.read_text()))
        chosen = preset(f"smoke-{form}")
        equation = dataclasses.replace(chosen.equation, widths=WIDTHS)
        chosen = dataclasses.replace(chosen, equation=equation)
        settings = dataclasses.replace(
            SETTINGS, steps=steps, seed=seed, learning_rate=rate, validate_steps=steps, save_s=30.0
        )
        fields = chosen.fields(count, LEARNED)
        task = build_step_task(
            chosen, fields, made(count, LEARNED), made(4, CHOSEN_ON), settings, HORIZON
        )
        begin = time.process_time()
        train(task, settings, self.work / name)
        taken = time.process_time() - begin
        tested = made(16, test)
        task.net.eval()
        followed = rollout(task.net, tested, HORIZON)
        found = {
            "form": form, "trajectories": count, "seed": seed, "rate": rate, "steps": steps,
            "parameters": count_parameters(task.net), "one_step": one_step(task.net, tested),
            "rollout": float(followed.smse.sum()), "cpu_s": taken,
            "still_rollout": float(followed.persistence_smse.sum()),
            "still_one_step": one_step(_Still(task.net), tested),
        }  # fmt: skip
        path.write_text(json.dumps(found))
        print(name, found, flush=True)
        return found


@cache
def made(count: int, seed: int) -> Trajectories:
    """Trajectories of a seed, the same for all networks."""
    return load_trajectories(preset("smoke-cresnet").fields(count, seed))


class _Still:
    """The forecast that nothing changes."""

    def __init__(self, stepper: Any) -> None:
        self.moments, self.scale = stepper.moments, stepper.scale

    def rollout(self, history: torch.Tensor, steps: int) -> torch.Tensor:
        """The last moment, again and again."""
        return history[:, -1:].repeat(1, steps, *[1] * (history.dim() - 2))


def _mean(values: list[float]) -> dict[str, float]:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": round(statistics.fmean(values), 5), "deviation": round(deviation, 5)}


def _command(told: argparse.Namespace) -> str:
    return (
        f"python -m benchmarks.clifford_smoke --work DIR --steps {told.steps} "
        f"--seeds {told.seeds} --forms {told.forms}"
    )


if __name__ == "__main__":
    main()
