"""What would happen if a pipeline were started now? Nothing is run, made or changed.

A step whose needs would all be taken over is looked up in the cache with the properties that they
had where they ran; what comes after a step that would run is not known before.
"""

from __future__ import annotations

from typing import Any

from kinoloom.errors import KinoloomError
from kinoloom.pipelines.language.model import Placed
from kinoloom.pipelines.local.caching import key_of
from kinoloom.pipelines.local.tasks import JOBS, Run, Tasks, Tools

_SKIPPED = "would be skipped"


def explain_steps(run: Run, tools: Tools) -> dict[str, str]:
    """What each step would do, in words, by name, in the order of the graph.

    Args:
        run: an execution that is not begun.
        tools: of the session.
    """
    known: dict[str, Any] = {}
    told: dict[str, str] = {}
    tasks = Tasks(run, tools, known)
    for name in run.checked.graph.order:
        placed = run.checked.graph.steps[name]
        needs = run.checked.graph.needs[name]
        open_needs = sorted(need for need in needs if need not in known)
        if any(told[need] == _SKIPPED for need in needs) or _not_chosen(placed, known):
            told[name] = _SKIPPED
        elif open_needs:
            told[name] = f"not known before {', '.join(open_needs)} has run"
        else:
            told[name] = _explain_step(placed, run, tools, tasks, known)
    return told


def _not_chosen(placed: Placed, known: dict[str, Any]) -> bool:
    if placed.condition not in known:
        return False
    return bool(known[placed.condition]["Outcome"] != str(placed.chosen).lower())


def _explain_step(
    placed: Placed, run: Run, tools: Tools, tasks: Tasks, known: dict[str, Any]
) -> str:
    step, worker = placed.step, tools.worker
    try:
        if step.branches is not None:
            holds = all(c.holds(tasks.scope.value) for c in step.branches.conditions)
            known[step.name] = {"Outcome": str(holds).lower()}
            return f"would come to {str(holds).lower()}"
        if step.type == "Fail":
            return "would fail the execution"
        if step.type not in JOBS:
            return f"would run: a {step.type} step always does"
        cause = worker.cause(tasks.job(step))
        row = worker.equal_step(step, key_of(cause))
        if row is not None:
            known[step.name] = row["properties"]
            return f"would be taken over from execution {row['source'] or row['execution']}"
        return worker.why_not(step, run.pipeline, cause).replace("ran:", "would run:", 1)
    except (KinoloomError, LookupError, TypeError, ValueError, AttributeError) as error:
        return f"would fail: {error}"
