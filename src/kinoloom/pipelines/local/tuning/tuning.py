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

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.jobs.job import Job
from kinoloom.pipelines.local.jobs.outcome import STOPPED_REASON, Outcome, Status
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.pipelines.local.jobs.training_job import training_job
from kinoloom.pipelines.local.jobs.worker import Worker
from kinoloom.pipelines.local.threads import run_in_thread
from kinoloom.pipelines.local.tuning.candidates import Candidate, build_candidates, schedule
from kinoloom.pipelines.local.tuning.early_stopping import watch_log

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
        candidate: Its training definition.
        hyperparameters: The tuned hyper-parameters.
        outcome: The job's outcome.
        value: The objective's value; None if it failed or its log does not have the metric.
    """

    number: int
    name: str
    candidate: Candidate
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
        UsageError: A range is invalid.
    """

    def __init__(self, arguments: Mapping[str, Any], name: str, arn: str, trainer: Trainer) -> None:
        self._arguments = arguments
        self._name, self._arn = name, arn
        self._trainer = trainer
        candidates = build_candidates(arguments)
        limits = arguments["HyperParameterTuningJobConfig"]["ResourceLimits"]
        limit = limits.get("MaxNumberOfTrainingJobs")
        self._trials = schedule(candidates, None if limit is None else int(limit))
        self._minimize = candidates[0].objective["Type"] == "Minimize"

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
                has_more = started < len(self._trials) and not self._is_stopping()
                if has_more and len(running) < self._trainer.parallel:
                    candidate = self._trials[started]
                    trial, values = candidate.search.ask()
                    thread = f"kinoloom-{self._name}-{started}"
                    future = run_in_thread(thread, self._train, started, candidate, trial, values)
                    running[future] = trial
                    started += 1
                elif running:
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        one = done.result()
                        trained.append(one)
                        one.candidate.search.tell(running.pop(done), one.value)
                else:
                    return self._outcome(trained)
        finally:
            wait(running)

    def _train(
        self, number: int, candidate: Candidate, trial: Any, hyperparameters: Mapping[str, str]
    ) -> Trained:
        name = f"{self._name}-{number:03d}"
        job = training_job(candidate.request(hyperparameters), name, self._arn_of(name))
        outcome = self._trainer.train(job, number, candidate.should_stop(trial))
        metrics = (outcome.properties or {}).get("FinalMetricDataList", [])
        metric = candidate.objective["MetricName"]
        values = [one["Value"] for one in metrics if one["MetricName"] == metric]
        value = values[0] if outcome.status is Status.SUCCEEDED and values else None
        return Trained(number, name, candidate, hyperparameters, outcome, value)

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
            last = trained[-1]
            metric, pattern = last.candidate.objective["MetricName"], last.candidate.pattern
            reason = last.outcome.reason or f"no log has the metric '{metric}' ({pattern})"
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
        name = one.candidate.definition.get("DefinitionName")
        return {
            **({"TrainingJobDefinitionName": name} if name else {}),
            "TrainingJobName": one.name,
            "TrainingJobArn": self._arn_of(one.name),
            "TrainingJobStatus": "Completed",
            "TunedHyperParameters": dict(one.hyperparameters),
            "FinalHyperParameterTuningJobObjectiveMetric": {
                "MetricName": one.candidate.objective["MetricName"],
                "Type": one.candidate.objective["Type"],
                "Value": one.value,
            },
        }
