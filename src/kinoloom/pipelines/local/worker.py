"""Runs one job: looks into the cache, lays out its files, runs it, keeps what it made.

Nothing here changes the state: what happened is handed back and committed by the engine, so a job
whose engine was killed has not happened.
"""

from __future__ import annotations

import errno
import itertools
import re
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinoloom.errors import KinoloomError, UsageError
from kinoloom.pipelines.language.model import Step
from kinoloom.pipelines.local import archive
from kinoloom.pipelines.local.caching import cause_of, first_difference, key_of
from kinoloom.pipelines.local.jobs import Input, Job, Output
from kinoloom.pipelines.local.mounts import ML
from kinoloom.pipelines.local.objects import Objects
from kinoloom.pipelines.local.process import Ending, Isolation, run
from kinoloom.pipelines.local.schedule import Status
from kinoloom.pipelines.local.state import State
from kinoloom.pipelines.local.store import Entry, Store, copy_in

_LAST_LINES = 20
_MEASURED = "FinalMetricDataList"
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_ROOM_BYTES = 1 << 20  # what the state needs to go on
_TRY_AGAIN = 75
"""Exit code EX_TEMPFAIL of BSD's sysexits.h: a failure that may pass when tried again."""


@dataclass(frozen=True)
class Outcome:
    """How a step ended.

    Attributes:
        status: SUCCEEDED, FAILED or STOPPED.
        reason: why it failed.
        retry_class: the class of failure that retry policies look at; "" is never retried.
        properties: what later steps may take from it.
        outputs: digests of what it made, by name of output.
        key, cause: see `caching`.
        source: the execution whose outputs were taken over; "" when it ran.
        cache: in words, why they were or were not.
    """

    status: Status
    reason: str = ""
    retry_class: str = ""
    properties: Any = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    cause: Any = None
    source: str = ""
    cache: str = ""

    def row(self) -> dict[str, Any]:
        """As `State.end_step` takes it."""
        return {
            "status": self.status.value,
            "reason": self.reason,
            "properties": self.properties,
            "outputs": dict(self.outputs),
            "key": self.key,
            "cause": self.cause,
            "source": self.source,
            "cache": self.cache,
        }


