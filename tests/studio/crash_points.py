"""Kills a process of a studio at a chosen point, once: before or after the n-th call of a function.

`sitecustomize`, which Python imports when it starts, wraps the function in every process whose
command line has a given text.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

SERVER, JOB = "-m kinoloom studio", "-m kinoloom.jobs.process"
"""Texts in the command lines of the processes."""

_VARIABLE = "CRASH_AT"
_CODE = f'''
import functools, importlib, os, signal, sys

spec = os.environ.get("{_VARIABLE}")
if spec:
    program, module, path, when, count, mark = spec.split("|")
    if program in " ".join(sys.orig_argv) and not os.path.exists(mark):
        place = importlib.import_module(module)
        *parents, name = path.split(".")
        for parent in parents:
            place = getattr(place, parent)
        original, left = getattr(place, name), int(count)

        def crash():
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)

        @functools.wraps(original)
        def counted(*given, **named):
            global left
            left -= 1
            is_due = left == 0
            if is_due and when == "before":
                crash()
            result = original(*given, **named)
            if is_due:
                crash()
            return result

        setattr(place, name, counted)
'''


@dataclass(frozen=True)
class CrashPoint:
    """Where a process is killed.

    Attributes:
        program: `SERVER` or `JOB`.
        module, path: of the function.
        when: "before" or "after" the call.
        count: which call, from 1.
    """

    program: str
    module: str
    path: str
    when: str
    count: int = 1

    def __str__(self) -> str:
        name = "server" if self.program == SERVER else "job"
        return f"{name}-{self.when}-{self.path}-{self.count}"

    def install(self, site: Path, mark: Path, patch: pytest.MonkeyPatch) -> None:
        """Let processes that start from now on crash here, until one did.

        Args:
            site: a folder on PYTHONPATH.
            mark: a file that the crash creates.
            patch: sets the variable that names the point.
        """
        (site / "sitecustomize.py").write_text(_CODE)
        words = (self.program, self.module, self.path, self.when, str(self.count), os.fspath(mark))
        patch.setenv(_VARIABLE, "|".join(words))
