"""Shapes of what a LocalSession can run, in addition to the language's own.

Each kind in `kinds` declares the shape of its arguments. Definitions are checked when they are
stored, with the parameters' values when an execution starts, and once more when a step starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.language.problems import Problems, child_path
from kinoloom.pipelines.language.shapes import Record, Scalar, Shape
from kinoloom.pipelines.language.values import function_of
from kinoloom.pipelines.local.jobs.job import check_place
from kinoloom.pipelines.local.storage.objects import split_address

_SHARDED = "ShardedByS3Key"


def local_choice(*words: Any) -> Scalar:
    """Return the shape of one of several values, of those that the service allows."""
    listed = " or ".join(str(word) for word in words)
    return Scalar(f"{listed} in a LocalSession", lambda raw: raw in words)


def _is_place(raw: Any) -> bool:
    try:
        return bool(check_place(raw))
    except (UsageError, TypeError):
        return False


def _is_address(raw: Any, schemes: tuple[str, ...]) -> bool:
    try:
        return split_address(raw)[0] in schemes
    except (UsageError, TypeError, AttributeError):
        return False


PLACE = Scalar("a path below /opt/ml", _is_place)
SOURCE = Scalar(
    "an address s3://bucket/key within its bucket, or file:///path",
    lambda raw: _is_address(raw, ("s3", "file")),
)
TARGET = Scalar(
    "an address s3://bucket/key within its bucket", lambda raw: _is_address(raw, ("s3",))
)
DATA = Record({"S3Uri": SOURCE}, {"S3DataType": local_choice("S3Prefix", "ManifestFile")})
"""An S3DataSource or S3Input."""


@dataclass(frozen=True)
class All:
    """A value that has several shapes at once."""

    shapes: tuple[Shape, ...]

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        for shape in self.shapes:
            shape.check(raw, path, problems)


@dataclass(frozen=True)
class Unsupported:
    """A member that no LocalSession supports.

    Attributes:
        advice: What to do instead.
    """

    advice: str

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        problems.add(path, f"is not supported by a LocalSession: {self.advice}")


@dataclass(frozen=True)
class Needs:
    """An object that must have a member which is not empty.

    Attributes:
        key: The member.
        reason: Why.
    """

    key: str
    reason: str

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if isinstance(raw, Mapping) and not function_of(raw) and not raw.get(self.key):
            problems.add(path, f"must have '{self.key}': {self.reason}")


@dataclass(frozen=True)
class Replicated:
    """A request whose hosts all have the same data, so that one host can run it."""

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        count = count_hosts(raw)
        for source_path, source in _iter_sources(raw, path) if count > 1 else ():
            if source.get("S3DataDistributionType") == _SHARDED:
                problems.add(
                    child_path(source_path, "S3DataDistributionType"),
                    f"must be FullyReplicated for {count} hosts, which a LocalSession runs as "
                    f"one, not '{_SHARDED}'",
                )


def count_hosts(arguments: Mapping[str, Any]) -> int:
    """Return the number of hosts that a request asks for; 1 if it is not known yet."""
    processing = get_member(arguments, "ProcessingResources")
    machines = [get_member(processing, "ClusterConfig")]
    machines += [
        get_member(arguments, key)
        for key in ("ResourceConfig", "HyperParameterTuningResourceConfig", "TransformResources")
    ]
    counts = [machine["InstanceCount"] for machine in machines if "InstanceCount" in machine]
    return int(counts[0]) if counts and str(counts[0]).isdecimal() else 1


def note_hosts(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield a note on a request with several hosts."""
    count = count_hosts(arguments)
    if count > 1:
        yield f"InstanceCount {count} runs as one host with all of the data."


def _iter_sources(raw: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key in ("ProcessingInputs", "InputDataConfig"):
        for index, one in enumerate(get_items(raw, key)):
            one_path = child_path(child_path(path, key), index)
            if key == "ProcessingInputs":
                yield child_path(one_path, "S3Input"), get_member(one, "S3Input")
            else:
                source_path = child_path(child_path(one_path, "DataSource"), "S3DataSource")
                yield source_path, get_member(get_member(one, "DataSource"), "S3DataSource")


def get_member(raw: Any, key: str) -> Mapping[str, Any]:
    """Return an object's member if it is an object too; otherwise an empty one."""
    found = raw.get(key) if isinstance(raw, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def get_items(raw: Any, key: str) -> list[Any]:
    """Return an object's member if it is a list; otherwise an empty one."""
    found = raw.get(key) if isinstance(raw, Mapping) else None
    return found if isinstance(found, list) else []
