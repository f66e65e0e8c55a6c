"""From a job's request to what has to be done on this machine.

A job has a folder `ml` that it sees as /opt/ml. Inputs are copied there, so that a script may
change them; outputs are collected from there. Sources: SageMaker's documented container contract
for processing and training jobs, and the training toolkit's ENVIRONMENT_VARIABLES.md.
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
from kinoloom.pipelines.local.mounts import ML
from kinoloom.pipelines.local.process import Command
from kinoloom.pipelines.local.resources import Resources

_PACKAGE = "KINOLOOM_PACKAGE"
"""The variable with the folder that holds kinoloom on the machine where a step runs."""

_DAY_S = 86400
_PASSED_ON = (
    "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
)  # fmt: skip
_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM",
)  # fmt: skip


@dataclass(frozen=True)
class Input:
    """Files that the job finds at a place.

    Attributes:
        uri: the address that they come from.
        place: a path below /opt/ml.
        archive: whether they are in an archive, to be unpacked.
        in_place: whether they are read where they lie, not copied: what is large and is not
            written to. `AppManaged` inputs and `FastFile` channels are.
    """

    uri: str
    place: str
    archive: bool = False
    in_place: bool = False


@dataclass(frozen=True)
class Output:
    """What the job leaves at `place`, a path below /opt/ml, goes to the address `uri`.

    Attributes:
        name: of the output.
        place: where the job leaves it.
        uri: where it goes: a folder, or the archive itself.
        archive: "" for the files themselves, else the name of a .tar.gz that is made of them.
        optional: whether nothing is left out when the folder is empty.
    """

    name: str
    place: str
    uri: str
    archive: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Again:
    """When a job that something killed begins anew, with its checkpoints, within its step.

    Attributes:
        most: how many times; RetryStrategy says it.
        within_s: for how long any number of times, from its first beginning; spot training
            (EnableManagedSpotTraining) says it by MaxWaitTimeInSeconds.
    """

    most: int = 0
    within_s: float = 0

    def allows(self, begun: int, since_s: float) -> bool:
        """Whether a job that has begun so many times may begin once more."""
        return begun <= self.most or since_s < self.within_s


@dataclass(frozen=True)
class Job:
    """One job, ready to be run.

    Attributes:
        kind: "Processing" or "Training".
        name: of the job.
        arguments: the request, resolved.
        inputs, outputs: its files.
        files: texts to write first, by place: what the service tells a job.
        words, env, cwd, limit_s: see `process.Command`.
        instance_type: the machine that it asks for.
        properties: what later steps may take from it.
        metrics: regular expressions by name; the last number that one finds in the log is kept.
        kept: addresses of folders by the place where the job finds what earlier jobs left there
            and leaves more at once: its checkpoints.
        again: how often, and for how long in seconds, it begins anew when it is killed.
        resources: what it takes of the machine.
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
    kept: Mapping[str, str] = field(default_factory=dict)
    again: Again = field(default_factory=Again)
    resources: Resources = field(default_factory=Resources)

    def command(self, ml: Path, more: Mapping[str, str], shared: Path) -> Command:
        """What to run, with that folder as /opt/ml and those variables beside its own.

        Libraries take as many threads as the job has cores: more of them would wait for each
        other, as two jobs side by side on two cores did without end.

        Args:
            ml, shared: see `process.Command`.
            more: variables of the session.
        """
        threads = dict.fromkeys(_THREADS, str(self.resources.threads))
        if self.kind == "Training":
            threads["SM_NUM_CPUS"] = str(self.resources.threads)
            threads["SM_NUM_GPUS"] = str(int(self.resources.gpu))
        env = {**base_environment(ml.parent / "tmp"), **threads, **more, **self.env}
        return Command(self.words, env, ml, self.cwd, self.limit_s, shared)


