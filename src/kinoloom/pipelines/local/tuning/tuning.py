"""Tuning jobs: trainings with hyper-parameters from Optuna and metrics from their logs.

Each training is a job of its own, cached like a Training step, so a tuning job that is repeated
after a crash reuses the finished trainings.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.jobs.job import Job
from kinoloom.pipelines.local.jobs.outcome import STOPPED_REASON, Outcome, Status
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.pipelines.local.jobs.training_job import training_job
from kinoloom.pipelines.local.jobs.worker import Worker, find_values
from kinoloom.pipelines.local.threads import run_in_thread
from kinoloom.pipelines.local.tuning.early_stopping import watch_log
from kinoloom.pipelines.local.tuning.search import Search

_MAX_SUMMARIES = 50


@dataclass(frozen=True)
class Trainer:
    """Runs the trainings of a Tuning step; each has a row of its own, named `<step>/<number>`.

    Attributes:
        worker: The session's worker.
        execution, pipeline: The execution's id and the pipeline's name.
        step: The Tuning step.
        folder: The folder of the trainings.
        parallel: The maximum number of concurrent trainings.
        each: What one training uses of the machine.
        stop_fd: Becomes readable when the execution must stop.
    """

    worker: Worker
    execution: str
    pipeline: str
    step: Step
    folder: Path
    parallel: int
    each: Resources
    stop_fd: int

    def train(self, job: Job, number: int, should_stop: Callable[[str], bool]) -> Outcome:
        """Run a training.

        Args:
            job: The training job.
            number: Its number, from 0.
            should_stop: Called with the log's text periodically; True stops the training.
        """
        name = f"{self.step.name}/{number:03d}"
        folder = self.folder / f"{number:03d}"
        state = self.worker.state
        state.begin_step(self.execution, self.pipeline, name, "Training")
        with watch_log(folder / "log.txt", self.stop_fd, should_stop) as stop_fd:
            outcome = self.worker.run(
                replace(job, resources=self.each), replace(self.step, name=name), self.pipeline,
                folder, stop_fd,
                lambda pid, started: state.set_process(self.execution, name, pid, started),
            )  # fmt: skip
        state.end_step(self.execution, name, outcome.row())
        if outcome.status is Status.SUCCEEDED:
            self.worker.tidy(folder)
        return outcome


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        number: Its number, from 0.
        name: The job's name.
        hyperparameters: The tuned hyper-parameters.
        outcome: The job's outcome.
        value: The objective's value; None if it failed or its log does not have the metric.
    """

    number: int
    name: str
    hyperparameters: Mapping[str, str]
    outcome: Outcome
    value: float | None


class Tuning:
    """A tuning job.

    Args:
        arguments: The resolved request.
        name, arn: The job's name and ARN.
        trainer: Runs the trainings.

    Raises:
        MissingExtraError: Optuna is not installed.
        UsageError: The request is not supported.
    """

    def __init__(self, arguments: Mapping[str, Any], name: str, arn: str, trainer: Trainer) -> None:
        self._arguments = arguments
        self._config = arguments["HyperParameterTuningJobConfig"]
        if "TrainingJobDefinition" not in arguments:
            raise UsageError(
                "A Tuning step needs one TrainingJobDefinition; several are not supported."
            )
        if "WarmStartConfig" in arguments:
            raise UsageError("WarmStartConfig is not supported by LocalSession.")
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
            metric = objective["MetricName"]
            raise UsageError(f"The objective '{metric}' has no MetricDefinition.")
        self._pattern = patterns[objective["MetricName"]]
        self._search = Search(self._config, minimize=self._minimize)

    @property
    def _minimize(self) -> bool:
        return bool(self._objective["Type"] == "Minimize")

    def run(self) -> Outcome:
        """Run the trainings.

        Returns:
            SUCCEEDED with BestTrainingJob and TrainingJobSummaries, best first; STOPPED; or FAILED
            if no training has a value.
        """
        trained: list[Trained] = []
        running: dict[Future[Trained], Any] = {}
        started = 0
        try:
            while True:
                has_more = started < self._search.max_trials and not self._is_stopping()
                if has_more and len(running) < self._trainer.parallel:
                    trial, values = self._search.ask()
                    thread = f"kinoloom-{self._name}-{started}"
                    future = run_in_thread(thread, self._train, started, trial, values)
                    running[future] = trial
                    started += 1
                elif running:
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        trained.append(done.result())
                        self._search.tell(running.pop(done), trained[-1].value)
                else:
                    return self._outcome(trained)
        finally:
            wait(running)

    def _train(self, number: int, trial: Any, hyperparameters: Mapping[str, str]) -> Trained:
        name = f"{self._name}-{number:03d}"
        request = {
            **self._training,
            "HyperParameters": {
                **self._training.get("StaticHyperParameters", {}),
                **hyperparameters,
            },
            "ResourceConfig": self._training.get("HyperParameterTuningResourceConfig", {}),
        }
        job = training_job(request, name, self._arn_of(name))

        def should_stop(log: str) -> bool:
            return self._search.should_stop(trial, find_values(log, self._pattern))

        outcome = self._trainer.train(job, number, should_stop)
        metrics = (outcome.properties or {}).get("FinalMetricDataList", [])
        values = [m["Value"] for m in metrics if m["MetricName"] == self._objective["MetricName"]]
        value = values[0] if outcome.status is Status.SUCCEEDED and values else None
        return Trained(number, name, hyperparameters, outcome, value)

    def _is_stopping(self) -> bool:
        return bool(select.select([self._trainer.stop_fd], [], [], 0)[0])

    def _arn_of(self, name: str) -> str:
        return f"{self._arn.rpartition(':tuning-job')[0]}:training-job/{name}"

    def _outcome(self, trained: Sequence[Trained]) -> Outcome:
        if self._is_stopping():
            return Outcome(Status.STOPPED, STOPPED_REASON)
        sign = 1 if self._minimize else -1
        with_value = [one for one in trained if one.value is not None]
        ranked = sorted(with_value, key=lambda one: (sign * (one.value or 0), one.number))
        if not ranked:
            last = trained[-1].outcome
            metric = self._objective["MetricName"]
            reason = last.reason or f"no log has the metric '{metric}' ({self._pattern})"
            return Outcome(Status.FAILED, f"None of {len(trained)} trainings has a value: {reason}")
        summaries = [self._summary(one) for one in ranked]
        statuses = [one.outcome.status for one in trained]
        return Outcome(
            Status.SUCCEEDED,
            properties={
                **self._arguments,
                "HyperParameterTuningJobName": self._name,
                "HyperParameterTuningJobArn": self._arn,
                "HyperParameterTuningJobStatus": "Completed",
                "BestTrainingJob": summaries[0],
                "TrainingJobSummaries": summaries[:_MAX_SUMMARIES],
                "TrainingJobStatusCounters": {
                    "Completed": len(ranked),
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
            "TunedHyperParameters": dict(one.hyperparameters),
            "FinalHyperParameterTuningJobObjectiveMetric": {
                "MetricName": self._objective["MetricName"],
                "Type": self._objective["Type"],
                "Value": one.value,
            },
        }
