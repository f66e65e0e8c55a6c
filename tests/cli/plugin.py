"""A third-party package with ops for the tests, installed into a folder as pip does."""

import os
import subprocess
import sys
from pathlib import Path

ENTRY_POINTS = """[kinoloom.ops]
count = tally:count
shout.loud = tally:loud
needy = tally:needy
fail = tally:fail
wait = tally:wait

[kinoloom.checks]
tally = tally:checks
"""
CODE = '''
"""Ops over plain folders, so that no media is needed."""

import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

from kinoloom.base import Report, op, option
from kinoloom.base.checks import Check
from kinoloom.base.outputs import atomic_output
from kinoloom.base.report import Table
from kinoloom.errors import (
    BudgetError, InputNotFoundError, MissingExtraError, OutputError, WeightsError,
)


@dataclass(frozen=True)
class CountOptions:
    """Options of `count`."""

    suffix: str = option("", "suffix of the files to count")
    at_most: int = option(9, "largest count", low=1, high=99, formerly="limit")
    share: Fraction | None = option(None, "fraction to count", low=0.01, high=1)
    pace: Fraction | None = option(None, "counting rate", unit="fps")
    memory: int = option(2_000_000_000, "memory limit", unit="bytes")
    order: Literal["name", "size"] = option("name", "sort order")
    hidden: bool = option(False, "count hidden files too")


@op("count", page="tally:page")
def count(folder: Path, options: CountOptions) -> Report:
    """Count the files of a folder.

    Names are sorted before the count.

    Args:
        folder: not shown in the help.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"The folder {folder} does not exist.")
    names = sorted(p.name for p in folder.iterdir() if p.name.endswith(options.suffix))
    names = names[: options.at_most]
    data = {"files": names, "pace": options.pace, "hidden": options.hidden}
    return Report("Files", (Table(("name",), tuple((n,) for n in names)),), data)


def page(folder: Path, report: Report, options: CountOptions) -> Report:
    """Build the report on a count."""
    return Report(f"Count of {folder.name}", report.sections)


@dataclass(frozen=True)
class NoOptions:
    """No options."""


@op("shout.loud")
def loud(folder: Path, options: NoOptions) -> Report:
    """Shout a name."""
    return Report(folder.name.upper(), ())


@op("needy", extra="nowhere")
def needy(folder: Path, options: NoOptions) -> Report:
    """Require an extra that does not exist."""
    return Report("never", ())


@dataclass(frozen=True)
class FailOptions:
    """Options of `fail`."""

    how: str = option("bug", "class of the error")


@op("fail")
def fail(folder: Path, options: FailOptions) -> Report:
    """Raise the requested error."""
    known = (BudgetError, InputNotFoundError, MissingExtraError, OutputError, WeightsError)
    for error in known:
        if error.__name__ == options.how:
            raise error("It went wrong.", hint="Do it again.")
    raise ZeroDivisionError("not an error of kinoloom")


@op("wait")
def wait(folder: Path, options: NoOptions) -> Report:
    """Start an output and never finish it."""
    with atomic_output(folder / "out.txt", overwrite=False) as temporary:
        temporary.write_text("half")
        print("started", flush=True)
        time.sleep(60)
    return Report("never", ())


def checks() -> list[Check]:
    """Return a check that passes and one that fails."""
    return [
        Check("abacus", True, "wooden", "counting"),
        Check("fingers", False, "all in use", "counting further", "wave them"),
    ]
'''


def install(site: Path, entry_points: str = ENTRY_POINTS, code: str = CODE) -> Path:
    """Install the package `tally` into the new folder `site` and return that folder."""
    site.mkdir()
    (site / "tally.py").write_text(code)
    info = site / "tally-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tally\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    return site


def environment(site: Path | None, **more: str) -> dict[str, str]:
    """Return the environment of a process that also imports packages from `site`."""
    known = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    folders = [str(site)] if site else []
    folders += [known["PYTHONPATH"]] if "PYTHONPATH" in known else []
    return {**known, "PYTHONPATH": os.pathsep.join(folders), **more}


def kinoloom(
    *words: str, site: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `kinoloom` in a separate process."""
    return subprocess.run(
        [sys.executable, "-m", "kinoloom", *words],
        capture_output=True,
        text=True,
        env=environment(site, **more),
        timeout=60,
    )
