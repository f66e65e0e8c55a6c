"""The command line of the fuzzer; see `make fuzz`."""

from __future__ import annotations

import argparse
import os
import sys

from fuzz.campaign import FINDINGS, Summary, draw_cases, run_campaign, stop_after
from fuzz.targets import KINDS


def main() -> int:
    """Run a campaign and print its results; return 1 if there are findings."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, help="number of cases (default: until the time ends)")
    parser.add_argument("--minutes", type=float, help="duration (default 5, or as --cases)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--kinds", default=",".join(KINDS), help="folders of the corpus")
    options = parser.parse_args()
    minutes = 5 if options.minutes is options.cases is None else options.minutes
    cases = draw_cases(options.seed, tuple(options.kinds.split(",")))
    until = stop_after(options.cases, minutes)
    summary = run_campaign(cases, jobs=options.jobs, until=until)
    _print(summary, options.seed)
    return 1 if summary.findings else 0


def _print(summary: Summary, seed: int) -> None:
    for case, verdict in summary.findings:
        print(f"case {case.number}, {case.target} of {case.item.name}: {verdict.problem}")
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(summary.kinds.items()))
    print(f"{summary.cases} cases of seed {seed} ({kinds}): {summary.refused} refused with a")
    print(f"message, {len(summary.findings)} findings, peak {summary.peak_bytes >> 20} MiB.")
    if summary.findings:
        print(f"The inputs are in {FINDINGS}.")


if __name__ == "__main__":
    sys.exit(main())
