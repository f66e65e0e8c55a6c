"""The overhead of a pipeline's steps, relative to `python -c pass`.

    python -m benchmarks.pipelines_overhead --rounds 7 --sagemaker PYTHON --metaflow PYTHON

A step is `python3 -c pass` with one output folder; everything beyond the interpreter's own start is
overhead. Each round runs every job once, in turn. The extras of this repository do not install the
peers: each runs in an interpreter that has it, and is omitted without one. See `peers/` for their
steps.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import in_turns, spread, write_results
from kinoloom.pipelines.language import load_text
from kinoloom.pipelines.local.jobs.mounts import namespaces_work
from kinoloom.pipelines.local.session import LocalSession

_CHAIN = 10
_ARN = "arn:aws:lambda:local:000000000000:function:nothing"


def main() -> None:
    """Measure and write benchmarks/results/pipelines_overhead.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sagemaker", help="interpreter with sagemaker and moto")
    parser.add_argument("--metaflow", help="interpreter with metaflow")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        jobs = _jobs(Path(folder))
        for name, python, script in (
            ("step, SageMaker local without containers", arguments.sagemaker, "sagemaker_local.py"),
            ("step, Metaflow", arguments.metaflow, "metaflow_chain.py"),
        ):
            if python:
                jobs[name] = stack.enter_context(_peer(python, script))
        seconds = in_turns(jobs, rounds)
        many = {str(n): round(_many(Path(folder), n) / n * 1e3, 3) for n in (1000, 10_000)}
    rows = {name: spread(values) for name, values in seconds.items()}
    floor = rows["python -c pass"]["median"]
    ratios = {name: round(row["median"] / floor, 2) for name, row in rows.items()}
    for name, row in rows.items():
        print(f"{name:42} {row['median'] * 1e3:8.2f} ms  {ratios[name]:7.2f}")
    findings = {
        "rounds": rounds,
        "namespaces": namespaces_work(),
        "load_of_the_machine": round(os.getloadavg()[0], 1),
        "seconds": rows,
        "times_python_pass": ratios,
        "ms_a_function_step_of_so_many": many,
    }
    peers = [f"--{name} PYTHON" for name in ("sagemaker", "metaflow") if getattr(arguments, name)]
    command = " ".join(["python -m benchmarks.pipelines_overhead", f"--rounds {rounds}", *peers])
    print(write_results("pipelines_overhead", command, findings))


def _jobs(folder: Path) -> dict[str, Callable[[], float]]:
    """Return the timed jobs; each returns the seconds of one step, one start or one plan."""
    chain = [_step(f"S{k}", [f"S{k - 1}"] if k else []) for k in range(_CHAIN)]
    calls = [_call(f"S{k}", [f"S{k - 1}"] if k else []) for k in range(_CHAIN)]
    wide = _definition([_step(f"S{k}", [f"S{k // 2}"] if k else []) for k in range(1000)])
    jobs: dict[str, Callable[[], float]] = {
        "python -c pass": lambda: _timed(lambda: _run("-c", "pass")),
        "step, plain": _chained(
            LocalSession(folder / "plain", isolation="plain", strict=True), chain
        ),
        "step, cache hit": _chained(LocalSession(folder / "cached"), chain),
        "step, a function": _chained(LocalSession(folder / "calls"), calls),
        "plan of 1000 steps": lambda: _timed(lambda: load_text(wide)),
        "import of the engine": lambda: _timed(
            lambda: _run("-c", "import kinoloom.pipelines.local.session")
        ),
    }
    if namespaces_work():
        session = LocalSession(folder / "namespace", isolation="namespace", strict=True)
        jobs["step, in a namespace"] = _chained(session, chain)
    return jobs


def _chained(session: LocalSession, steps: list[dict[str, Any]]) -> Callable[[], float]:
    """Return a job that runs a chain and returns the seconds per step."""
    session.register_function(_ARN, lambda event, context: {})
    session.put_pipeline("Chain", _definition(steps))

    def run() -> float:
        return _timed(lambda: session.start("Chain").wait()) / len(steps)

    return run


def _many(folder: Path, count: int) -> float:
    """Return the seconds of a tree of `count` Lambda steps."""
    steps = [_call(f"S{k}", [f"S{k // 2}"] if k else []) for k in range(count)]
    return _chained(LocalSession(folder / f"many{count}"), steps)() * count


@contextlib.contextmanager
def _peer(python: str, script: str) -> Iterator[Callable[[], float]]:
    """Start a peer's process; each call runs its chain once and returns the seconds per step."""
    path = Path(__file__).parent / "peers" / script
    with subprocess.Popen(
        [python, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        requests, results = process.stdin, process.stdout
        assert requests is not None
        assert results is not None

        def run() -> float:
            requests.write("\n")
            requests.flush()
            return float(results.readline())

        yield run
        requests.close()


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _run(*words: str) -> None:
    """Run this interpreter with bytecode caching, as in an installation."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *words], check=True, env=env)


def _definition(steps: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2020-12-01", "Steps": steps})


def _call(name: str, needs: list[str]) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "Lambda",
        "Arguments": {},
        "FunctionArn": _ARN,
        "DependsOn": needs,
    }


def _step(name: str, needs: list[str]) -> dict[str, Any]:
    output = {
        "OutputName": "out",
        "S3Output": {
            "S3Uri": f"s3://local/out/{name}",
            "LocalPath": "/opt/ml/processing/out",
            "S3UploadMode": "EndOfJob",
        },
    }
    arguments = {
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1}},
        "AppSpecification": {
            "ImageUri": "any",
            "ContainerEntrypoint": ["python3", "-c", "pass"],
        },
        "RoleArn": "any",
        "ProcessingOutputConfig": {"Outputs": [output]},
    }
    return {"Name": name, "Type": "Processing", "Arguments": arguments, "DependsOn": needs}


if __name__ == "__main__":
    main()
