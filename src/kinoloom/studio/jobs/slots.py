"""Slots: how many jobs run at once, by cores, memory and accelerators."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kinoloom.base.machine import available_bytes
from kinoloom.base.units import format_bytes
from kinoloom.pipelines.local.jobs.resources import Resources, this_machine
from kinoloom.studio.jobs.record import JobRecord

_CORES_PER_JOB = 4
_MEMORY_BYTES = 1_000_000_000
"""What a job without a limit of its own is expected to need."""


class Slots:
    """Decides which waiting jobs may run, and says what the others wait for.

    Every job gets the same share of the cores. Memory and accelerators are reserved; a job that
    needs more than the machine has runs alone. A paused job keeps its memory only.

    Args:
        at_once: the most jobs at once; None: one for each four cores.
    """

    def __init__(self, at_once: int | None) -> None:
        cores = this_machine().cpu
        self.at_once = at_once or max(1, int(cores) // _CORES_PER_JOB)
        self._threads = max(1, int(cores / self.at_once))
        self.total = Resources(cores, count_accelerators(), available_bytes())

    @property
    def threads(self) -> int | None:
        """Threads of numerical libraries for one job; None: no limit is needed."""
        return self._threads if self.at_once > 1 else None

    def choose(
        self, waiting: Iterable[JobRecord], running: Iterable[JobRecord]
    ) -> tuple[list[JobRecord], dict[str, str]]:
        """Return the jobs to start now, and by id what each of the others waits for.

        Args:
            waiting: in the order of the queue.
            running: with the paused ones.
        """
        active = list(running)
        free = self.total
        for job in active:
            free = free.minus(self.need(job))
        count = sum(job.state != "paused" for job in active)
        chosen: list[JobRecord] = []
        reasons: dict[str, str] = {}
        for job in waiting:
            need = self.need(job)
            is_alone = not active and not chosen
            if count < self.at_once and (is_alone or need.fits(free)):
                chosen.append(job)
                count += 1
                free = free.minus(need)
            else:
                reasons[job.id] = self._explain(need, free, count)
                free = free.reserve(need)  # a later job must not take what this one waits for
        return chosen, reasons

    def need(self, job: JobRecord) -> Resources:
        """Return what a job reserves, at most what the machine has."""
        memory = job.plan["memory"] or _MEMORY_BYTES
        is_paused = job.state == "paused"
        accelerators = 1 if job.plan["uses_accelerator"] and not is_paused else 0
        return Resources(0, accelerators, memory).at_most(self.total)

    def _explain(self, need: Resources, free: Resources, count: int) -> str:
        if count >= self.at_once:
            verb = "runs" if self.at_once == 1 else "run"
            jobs = "job" if self.at_once == 1 else "jobs"
            return f"Starts when a running job ends: {self.at_once} {jobs} {verb} at once."
        if need.gpu > free.gpu:
            return "Waits for the accelerator, which another job uses."
        if need.memory_bytes > free.memory_bytes:
            left = format_bytes(max(0, free.memory_bytes))
            return f"Waits for {format_bytes(need.memory_bytes)} of memory: {left} are free."
        return "Waits for its turn: an earlier job comes first."


def count_accelerators() -> int:
    """Return the number of NVIDIA accelerators of this machine."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))
