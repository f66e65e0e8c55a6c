"""Training with a failure at each write, flush, rename, creation and allocation."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy

from fault_injection import FAMILIES, Work, check_all_failures
from kinoloom.base import Report, op, option
from kinoloom.jobs.job import Job
from kinoloom.jobs.run import run_job
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.learn.logging.writers import read_log
from kinoloom.learn.loop import train

SHORT = replace(toy.QUICK, steps=2, save_steps=1, validate_steps=1, loaders=0)
CLOCKS = ("steps_per_s", "waited", "elapsed_s")


@dataclass(frozen=True)
class RunOptions:
    """Options of `learn`."""

    out: Path | None = option(None, "run directory")


@op("learn")
def learn(folder: Path, options: RunOptions) -> Report:
    """Train a small network."""
    samples = {"sample": np.zeros((4, 4, 3), np.uint8)}
    train(toy.task(SHORT, samples=lambda net: samples), SHORT, options.out or folder / "run")
    return Report("Trained", ())


def read_run(folder: Path) -> dict[str, Any]:
    """Return the results of a complete run, or nothing."""
    run = folder / "run"
    if not (run / "last.safetensors").exists():
        return {}
    files = [run / f"{name}.safetensors" for name in ("last", "best")]
    weights = {
        f"{file.stem}.{name}": tensor.numpy().tobytes()
        for file in files
        for name, tensor in read_weights(file)[0].items()
    }
    log = [{k: v for k, v in line.items() if k not in CLOCKS} for line in read_log(run)]
    return {**weights, "log": log, "samples": len(list((run / "samples").iterdir()))}


@pytest.mark.parametrize("family", FAMILIES)
def test_failed_training_resumes_to_the_same_result(tmp_path: Path, family: str) -> None:
    def run(folder: Path) -> object:
        return run_job(Job(learn, (folder,), options={"out": folder / "run"}))

    work = Work(run, read_run, ("run",))
    assert check_all_failures(work, family, tmp_path) > 0
