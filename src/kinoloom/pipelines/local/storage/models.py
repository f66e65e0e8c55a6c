"""The model registry: models that steps created, and packages in groups with versions.

A package has the SHA-256 of its archives; a changed archive is rejected. Its approval is the last
entry of a history that only grows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.local.storage.objects import Objects
from kinoloom.pipelines.local.storage.state import State, now
from kinoloom.pipelines.local.storage.store import file_digest

APPROVALS = ("PendingManualApproval", "Approved", "Rejected")
_MAX_METRICS_BYTES = 1 << 20
_PACKAGES = """
    SELECT packages.*, approvals.status AS approval, approvals.reason AS approval_reason
    FROM packages JOIN approvals USING (family, version)
    WHERE approvals.id = (SELECT max(id) FROM approvals AS later
        WHERE later.family = packages.family AND later.version = packages.version)
"""


@dataclass(frozen=True)
class Origin:
    """The origin of a model: the execution's id, the step's name and the beginning of ARNs."""

    execution: str
    step: str
    arn_base: str


class Models:
    """The models of a workspace.

    Args:
        state: The workspace's state.
        objects: The workspace's files, which include the archives.
    """

    def __init__(self, state: State, objects: Objects) -> None:
        self.state = state
        self.objects = objects

    def create(self, arguments: Mapping[str, Any], name: str, origin: Origin) -> dict[str, Any]:
        """Create a model, or replace it for a repeated step, and return its properties.

        Raises:
            UsageError: An archive does not exist.
            ExecutionError: The model's package is not approved, or its archive was changed.
        """
        containers = [
            container
            for one in _list_containers(arguments)
            for container in self._resolve_package(one)
        ]
        row = {
            "name": name,
            "execution": origin.execution,
            "arguments": {**arguments, "Resolved": containers},
            "digests": self._digests(containers),
            "created": now(),
        }
        self.state.execute(
            (
                "INSERT OR REPLACE INTO models "
                "VALUES (:name, :execution, :arguments, :digests, :created)",
                row,
            )
        )
        arn = f"{origin.arn_base}:model/{name.lower()}"
        return {**arguments, "ModelName": name, "ModelArn": arn}

    def containers(self, name: str) -> list[dict[str, Any]]:
        """Return the containers of a model in the order in which they are applied.

        Raises:
            UsageError: The model does not exist, or has no containers.
            ExecutionError: An archive was changed.
        """
        row = self.find(name)
        containers: list[dict[str, Any]] = row["arguments"]["Resolved"]
        if not containers:
            raise UsageError(f"Model '{name}' has no containers.")
        self._check_archives(row["digests"], f"model '{name}'")
        return containers

    def find(self, name: str) -> dict[str, Any]:
        """Return a model's row.

        Raises:
            UsageError: The model does not exist.
        """
        rows = self.state.query("SELECT * FROM models WHERE name = ?", name)
        if not rows:
            raise UsageError(f"Model '{name}' does not exist.", hint="A Model step creates it.")
        return rows[0]

    def register(self, arguments: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
        """Add a package, unless the step already has, and return its properties.

        Raises:
            UsageError: An archive does not exist, a package without a group already exists, or
                the approval status is unknown.
        """
        family = arguments.get("ModelPackageGroupName") or arguments.get("ModelPackageName")
        if not family:
            raise UsageError("A package needs a ModelPackageGroupName or a ModelPackageName.")
        status = arguments.get("ModelApprovalStatus", APPROVALS[0])
        _check_status(status)
        if not self._find_by_origin(origin):
            self._add(str(family), arguments, status, origin)
        return _package_properties(self._find_by_origin(origin)[0], origin.arn_base)

    def _add(self, family: str, arguments: Mapping[str, Any], status: str, origin: Origin) -> None:
        grouped = "ModelPackageGroupName" in arguments
        if not grouped and self.list_packages(family):
            raise UsageError(
                f"Package '{family}' already exists.",
                hint="Use a package group for several versions.",
            )
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
        self.state.execute(
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
        """Add an entry to a package's approval history and return the package's row.

        Args:
            family: The group, or the package's name.
            version: The version in the group; 0 for a package without a group.
            status: "Approved", "Rejected" or "PendingManualApproval".
            reason: A reason.

        Raises:
            UsageError: The package does not exist, or the status is unknown.
        """
        _check_status(status)
        self.get_package(family, version)
        row = {
            "family": family,
            "version": version,
            "status": status,
            "reason": reason,
            "moment": now(),
        }
        self.state.execute(
            (
                "INSERT INTO approvals (family, version, status, reason, moment) "
                "VALUES (:family, :version, :status, :reason, :moment)",
                row,
            )
        )
        return self.get_package(family, version)

    def list_packages(self, family: str = "") -> list[dict[str, Any]]:
        """Return all packages, or those of one group, with their `approval`, latest first."""
        return self.state.query(
            f"{_PACKAGES} AND (? = '' OR family = ?) ORDER BY created DESC", family, family
        )

    def get_package(self, family: str, version: int) -> dict[str, Any]:
        """Return a package's row.

        Raises:
            UsageError: The package does not exist.
        """
        packages = self.list_packages(family)
        for row in packages:
            if row["version"] == version:
                return row
        versions = ", ".join(str(row["version"]) for row in packages) or "none"
        raise UsageError(f"Model {family}:{version} does not exist; versions: {versions}.")

    def list_approvals(self, family: str, version: int) -> list[dict[str, Any]]:
        """Return a package's approval history, oldest first."""
        return self.state.query(
            "SELECT status, reason, moment FROM approvals WHERE family = ? AND version = ? "
            "ORDER BY id",
            family,
            version,
        )

    def _find_by_origin(self, origin: Origin) -> list[dict[str, Any]]:
        query = f"{_PACKAGES} AND execution = ? AND step = ?"
        return self.state.query(query, origin.execution, origin.step)

    def _resolve_package(self, container: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return a container, or the containers of the package that it names."""
        name = container.get("ModelPackageName")
        if name is None:
            return [dict(container)]
        family, _, version = str(name).rpartition(":model-package/")[2].partition("/")
        rows = [
            row
            for row in self.list_packages()
            if row["family"].lower() == family.lower() and row["version"] == int(version or 0)
        ]
        if not rows or rows[0]["approval"] != "Approved":
            approval = rows[0]["approval"] if rows else "not registered"
            raise ExecutionError(
                f"Package {name} must be Approved to create a model; it is {approval}."
            )
        self._check_archives(rows[0]["digests"], f"package {name}")
        more = container.get("Environment", {})
        return [
            {**one, "Environment": {**one.get("Environment", {}), **more}}
            for one in rows[0]["arguments"]["InferenceSpecification"]["Containers"]
        ]

    def _digests(self, containers: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Return the SHA-256 of the containers' archives by address."""
        uris = [str(one["ModelDataUrl"]) for one in containers if "ModelDataUrl" in one]
        for uri in uris:
            if not self.objects.path(uri).is_file():
                raise UsageError(f"The model's archive {uri} does not exist.")
        return {uri: file_digest(self.objects.path(uri)) for uri in uris}

    def _check_archives(self, digests: Mapping[str, str], owner: str) -> None:
        for uri, digest in digests.items():
            path = self.objects.path(uri)
            if not path.is_file() or file_digest(path) != digest:
                raise ExecutionError(f"The archive {uri} of {owner} was changed.")

    def _metrics(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the contents of the metrics files that are JSON of at most 1 MiB."""
        found = {}
        for part, members in arguments.get("ModelMetrics", {}).items():
            for name, source in members.items():
                path = self.objects.path(source["S3Uri"])
                if path.is_file() and path.stat().st_size <= _MAX_METRICS_BYTES:
                    found[f"{part}.{name}"] = _parse_json(path.read_bytes())
        return found


def _package_properties(row: Mapping[str, Any], arn_base: str) -> dict[str, Any]:
    name = row["family"].lower() + (f"/{row['version']}" if row["version"] else "")
    return {
        **row["arguments"],
        "ModelPackageArn": f"{arn_base}:model-package/{name}",
        "ModelPackageVersion": row["version"],
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": row["approval"],
    }


def _parse_json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _list_containers(arguments: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    primary = arguments.get("PrimaryContainer")
    return [primary] if primary else list(arguments.get("Containers", ()))


def _check_status(status: str) -> None:
    if status not in APPROVALS:
        raise UsageError(
            f"The approval status must be one of {', '.join(APPROVALS)}, not '{status}'."
        )
