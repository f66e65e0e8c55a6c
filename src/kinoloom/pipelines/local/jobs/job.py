"""Jobs: what a step's request means on this machine.

A job has a folder `ml` that it sees at /opt/ml. Inputs are copied there, so that scripts may change
them; outputs are collected from there. Source: SageMaker's documented container contract for
processing and training jobs.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import kinoloom
from kinoloom.errors import UsageError
from kinoloom.pipelines.local.jobs.mounts import ML
from kinoloom.pipelines.local.jobs.process import Command
from kinoloom.pipelines.local.jobs.resources import Resources

_PACKAGE = "KINOLOOM_PACKAGE"
"""The variable with the folder of the kinoloom package on the machine that runs the step."""

_DAY_S = 86400
_INHERITED = (
    "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES", "OPENBLAS_CORETYPE", "MKL_CBWR",
)  # fmt: skip
"""The last two choose the arithmetic: the pieces of a film must equal the whole."""
_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM",
)  # fmt: skip


@dataclass(frozen=True)
class Input:
    """Files that the job reads.

    Attributes:
        uri: Their address.
        place: Their path in the job, below /opt/ml.
        archive: Whether they are in an archive that must be unpacked.
        in_place: Whether they are read where they are stored instead of copied, for large inputs
            that are not changed: `AppManaged` inputs and `FastFile` channels.
        manifest: Whether the address is that of a manifest, a list of files; see `manifest`.
        listed: Whether it is one of the files of a manifest, which may have one path in the job.
    """

    uri: str
    place: str
    archive: bool = False
    in_place: bool = False
    manifest: bool = False
    listed: bool = False

    @property
    def content_path(self) -> str:
        """The path in the job of what is at the address; it differs between inputs."""
        return f"{self.place}/{self.uri.rpartition('/')[2]}" if self.listed else self.place


@dataclass(frozen=True)
class Output:
    """Files that the job writes.

    Attributes:
        name: The output's name.
        place: Their path in the job, below /opt/ml.
        uri: The address of the folder, or of the archive, that they become.
        archive: The name of the .tar.gz that they are packed into; "" for plain files.
        optional: Whether an empty folder means that there is no output.
    """

    name: str
    place: str
    uri: str
    archive: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Restarts:
    """When a killed job restarts, with its checkpoints, within its step.

    Attributes:
        max_count: The maximum number of restarts; from RetryStrategy.
        within_s: Restart any number of times for so long after the first start; from spot
            training's (EnableManagedSpotTraining) MaxWaitTimeInSeconds.
    """

    max_count: int = 0
    within_s: float = 0

    def allows(self, starts: int, since_s: float) -> bool:
        """Return whether a job may restart.

        Args:
            starts: The number of starts so far.
            since_s: Seconds since the first start.
        """
        return starts <= self.max_count or since_s < self.within_s


@dataclass(frozen=True)
class Job:
    """A job that is ready to run.

    Attributes:
        kind: The step type: "Processing", "Training" or "Transform".
        name: The job's name.
        arguments: The resolved request.
        inputs, outputs: Its files.
        files: Texts of configuration files by path; the service writes the same.
        words, env, cwd, limit_s: See `process.Command`.
        instance_type: The requested machine.
        properties: What later steps can take from it.
        metrics: Regular expressions by metric; the last match in the log is the metric's value.
        checkpoints: Addresses of checkpoint folders by path in the job.
        restarts: When it restarts after it was killed.
        resources: What it uses of the machine.
    """

    kind: str
    name: str
    arguments: Mapping[str, Any]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    files: Mapping[str, str]
    words: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    limit_s: float
    instance_type: str
    properties: Mapping[str, Any]
    metrics: Mapping[str, str] = field(default_factory=dict)
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    restarts: Restarts = field(default_factory=Restarts)
    resources: Resources = field(default_factory=Resources)

    def command(self, ml: Path, env: Mapping[str, str], shared: Path) -> Command:
        """Return the command that runs the job.

        Libraries use as many threads as the job has cores; with more, two jobs on two cores wait
        for each other almost indefinitely.

        Args:
            ml, shared: See `process.Command`.
            env: The session's variables.
        """
        threads = dict.fromkeys(_THREADS, str(self.resources.threads))
        if self.kind == "Training":
            threads["SM_NUM_CPUS"] = str(self.resources.threads)
            threads["SM_NUM_GPUS"] = str(int(self.resources.gpu))
        variables = {**base_environment(ml.parent / "tmp"), **threads, **env, **self.env}
        return Command(self.words, variables, ml, self.cwd, self.limit_s, shared)

    def outer_variables(self, env: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that the job gets from its session and its session's process.

        Args:
            env: The session's variables.
        """
        outer = {**inherited_variables(), **env}
        return {name: value for name, value in outer.items() if name not in self.env}


def inherited_variables() -> dict[str, str]:
    """Return the variables of this process that steps get too."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def base_environment(temporary: Path) -> dict[str, str]:
    """Return the variables of every step: this interpreter is first on the path, no secrets.

    Args:
        temporary: The step's folder for temporary files.
    """
    interpreter = str(Path(sys.executable).parent)
    return {
        **inherited_variables(),
        "PATH": f"{interpreter}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "PYTHONUNBUFFERED": "1",
        "KINOLOOM_ML_ROOT": ML,
        _PACKAGE: str(Path(kinoloom.__file__).parents[1]),
    }


def module_command(module: str) -> tuple[str, ...]:
    """Return the words that run `main` of a kinoloom module in a step, installed or not."""
    code = (
        f"import os, sys; place = os.environ['{_PACKAGE}']; sys.path.insert(0, place); "
        f"from {module} import main; sys.path.remove(place); main()"
    )
    return "python3", "-c", code


def check_place(path: str) -> str:
    """Return a path in the job, checked to be below /opt/ml.

    Raises:
        UsageError: The path is not below /opt/ml.
    """
    pure = PurePosixPath(path)
    if ".." in pure.parts or not pure.is_relative_to(ML) or str(pure) == ML:
        raise UsageError(f"'{path}' must be a path below {ML}.")
    return str(pure)


def time_limit(arguments: Mapping[str, Any]) -> float:
    """Return the time limit of a request in seconds; one day if it has none."""
    return float(arguments.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY_S))


def resource_config(instance_type: str) -> str:
    """Return the text of resourceconfig.json for one host."""
    return json.dumps(
        {
            "current_host": "algo-1",
            "current_instance_type": instance_type,
            "hosts": ["algo-1"],
            "network_interface_name": "lo",
        }
    )
