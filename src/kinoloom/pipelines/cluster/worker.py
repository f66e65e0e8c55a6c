"""The driver's side of a step on a Ray cluster: sends inputs, follows the log, receives outputs.

File contents go through Ray's object store from machine to machine, so the machines need no shared
folder. A step whose node is lost runs again on another node.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import kinoloom
from kinoloom.errors import KinoloomError
from kinoloom.pipelines.cluster.actor_pool import ActorPool
from kinoloom.pipelines.cluster.host import Host, Parcel
from kinoloom.pipelines.cluster.transfer import Listed, iter_chunks, list_folder, write_folder
from kinoloom.pipelines.local.jobs.files import job_path
from kinoloom.pipelines.local.jobs.job import Input, Job, Output
from kinoloom.pipelines.local.jobs.process import Ending
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.pipelines.local.jobs.worker import Worker

_MAX_LOSSES = 5
_POLL_S = 0.2
_STOPPED = Ending(-signal.SIGTERM, "stop")


class _StopError(Exception):
    """A stop was requested while the cluster had not answered."""


@dataclass(frozen=True)
class RayWorker(Worker):
    """Runs the jobs of a session on the nodes of a cluster.

    Attributes:
        ray: Ray's module, connected to the cluster.
        pool: The actors that run the jobs.
    """

    ray: ModuleType
    pool: ActorPool
    _sent: weakref.WeakValueDictionary[str, Parcel] = field(
        default_factory=weakref.WeakValueDictionary
    )

    def execute(
        self, job: Job, folder: Path, stop_fd: int, on_start: Callable[[int, str], None]
    ) -> Ending:
        """Run a job's process on a node with free resources; see `Worker.execute`.

        Raises:
            KinoloomError, OSError: The job could not be run, or its node was lost repeatedly.
        """
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "log.txt"
        for loss in range(1, _MAX_LOSSES + 1):
            shutil.rmtree(folder / "ml", ignore_errors=True)
            try:
                return self._run_on_node(job, folder, stop_fd)
            except _StopError:
                return _STOPPED
            except self.ray.exceptions.RayError as error:
                cause = getattr(error, "cause", None)
                if isinstance(cause, KinoloomError | OSError):
                    raise cause from None
                reason = str(error).strip().partition("\n")[0]
                with log.open("a") as file:
                    file.write(f"kinoloom: the node was lost (loss {loss}): {reason}\n")
        raise ConnectionError(f"its node was lost {_MAX_LOSSES} times, last: {reason}")

    def _run_on_node(self, job: Job, folder: Path, stop_fd: int) -> Ending:
        job = self._add_checkpoints(job)
        parcels = {one.uri: self._send(self.objects.path(one.uri)) for one in job.inputs}
        with self.pool.acquire(job.resources) as host:
            start = host.start.remote(
                kinoloom.__version__, job, parcels, dict(self.env), self.isolation,
                self.log_limit_bytes,
            )  # fmt: skip
            machine = self._wait(start, stop_fd)
            with (folder / "log.txt").open("a") as log:
                log.write(f"kinoloom: running on {machine}\n")
            ending = self._follow(host, folder / "log.txt", stop_fd)
            self._receive_outputs(host, job, folder / "ml")
            for place, uri in job.checkpoints.items():
                stored = self.objects.output_path(uri)
                shutil.copytree(job_path(folder / "ml", place), stored, dirs_exist_ok=True)
            self._wait(host.close.remote(), -1)
        return ending

    def _add_checkpoints(self, job: Job) -> Job:
        """Return a job with its checkpoints as inputs and outputs."""
        inputs = [
            Input(uri, place)
            for place, uri in job.checkpoints.items()
            if self.objects.path(uri).is_dir()
        ]
        outputs = [Output(place, place, uri) for place, uri in job.checkpoints.items()]
        return replace(job, inputs=(*job.inputs, *inputs), outputs=(*job.outputs, *outputs))

    def _wait(self, reference: Any, stop_fd: int) -> Any:
        """Return a call's result; a stop request ends the wait."""
        while not self.ray.wait([reference], timeout=_POLL_S)[0]:
            if _is_readable(stop_fd):
                raise _StopError
        return self.ray.get(reference)

    def _follow(self, host: Any, log: Path, stop_fd: int) -> Ending:
        """Copy the step's log as it grows until the step has ended."""
        offset, is_stopping = 0, False
        while True:
            if not is_stopping and _is_readable(stop_fd):
                host.stop.remote()
                is_stopping = True
            polled: tuple[bytes, Ending | None] = self.ray.get(host.poll.remote(offset))
            written, ending = polled
            offset += len(written)
            with log.open("ab") as file:
                file.write(written)
            if ending is not None:
                return ending

    def _receive_outputs(self, host: Any, job: Job, ml: Path) -> None:
        """Copy the step's outputs to this machine."""
        listings: dict[str, Sequence[Listed]] = self.ray.get(host.list_outputs.remote(job))

        def chunks() -> Iterator[bytes]:
            while chunk := self.ray.get(host.next_chunk.remote()):
                yield chunk

        for place, listing in listings.items():
            target = job_path(ml, place)
            stream = chunks()
            write_folder(listing, stream, target.parent if target.name == "failure" else target)
            for _ in stream:  # read the end marker
                pass

    def _send(self, path: Path) -> Parcel:
        """Put a file or folder into the object store; parallel steps share it."""
        digest = self.store.digest_of(path)
        parcel = self._sent.get(digest)
        if parcel is None:
            listing = list_folder(path)
            chunks = [self.ray.put(chunk) for chunk in iter_chunks(path, listing)]
            parcel = Parcel(digest, path.is_file(), listing, chunks)
            if self.store.digest_of(path) == digest:  # else it changed while it was read
                self._sent[digest] = parcel
        return parcel


def create_pool(ray: ModuleType) -> ActorPool:
    """Return a pool of actors on a cluster."""

    def create(resources: Resources) -> Any:
        memory = {"memory": resources.memory_bytes} if resources.memory_bytes else {}
        actor = ray.remote(Host).options(num_cpus=resources.cpu, num_gpus=resources.gpu, **memory)
        return actor.remote(ray.get, _node_name)

    return ActorPool(create, ray.kill)


def _node_name() -> str:
    """Return the name of the calling machine and Ray's id of its node."""
    import ray

    return f"{os.uname().nodename}, node {ray.get_runtime_context().get_node_id()[:8]}"


def _is_readable(stop_fd: int) -> bool:
    return stop_fd >= 0 and bool(select.select([stop_fd], [], [], 0)[0])
