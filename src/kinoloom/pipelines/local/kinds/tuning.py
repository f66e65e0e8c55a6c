"""Tuning steps."""

from __future__ import annotations

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.step_kind import LocalKind, Task
from kinoloom.pipelines.local.tuning.tuning import Trainer, Tuning


def prepare(context: RunContext, step: Step, attempt: int) -> Task:
    """Return the task that runs the tuning job, with resources for its parallel trainings.

    Raises:
        KinoloomError: The arguments are invalid, or an extra is not installed.
    """
    arguments, name = context.resolve(step)
    run, demand = context.run, context.tools.demand
    definition = arguments.get("TrainingJobDefinition", {})
    machine = definition.get("HyperParameterTuningResourceConfig", {}).get("InstanceType", "")
    limits = arguments["HyperParameterTuningJobConfig"]["ResourceLimits"]
    max_parallel = int(limits["MaxParallelTrainingJobs"])
    each = demand.of(str(machine))
    parallel, resources = 1, each
    while parallel < max_parallel and resources.plus(each).fits(demand.total):
        parallel, resources = parallel + 1, resources.plus(each)
    trainer = Trainer(
        context.tools.worker,
        run.id,
        run.pipeline,
        step,
        context.attempt_folder(step, attempt),
        parallel,
        each,
        run.stop_fd,
    )
    tuning = Tuning(arguments, name, f"{run.arn_base}:tuning-job/{name}", trainer)
    return Task(tuning.run, resources)


KINDS = (LocalKind("Tuning", prepare=prepare),)
