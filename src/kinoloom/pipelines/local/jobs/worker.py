"""The worker: reuses a job's cached outputs, or runs the job and stores its outputs.

The worker does not change the state. The engine commits its outcomes, so a job whose engine was
killed has not happened.
"""

from __future__ import annotations

import errno
import itertools
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from kinoloom.base.outputs.sync import sync_folders
from kinoloom.errors import KinoloomError, UsageError
from kinoloom.pipelines.language.model import Step
from kinoloom.pipelines.local.jobs.cache_key import build_cause, build_key, first_difference
from kinoloom.pipelines.local.jobs.files import (
    create_folders,
    job_path,
    place_input,
    read_failure,
)
from kinoloom.pipelines.local.jobs.job import Job
from kinoloom.pipelines.local.jobs.manifest import expand_manifests
from kinoloom.pipelines.local.jobs.outcome import (
    STOPPED_REASON,
    Outcome,
    Status,
    describe_error,
)
from kinoloom.pipelines.local.jobs.process import Ending, Isolation, run
from kinoloom.pipelines.local.jobs.step_log import StepLog, read_last_lines
from kinoloom.pipelines.local.storage import archive
from kinoloom.pipelines.local.storage.objects import Objects
from kinoloom.pipelines.local.storage.state import State
from kinoloom.pipelines.local.storage.step_folder import StepFolder
from kinoloom.pipelines.local.storage.store import Store

_MAX_FAILURE_CHARACTERS = 1024
_METRICS = "FinalMetricDataList"
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_RESERVE_BYTES = 1 << 20  # what the state needs to record a failure
_EX_TEMPFAIL = 75
"""An exit code of BSD's sysexits.h: a temporary failure, which is worth a retry."""


@dataclass(frozen=True)
class Miss:
    """A job that is not in the cache.

    Attributes:
        job: The job.
        key, cause: See `cache_key`.
        note: Why the job must run, in words.
    """

    job: Job
    key: str
    cause: Mapping[str, Any]
    note: str


