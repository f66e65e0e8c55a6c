"""Repeated timing, and results with the machine they were measured on."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.base.machine import describe_machine
from kinoloom.base.provenance import versions

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def spread(values: list[float]) -> dict[str, float]:
    """Median and quartiles, rounded to four digits after the point."""
    low, high = np.percentile(values, [25, 75])
    return {
        "median": round(statistics.median(values), 4),
        "q1": round(float(low), 4),
        "q3": round(float(high), 4),
    }


def in_turns(jobs: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run each job once a round, so that a slow moment of the machine meets all of them.

    Args:
        jobs: by name; each returns the seconds to be counted.
        rounds: how many are counted; one more before them is not.
    """
    for job in jobs.values():
        job()
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, job in jobs.items():
            seconds[name].append(job())
    return seconds


def write_results(name: str, command: str, findings: dict[str, Any]) -> Path:
    """Write benchmarks/results/<name>.json with the command, the commit and the machine."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    record = {
        "command": command,
        "commit": commit.stdout.strip() or "unknown",
        "machine": {**describe_machine(), "versions": versions()},
        **findings,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(record, indent=2) + "\n")
    return path