def base_environment(temporary: Path) -> dict[str, str]:
    """What every step has: this interpreter first on the path, no secrets of the caller."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    here = str(Path(sys.executable).parent)
    return {
        **passed,
        "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "PYTHONUNBUFFERED": "1",
        "KINOLOOM_ML_ROOT": ML,
        _PACKAGE: str(Path(kinoloom.__file__).parents[1]),
    }


def own_program(module: str) -> tuple[str, ...]:
    """The words that run `main` of one of kinoloom's modules as a step, installed or not."""
    code = (
        f"import os, sys; place = os.environ['{_PACKAGE}']; sys.path.insert(0, place); "
        f"from {module} import main; sys.path.remove(place); main()"
    )
    return "python3", "-c", code


def place(path: str) -> str:
    """A path of the job's, checked to lie below /opt/ml.

    Raises:
        UsageError: it does not.
    """
    pure = PurePosixPath(path)
    if ".." in pure.parts or not pure.is_relative_to(ML) or str(pure) == ML:
        raise UsageError(f"'{path}' must be a path below {ML}.")
    return str(pure)


def only(value: Any, allowed: Any, what: str) -> None:
    """Refuse what this session cannot do.

    Raises:
        UsageError: the value is not the one allowed.
    """
    if value != allowed:
        raise UsageError(f"{what} {value!r} cannot be run by a LocalSession; {allowed!r} can.")


def limit_of(arguments: Mapping[str, Any]) -> float:
    """The job's time limit in seconds; a day when it has none."""
    return float(arguments.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY_S))


def resource_config(instance_type: str) -> str:
    """The text of resourceconfig.json: one host."""
    return json.dumps(
        {
            "current_host": "algo-1",
            "current_instance_type": instance_type,
            "hosts": ["algo-1"],
            "network_interface_name": "lo",
        }
    )


def processing_job(arguments: Mapping[str, Any], name: str, arn: str) -> Job:
    """The job of a Processing step.

    Args:
        arguments: the request, resolved.
        name, arn: of the job.

    Raises:
        UsageError: it asks for what a LocalSession cannot do.
    """
    cluster = arguments["ProcessingResources"]["ClusterConfig"]
    only(int(cluster.get("InstanceCount", 1)), 1, "InstanceCount")
    application = arguments["AppSpecification"]
    words = [
        *application.get("ContainerEntrypoint", ()),
        *application.get("ContainerArguments", ()),
    ]
    if not application.get("ContainerEntrypoint"):
        raise UsageError("A Processing step needs a ContainerEntrypoint here: no image is run.")
    outputs = arguments.get("ProcessingOutputConfig", {}).get("Outputs", ())
    config = {**arguments, "ProcessingJobName": name, "ProcessingJobArn": arn}
    return Job(
        kind="Processing",
        name=name,
        arguments=arguments,
        inputs=tuple(_processing_input(one) for one in arguments.get("ProcessingInputs", ())),
        outputs=tuple(_processing_output(one) for one in outputs),
        files={
            f"{ML}/config/processingjobconfig.json": json.dumps(config),
            f"{ML}/config/resourceconfig.json": resource_config(cluster.get("InstanceType", "")),
        },
        words=tuple(str(word) for word in words),
        env={**arguments.get("Environment", {}), "PROCESSING_JOB_NAME": name},
        cwd=f"{ML}/processing",
        limit_s=limit_of(arguments),
        instance_type=str(cluster.get("InstanceType", "")),
        properties={**config, "ProcessingJobStatus": "Completed"},
    )


def _processing_input(one: Mapping[str, Any]) -> Input:
    if "S3Input" not in one:
        raise UsageError(f"The input '{one['InputName']}' is no S3Input; others cannot be read.")
    source = one["S3Input"]
    only(source.get("S3InputMode", "File"), "File", "S3InputMode")
    only(source["S3DataType"], "S3Prefix", "S3DataType")
    only(source.get("S3CompressionType", "None"), "None", "S3CompressionType")
    return Input(source["S3Uri"], place(source["LocalPath"]), in_place=bool(one.get("AppManaged")))


def _processing_output(one: Mapping[str, Any]) -> Output:
    if "S3Output" not in one:
        raise UsageError(f"The output '{one['OutputName']}' is no S3Output; others are not made.")
    target = one["S3Output"]
    only(target.get("S3UploadMode", "EndOfJob"), "EndOfJob", "S3UploadMode")
    return Output(one["OutputName"], place(target["LocalPath"]), target["S3Uri"])