@dataclass(frozen=True)
class Worker:
    """Runs the jobs of a session.

    Attributes:
        state, store, objects: The session's; the state is only read.
        isolation: See `process`.
        env: Additional variables of every step.
        strict: Whether only steps that request it are cached.
        shared: A folder for what all steps share.
        log_limit_bytes: The maximum size of a step's log; see `step_log`.
    """

    state: State
    store: Store
    objects: Objects
    isolation: Isolation
    env: Mapping[str, str]
    strict: bool
    shared: Path
    log_limit_bytes: int

    def run(
        self,
        job: Job,
        step: Step,
        pipeline: str,
        folder: Path,
        stop_fd: int,
        on_start: Callable[[int, str], None],
    ) -> Outcome:
        """Run a job, or reuse the outputs of an equal one.

        Args:
            job: The job.
            step: Its step.
            pipeline: The pipeline's name.
            folder: The attempt's folder; `tidy` it when the job has succeeded.
            stop_fd: The job is stopped when this file descriptor becomes readable.
            on_start: Called with the process id and the process's start time.
        """
        found = self.look_up(job, step, pipeline)
        if isinstance(found, Outcome):
            return found
        return self.run_missed(found, folder, stop_fd, on_start)

    def look_up(self, job: Job, step: Step, pipeline: str) -> Outcome | Miss:
        """Reuse the outputs of an equal job, if there are any; see `run` for the arguments."""
        try:
            job = expand_manifests(job, self.objects)
            cause = self.cause(job)
            key = build_key(cause)
            reused = self._reuse(job, step, key)
            if reused is None:
                return Miss(job, key, cause, self.explain_miss(step, pipeline, cause))
            return Outcome(**reused, key=key, cause=cause)
        except Exception as error:  # noqa: BLE001  any error ends the step, not the engine
            return _describe_error(error)

    def run_missed(
        self,
        miss: Miss,
        folder: Path,
        stop_fd: int,
        on_start: Callable[[int, str], None],
    ) -> Outcome:
        """Run a job after `look_up`; see `run` for the arguments."""
        try:
            outcome = self._run(miss, folder, stop_fd, on_start)
            if outcome["status"] is Status.FAILED and _is_full(folder):
                self.tidy(folder)  # or the state cannot record the failure
                return _out_of_space(outcome["reason"])
            known = {"key": miss.key, "cause": miss.cause, "cache": miss.note}
            return Outcome(**{**known, **outcome})
        except Exception as error:  # noqa: BLE001  any error ends the step, not the engine
            if _is_out_of_space(error):
                self.tidy(folder)
            return _describe_error(error)

    @staticmethod
    def tidy(folder: Path) -> None:
        """Remove an attempt's files; its log is kept."""
        for name in ("ml", "tmp"):
            shutil.rmtree(folder / name, ignore_errors=True)

    def cause(self, job: Job) -> dict[str, Any]:
        """Return everything that decides a job's result; see `cache_key`.

        Raises:
            UsageError: An input does not exist, or a manifest is invalid.
        """
        job = expand_manifests(job, self.objects)
        inputs = {}
        for one in job.inputs:
            path = self.objects.path(one.uri)
            if not path.exists():
                raise UsageError(f"Input {one.uri} does not exist.")
            inputs[one.content_path] = self.store.digest_of(path)
        outputs = {one.place: one.name for one in job.outputs}
        addresses = {one.uri: one.content_path for one in job.inputs}
        variables = job.outer_variables(self.env)
        return build_cause(job.kind, job.arguments, inputs, outputs, addresses, variables)

    def _is_cached(self, step: Step) -> bool:
        return step.cache.enabled if step.cache is not None else not self.strict

    def find_equal_step(self, step: Step, key: str) -> dict[str, Any] | None:
        """Return the row of an earlier step whose outputs can be reused and are intact."""
        if not self._is_cached(step):
            return None
        max_age = step.cache.max_age if step.cache is not None else None
        for row in self.state.find_equal_steps(step.name, key, max_age):
            if all(self.store.tree(digest) is not None for digest in row["outputs"].values()):
                return row
        return None

    def _reuse(self, job: Job, step: Step, key: str) -> dict[str, Any] | None:
        row = self.find_equal_step(step, key)
        if row is None:
            return None
        self._publish(job, row["outputs"], set())
        source = row["source"] or row["execution"]
        return {
            "status": Status.SUCCEEDED,
            "outputs": row["outputs"],
            "source": source,
            "cache": f"cache hit: execution {source}",
            "properties": _add_metrics(job, (row["properties"] or {}).get(_METRICS, [])),
        }

    def explain_miss(self, step: Step, pipeline: str, cause: Mapping[str, Any]) -> str:
        """Return why a step runs: the first difference from its last success."""
        if not self._is_cached(step):
            return "ran: caching is off for this step"
        last = self.state.find_last_success(pipeline, step.name)
        if last is None:
            return "ran: no earlier success"
        difference = first_difference(last["cause"], cause)
        return f"ran: {difference}" if difference else "ran: the cached outputs expired or are gone"

    def _run(
        self, miss: Miss, folder: Path, stop_fd: int, on_start: Callable[[int, str], None]
    ) -> dict[str, Any]:
        job = miss.job
        shutil.rmtree(folder, ignore_errors=True)
        first_start = time.monotonic()
        for starts in itertools.count(1):
            self.tidy(folder)
            ending = self.execute(job, folder, stop_fd, on_start)
            killed = not ending.cause and ending.code < 0
            if not killed or not job.restarts.allows(starts, time.monotonic() - first_start):
                break
            with (folder / "log.txt").open("a") as log:
                log.write(f"\nkinoloom: killed by {signal.Signals(-ending.code).name}, restarts\n")
        if ending.cause or ending.code:
            return _describe_failure(job, ending, folder)
        return {
            **self._check_inputs(miss),
            "status": Status.SUCCEEDED,
            "outputs": self._collect(job, folder),
            "properties": _add_metrics(job, _read_metrics(folder / "log.txt", job.metrics)),
        }

    def _check_inputs(self, miss: Miss) -> dict[str, Any]:
        """Return the fields of an outcome that is not reused if an input has changed meanwhile.

        The step may have read another content than the one that decides the cache key.
        """
        try:
            difference = first_difference(miss.cause, self.cause(miss.job))
        except UsageError as error:
            difference = str(error)
        if not difference:
            return {}
        note = f"ran: not cached, because an input changed while the step ran: {difference}"
        return {"key": "", "cache": note}

    def execute(
        self, job: Job, folder: Path, stop_fd: int, on_start: Callable[[int, str], None]
    ) -> Ending:
        """Run a job's process; its files are then in `ml` and its log is `log.txt`.

        Args:
            job: The job.
            folder: The attempt's folder; it may have the log of an earlier start.
            stop_fd, on_start: See `run`.

        Raises:
            KinoloomError, OSError: The job could not be run.
        """
        ml = folder / "ml"
        create_folders(job, ml)
        for one in job.inputs:
            place_input(one, self.objects.path(one.uri), ml)
        for place, uri in job.checkpoints.items():
            stored, link = self.objects.output_path(uri), job_path(ml, place)
            stored.mkdir(parents=True, exist_ok=True)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(stored, target_is_directory=True)
        (folder / "tmp").mkdir()
        command = job.command(ml, self.env, self.shared)
        log = StepLog(folder / "log.txt", self.log_limit_bytes)
        return run(command, log, self.isolation, stop_fd, on_start)

    def _collect(self, job: Job, folder: Path) -> dict[str, str]:
        """Store the job's outputs, publish them and return their digests by name."""
        digests: dict[str, str] = {}
        changed: set[Path] = set()
        for one in job.outputs:
            written = StepFolder(folder, job_path(PurePosixPath("ml"), one.place))
            if one.optional and written.is_empty():
                continue
            digests[one.name] = (
                self._pack(written, one.archive, folder, changed)
                if one.archive
                else self.store.keep(written, changed)
            )
        self._publish(job, digests, changed)
        return digests

    def _pack(self, written: StepFolder, name: str, folder: Path, changed: set[Path]) -> str:
        """Store a folder as an archive and return its tree's digest."""
        with tempfile.TemporaryDirectory(prefix="packed-", dir=folder) as packed:
            archive.pack(written, Path(packed, name))
            return self.store.keep(StepFolder(Path(packed)), changed)

    def _publish(self, job: Job, digests: Mapping[str, str], changed: set[Path]) -> None:
        """Publish the job's stored outputs, and flush the folders that this or `keep` changed."""
        for one in job.outputs:
            entries = self.store.tree(digests[one.name]) if one.name in digests else None
            if entries is not None:
                target = self.objects.output_path(one.uri)
                target = target.parent if one.archive else target
                self.store.lay_out(entries, target, changed)
        sync_folders(changed)


