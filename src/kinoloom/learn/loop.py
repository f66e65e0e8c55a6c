"""train(): the one training loop of kinoloom.

In the folder of a training:

    run.json             settings, record, versions, machine
    checkpoints/         the newest few, to go on from
    best.safetensors     the weights with the best figure, if the task names one
    last.safetensors     the weights at the end
    log.jsonl, tensorboard/, samples/   see `logs`

Calling `train` again with the same task, settings and folder goes on where it was stopped, however
it was stopped, and computes what it would have computed without the stop, bit for bit on the same
device. Under torchrun the same call trains on many devices.
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
from kinoloom.base.outputs import naming_output
from kinoloom.base.provenance import to_jsonable, versions
from kinoloom.errors import OutputError, TrainingError, UsageError
from kinoloom.learn.checkpointing import checkpoints
from kinoloom.learn.checkpointing.atomic_files import remove_leftovers, write_text_durably
from kinoloom.learn.checkpointing.weights import write_weights
from kinoloom.learn.determinism import same_bits
from kinoloom.learn.distributed import Team, join
from kinoloom.learn.loading import batches
from kinoloom.learn.logging.loss_log import Meter
from kinoloom.learn.logging.progress import Show, bar
from kinoloom.learn.logging.writers import Logs
from kinoloom.learn.schedules import learning_rate
from kinoloom.learn.seeds import seed_everything, share_of
from kinoloom.learn.settings import Settings, checked, training_settings
from kinoloom.learn.stopping import Asked, listening
from kinoloom.learn.task import Task
from kinoloom.learn.update import Updater

logger = logging.getLogger("kinoloom")


@dataclass(frozen=True)
class Result:
    """What a training came to.

    Attributes:
        folder: where it lies.
        steps: how many were done in all.
        ended: "done", or "hours" when the time was up before.
        figures: of the last validation.
        best: the best value of the task's `best` figure, or None.
    """

    folder: Path
    steps: int
    ended: Literal["done", "hours"]
    figures: dict[str, float]
    best: float | None


def train(task: Task, settings: Settings, folder: Path) -> Result:
    """Train a network, or go on with a training.

    Ctrl-C and SIGTERM end it after the step at hand, with a checkpoint; then the signal has its
    usual effect (KeyboardInterrupt for Ctrl-C).

    Args:
        task: the network and its samples; the network is trained in place, on the device.
        settings: how to train.
        folder: where all goes; made if it is not there. What it holds of this training is used.

    Raises:
        UsageError: a setting is wrong, the task is not consistent, or the folder holds a
            training with other settings.
        WeightsError: the checkpoint to go on from is damaged.
        TrainingError: a loss, a gradient or a weight is not finite any more; no checkpoint holds
            anything of it.
        OutputError: a file cannot be written.
    """
    settings = checked(settings)
    if task.best and task.validate is None:
        raise UsageError(f"The task has no validation to give its best figure '{task.best}'.")
    team = join(settings.device)
    with same_bits(wanted=settings.deterministic), listening() as asked:
        return _Training(task, settings, folder, team).run(asked)


@dataclass
class _Every:
    """Something that comes around by steps, by the clock, or both."""

    steps: int | None
    seconds: float | None
    since: float = field(default_factory=time.monotonic)

    def due(self, done: int) -> bool:
        """Whether it is time after so many steps."""
        now = time.monotonic()
        by_clock = self.seconds is not None and now - self.since >= self.seconds
        return by_clock or (self.steps is not None and done % self.steps == 0)

    def happened(self) -> None:
        """Count from now on."""
        self.since = time.monotonic()


class _Training:
    """One call of `train`, on one process."""

    def __init__(self, task: Task, settings: Settings, folder: Path, team: Team) -> None:
        self.task, self.settings, self.folder, self.team = task, settings, folder, team
        self.shares = team.world * settings.accumulate
        share_of(settings.batch, 0, self.shares)  # says so now if it cannot be cut
        self.record = {
            "settings": training_settings(settings),
            "record": to_jsonable(dict(task.record)),
        }
        self.updater = Updater(task, settings, team)
        self.meter = Meter()
        self.done, self.seconds = 0, 0.0
        self.best: float | None = None
        self.figures: dict[str, float] = {}
        self.begun = time.monotonic()
        self.validation = _Every(settings.validate_steps, settings.validate_s)
        self.saving = _Every(settings.save_steps, settings.save_s)
        self.logging = _Every(settings.log_steps, None)
        self.logged, self.waited_s = 0, 0.0
        self.logs: Logs | None = None

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def elapsed_s(self) -> float:
        """Time spent on this training, before a resume included."""
        return self.seconds + time.monotonic() - self.begun

    def run(self, asked: Asked) -> Result:
        """Train to the end, or until asked to stop."""
        self._make_folder()
        self._resume()
        with self._told() as show:
            if self.done == 0:
                self._validate()
            self.logged = self.done
            self.logging.happened()
            ended = self._steps(asked, show)
            if self.team.first and not asked.number:
                self._write_weights("last.safetensors")
        return Result(self.folder, self.done, ended, self.figures, self.best)

    def _steps(self, asked: Asked, show: Show) -> Literal["done", "hours"]:
        mine = range(
            self.team.rank * self.settings.accumulate,
            (self.team.rank + 1) * self.settings.accumulate,
        )
        steps = range(self.done, self.settings.steps)
        made = batches(self.task.batch, steps, mine, self.shares, self.settings)
        with closing(made):
            for step in steps:
                asked_at = time.monotonic()
                parts = next(made)
                self.waited_s += time.monotonic() - asked_at
                self.meter.add(step, self.updater.update(step, parts))
                self.done = step + 1
                show(self.done, "")
                if self._after_step(asked, show):
                    return "done" if self.done == self.settings.steps else "hours"
        return "done"

    def _after_step(self, asked: Asked, show: Show) -> bool:
        """Do what is due after a step; whether to stop."""
        last = self.done == self.settings.steps
        late = 0 if self.team.device.type == "cpu" else 1  # a GPU is not waited for at each step
        fault = self.meter.read(keep=late)
        hours = self.settings.hours
        due = [
            bool(fault),
            asked.number,
            hours is not None and time.monotonic() - self.begun >= hours * 3600,
            self.logging.due(self.done),
            self.team.first and self.validation.due(self.done),
            self.team.first and self.saving.due(self.done),
        ]
        wrong, asked.number, no_time, log, validate, save = self.team.most(due)
        if wrong:
            raise self._fault(fault)
        end = last or no_time or asked.number
        if log or validate or save or end:
            self._check()
        if log:
            self._log(show)
        if (validate or end) and not asked.number:
            self._validate()
        if save or end:
            self._save()
        return bool(end)

    def _check(self) -> None:
        """See that all so far is finite, on all processes."""
        fault = self.meter.read() or self._fault_of_weights()
        if self.team.most([bool(fault)])[0]:
            raise self._fault(fault)

    def _fault_of_weights(self) -> str:
        state = self.updater.net.state_dict()
        named = {name: value for name, value in state.items() if value.is_floating_point()}
        fine = torch.stack([value.isfinite().all() for value in named.values()]).tolist()
        wrong = [name for name, is_fine in zip(named, fine, strict=True) if not is_fine]
        step = self.done - 1
        return f"After step {step} the weights {wrong[0]} are not finite." if wrong else ""

    def _fault(self, fault: str) -> TrainingError:
        good = checkpoints.newest(self.checkpoints)
        where = f"{good.name} is from before it" if good else "No checkpoint was made before"
        return TrainingError(
            fault or "Another process found a loss that is not finite.",
            hint=f"{where}. Begin in another folder with a lower --learning-rate, or --clip.",
        )

    def _log(self, show: Show) -> None:
        means = self.meter.take_means()
        shared = dict(zip(means, self.team.mean(list(means.values())), strict=True))
        if self.logs is None:
            return
        loss = shared.pop("loss")
        others = {
            name.replace(" ", "_"): shared.pop(name)
            for name in ("gradient norm", "loss scale")
            if name in shared
        }
        passed_s = max(time.monotonic() - self.logging.since, 1e-9)
        values = {
            "loss": loss,
            "terms": shared,
            **others,
            "learning_rate": learning_rate(self.settings, self.done - 1),
            "steps_per_s": (self.done - self.logged) / passed_s,
            "waited": self.waited_s / passed_s,
            "elapsed_s": self.elapsed_s,
        }
        self.logging.happened()
        self.logged, self.waited_s = self.done, 0.0
        self.logs.write("train", self.done, values)
        show(self.done, f"loss {loss:.4g}")

    def _validate(self) -> None:
        """Score the network on the first process; the others wait at their next exchange."""
        task, net = self.task, self.updater.best_net
        if self.logs is None or (task.validate is None and task.samples is None):
            return
        net.eval()
        seed_everything(self.settings.seed, self.done, self.shares)
        with torch.no_grad():
            figures = {n: float(v) for n, v in task.validate(net).items()} if task.validate else {}
            pictures = task.samples(net) if task.samples else {}
        self.logs.show(self.done, pictures)
        if figures:
            self.logs.write("validation", self.done, figures)
            told = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
            logger.info("step %d: %s", self.done, told)
            self.figures = figures
            self._keep_best(figures)
        self.validation.happened()

    def _keep_best(self, figures: dict[str, float]) -> None:
        if not self.task.best:
            return
        if self.task.best not in figures:
            raise UsageError(
                f"The validation gives no '{self.task.best}', by which the best is kept; "
                f"it gives {', '.join(figures)}."
            )
        new = figures[self.task.best]
        sign = 1 if self.task.higher_is_better else -1
        if new == new and (self.best is None or sign * new > sign * self.best):
            self.best = new
            self._write_weights("best.safetensors")

    def _write_weights(self, name: str) -> None:
        about = {
            "step": self.done,
            "figures": self.figures,
            **self.record,
            "versions": versions(),
            "elapsed_s": self.elapsed_s,
        }
        write_weights(self.folder / name, self.updater.best_net.state_dict(), about)

    def _save(self) -> None:
        if self.team.first:
            state = {
                "step": self.done,
                "seconds": self.elapsed_s,
                "best": self.best,
                "figures": self.figures,
                "meter": self.meter.state(),
                "versions": versions(),
                **self.record,
                **self.updater.state(),
            }
            checkpoints.save(self.checkpoints, state, self.settings.keep)
        self.saving.happened()

    def _resume(self) -> None:
        path = checkpoints.newest(self.checkpoints)
        if path is not None:
            state = checkpoints.load(path)
            checkpoints.check_same(path, state, **self.record)
            self.updater.restore(state)
            self.meter.restore(state["meter"])
            self.done, self.seconds = state["step"], state["seconds"]
            self.best, self.figures = state["best"], state["figures"]
            if self.team.first:
                logger.info("going on from step %d", self.done)
        most, least = self.team.most([self.done, -self.done])
        if most != -least:
            raise OutputError(
                f"The processes see different checkpoints, of steps {-least} to {most}.",
                hint=f"Let {self.folder.name} be on a disk that all machines share.",
            )

    def _make_folder(self) -> None:
        if self.team.first:
            with naming_output(self.folder):
                self.checkpoints.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder, self.checkpoints):
                remove_leftovers(folder)
        self.team.most([0])  # the others look for checkpoints only now

    @contextmanager
    def _told(self) -> Iterator[Show]:
        """Open the logs and the progress bar, on the first process."""
        with ExitStack() as stack:
            if self.team.first:
                about = {
                    **self.record,
                    "versions": versions(),
                    "machine": describe_machine(),
                    "device": str(self.team.device),
                    "processes": self.team.world,
                }
                write_text_durably(self.folder / "run.json", json.dumps(about, indent=2) + "\n")
                logs = Logs(self.folder, self.done, tensorboard=self.settings.tensorboard)
                self.logs = stack.enter_context(logs)
            yield stack.enter_context(bar(self.done, self.settings.steps, shown=self.team.first))
