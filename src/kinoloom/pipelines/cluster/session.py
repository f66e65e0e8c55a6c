"""RaySession: pipelines whose steps run on the nodes of a Ray cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kinoloom.pipelines.cluster.connect import connect
from kinoloom.pipelines.cluster.worker import RayWorker, create_pool
from kinoloom.pipelines.local.jobs.process import Isolation
from kinoloom.pipelines.local.jobs.resources import Demand, Resources
from kinoloom.pipelines.local.jobs.step_log import LOG_LIMIT_BYTES
from kinoloom.pipelines.local.jobs.worker import Worker
from kinoloom.pipelines.local.session import LocalSession


class RaySession(LocalSession):
    """Runs pipelines on a Ray cluster; everything else works as in a `LocalSession`.

    The workspace is on this machine, which schedules the steps. Processing, Training and Transform
    steps, and the trainings of Tuning steps, run on nodes with the resources of `instances`. Files
    are sent by content, so the nodes need no shared folder, only the same version of kinoloom and
    the packages that the steps import. Lambda functions and callbacks stay on this machine.

    Args:
        address: The cluster's address; see `connect.connect`.
        root, region, default_bucket, default_bucket_prefix, isolation, env, strict,
            log_limit_bytes: See `LocalSession`.
        instances: What a step uses, by the instance type that it requests; one core for other
            types.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: This process is connected to another cluster.
        ExecutionError: The cluster cannot be reached or started.
    """

    def __init__(
        self,
        address: str | None = None,
        root: str | Path = ".kinoloom",
        region: str = "local",
        default_bucket: str = "local",
        default_bucket_prefix: str | None = None,
        instances: Mapping[str, Resources] | None = None,
        isolation: Isolation = "auto",
        env: Mapping[str, str] | None = None,
        strict: bool = False,
        log_limit_bytes: int = LOG_LIMIT_BYTES,
    ) -> None:
        self._ray = connect(address)
        super().__init__(
            root,
            region,
            default_bucket,
            default_bucket_prefix,
            instances=instances,
            isolation=isolation,
            env=env,
            strict=strict,
            log_limit_bytes=log_limit_bytes,
        )

    def _worker(
        self, isolation: Isolation, env: dict[str, str], log_limit_bytes: int, *, strict: bool
    ) -> Worker:
        place = self.workspace
        return RayWorker(
            place.state, place.store, place.objects, isolation, env, strict, self.root / "opt",
            log_limit_bytes, self._ray, create_pool(self._ray),
        )  # fmt: skip

    def _demand(self, resources: Resources | None, instances: dict[str, Resources]) -> Demand:
        nodes = [_parse_resources(node["Resources"]) for node in self._ray.nodes() if node["Alive"]]
        total = Resources(0, 0, 0)
        for node in nodes:
            total = total.plus(node)
        return Demand(total, instances, tuple(nodes))


def _parse_resources(amounts: Mapping[str, float]) -> Resources:
    return Resources(amounts.get("CPU", 0), amounts.get("GPU", 0), int(amounts.get("memory", 0)))
