"""The node's side of a step: an actor that receives its files, runs it and sends its outputs.

An actor runs one attempt at a time and holds its step's resources. The step's folder is on the
node's own disk. The driver makes all calls, one after the other; if the node is lost they fail, and
the step runs on another node.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import kinoloom
from kinoloom.errors import ExecutionError
from kinoloom.pipelines.cluster.shared_input import SharedInput
from kinoloom.pipelines.cluster.transfer import Listed, iter_chunks, list_folder, write_folder
from kinoloom.pipelines.cluster.watchdog import Watchdog
from kinoloom.pipelines.local.jobs.files import (
    create_folders,
    job_path,
    place_input,
    read_failure,
)
from kinoloom.pipelines.local.jobs.job import Input, Job
from kinoloom.pipelines.local.jobs.mounts import ML
from kinoloom.pipelines.local.jobs.process import Ending, Isolation, run
from kinoloom.pipelines.local.jobs.step_log import LOG_LIMIT_BYTES, StepLog
from kinoloom.pipelines.local.storage.step_folder import StepFolder

_POLL_S = 0.2
_MAX_LOG_BYTES = 1 << 20
_FAILURE = f"{ML}/output/failure"


@dataclass(frozen=True)
class Parcel:
    """An input in transfer: its listing, and references to its chunks in Ray's object store.

    Attributes:
        digest: The input's digest.
        is_file: Whether the address names a file, not a folder.
        listing, chunks: See `transfer`.
    """

    digest: str
    is_file: bool
    listing: Sequence[Listed]
    chunks: Sequence[Any]


class Host:
    """Runs attempts of steps, one after the other; an actor of Ray.

    Args:
        fetch: Returns the object of a reference: `ray.get`.
        name: Returns the name of this node.
    """

    def __init__(self, fetch: Callable[[Any], Any], name: Callable[[], str]) -> None:
        self._fetch = fetch
        self._name = name

    def _prepare(self) -> None:
        """Create an attempt's folder, watchdog and pipes."""
        self._folder = Path(tempfile.mkdtemp(prefix="kinoloom-"))
        self._watchdog = Watchdog(self._folder)
        self._ml = self._folder / "ml"
        self._log = self._folder / "log.txt"
        self._shared: list[SharedInput] = []
        self._stop_read, self._stop_write = os.pipe()
        self._ended = threading.Event()
        self._ending: Ending | Exception | None = None
        self._stream: Iterator[bytes] = iter(())

    def start(
        self,
        version: str,
        job: Job,
        parcels: Mapping[str, Parcel],
        env: Mapping[str, str],
        isolation: Isolation,
        log_limit_bytes: int = LOG_LIMIT_BYTES,
    ) -> str:
        """Write a job's files, start its process and return the name of this machine.

        Args:
            version: The driver's version of kinoloom.
            job: The job.
            parcels: Its inputs by address.
            env: Additional variables.
            isolation: See `process`.
            log_limit_bytes: The maximum size of its log.

        Raises:
            ExecutionError: The node has another version of kinoloom.
            KinoloomError, OSError: The inputs cannot be written.
        """
        if version != kinoloom.__version__:
            raise ExecutionError(
                f"{self._name()} has kinoloom {kinoloom.__version__}, but the driver has {version}."
            )
        self._prepare()
        create_folders(job, self._ml)
        for one in job.inputs:
            self._place_input(one, parcels[one.uri])
        (self._folder / "tmp").mkdir()
        log = StepLog(self._log, log_limit_bytes)
        command = job.command(self._ml, env, self._folder / "opt")

        def on_start(pid: int, started: str) -> None:
            self._watchdog.set_group(pid)

        def work() -> None:
            try:
                self._ending = run(command, log, isolation, self._stop_read, on_start)
            except Exception as error:  # noqa: BLE001  raised again in `poll`
                self._ending = error
            self._watchdog.set_group(None)
            self._ended.set()

        threading.Thread(target=work, name="kinoloom-step", daemon=True).start()
        return self._name()

    def poll(self, offset: int) -> tuple[bytes, Ending | None]:
        """Return the log from an offset on, and how the step ended; None while it is running.

        Raises:
            OSError: The step could not be started.
        """
        self._ended.wait(_POLL_S)
        ended = self._ended.is_set()  # before the log is read: nothing is written after it
        written = b""
        if self._log.is_file():
            with self._log.open("rb") as log:
                log.seek(offset)
                written = log.read(_MAX_LOG_BYTES)
        if isinstance(self._ending, Exception):
            raise self._ending
        return written, self._ending if ended and len(written) < _MAX_LOG_BYTES else None

    def stop(self) -> None:
        """Stop the step's process."""
        os.write(self._stop_write, b"x")

    def list_outputs(self, job: Job) -> dict[str, list[Listed]]:
        """Return the outputs' listings by path; `next_chunk` then returns their content."""
        ml = PurePosixPath("ml")
        folders = {
            one.place: StepFolder(self._folder, job_path(ml, one.place)) for one in job.outputs
        }
        listings = {place: list_folder(folder) for place, folder in folders.items()}
        failure = read_failure(self._folder)

        def stream() -> Iterator[bytes]:
            for place, folder in folders.items():
                yield from iter_chunks(folder, listings[place])
                yield b""
            if failure:
                yield failure
            yield b""

        self._stream = stream()
        if failure is None:
            return listings
        return {**listings, _FAILURE: [Listed("failure", len(failure), executable=False)]}

    def next_chunk(self) -> bytes:
        """Return the next chunk of the outputs; empty at the end of each output."""
        return next(self._stream)

    def close(self) -> None:
        """Remove the attempt's files; the next attempt may start."""
        for shared in self._shared:
            shared.release()
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._stop_read)
        os.close(self._stop_write)
        self._watchdog.dismiss()

    def _place_input(self, one: Input, parcel: Parcel) -> None:
        if one.in_place:
            shared = SharedInput(parcel.digest, lambda target: self._write(parcel, target))
            self._shared.append(shared)
            source = shared.folder
        elif one.archive:
            source = self._folder / "inputs" / parcel.digest
            self._write(parcel, source)
        else:
            self._write(parcel, job_path(self._ml, one.place))
            return
        if parcel.is_file:
            source /= parcel.listing[0].path
        place_input(one, source, self._ml)
        shutil.rmtree(self._folder / "inputs", ignore_errors=True)

    def _write(self, parcel: Parcel, target: Path) -> None:
        write_folder(parcel.listing, map(self._fetch, parcel.chunks), target)