def find_values(log: str, pattern: str) -> list[float]:
    """Return the numbers in a log that a regular expression's first group matches, in order."""
    found = (match[1] if match.re.groups else match[0] for match in re.finditer(pattern, log))
    return [float(text) for text in found if _NUMBER.fullmatch(text or "")]


def _read_metrics(log: Path, patterns: Mapping[str, str]) -> list[dict[str, Any]]:
    if not patterns:
        return []
    text = log.read_text(errors="replace")
    found = {name: find_values(text, pattern) for name, pattern in patterns.items()}
    return [{"MetricName": name, "Value": values[-1]} for name, values in found.items() if values]


def _add_metrics(job: Job, metrics: list[dict[str, Any]]) -> Mapping[str, Any]:
    return {**job.properties, _METRICS: metrics} if job.metrics else job.properties


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < _RESERVE_BYTES


def _is_out_of_space(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _describe_error(error: Exception) -> Outcome:
    """Return the outcome of a job that could not be run."""
    if _is_out_of_space(error):
        return _out_of_space(str(error))
    if isinstance(error, OSError) and not isinstance(error, KinoloomError):
        return Outcome(Status.FAILED, f"The job could not be run: {error}.", "Step.SERVICE_FAULT")
    return Outcome(Status.FAILED, describe_error(error))


def _out_of_space(reason: str) -> Outcome:
    message = f"The disk is full; the step's files were removed. {reason}"
    return Outcome(Status.FAILED, message, "SageMaker.CAPACITY_ERROR")


def _describe_failure(job: Job, ending: Ending, folder: Path) -> dict[str, Any]:
    if ending.cause == "stop":
        return {"status": Status.STOPPED, "reason": STOPPED_REASON}
    retry_class = ""
    if ending.cause == "time":
        reason = f"The job exceeded its time limit of {job.limit_s:g} s and was terminated."
    elif ending.code < 0:
        reason = f"The job was killed by {signal.Signals(-ending.code).name}."
        retry_class = "SageMaker.JOB_INTERNAL_ERROR"
    else:
        reason = f"The job ended with exit code {ending.code}."
        retry_class = "SageMaker.JOB_INTERNAL_ERROR" if ending.code == _EX_TEMPFAIL else ""
    failure = read_failure(folder)
    if failure is not None:
        text = failure.decode(errors="replace")[:_MAX_FAILURE_CHARACTERS].strip()
        reason += f" Its failure file: {text}"
    lines = read_last_lines(folder / "log.txt")
    if lines:
        reason += f"\nLast lines of its log:\n{lines}"
    return {"status": Status.FAILED, "reason": reason, "retry_class": retry_class}
