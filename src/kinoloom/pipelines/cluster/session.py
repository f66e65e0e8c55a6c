"""RaySession: the same pipelines, their steps spread over the nodes of a Ray cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kinoloom.pipelines.cluster.connect import connect
from kinoloom.pipelines.cluster.worker import RayWorker, pool_of
from kinoloom.pipelines.local.process import Isolation
from kinoloom.pipelines.local.resources import Demand, Resources
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.worker import Worker


class RaySession(LocalSession):
    """Runs pipelines on a Ray cluster; all else is as in a `LocalSession`.

    The state, the contents, the cache and the logs lie below `root` on this machine, which decides
    what runs when. Processing, Training and Transform steps, and the trainings of Tuning steps, run
    on nodes, with as many cores, GPUs and bytes of memory as `instances` says. Their files travel
    as content; the nodes need no folder in common, but the same kinoloom and what the steps import.
    Lambda functions and Callbacks stay here.

    Args:
        address: of the cluster; see `connect.connect`.
        root, region, default_bucket, default_bucket_prefix, isolation, env, strict: as for a
            `LocalSession`.
        instances: what a step takes that asks for a type of machine; others take one core.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: this process is connected to another cluster.
        ExecutionError: the cluster cannot be reached or begun.
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
        )

    def _worker(self, isolation: Isolation, env: dict[str, str], *, strict: bool) -> Worker:
        place = self.workspace
        return RayWorker(
            place.state, place.store, place.objects, isolation, env, strict, self.root / "opt",
            self._ray, pool_of(self._ray),
        )  # fmt: skip

    def _demand(self, resources: Resources | None, instances: dict[str, Resources]) -> Demand:
        nodes = [_amounts(node["Resources"]) for node in self._ray.nodes() if node["Alive"]]
        whole = Resources(0, 0, 0)
        for node in nodes:
            whole = whole.plus(node)
        return Demand(whole, instances, tuple(nodes))


def _amounts(told: Mapping[str, float]) -> Resources:
    return Resources(told.get("CPU", 0), told.get("GPU", 0), int(told.get("memory", 0)))
