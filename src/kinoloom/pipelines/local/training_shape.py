"""The shape of training requests that a LocalSession can run: of Training and Tuning steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.language.problems import Problems, child_path
from kinoloom.pipelines.language.shapes import ListOf, Nullable, Record
from kinoloom.pipelines.language.values import function_of
from kinoloom.pipelines.local.jobs.mounts import ML
from kinoloom.pipelines.local.jobs.training_job import CODE, decode_parameter
from kinoloom.pipelines.local.shapes import (
    DATA,
    PLACE,
    SOURCE,
    TARGET,
    All,
    Replicated,
    Unsupported,
    get_member,
    local_choice,
)

_MODE = local_choice("File", "FastFile")
_NOTEBOOK = "amazon_sagemaker_scheduler"  # the entry point of the SDK's notebook jobs


@dataclass(frozen=True)
class _Program:
    """A request with a program: a command, or a script and its archive."""

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        algorithm = get_member(raw, "AlgorithmSpecification")
        entry = algorithm.get("ContainerEntrypoint")
        if entry == [_NOTEBOOK]:
            problems.add(path, _NOTEBOOK_MESSAGE)
        if entry or function_of(algorithm):
            return
        has_static = isinstance(raw, Mapping) and "StaticHyperParameters" in raw
        key = "StaticHyperParameters" if has_static else "HyperParameters"
        self._check_script(get_member(raw, key), child_path(path, key), problems)

    def _check_script(self, raw: Mapping[str, Any], path: str, problems: Problems) -> None:
        if function_of(raw):
            return
        program, directory = (raw.get(key) for key in _SCRIPT)
        if program is None or directory is None:
            problems.add(path, _NO_PROGRAM)
        if isinstance(program, str):
            place = f"{CODE}/{decode_parameter(program)}"
            PLACE.check(place, child_path(path, _SCRIPT[0]), problems)
        if isinstance(directory, str):
            where = decode_parameter(directory)
            shape = PLACE if str(where).startswith(f"{ML}/input/data/") else SOURCE
            shape.check(where, child_path(path, _SCRIPT[1]), problems)


_SCRIPT = ("sagemaker_program", "sagemaker_submit_directory")
_NO_PROGRAM = (
    f"must have a script ({' and '.join(_SCRIPT)}) or a ContainerEntrypoint: no image is run "
    "locally"
)
_NOTEBOOK_MESSAGE = (
    "is a notebook job, which needs the service's own image; run the notebook in a Processing "
    "step: jupyter nbconvert --execute"
)
_CHANNEL = Record(
    {"DataSource": Record({"S3DataSource": DATA})},
    {"InputMode": _MODE},
)
_RESOURCES = Record(
    {}, {"InstanceGroups": Unsupported("use InstanceType and InstanceCount instead")}
)
TRAINING = All(
    (
        Record(
            {"OutputDataConfig": Record({}, {"S3OutputPath": Nullable(TARGET)})},
            {
                "AlgorithmSpecification": Record({}, {"TrainingInputMode": _MODE}),
                "InputDataConfig": ListOf(_CHANNEL),
                "ResourceConfig": _RESOURCES,
                "HyperParameterTuningResourceConfig": _RESOURCES,
                "CheckpointConfig": Record({"S3Uri": TARGET}, {"LocalPath": PLACE}),
            },
        ),
        Replicated(),
        _Program(),
    )
)
