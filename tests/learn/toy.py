"""A small task for the tests of training, also run as a script: learn the sum of four numbers.

python toy.py FOLDER '{"steps": 20}' [when to kill the process]
python toy.py FOLDER '[{"steps": 20}, {"steps": 30}]'    # into FOLDER/0 and FOLDER/1
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kinoloom.base.outputs import sync
from kinoloom.learn.loop import train
from kinoloom.learn.seeds import generator, share_indices
from kinoloom.learn.settings import Settings
from kinoloom.learn.task import Task

QUICK = Settings(
    steps=20,
    batch=8,
    learning_rate=0.01,
    log_steps=1,
    save_steps=5,
    save_s=None,
    validate_steps=10,
    validate_s=None,
    tensorboard=False,
)
NEVER = -1


@dataclass(frozen=True)
class Numbers:
    """Four random numbers and their sum, per sample."""

    settings: Settings
    pids: Path | None = None

    def __call__(self, step: int, share: int, shares: int) -> dict[str, Any]:
        if self.pids is not None:
            (self.pids / str(os.getpid())).touch()
        samples = share_indices(self.settings.batch, share, shares)
        draw = [generator(self.settings.seed, step, i).standard_normal(4) for i in samples]
        x = np.stack(draw).astype(np.float32)
        return {"x": x, "y": torch.from_numpy(x.sum(1, keepdims=True)), "step": step}


def net(dropout: float = 0.0) -> nn.Module:
    """Return a small network with fixed initial weights."""
    torch.manual_seed(7)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1))


def losses(net: nn.Module, batch: Any, weights: Mapping[str, float]) -> dict[str, Tensor]:
    """Return the requested terms: the squared and the absolute error."""
    error = net(batch["x"]).float() - batch["y"]
    found = {"l2": error.square().mean(), "l1": error.abs().mean()}
    return {name: found[name] for name in weights}


def score(net: nn.Module) -> dict[str, float]:
    """Return the error on samples that are not used for training."""
    batch = Numbers(replace(QUICK, seed=999))(0, 0, 1)
    return {"error": float((net(torch.from_numpy(batch["x"])) - batch["y"]).abs().mean())}


def task(settings: Settings = QUICK, **changes: Any) -> Task:
    """Return the task, with some fields replaced."""
    fields: dict[str, Any] = {
        "net": net(),
        "batch": Numbers(settings),
        "losses": losses,
        "weights": {"l2": 1.0},
        "validate": score,
        "best": "error",
        "higher_is_better": False,
    }
    return Task(**{**fields, **changes})


def kill_in_step(at: int) -> Any:
    """Return losses that kill their process at a step."""

    def killing(net: nn.Module, batch: Any, weights: Mapping[str, float]) -> dict[str, Tensor]:
        if batch["step"] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return losses(net, batch, weights)

    return killing


def kill_while_saving(step: int) -> None:
    """Kill this process when the checkpoint of a step is written but not yet renamed."""
    flush = sync._flush

    def killing(path: Path, flags: int) -> None:
        if f"step-{step:09d}" in path.name:
            os.kill(os.getpid(), signal.SIGKILL)
        flush(path, flags)

    sync._flush = killing


def main(folder: Path, settings_json: str, *when: str) -> None:
    """Train with settings given as JSON; the process may be killed."""
    options = json.loads(settings_json)
    dropout = options.pop("dropout", 0.0)
    pids = options.pop("pids", None)
    settings = replace(QUICK, **options)
    changes: dict[str, Any] = {"net": net(dropout)}
    changes["batch"] = Numbers(settings, Path(pids) if pids else None)
    if when and when[0] == "step":
        changes["losses"] = kill_in_step(int(when[1]))
    if when and when[0] == "saving":
        kill_while_saving(int(when[1]))
    train(task(settings, **changes), settings, folder)


if __name__ == "__main__":
    torch.set_num_threads(1)
    where = Path(sys.argv[1])
    if sys.argv[2].startswith("["):
        for number, job in enumerate(json.loads(sys.argv[2])):
            main(where / str(number), json.dumps(job))
    else:
        main(where, *sys.argv[2:])
