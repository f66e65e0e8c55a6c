"""Chains of empty steps in Metaflow, on its local store.

Run by `benchmarks.pipelines_overhead` with an interpreter that has `metaflow==2.19.*`. Each line on
standard input runs a flow of 12 steps and one of 2; the result is a tenth of the difference, which
excludes the start of the flow itself.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def flow(steps: int) -> str:
    """Return the program of a flow with `steps` steps."""
    names = ["start", *(f"step{k}" for k in range(1, steps - 1)), "end"]
    lines = ["from metaflow import FlowSpec, step", "class Chain(FlowSpec):"]
    for name, following in zip(names, [*names[1:], ""], strict=True):
        body = f"self.next(self.{following})" if following else "pass"
        lines += ["    @step", f"    def {name}(self):", f"        {body}"]
    return "\n".join([*lines, "Chain()", ""])


def seconds_of(program: Path) -> float:
    """Return the seconds of one run of a flow."""
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, str(program), "--quiet", "run"], check=True, capture_output=True,
        env={**os.environ, "USERNAME": "someone", "METAFLOW_DEFAULT_DATASTORE": "local"},
    )  # fmt: skip
    return time.perf_counter() - begin


os.chdir(tempfile.mkdtemp())
Path("long.py").write_text(flow(12))
Path("short.py").write_text(flow(2))
for _ in sys.stdin:
    print((seconds_of(Path("long.py")) - seconds_of(Path("short.py"))) / 10, flush=True)
