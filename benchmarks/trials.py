"""Trials: hostile files, kills at random moments, and power cycles of devices.

Fuzz cases change small files of every kind (`tests/fuzz`); a finding is any outcome but success or
a message. Kills end films, trainings and pipelines at random moments; resumed, they must give the
result of a job that was never killed and lose no file. Power cycles restart devices after every
training step on each target; loss and checksum must be those of a device that kept its power.

    python -m benchmarks.trials [--cases 2000] [--kills 52] [--seed 0] [--jobs N]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, write_results

for _helpers in ("", "media", "pipelines"):
    sys.path.insert(0, str(ROOT / "tests" / _helpers))


def main() -> int:
    """Run all trials and write the results; return 1 if one failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=52)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    # Fuzzing runs next to the rest: kills meet a busy machine, and wait for the steps of pipelines.
    with ThreadPoolExecutor(1) as pool, tempfile.TemporaryDirectory() as name:
        fuzzing = pool.submit(_fuzz, options.cases, options.seed, options.jobs)
        findings = {
            "power cycles": _cycle_power(Path(name)),
            "kills": _kill(options.kills, options.seed, Path(name)),
            "fuzzing": fuzzing.result(),
        }
    line = f"python -m benchmarks.trials --cases {options.cases} --kills {options.kills}"
    path = write_results("trials", f"{line} --seed {options.seed}", findings)
    failed = _has_failed(findings)
    print(f"{path}: {'FAILED' if failed else 'all passed'}")
    return int(failed)


def _cycle_power(folder: Path) -> list[dict[str, Any]]:
    from benchmarks.power_cycles import run_power_cycles

    rows = run_power_cycles(folder / "devices")
    for row in rows:
        print(row)
        if "skipped" in row.values():
            print(
                "Skipped targets need: apt-get install gcc make gcc-arm-none-eabi qemu-system-arm"
            )
    return rows


def _kill(kills: int, seed: int, folder: Path) -> list[dict[str, Any]]:
    from benchmarks.kills import JOBS, run_kills

    rows = run_kills(-(-kills // len(JOBS)), seed, folder / "jobs")
    print(*rows, sep="\n")
    return rows


def _fuzz(cases: int, seed: int, jobs: int) -> list[dict[str, Any]]:
    from fuzz.campaign import draw_cases, run_campaign, stop_after

    summary = run_campaign(draw_cases(seed), jobs=jobs, until=stop_after(cases, None))
    for case, verdict in summary.findings:
        print(f"case {case.number}, {case.target} of {case.item.name}: {verdict.problem}")
    found = [case.item.parent.name for case, _ in summary.findings]
    return [
        {
            "files": kind,
            "cases": count,
            "refused": summary.refused_kinds[kind],
            "findings": found.count(kind),
        }
        for kind, count in sorted(summary.kinds.items())
    ]


def _has_failed(findings: dict[str, list[dict[str, Any]]]) -> bool:
    return (
        any(False in row.values() for row in findings["power cycles"])
        or any(row["other results"] or row["files lost"] for row in findings["kills"])
        or any(row["findings"] for row in findings["fuzzing"])
    )


if __name__ == "__main__":
    sys.exit(main())
