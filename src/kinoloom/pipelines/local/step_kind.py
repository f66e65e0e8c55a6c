"""How the steps of a kind run on this machine.

Each module in `kinds` declares kinds in its tuple `KINDS`; `kinds.LOCAL_KINDS` lists all of them by
type. The language's part of a kind is in the module of the same name in `language/kinds`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.language.shapes import ANYTHING, Shape, fits_type, format_value
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.job import Job
from kinoloom.pipelines.local.jobs.outcome import Outcome, Status
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.pipelines.local.scope import Scope

NO_RESOURCES = Resources(cpu=0)


@dataclass(frozen=True)
class Task:
    """A step's work.

    Attributes:
        work: Does the work in a thread of its own.
        resources: What it uses of the machine.
        can_be_abandoned: Whether a stop leaves the work to its thread, as it cannot end it.
    """

    work: Callable[[], Outcome]
    resources: Resources = NO_RESOURCES
    can_be_abandoned: bool = False


@dataclass(frozen=True)
class Lookup:
    """The search for a step's outputs in the cache, for a step that must wait for resources.

    Attributes:
        find: Returns the outcome, or the task that remains to be done; called in a thread.
        task: The search and the work in one, for a step whose resources are free.
    """

    find: Callable[[], Outcome | Task]
    task: Task


def _result_is_properties(properties: Mapping[str, Any], locate: Callable[[str], Path]) -> Any:
    return properties


def _no_notes(arguments: Mapping[str, Any]) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class LocalKind:
    """How steps of one type run. Exactly one of `decide`, `build_job` and `prepare` is given.

    Attributes:
        type: The step type.
        decide: Returns the outcome at once, for steps that only evaluate values.
        build_job: Returns the job, for steps that run one; they are cached. It raises
            KinoloomError if the arguments are invalid.
        prepare: Returns the task, for all other steps, given the number of the attempt (from 1).
            It raises KinoloomError if the arguments are invalid.
        result: Returns the result of a succeeded step from its properties and a function that
            locates addresses.
        supported: The shape of the arguments that can run here.
        notes: Yields a sentence for each argument that has another effect here.
    """

    type: str
    decide: Callable[[Scope, Step], Outcome] | None = None
    build_job: Callable[[RunContext, Step], Job] | None = None
    prepare: Callable[[RunContext, Step, int], Task] | None = None
    result: Callable[[Mapping[str, Any], Callable[[str], Path]], Any] = _result_is_properties
    supported: Shape = ANYTHING
    notes: Callable[[Mapping[str, Any]], Iterable[str]] = _no_notes


def prepare_task(kind: LocalKind, context: RunContext, step: Step, attempt: int) -> Lookup | Task:
    """Return the task of a step whose kind does not decide at once, or the lookup before it.

    Args:
        kind: The step's kind.
        context: The context.
        step: The step.
        attempt: The number of the attempt, from 1.

    Raises:
        KinoloomError: The step's arguments are invalid.
        TypeError: The kind decides at once.
    """
    if kind.prepare is not None:
        return kind.prepare(context, step, attempt)
    if kind.build_job is None:
        raise TypeError(f"{kind.type} steps have no task.")
    job = kind.build_job(context, step)
    run, tools = context.run, context.tools
    folder = context.attempt_folder(step, attempt)

    def on_start(pid: int, started: str) -> None:
        tools.state.set_process(run.id, step.name, pid, started)

    def find() -> Outcome | Task:
        found = tools.worker.look_up(job, step, run.pipeline)
        if isinstance(found, Outcome):
            return found
        return Task(
            lambda: tools.worker.run_missed(found, folder, run.stop_fd, on_start),
            job.resources,
        )

    return Lookup(
        find,
        Task(
            lambda: tools.worker.run(job, step, run.pipeline, folder, run.stop_fd, on_start),
            job.resources,
        ),
    )


def check_outputs(step: Step, outputs: Any) -> Outcome:
    """Return the outcome of a Lambda or Callback step: its declared outputs, if types match."""
    declared = step.to_json().get("OutputParameters", [])
    if declared and not isinstance(outputs, Mapping):
        return Outcome(Status.FAILED, f"The outputs must be a dict, not {format_value(outputs)}.")
    values = {}
    for output in declared:
        name, output_type = output["OutputName"], output["OutputType"]
        if name not in outputs or not fits_type(outputs[name], output_type):
            found = format_value(outputs[name]) if name in outputs else "missing"
            return Outcome(
                Status.FAILED, f"Output '{name}' must be of type {output_type}, not {found}."
            )
        values[name] = outputs[name]
    return Outcome(Status.SUCCEEDED, properties={"OutputParameters": values})
