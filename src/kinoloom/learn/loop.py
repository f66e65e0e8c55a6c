"""The training loop.

A run directory contains:

    run.json             settings, record, versions, machine
    checkpoints/         the latest few checkpoints, from which the run resumes
    best.safetensors     the weights with the best metric, if the task names one
    last.safetensors     the weights at the end
    log.jsonl, tensorboard/, samples/   see `logging.writers`

Calling `train` again with the same task, settings and folder resumes the run after any
interruption; the result is bit-identical to that of an uninterrupted run on the same device. Under
torchrun, the same call trains on several devices.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from kinoloom.base.machine import describe_machine
from kinoloom.base.outputs import name_output_errors, write_text_atomically
from kinoloom.base.outputs.temporary import remove_abandoned_folders
from kinoloom.base.provenance import to_jsonable, versions
from kinoloom.errors import OutputError, TrainingError, UsageError
from kinoloom.learn.checkpointing import checkpoints
from kinoloom.learn.checkpointing.weights import write_weights
from kinoloom.learn.determinism import use_deterministic_algorithms
from kinoloom.learn.distributed import ProcessGroup, join_process_group
from kinoloom.learn.loading import iterate_batches
from kinoloom.learn.logging.loss_log import LossLog
from kinoloom.learn.logging.progress import ReportProgress, show_progress
from kinoloom.learn.logging.writers import LogWriter
from kinoloom.learn.schedules import learning_rate
from kinoloom.learn.seeds import seed_everything, share_indices
from kinoloom.learn.settings import Settings, check_settings, extract_settings
from kinoloom.learn.stopping import StopRequest, defer_signals
from kinoloom.learn.task import Task
from kinoloom.learn.update import Updater

logger = logging.getLogger("kinoloom")


@dataclass(frozen=True)
class Result:
    """The outcome of a training run.

    Attributes:
        folder: the run directory.
        steps: total number of steps, including those before a resume.
        ended: "done", or "hours" if the time limit stopped the run.
        figures: metrics of the last validation.
        best: the best value of the task's `best` metric, or None.
    """

    folder: Path
    steps: int
    ended: Literal["done", "hours"]
    figures: dict[str, float]
    best: float | None


def train(task: Task, settings: Settings, folder: Path) -> Result:
    """Train a network, or resume a run.

    SIGINT (Ctrl-C), SIGTERM and SIGHUP end the run after the current step, with a checkpoint; then
    the signal takes its usual effect (KeyboardInterrupt for Ctrl-C).

    Args:
        task: the network and its batches; the network is trained in place, on the device.
        settings: of the loop.
        folder: run directory; created if missing, resumed if it contains a run.

    Raises:
        UsageError: a setting is invalid, the task is inconsistent, or the folder contains a run
            with other settings.
        WeightsError: the latest checkpoint is damaged.
        TrainingError: a loss, a gradient or a weight is not finite; no checkpoint contains it.
        OutputError: a file cannot be written.
    """
    settings = check_settings(settings)
    if task.best and task.validate is None:
        raise UsageError(
            f"The task selects weights by '{task.best}' but has no validation that computes it."
        )
    processes = join_process_group(settings.device)
    with (
        use_deterministic_algorithms(enabled=settings.deterministic),
        defer_signals() as request,
    ):
        result = _Run(task, settings, folder, processes).run(request)
        processes.wait_for_all()  # before this process may exit
        return result


@dataclass
class _Trigger:
    """Triggers an action every so many steps, seconds, or both."""

    steps: int | None
    seconds: float | None
    last_time: float = field(default_factory=time.monotonic)

    def is_due(self, steps_done: int) -> bool:
        """Return whether the action is due after this many steps."""
        now = time.monotonic()
        time_is_up = self.seconds is not None and now - self.last_time >= self.seconds
        return time_is_up or (self.steps is not None and steps_done % self.steps == 0)

    def reset(self) -> None:
        """Restart the clock."""
        self.last_time = time.monotonic()


class _Run:
    """One call of `train`, in one process."""

    def __init__(
        self, task: Task, settings: Settings, folder: Path, processes: ProcessGroup
    ) -> None:
        self.task, self.settings, self.folder, self.processes = task, settings, folder, processes
        self.shares = processes.world_size * settings.accumulate
        share_indices(settings.batch, 0, self.shares)  # fails early if it cannot be divided
        self.record = {
            "settings": extract_settings(settings),
            "record": to_jsonable(dict(task.record)),
        }
        self.updater = Updater(task, settings, processes)
        self.loss_log = LossLog()
        self.steps_done, self.previous_s = 0, 0.0
        self.best: float | None = None
        self.figures: dict[str, float] = {}
        self.started = time.monotonic()
        self.validation = _Trigger(settings.validate_steps, settings.validate_s)
        self.saving = _Trigger(settings.save_steps, settings.save_s)
        self.logging = _Trigger(settings.log_steps, None)
        self.last_logged_step, self.waited_s = 0, 0.0
        self.log_writer: LogWriter | None = None

    @property
    def checkpoint_folder(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def elapsed_s(self) -> float:
        """Duration of the run, including the time before a resume."""
        return self.previous_s + time.monotonic() - self.started

    def run(self, request: StopRequest) -> Result:
        """Train to the end, or until a stop is requested."""
        self._create_folders()
        self._resume()
        with self._open_logs() as report:
            if self.steps_done == 0:
                self._validate()
            self.last_logged_step = self.steps_done
            self.logging.reset()
            ended = self._run_steps(request, report)
            if self.processes.is_first and not request.signal_number:
                self._write_weights("last.safetensors")
        return Result(self.folder, self.steps_done, ended, self.figures, self.best)

    def _run_steps(self, request: StopRequest, report: ReportProgress) -> Literal["done", "hours"]:
        own_shares = range(
            self.processes.rank * self.settings.accumulate,
            (self.processes.rank + 1) * self.settings.accumulate,
        )
        steps = range(self.steps_done, self.settings.steps)
        batches = iterate_batches(self.task.batch, steps, own_shares, self.shares, self.settings)
        with closing(batches):
            for step in steps:
                requested = time.monotonic()
                parts = next(batches)
                self.waited_s += time.monotonic() - requested
                self.loss_log.add(step, self.updater.update(step, parts))
                self.steps_done = step + 1
                report(self.steps_done, "")
                if self._finish_step(request, report):
                    return "done" if self.steps_done == self.settings.steps else "hours"
        return "done"

    def _finish_step(self, request: StopRequest, report: ReportProgress) -> bool:
        """Log, validate and save where due, and return whether to stop."""
        is_last = self.steps_done == self.settings.steps
        delay = 0 if self.processes.device.type == "cpu" else 1  # avoids waiting for the GPU
        fault = self.loss_log.collect(keep=delay)
        hours = self.settings.hours
        due = [
            bool(fault),
            request.signal_number,
            hours is not None and time.monotonic() - self.started >= hours * 3600,
            self.logging.is_due(self.steps_done),
            self.processes.is_first and self.validation.is_due(self.steps_done),
            self.processes.is_first and self.saving.is_due(self.steps_done),
        ]
        failed, request.signal_number, out_of_time, log, validate, save = self.processes.reduce_max(
            due
        )
        if failed:
            raise self._divergence_error(fault)
        stop = is_last or out_of_time or request.signal_number
        if log or validate or save or stop:
            self._check_finite()
        if log:
            self._log(report)
        if (validate or stop) and not request.signal_number:
            self._validate()
        if save or stop:
            self._save()
        return bool(stop)

    def _check_finite(self) -> None:
        """Check that all losses and weights are finite, in all processes."""
        fault = self.loss_log.collect() or self._find_weight_fault()
        if self.processes.reduce_max([bool(fault)])[0]:
            raise self._divergence_error(fault)

    def _find_weight_fault(self) -> str:
        state = self.updater.net.state_dict()
        tensors = {name: value for name, value in state.items() if value.is_floating_point()}
        finite = torch.stack([value.isfinite().all() for value in tensors.values()]).tolist()
        faulty = [name for name, is_finite in zip(tensors, finite, strict=True) if not is_finite]
        step = self.steps_done - 1
        return f"After step {step} the weights {faulty[0]} are not finite." if faulty else ""

    def _divergence_error(self, fault: str) -> TrainingError:
        checkpoint = checkpoints.find_latest(self.checkpoint_folder)
        where = (
            f"The checkpoint {checkpoint.name} is from an earlier step"
            if checkpoint
            else "No earlier checkpoint exists"
        )
        return TrainingError(
            fault or "Another process found a loss that is not finite.",
            hint=f"{where}. Start in another folder with a lower --learning-rate, or with --clip.",
        )

    def _log(self, report: ReportProgress) -> None:
        own_means = self.loss_log.take_means()
        means = self.processes.reduce_mean(list(own_means.values()))
        terms = dict(zip(own_means, means, strict=True))
        if self.log_writer is None:
            return
        loss = terms.pop("loss")
        others = {
            name.replace(" ", "_"): terms.pop(name)
            for name in ("gradient norm", "loss scale")
            if name in terms
        }
        interval_s = max(time.monotonic() - self.logging.last_time, 1e-9)
        values = {
            "loss": loss,
            "terms": terms,
            **others,
            "learning_rate": learning_rate(self.settings, self.steps_done - 1),
            "steps_per_s": (self.steps_done - self.last_logged_step) / interval_s,
            "waited": self.waited_s / interval_s,
            "elapsed_s": self.elapsed_s,
        }
        self.logging.reset()
        self.last_logged_step, self.waited_s = self.steps_done, 0.0
        self.log_writer.write("train", self.steps_done, values)
        report(self.steps_done, f"loss {loss:.4g}")

    def _validate(self) -> None:
        """Validate in the first process; the others wait at their next exchange."""
        task, net = self.task, self.updater.eval_net
        if self.log_writer is None or (task.validate is None and task.samples is None):
            return
        net.eval()
        seed_everything(self.settings.seed, self.steps_done, self.shares)
        with torch.no_grad():
            figures = {n: float(v) for n, v in task.validate(net).items()} if task.validate else {}
            images = task.samples(net) if task.samples else {}
        self.log_writer.write_images(self.steps_done, images)
        if figures:
            self.log_writer.write("validation", self.steps_done, figures)
            summary = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
            logger.info("step %d: %s", self.steps_done, summary)
            self.figures = figures
            self._keep_best(figures)
        self.validation.reset()

    def _keep_best(self, figures: dict[str, float]) -> None:
        if not self.task.best:
            return
        if self.task.best not in figures:
            raise UsageError(
                f"The validation returns no '{self.task.best}', which selects the best weights; "
                f"it returns {', '.join(figures)}."
            )
        new = figures[self.task.best]
        sign = 1 if self.task.higher_is_better else -1
        if new == new and (self.best is None or sign * new > sign * self.best):
            self.best = new
            self._write_weights("best.safetensors")

    def _write_weights(self, name: str) -> None:
        info = {
            "step": self.steps_done,
            "figures": self.figures,
            **self.record,
            "versions": versions(),
            "elapsed_s": self.elapsed_s,
        }
        write_weights(self.folder / name, self.updater.eval_net.state_dict(), info)

    def _save(self) -> None:
        if self.processes.is_first:
            state = {
                "step": self.steps_done,
                "seconds": self.elapsed_s,
                "best": self.best,
                "figures": self.figures,
                "meter": self.loss_log.state(),
                "versions": versions(),
                **self.record,
                **self.updater.state(),
            }
            checkpoints.save(self.checkpoint_folder, state, self.settings.keep)
        self.saving.reset()

    def _resume(self) -> None:
        path = checkpoints.find_latest(self.checkpoint_folder)
        if path is not None:
            state = checkpoints.load(path)
            checkpoints.check_compatible(path, state, **self.record)
            self.updater.restore(state)
            self.loss_log.restore(state["meter"])
            self.steps_done, self.previous_s = state["step"], state["seconds"]
            self.best, self.figures = state["best"], state["figures"]
            if self.processes.is_first:
                logger.info("resuming from step %d", self.steps_done)
        high, negative_low = self.processes.reduce_max([self.steps_done, -self.steps_done])
        if high != -negative_low:
            raise OutputError(
                f"The processes see different checkpoints, of steps {-negative_low} to {high}.",
                hint=f"Put {self.folder.name} on a file system that all machines share.",
            )

    def _create_folders(self) -> None:
        if self.processes.is_first:
            with name_output_errors(self.folder):
                self.checkpoint_folder.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder, self.checkpoint_folder):
                remove_abandoned_folders(folder)
        self.processes.reduce_max([0])  # a barrier: the folders exist before anyone reads them

    @contextmanager
    def _open_logs(self) -> Iterator[ReportProgress]:
        """Open the logs and the progress bar, in the first process."""
        with ExitStack() as stack:
            if self.processes.is_first:
                info = {
                    **self.record,
                    "versions": versions(),
                    "machine": describe_machine(),
                    "device": str(self.processes.device),
                    "processes": self.processes.world_size,
                }
                write_text_atomically(self.folder / "run.json", json.dumps(info, indent=2) + "\n")
                writer = LogWriter(
                    self.folder, self.steps_done, tensorboard=self.settings.tensorboard
                )
                self.log_writer = stack.enter_context(writer)
            yield stack.enter_context(
                show_progress(self.steps_done, self.settings.steps, enabled=self.processes.is_first)
            )
