"""A package of another author, installed into a folder as pip would: the ops that tests run."""

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
from kinoloom.base.outputs import whole_file
from kinoloom.base.report import Table
from kinoloom.errors import (
    BudgetError, InputNotFoundError, MissingExtraError, OutputError, WeightsError,
)


@dataclass(frozen=True)
class CountOptions:
    """What `count` may be told."""

    suffix: str = option("", "only files with this suffix")
    at_most: int = option(9, "stop at so many", low=1, high=99, formerly="limit")
    share: Fraction | None = option(None, "only this share", low=0.01, high=1)
    pace: Fraction | None = option(None, "how fast", unit="fps")
    memory: int = option(2_000_000_000, "the most memory", unit="bytes")
    order: Literal["name", "size"] = option("name", "which comes first")
    hidden: bool = option(False, "count hidden files too")


@op("count", page="tally:page")
def count(folder: Path, options: CountOptions) -> Report:
    """Count the files of a folder.

    All of them, one by one.

    Args:
        folder: not shown in the help.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"There is no folder {folder}.")
    names = sorted(p.name for p in folder.iterdir() if p.name.endswith(options.suffix))
    names = names[: options.at_most]
    told = {"files": names, "pace": options.pace, "hidden": options.hidden}
    return Report("Files", (Table(("name",), tuple((n,) for n in names)),), told)


def page(folder: Path, report: Report, options: CountOptions) -> Report:
    """The page about a count."""
    return Report(f"All about {folder.name}", report.sections)


@dataclass(frozen=True)
class NoOptions:
    """Nothing."""


@op("shout.loud")
def loud(folder: Path, options: NoOptions) -> Report:
    """Shout a name."""
    return Report(folder.name.upper(), ())


@op("needy", extra="nowhere")
def needy(folder: Path, options: NoOptions) -> Report:
    """Need an extra that there is not."""
    return Report("never", ())


@dataclass(frozen=True)
class FailOptions:
    """How to fail."""

    how: str = option("bug", "which error")


@op("fail")
def fail(folder: Path, options: FailOptions) -> Report:
    """Fail in the way that was asked for."""
    known = (BudgetError, InputNotFoundError, MissingExtraError, OutputError, WeightsError)
    for error in known:
        if error.__name__ == options.how:
            raise error("It went wrong.", hint="Do it again.")
    raise ZeroDivisionError("nobody saw it coming")


@op("wait")
def wait(folder: Path, options: NoOptions) -> Report:
    """Begin an output and wait for the end of days."""
    with whole_file(folder / "out.txt", overwrite=False) as temporary:
        temporary.write_text("half")
        print("begun", flush=True)
        time.sleep(60)
    return Report("never", ())


def checks() -> list[Check]:
    """A thing that is there and one that is not."""
    return [
        Check("abacus", True, "wooden", "counting"),
        Check("fingers", False, "all in use", "counting further", "wave them"),
    ]
'''


def install(site: Path, entry_points: str = ENTRY_POINTS, code: str = CODE) -> Path:
    """Lay the package `tally` into the folder `site`."""
    site.mkdir()
    (site / "tally.py").write_text(code)
    info = site / "tally-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tally\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    return site


def environment(site: Path | None, **more: str) -> dict[str, str]:
    """The environment of a process that also finds the packages in `site`."""
    known = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    folders = [str(site)] if site else []
    folders += [known["PYTHONPATH"]] if "PYTHONPATH" in known else []
    return {**known, "PYTHONPATH": os.pathsep.join(folders), **more}


def kinoloom(
    *words: str, site: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the command `kinoloom` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "kinoloom", *words],
        capture_output=True,
        text=True,
        env=environment(site, **more),
        timeout=60,
    )