@dataclass(frozen=True)
class Worker:
    """Runs the jobs of a session.

    Attributes:
        state, store, objects: of the session; the state is only read.
        isolation: see `process`.
        env: more variables for every step.
        strict: whether only steps that ask for it use the cache.
        shared: a folder for what is the same for all steps.
    """

    state: State
    store: Store
    objects: Objects
    isolation: Isolation
    env: Mapping[str, str]
    strict: bool
    shared: Path

    def run(
        self,
        job: Job,
        step: Step,
        pipeline: str,
        folder: Path,
        stop_fd: int,
        begun: Callable[[int, str], None],
    ) -> Outcome:
        """Run a job, or take over what an equal one made.

        Args:
            job: what to do.
            step: as defined.
            pipeline: its name.
            folder: for this attempt; `tidy` it when the job has succeeded.
            stop_fd: becomes readable when the job must stop.
            begun: called with the process's number and moment of start.
        """
        try:
            cause = self.cause(job)
            key = key_of(cause)
            taken = self._take_over(job, step, key)
            if taken is not None:
                return Outcome(**taken, key=key, cause=cause)
            note = self.why_not(step, pipeline, cause)
            outcome = self._run(job, folder, stop_fd, begun)
            if outcome["status"] is Status.FAILED and _is_full(folder):
                self.tidy(folder)  # or what happened cannot be written down
                return _out_of_space(outcome["reason"])
            return Outcome(**outcome, key=key, cause=cause, cache=note)
        except KinoloomError as error:
            return Outcome(Status.FAILED, str(error))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                self.tidy(folder)
                return _out_of_space(str(error))
            reason = f"The job could not be run: {error}."
            return Outcome(Status.FAILED, reason, "Step.SERVICE_FAULT")

    @staticmethod
    def tidy(folder: Path) -> None:
        """Remove what an attempt had to work with; its log stays."""
        for name in ("ml", "tmp"):
            shutil.rmtree(folder / name, ignore_errors=True)

    def cause(self, job: Job) -> dict[str, Any]:
        """What decides a job's result; see `caching`.

        Raises:
            UsageError: there is nothing at the address of an input.
        """
        inputs = {}
        for one in job.inputs:
            path = self.objects.path(one.uri)
            if not path.exists():
                raise UsageError(f"There is nothing at {one.uri}, an input of the job.")
            inputs[one.place] = self.store.digest_of(path)
        outputs = {one.place: one.name for one in job.outputs}
        addresses = {one.uri: one.place for one in job.inputs}
        return cause_of(job.kind, job.arguments, inputs, outputs, addresses)

    def _enabled(self, step: Step) -> bool:
        return step.cache.enabled if step.cache is not None else not self.strict

    def equal_step(self, step: Step, key: str) -> dict[str, Any] | None:
        """The row of an earlier step whose outcome may be taken over and is still whole."""
        if not self._enabled(step):
            return None
        lifetime = step.cache.lifetime if step.cache is not None else None
        for row in self.state.equal_steps(key, lifetime):
            if all(self.store.tree(digest) is not None for digest in row["outputs"].values()):
                return row
        return None

    def _take_over(self, job: Job, step: Step, key: str) -> dict[str, Any] | None:
        row = self.equal_step(step, key)
        if row is None:
            return None
        for one in job.outputs:
            digest = row["outputs"].get(one.name)
            self._publish(one, self.store.tree(digest) if digest else None)
        source = row["source"] or row["execution"]
        return {
            "status": Status.SUCCEEDED,
            "outputs": row["outputs"],
            "source": source,
            "cache": f"taken over from execution {source}",
            "properties": _measured(job, (row["properties"] or {}).get(_MEASURED, [])),
        }

    def why_not(self, step: Step, pipeline: str, cause: Mapping[str, Any]) -> str:
        """In words, why a step runs: the first thing that differs from its last success."""
        if not self._enabled(step):
            return "ran: the cache is off for this step"
        last = self.state.last_success(pipeline, step.name)
        if last is None:
            return "ran: it has not succeeded before"
        changed = first_difference(last["cause"], cause)
        return f"ran: {changed}" if changed else "ran: the earlier outcome is too old, or gone"

    def _run(
        self, job: Job, folder: Path, stop_fd: int, begun: Callable[[int, str], None]
    ) -> dict[str, Any]:
        shutil.rmtree(folder, ignore_errors=True)
        since = time.monotonic()
        for count in itertools.count(1):
            self.tidy(folder)
            ending = self.execute(job, folder, stop_fd, begun)
            killed = not ending.why and ending.code < 0
            if not killed or not job.again.allows(count, time.monotonic() - since):
                break
            with (folder / "log.txt").open("a") as log:
                name = signal.Signals(-ending.code).name
                log.write(f"\nkinoloom: killed by {name}, begins anew\n")
        if ending.why or ending.code:
            return _failed(job, ending, folder)
        outputs = self._collect(job, folder / "ml", folder)
        properties = _measured(job, _metrics_in(folder / "log.txt", job.metrics))
        return {
            "status": Status.SUCCEEDED, "outputs": outputs, "properties": properties
        }  # fmt: skip

    def execute(
        self, job: Job, folder: Path, stop_fd: int, begun: Callable[[int, str], None]
    ) -> Ending:
        """Run a job's process; afterwards its files lie in `ml` and its log is `log.txt`.

        Args:
            job: what to do.
            folder: for this attempt; it may hold the log of an earlier beginning.
            stop_fd, begun: as for `run`.

        Raises:
            KinoloomError, OSError: it could not be run.
        """
        ml = folder / "ml"
        make_places(job, ml)
        for one in job.inputs:
            bring_in(one, self.objects.path(one.uri), ml)
        for where, uri in job.kept.items():
            there, here = self.objects.output_path(uri), inside(ml, where)
            there.mkdir(parents=True, exist_ok=True)
            here.parent.mkdir(parents=True, exist_ok=True)
            here.symlink_to(there, target_is_directory=True)
        (folder / "tmp").mkdir()
        command = job.command(ml, self.env, self.shared)
        return run(command, folder / "log.txt", self.isolation, stop_fd, begun)

    def _collect(self, job: Job, ml: Path, folder: Path) -> dict[str, str]:
        """Keep what the job left and put it where it belongs."""
        kept = {}
        for one in job.outputs:
            made = inside(ml, one.place)
            made.mkdir(parents=True, exist_ok=True)
            if one.optional and not any(made.iterdir()):
                continue
            if one.archive:
                packed = folder / "packed" / one.name
                packed.mkdir(parents=True)
                archive.pack(made, packed / one.archive)
                made = packed
            kept[one.name] = self.store.keep(made)
        for one in job.outputs:
            digest = kept.get(one.name)
            self._publish(one, self.store.tree(digest) if digest else None)
        shutil.rmtree(folder / "packed", ignore_errors=True)
        return kept

    def _publish(self, output: Output, entries: list[Entry] | None) -> None:
        if entries is not None:
            target = self.objects.output_path(output.uri)
            self.store.lay_out(entries, target.parent if output.archive else target)


