"""The node's side of a step: an actor that receives its files, runs it and hands over its outputs.

An actor runs one attempt at a time and holds the resources of its step. The step's folder is on the
node's own disk. All calls are made by the driver, one after the other; when the node is lost they
fail, and the step is run elsewhere.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kinoloom
from kinoloom.errors import ExecutionError
from kinoloom.pipelines.cluster.content import Listed, listing_of, pieces_of, unpack
from kinoloom.pipelines.cluster.kept import Kept
from kinoloom.pipelines.cluster.watch import Watch
from kinoloom.pipelines.local.jobs import Input, Job
from kinoloom.pipelines.local.mounts import ML
from kinoloom.pipelines.local.process import Ending, Isolation, run
from kinoloom.pipelines.local.worker import bring_in, inside, make_places

_LOOK_S = 0.2
_MOST_LOG_BYTES = 1 << 20
_FAILURE = f"{ML}/output/failure"


@dataclass(frozen=True)
class Parcel:
    """An input on its way: its listing, and references to the pieces in Ray's object store.

    Attributes:
        digest: of its content.
        whole_file: whether the address named a file, not a folder.
        listing, pieces: see `content`.
    """

    digest: str
    whole_file: bool
    listing: Sequence[Listed]
    pieces: Sequence[Any]


class Host:
    """Runs attempts of steps, one after the other. Made as an actor of Ray.

    Args:
        fetch: gets the object behind a reference: `ray.get`.
        name: of this node.
    """

    def __init__(self, fetch: Callable[[Any], Any], name: Callable[[], str]) -> None:
        self._fetch = fetch
        self._name = name

    def _prepare(self) -> None:
        """For an attempt: its folder, and how it is watched."""
        self._folder = Path(tempfile.mkdtemp(prefix="kinoloom-"))
        self._watch = Watch(self._folder)
        self._ml = self._folder / "ml"
        self._log = self._folder / "log.txt"
        self._kept: list[Kept] = []
        self._stop_read, self._stop_write = os.pipe()
        self._over = threading.Event()
        self._ending: Ending | Exception | None = None
        self._stream: Iterator[bytes] = iter(())

    def begin(
        self,
        version: str,
        job: Job,
        parcels: Mapping[str, Parcel],
        env: Mapping[str, str],
        isolation: Isolation,
    ) -> str:
        """Lay out a job's files, start its process and give the name of this machine.

        Args:
            version: of the driver's kinoloom.
            job: what to do.
            parcels: its inputs, by address.
            env: more variables.
            isolation: see `process`.

        Raises:
            ExecutionError: another kinoloom is installed here.
            KinoloomError, OSError: the inputs cannot be laid out.
        """
        if version != kinoloom.__version__:
            raise ExecutionError(
                f"{self._name()} has kinoloom {kinoloom.__version__}, not {version}."
            )
        self._prepare()
        make_places(job, self._ml)
        for one in job.inputs:
            self._bring_in(one, parcels[one.uri])
        (self._folder / "tmp").mkdir()
        command = job.command(self._ml, env, self._folder / "opt")

        def begun(pid: int, started: str) -> None:
            self._watch.tell(pid)

        def work() -> None:
            try:
                self._ending = run(command, self._log, isolation, self._stop_read, begun)
            except Exception as error:  # noqa: BLE001  told to the driver
                self._ending = error
            self._watch.tell(None)
            self._over.set()

        threading.Thread(target=work, name="kinoloom-step", daemon=True).start()
        return self._name()

    def look(self, offset: int) -> tuple[bytes, Ending | None]:
        """What the step has written since that place of its log, and how it ended, once it has.

        Raises:
            OSError: it could not be started.
        """
        self._over.wait(_LOOK_S)
        over = self._over.is_set()  # before the log is read: nothing is written after it
        written = b""
        if self._log.is_file():
            with self._log.open("rb") as log:
                log.seek(offset)
                written = log.read(_MOST_LOG_BYTES)
        if isinstance(self._ending, Exception):
            raise self._ending
        return written, self._ending if over and len(written) < _MOST_LOG_BYTES else None

    def stop(self) -> None:
        """End the step's process."""
        os.write(self._stop_write, b"x")

    def outputs(self, job: Job) -> dict[str, list[Listed]]:
        """What the step left, by place; `next_piece` then gives its content in that order."""
        places = [one.place for one in job.outputs if inside(self._ml, one.place).is_dir()]
        if inside(self._ml, _FAILURE).is_file():
            places.append(_FAILURE)
        listings = {place: listing_of(inside(self._ml, place)) for place in places}

        def stream() -> Iterator[bytes]:
            for place, listing in listings.items():
                yield from pieces_of(inside(self._ml, place), listing)
                yield b""

        self._stream = stream()
        return listings

    def next_piece(self) -> bytes:
        """The next piece of the outputs; empty at the end of each."""
        return next(self._stream)

    def close(self) -> None:
        """Remove all files of the attempt; another one may begin."""
        for kept in self._kept:
            kept.release()
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._stop_read)
        os.close(self._stop_write)
        self._watch.dismiss()

    def _bring_in(self, one: Input, parcel: Parcel) -> None:
        if one.in_place:
            kept = Kept(parcel.digest, lambda target: self._unpack(parcel, target))
            self._kept.append(kept)
            source = kept.folder
        elif one.archive:
            source = self._folder / "inputs" / parcel.digest
            self._unpack(parcel, source)
        else:
            self._unpack(parcel, inside(self._ml, one.place))
            return
        if parcel.whole_file:
            source /= parcel.listing[0].path
        bring_in(one, source, self._ml)
        shutil.rmtree(self._folder / "inputs", ignore_errors=True)

    def _unpack(self, parcel: Parcel, target: Path) -> None:
        unpack(parcel.listing, map(self._fetch, parcel.pieces), target)
