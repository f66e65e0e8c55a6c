"""The dry run: what each step would do if a pipeline started now. Nothing runs or changes.

A step whose needs would all reuse cached outputs is looked up in the cache with their cached
properties. Steps behind a step that would run are unknown.
"""

from __future__ import annotations

from typing import Any

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.language.model import Placed
from kinoloom.pipelines.local.context import Run, RunContext, Tools
from kinoloom.pipelines.local.jobs.cache_key import build_key
from kinoloom.pipelines.local.jobs.job import Job
from kinoloom.pipelines.local.jobs.outcome import Status, describe_error
from kinoloom.pipelines.local.kinds import LOCAL_KINDS

_SKIPPED = "would be skipped"


def explain_steps(run: Run, tools: Tools) -> dict[str, str]:
    """Return what each step would do, by name, in the graph's order.

    Args:
        run: An execution that has not started.
        tools: The session's tools.
    """
    known: dict[str, Any] = {}
    explanations: dict[str, str] = {}
    context = RunContext(run, tools, known)
    for name in run.checked.graph.order:
        placed = run.checked.graph.steps[name]
        needs = run.checked.graph.needs[name]
        unknown = sorted(need for need in needs if need not in known)
        if any(explanations[need] == _SKIPPED for need in needs) or _is_skipped(placed, known):
            explanations[name] = _SKIPPED
        elif unknown:
            explanations[name] = f"unknown until {', '.join(unknown)} has run"
        else:
            explanations[name] = _explain_step(placed.step, context, known)
    return explanations


def _is_skipped(placed: Placed, known: dict[str, Any]) -> bool:
    if placed.condition not in known:
        return False
    return bool(known[placed.condition]["Outcome"] != str(placed.outcome).lower())


def _explain_step(step: Step, context: RunContext, known: dict[str, Any]) -> str:
    kind = LOCAL_KINDS[step.type]
    try:
        if kind.decide is not None:
            outcome = kind.decide(context.scope, step)
            if outcome.status is not Status.SUCCEEDED:
                return f"would fail: {outcome.reason}"
            known[step.name] = outcome.properties
            return f"would evaluate to {outcome.properties['Outcome']}"
        if kind.build_job is None:
            return f"would run: {step.type} steps are not cached"
        return _explain_job(step, kind.build_job(context, step), context, known)
    except Exception as error:  # noqa: BLE001  any error would end the step
        return f"would fail: {describe_error(error)}"


def _explain_job(step: Step, job: Job, context: RunContext, known: dict[str, Any]) -> str:
    worker = context.tools.worker
    cause = worker.cause(job)
    row = worker.find_equal_step(step, build_key(cause))
    if row is None:
        miss = worker.explain_miss(step, context.run.pipeline, cause)
        return miss.replace("ran:", "would run:", 1)
    known[step.name] = row["properties"]
    return f"cache hit: execution {row['source'] or row['execution']}"
