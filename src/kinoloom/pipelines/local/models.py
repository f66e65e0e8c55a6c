"""The registry of models: those that steps made, and packages in groups with versions.

A package keeps the SHA-256 of its archives: one that was changed since is refused. Its approval is
the last line of a history to which lines are only added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.local.objects import Objects
from kinoloom.pipelines.local.state import State, now
from kinoloom.pipelines.local.store import file_digest

APPROVALS = ("PendingManualApproval", "Approved", "Rejected")
_MOST_METRICS_BYTES = 1 << 20
_PACKAGES = """
    SELECT packages.*, approvals.status AS approval, approvals.reason AS approval_reason
    FROM packages JOIN approvals USING (family, version)
    WHERE approvals.id = (SELECT max(id) FROM approvals AS later
        WHERE later.family = packages.family AND later.version = packages.version)
"""


@dataclass(frozen=True)
class Origin:
    """Where a model comes from: the ids of the execution and its step, and the base of arns."""

    execution: str
    step: str
    arn_base: str


class Models:
    """The models of a session.

    Args:
        state: where they are kept.
        objects: their archives.
    """

    def __init__(self, state: State, objects: Objects) -> None:
        self.state = state
        self.objects = objects

    def create(self, arguments: Mapping[str, Any], name: str, origin: Origin) -> dict[str, Any]:
        """Make a model and give its properties; the same again for a step that is repeated.

        Raises:
            UsageError: an archive is missing.
            ExecutionError: it is of a package that is not approved, or was changed.
        """
        containers = [self._resolved(one) for one in _containers(arguments)]
        row = {
            "name": name,
            "execution": origin.execution,
            "arguments": {**arguments, "Resolved": containers},
            "digests": self._digests(containers),
            "created": now(),
        }
        self.state.change(
            (
                "INSERT OR REPLACE INTO models "
                "VALUES (:name, :execution, :arguments, :digests, :created)",
                row,
            )
        )
        arn = f"{origin.arn_base}:model/{name.lower()}"
        return {**arguments, "ModelName": name, "ModelArn": arn}

    def container(self, name: str) -> dict[str, Any]:
        """The one container of a model, its archive unchanged.

        Raises:
            UsageError: there is no such model, or it has several containers.
            ExecutionError: its archive was changed since.
        """
        rows = self.state.rows("SELECT * FROM models WHERE name = ?", name)
        if not rows:
            raise UsageError(f"There is no model '{name}'.", hint="A Model step makes one.")
        containers = rows[0]["arguments"]["Resolved"]
        if len(containers) != 1:
            raise UsageError(f"The model '{name}' has {len(containers)} containers, not one.")
        self._check(rows[0]["digests"], f"the model '{name}'")
        found: dict[str, Any] = containers[0]
        return found

    def register(self, arguments: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
        """Add a package and give its properties; a step that is repeated finds the one it made.

        Raises:
            UsageError: an archive is missing, a package without a group exists already, or the
                approval status is unknown.
        """
        family = arguments.get("ModelPackageGroupName") or arguments.get("ModelPackageName")
        if not family:
            raise UsageError("A package needs a ModelPackageGroupName or a ModelPackageName.")
        status = arguments.get("ModelApprovalStatus", APPROVALS[0])
        _check_status(status)
        if not self._made_by(origin):
            self._add(str(family), arguments, status, origin)
        return self._told(self._made_by(origin)[0], origin.arn_base)

    def _add(self, family: str, arguments: Mapping[str, Any], status: str, origin: Origin) -> None:
        grouped = "ModelPackageGroupName" in arguments
        if not grouped and self.packages(family):
            raise UsageError(f"There is a package '{family}' already; groups have versions.")
        containers = arguments.get("InferenceSpecification", {}).get("Containers", [])
        row = {
            "family": family,
            "grouped": int(grouped),
            "execution": origin.execution,
            "step": origin.step,
            "arguments": dict(arguments),
            "digests": self._digests(containers),
            "metrics": self._metrics(arguments),
            "created": now(),
        }
        self.state.change(
            (
                "INSERT INTO packages SELECT :family, iif(:grouped, (SELECT "
                "coalesce(max(version), 0) + 1 FROM packages WHERE family = :family), 0), "
                ":execution, :step, :arguments, :digests, :metrics, :created",
                row,
            ),
            (
                "INSERT INTO approvals (family, version, status, reason, moment) "
                "SELECT family, version, :status, 'registered', created FROM packages "
                "WHERE execution = :execution AND step = :step",
                {"status": status, "execution": origin.execution, "step": origin.step},
            ),
        )

    def approve(self, family: str, version: int, status: str, reason: str = "") -> dict[str, Any]:
        """Add a line to the history of a package's approval, and give the package.

        Args:
            family: the group, or the package's name.
            version: within the group; 0 for a package without one.
            status: "Approved", "Rejected" or "PendingManualApproval".
            reason: for people.

        Raises:
            UsageError: there is no such package or status.
        """
        _check_status(status)
        self.package(family, version)
        row = {
            "family": family,
            "version": version,
            "status": status,
            "reason": reason,
            "moment": now(),
        }
        self.state.change(
            (
                "INSERT INTO approvals (family, version, status, reason, moment) "
                "VALUES (:family, :version, :status, :reason, :moment)",
                row,
            )
        )
        return self.package(family, version)

    def packages(self, family: str = "") -> list[dict[str, Any]]:
        """The packages, all or of one group, each with its `approval`; the latest first."""
        return self.state.rows(
            f"{_PACKAGES} AND (? = '' OR family = ?) ORDER BY created DESC", family, family
        )

    def package(self, family: str, version: int) -> dict[str, Any]:
        """One package.

        Raises:
            UsageError: there is none of that version.
        """
        rows = [row for row in self.packages(family) if row["version"] == version]
        if not rows:
            there = ", ".join(str(row["version"]) for row in self.packages(family)) or "none"
            raise UsageError(f"There is no model {family}:{version}; versions: {there}.")
        return rows[0]

    def history(self, family: str, version: int) -> list[dict[str, Any]]:
        """How a package's approval went, the first line first."""
        return self.state.rows(
            "SELECT status, reason, moment FROM approvals WHERE family = ? AND version = ? "
            "ORDER BY id",
            family,
            version,
        )

    def _made_by(self, origin: Origin) -> list[dict[str, Any]]:
        query = f"{_PACKAGES} AND execution = ? AND step = ?"
        return self.state.rows(query, origin.execution, origin.step)

    def _told(self, row: Mapping[str, Any], arn_base: str) -> dict[str, Any]:
        place = row["family"].lower() + (f"/{row['version']}" if row["version"] else "")
        return {
            **row["arguments"],
            "ModelPackageArn": f"{arn_base}:model-package/{place}",
            "ModelPackageVersion": row["version"],
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": row["approval"],
        }

    def _resolved(self, container: Mapping[str, Any]) -> dict[str, Any]:
        """The same, or that of the package that it names."""
        name = container.get("ModelPackageName")
        if name is None:
            return dict(container)
        family, _, version = str(name).rpartition(":model-package/")[2].partition("/")
        rows = [
            row
            for row in self.packages()
            if row["family"].lower() == family.lower() and row["version"] == int(version or 0)
        ]
        if not rows or rows[0]["approval"] != "Approved":
            state = rows[0]["approval"] if rows else "not registered"
            raise ExecutionError(f"A model of the package {name} cannot be made: it is {state}.")
        self._check(rows[0]["digests"], f"the package {name}")
        found = rows[0]["arguments"]["InferenceSpecification"]["Containers"][0]
        more = container.get("Environment", {})
        return {**found, "Environment": {**found.get("Environment", {}), **more}}

    def _digests(self, containers: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """By address, the SHA-256 of the archives."""
        uris = [str(one["ModelDataUrl"]) for one in containers if "ModelDataUrl" in one]
        for uri in uris:
            if not self.objects.path(uri).is_file():
                raise UsageError(f"There is no archive at {uri}, of which a model is made.")
        return {uri: file_digest(self.objects.path(uri)) for uri in uris}

    def _check(self, digests: Mapping[str, str], what: str) -> None:
        for uri, digest in digests.items():
            path = self.objects.path(uri)
            if not path.is_file() or file_digest(path) != digest:
                raise ExecutionError(f"{uri}, the archive of {what}, was changed since.")

    def _metrics(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """What the files of metrics hold, where they are JSON of at most a mebibyte."""
        found = {}
        for part, members in arguments.get("ModelMetrics", {}).items():
            for name, source in members.items():
                path = self.objects.path(source["S3Uri"])
                if path.is_file() and path.stat().st_size <= _MOST_METRICS_BYTES:
                    found[f"{part}.{name}"] = _json(path.read_bytes())
        return found


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _containers(arguments: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    primary = arguments.get("PrimaryContainer")
    return [primary] if primary else list(arguments.get("Containers", ()))


def _check_status(status: str) -> None:
    if status not in APPROVALS:
        raise UsageError(f"An approval is one of {', '.join(APPROVALS)}, not '{status}'.")
