"""Tuning steps."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.language.problems import Problems, child_path
from kinoloom.pipelines.language.shapes import ListOf, Record
from kinoloom.pipelines.language.values import function_of
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.pipelines.local.shapes import All, Unsupported, get_items, get_member, note_hosts
from kinoloom.pipelines.local.step_kind import LocalKind, Task
from kinoloom.pipelines.local.training_shape import TRAINING
from kinoloom.pipelines.local.tuning.candidates import find_objective, list_definitions
from kinoloom.pipelines.local.tuning.tuning import Trainer, Tuning


def prepare(context: RunContext, step: Step, attempt: int) -> Task:
    """Return the task that runs the tuning job, with resources for its parallel trainings.

    Raises:
        KinoloomError: The arguments are invalid, or an extra is not installed.
    """
    arguments, name = context.resolve(step, _SUPPORTED)
    run, demand = context.run, context.tools.demand
    limits = arguments["HyperParameterTuningJobConfig"]["ResourceLimits"]
    max_parallel = int(limits["MaxParallelTrainingJobs"])
    machines = [
        definition.get("HyperParameterTuningResourceConfig", {}).get("InstanceType", "")
        for definition in list_definitions(arguments)
    ]
    each = functools.reduce(Resources.at_least, [demand.of(str(one)) for one in machines])
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


@dataclass(frozen=True)
class _Definitions:
    """A request whose training definitions have one kind of objective, with its metric."""

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if not any(raw.get(key) for key in _KEYS):
            problems.add(path, f"must have '{_KEYS[0]}' or '{_KEYS[1]}'")
        config = get_member(raw, "HyperParameterTuningJobConfig")
        several = child_path(path, _KEYS[1])
        definitions = {child_path(path, _KEYS[0]): get_member(raw, _KEYS[0])}
        definitions |= {
            child_path(several, index): one for index, one in enumerate(get_items(raw, _KEYS[1]))
        }
        types = {
            self._check_objective(one, config, where, problems)
            for where, one in definitions.items()
            if one and isinstance(one, Mapping) and not function_of(one)
        }
        if len(types - {None}) > 1:
            problems.add(path, "must not both minimize and maximize: the best of all is chosen")

    def _check_objective(
        self, definition: Mapping[str, Any], config: Any, path: str, problems: Problems
    ) -> str | None:
        """Return the type of a definition's objective; None if it is missing or not known yet."""
        objective = find_objective(definition, config)
        if objective is None:
            problems.add(path, "must have an objective: TuningObjective, or the job's own")
            return None
        algorithm = get_member(definition, "AlgorithmSpecification")
        metrics = get_items(algorithm, "MetricDefinitions")
        names = [one.get("Name") for one in metrics if isinstance(one, Mapping)]
        metric, found = objective.get("MetricName"), objective.get("Type")
        is_known = not function_of(algorithm.get("MetricDefinitions"))
        if isinstance(metric, str) and metric not in names and is_known:
            problems.add(path, f"must have a MetricDefinition of the objective '{metric}'")
        return found if isinstance(found, str) else None


def _list_notes(arguments: Mapping[str, Any]) -> Iterator[str]:
    for definition in list_definitions(arguments):
        yield from note_hosts(definition)


_KEYS = ("TrainingJobDefinition", "TrainingJobDefinitions")
_SUPPORTED = All(
    (
        Record(
            {},
            {
                "TrainingJobDefinition": TRAINING,
                "TrainingJobDefinitions": ListOf(TRAINING, min_length=1),
                "Autotune": Unsupported("give the hyper-parameters ranges"),
                "WarmStartConfig": Unsupported("remove it; finished trainings are cached"),
            },
        ),
        _Definitions(),
    )
)

KINDS = (LocalKind("Tuning", prepare=prepare, supported=_SUPPORTED, notes=_list_notes),)
