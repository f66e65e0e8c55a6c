"""Tuning jobs: trainings one after the other and side by side, their hyper-parameters chosen by
Optuna, their metrics read from their logs.

Each training is a job of its own: it is looked up in the cache and kept like a Training step, so a
tuning that is repeated after a crash takes over what had been trained.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.early_stopping import watch_log
from kinoloom.pipelines.local.jobs import Job
from kinoloom.pipelines.local.resources import Resources
from kinoloom.pipelines.local.schedule import Status
from kinoloom.pipelines.local.search import Search
from kinoloom.pipelines.local.training import training_job
from kinoloom.pipelines.local.worker import Outcome, Worker, values_in

_MOST_SUMMARIES = 50


@dataclass(frozen=True)
class Trainer:
    """Runs the trainings of one Tuning step; each has a row of its own, named `<step>/<number>`.

    Attributes:
        worker: of the session.
        execution, pipeline: whose step it is.
        step: as defined.
        folder: for the trainings.
        parallel: how many at once at most.
        each: what one takes of the machine.
        stop_fd: becomes readable when all must stop.
    """

    worker: Worker
    execution: str
    pipeline: str
    step: Step
    folder: Path
    parallel: int
    each: Resources
    stop_fd: int

    def train(self, job: Job, number: int, judge: Callable[[str], bool]) -> Outcome:
        """Run a training.

        Args:
            job: what to do.
            number: from 0.
            judge: is shown the log now and then; true ends the training.
        """
        name = f"{self.step.name}/{number:03d}"
        folder = self.folder / f"{number:03d}"
        state = self.worker.state
        state.begin_step(self.execution, self.pipeline, name, "Training")
        with watch_log(folder / "log.txt", self.stop_fd, judge) as stop_fd:
            outcome = self.worker.run(
                replace(job, resources=self.each), replace(self.step, name=name), self.pipeline,
                folder, stop_fd,
                lambda pid, moment: state.set_process(self.execution, name, pid, moment),
            )  # fmt: skip
        state.end_step(self.execution, name, outcome.row())
        if outcome.status is Status.SUCCEEDED:
            self.worker.tidy(folder)
        return outcome


@dataclass(frozen=True)
class Trained:
    """One training that has ended.

    Attributes:
        number: from 0.
        name: of the job.
        chosen: its hyper-parameters that have ranges.
        outcome: of the job.
        value: of the objective; None when it did not succeed or its log does not tell.
    """

    number: int
    name: str
    chosen: Mapping[str, str]
    outcome: Outcome
    value: float | None


class Tuning:
    """One tuning job.

    Args:
        arguments: the request, resolved.
        name, arn: of the job.
        trainer: runs its trainings.

    Raises:
        MissingExtraError: Optuna is not installed.
        UsageError: it asks for what cannot be done here.
    """

    def __init__(self, arguments: Mapping[str, Any], name: str, arn: str, trainer: Trainer) -> None:
        self._arguments = arguments
        self._config = arguments["HyperParameterTuningJobConfig"]
        if "TrainingJobDefinition" not in arguments:
            raise UsageError("A Tuning step needs one TrainingJobDefinition here, not several.")
        if "WarmStartConfig" in arguments:
            raise UsageError("A Tuning step cannot learn from earlier ones here: WarmStartConfig.")
        self._training = arguments["TrainingJobDefinition"]
        self._name, self._arn = name, arn
        self._trainer = trainer
        objective = self._config.get("HyperParameterTuningJobObjective")
        if objective is None:
            raise UsageError("A Tuning step needs a HyperParameterTuningJobObjective.")
        self._objective = objective
        metrics = self._training["AlgorithmSpecification"].get("MetricDefinitions", ())
        patterns = {one["Name"]: one["Regex"] for one in metrics}
        if objective["MetricName"] not in patterns:
            told = objective["MetricName"]
            raise UsageError(f"No MetricDefinition says how '{told}' is read from the logs.")
        self._pattern = patterns[objective["MetricName"]]
        self._search = Search(self._config, minimizes=self._minimizes)

    @property
    def _minimizes(self) -> bool:
        return bool(self._objective["Type"] == "Minimize")

    def run(self) -> Outcome:
        """Train until the number of jobs is reached.

        Returns:
            FAILED when no training came to a value, or STOPPED; else SUCCEEDED, with
            BestTrainingJob and TrainingJobSummaries sorted from the best.
        """
        trained: list[Trained] = []
        running: dict[Future[Trained], Any] = {}
        begun = 0
        with ThreadPoolExecutor(self._trainer.parallel) as pool:
            while True:
                open_ = begun < self._search.most and not self._stopping()
                if open_ and len(running) < self._trainer.parallel:
                    trial, chosen = self._search.ask()
                    running[pool.submit(self._train, begun, trial, chosen)] = trial
                    begun += 1
                elif running:
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        trained.append(done.result())
                        self._search.tell(running.pop(done), trained[-1].value)
                else:
                    return self._outcome(trained)

    def _train(self, number: int, trial: Any, chosen: Mapping[str, str]) -> Trained:
        name = f"{self._name}-{number:03d}"
        request = {
            **self._training,
            "HyperParameters": {**self._training.get("StaticHyperParameters", {}), **chosen},
            "ResourceConfig": self._training.get("HyperParameterTuningResourceConfig", {}),
        }
        job = training_job(request, name, self._arn_of(name))

        def judge(log: str) -> bool:
            return self._search.hopeless(trial, values_in(log, self._pattern))

        outcome = self._trainer.train(job, number, judge)
        found = (outcome.properties or {}).get("FinalMetricDataList", [])
        values = [m["Value"] for m in found if m["MetricName"] == self._objective["MetricName"]]
        succeeded = outcome.status is Status.SUCCEEDED
        return Trained(number, name, chosen, outcome, values[0] if succeeded and values else None)

    def _stopping(self) -> bool:
        return bool(select.select([self._trainer.stop_fd], [], [], 0)[0])

    def _arn_of(self, name: str) -> str:
        return f"{self._arn.rpartition(':tuning-job')[0]}:training-job/{name}"

    def _outcome(self, trained: Sequence[Trained]) -> Outcome:
        if self._stopping():
            return Outcome(Status.STOPPED, "The execution was stopped.")
        sign = 1 if self._minimizes else -1
        found = [one for one in trained if one.value is not None]
        ordered = sorted(found, key=lambda one: (sign * (one.value or 0), one.number))
        if not ordered:
            last = trained[-1].outcome
            metric = self._objective["MetricName"]
            why = last.reason or f"no log has the metric '{metric}' ({self._pattern})"
            return Outcome(Status.FAILED, f"No training of {len(trained)} has a value: {why}")
        summaries = [self._summary(one) for one in ordered]
        statuses = [one.outcome.status for one in trained]
        return Outcome(
            Status.SUCCEEDED,
            properties={
                **self._arguments,
                "HyperParameterTuningJobName": self._name,
                "HyperParameterTuningJobArn": self._arn,
                "HyperParameterTuningJobStatus": "Completed",
                "BestTrainingJob": summaries[0],
                "TrainingJobSummaries": summaries[:_MOST_SUMMARIES],
                "TrainingJobStatusCounters": {
                    "Completed": len(ordered),
                    "Stopped": statuses.count(Status.STOPPED),
                    "NonRetryableError": statuses.count(Status.FAILED),
                },
            },
        )

    def _summary(self, one: Trained) -> dict[str, Any]:
        return {
            "TrainingJobName": one.name,
            "TrainingJobArn": self._arn_of(one.name),
            "TrainingJobStatus": "Completed",
            "TunedHyperParameters": dict(one.chosen),
            "FinalHyperParameterTuningJobObjectiveMetric": {
                "MetricName": self._objective["MetricName"],
                "Type": self._objective["Type"],
                "Value": one.value,
            },
        }
