"""The driver's side of a step on a Ray cluster: sends files, follows the log, takes the outputs.

Files travel as content through Ray's object store, from machine to machine, so the machines need no
folder in common. A step whose node is lost is run again on another one.
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
from kinoloom.pipelines.cluster.content import Listed, listing_of, pieces_of, unpack
from kinoloom.pipelines.cluster.host import Host, Parcel
from kinoloom.pipelines.cluster.pool import Pool
from kinoloom.pipelines.local.jobs import Input, Job, Output
from kinoloom.pipelines.local.process import Ending
from kinoloom.pipelines.local.resources import Resources
from kinoloom.pipelines.local.worker import Worker, inside

_MOST_LOSSES = 5
_WAIT_S = 0.2
_STOPPED = Ending(-signal.SIGTERM, "stop")


class _StopError(Exception):
    """The order to stop came while the cluster had not answered."""


@dataclass(frozen=True)
class RayWorker(Worker):
    """Runs the jobs of a session on the nodes of a cluster.

    Attributes:
        ray: connected.
        pool: of the actors that do it.
    """

    ray: ModuleType
    pool: Pool
    _sent: weakref.WeakValueDictionary[str, Parcel] = field(
        default_factory=weakref.WeakValueDictionary
    )

    def execute(
        self, job: Job, folder: Path, stop_fd: int, begun: Callable[[int, str], None]
    ) -> Ending:
        """As `Worker.execute`, on a node that has the job's resources free.

        Raises:
            KinoloomError, OSError: it could not be run, or its node was lost time after time.
        """
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "log.txt"
        for loss in range(1, _MOST_LOSSES + 1):
            shutil.rmtree(folder / "ml", ignore_errors=True)
            try:
                return self._on_a_node(job, folder, stop_fd)
            except _StopError:
                return _STOPPED
            except self.ray.exceptions.RayError as error:
                cause = getattr(error, "cause", None)
                if isinstance(cause, KinoloomError | OSError):
                    raise cause from None
                reason = str(error).strip().partition("\n")[0]
                with log.open("a") as file:
                    file.write(f"kinoloom: the node was lost, number {loss}: {reason}\n")
        raise ConnectionError(f"its node was lost {_MOST_LOSSES} times; the last time: {reason}")

    def _on_a_node(self, job: Job, folder: Path, stop_fd: int) -> Ending:
        job = self._with_checkpoints(job)
        parcels = {one.uri: self._parcel(self.objects.path(one.uri)) for one in job.inputs}
        with self.pool.one(job.resources) as host:
            begin = host.begin.remote(
                kinoloom.__version__, job, parcels, dict(self.env), self.isolation
            )
            machine = self._answer(begin, stop_fd)
            with (folder / "log.txt").open("a") as log:
                log.write(f"kinoloom: runs on {machine}\n")
            ending = self._follow(host, folder / "log.txt", stop_fd)
            self._take(host, job, folder / "ml")
            for where, uri in job.kept.items():
                there = self.objects.output_path(uri)
                shutil.copytree(inside(folder / "ml", where), there, dirs_exist_ok=True)
            self._answer(host.close.remote(), -1)
        return ending

    def _with_checkpoints(self, job: Job) -> Job:
        """A job that finds its checkpoints as inputs and leaves them as outputs."""
        found = [
            Input(uri, where) for where, uri in job.kept.items() if self.objects.path(uri).is_dir()
        ]
        left = [Output(where, where, uri) for where, uri in job.kept.items()]
        return replace(job, inputs=(*job.inputs, *found), outputs=(*job.outputs, *left))

    def _answer(self, reference: Any, stop_fd: int) -> Any:
        """What a call comes to; the order to stop ends the wait."""
        while not self.ray.wait([reference], timeout=_WAIT_S)[0]:
            if _readable(stop_fd):
                raise _StopError
        return self.ray.get(reference)

    def _follow(self, host: Any, log: Path, stop_fd: int) -> Ending:
        """Write the step's log as it grows, until it has ended."""
        offset, told_to_stop = 0, False
        while True:
            if not told_to_stop and _readable(stop_fd):
                host.stop.remote()
                told_to_stop = True
            seen: tuple[bytes, Ending | None] = self.ray.get(host.look.remote(offset))
            written, ending = seen
            offset += len(written)
            with log.open("ab") as file:
                file.write(written)
            if ending is not None:
                return ending

    def _take(self, host: Any, job: Job, ml: Path) -> None:
        """Bring what the step left to this machine."""
        listings: dict[str, Sequence[Listed]] = self.ray.get(host.outputs.remote(job))

        def pieces() -> Iterator[bytes]:
            while piece := self.ray.get(host.next_piece.remote()):
                yield piece

        for place, listing in listings.items():
            target = inside(ml, place)
            stream = pieces()
            unpack(listing, stream, target.parent if target.name == "failure" else target)
            for _ in stream:  # its end
                pass

    def _parcel(self, path: Path) -> Parcel:
        """A file or folder in the object store; steps that run side by side share it."""
        digest = self.store.digest_of(path)
        parcel = self._sent.get(digest)
        if parcel is None:
            listing = listing_of(path)
            references = [self.ray.put(piece) for piece in pieces_of(path, listing)]
            parcel = Parcel(digest, path.is_file(), listing, references)
            self._sent[digest] = parcel
        return parcel


def pool_of(ray: ModuleType) -> Pool:
    """A pool of actors on a cluster."""

    def make(needs: Resources) -> Any:
        memory = {"memory": needs.memory_bytes} if needs.memory_bytes else {}
        actor = ray.remote(Host).options(num_cpus=needs.cpu, num_gpus=needs.gpu, **memory)
        return actor.remote(ray.get, _this_node)

    return Pool(make, ray.kill)


def _this_node() -> str:
    """The name of the machine where this is called, and Ray's of its node."""
    import ray

    return f"{os.uname().nodename}, node {ray.get_runtime_context().get_node_id()[:8]}"


def _readable(stop_fd: int) -> bool:
    return stop_fd >= 0 and bool(select.select([stop_fd], [], [], 0)[0])