def values_in(log: str, pattern: str) -> list[float]:
    """The numbers that a regular expression's first group finds in a log, in their order."""
    found = (match[1] if match.re.groups else match[0] for match in re.finditer(pattern, log))
    return [float(text) for text in found if _NUMBER.fullmatch(text or "")]


def _metrics_in(log: Path, patterns: Mapping[str, str]) -> list[dict[str, Any]]:
    if not patterns:
        return []
    text = log.read_text(errors="replace")
    values = {name: values_in(text, pattern) for name, pattern in patterns.items()}
    return [{"MetricName": name, "Value": all_[-1]} for name, all_ in values.items() if all_]


def _measured(job: Job, metrics: list[dict[str, Any]]) -> Mapping[str, Any]:
    return {**job.properties, _MEASURED: metrics} if job.metrics else job.properties


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < _ROOM_BYTES


def _out_of_space(reason: str) -> Outcome:
    told = f"The disk is full; what the step had written was removed. {reason}"
    return Outcome(Status.FAILED, told, "SageMaker.CAPACITY_ERROR")


def make_places(job: Job, ml: Path) -> None:
    """Make a job's folders, and the files that tell it what it is."""
    places = [one.place for one in job.outputs] + [job.cwd, f"{ML}/output"]
    for where in places:
        inside(ml, where).mkdir(parents=True, exist_ok=True)
    for where, text in job.files.items():
        file = inside(ml, where)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def bring_in(one: Input, source: Path, ml: Path) -> None:
    """Put a file or folder where a job finds that input.

    Raises:
        KinoloomError, OSError: it is an archive that cannot be unpacked, or it cannot be copied.
    """
    target = inside(ml, one.place)
    if one.archive:
        archive.unpack(source, target)
    elif one.in_place:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            target.mkdir(exist_ok=True)
            target /= source.name
        target.symlink_to(source.resolve())
    else:
        copy_in(source, target)


def inside(ml: Path, where: str) -> Path:
    """Where a path below /opt/ml lies in a job's own folder."""
    return ml / where.removeprefix(f"{ML}/")


def _failed(job: Job, ending: Ending, folder: Path) -> dict[str, Any]:
    if ending.why == "stop":
        return {"status": Status.STOPPED, "reason": "The execution was stopped."}
    retry_class = ""
    if ending.why == "time":
        reason = f"The job took longer than its limit of {job.limit_s:g} s and was ended."
    elif ending.code < 0:
        reason = f"The job was killed by {signal.Signals(-ending.code).name}."
        retry_class = "SageMaker.JOB_INTERNAL_ERROR"
    else:
        reason = f"The job ended with exit code {ending.code}."
        retry_class = "SageMaker.JOB_INTERNAL_ERROR" if ending.code == _TRY_AGAIN else ""
    told = folder / "ml" / "output" / "failure"
    if told.is_file():
        reason += f" It says: {told.read_text(errors='replace')[:1024].strip()}"
    lines = (folder / "log.txt").read_text(errors="replace").splitlines()[-_LAST_LINES:]
    if lines:
        reason += "\nLast lines of its log:\n" + "\n".join(lines)
    return {"status": Status.FAILED, "reason": reason, "retry_class": retry_class}
