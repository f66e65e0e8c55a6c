"""The training definitions of a tuning job: one, or several that share the job's limits."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.local.jobs.worker import find_values
from kinoloom.pipelines.local.tuning.search import Search


@dataclass(frozen=True)
class Candidate:
    """A training definition and its search.

    Attributes:
        definition: The definition.
        objective: Its objective: MetricName and Type.
        pattern: The regular expression of the objective in the logs.
        search: The search of its hyper-parameters.
    """

    definition: Mapping[str, Any]
    objective: Mapping[str, str]
    pattern: str
    search: Search

    def request(self, hyperparameters: Mapping[str, str]) -> dict[str, Any]:
        """Return the request of a training."""
        fixed = self.definition.get("StaticHyperParameters", {})
        return {
            **self.definition,
            "HyperParameters": {**fixed, **hyperparameters},
            "ResourceConfig": self.definition.get("HyperParameterTuningResourceConfig", {}),
        }

    def should_stop(self, trial: Any) -> Callable[[str], bool]:
        """Return a function that decides from a log's text whether to stop a training."""
        return lambda log: self.search.should_stop(trial, find_values(log, self.pattern))


def list_definitions(arguments: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the training definitions of a request."""
    several = arguments.get("TrainingJobDefinitions")
    return list(several) if several else [arguments["TrainingJobDefinition"]]


def find_objective(
    definition: Mapping[str, Any], config: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Return the objective of a definition: its own, or that of the tuning job."""
    own = definition.get("TuningObjective")
    found = own or config.get("HyperParameterTuningJobObjective")
    return found if isinstance(found, Mapping) and found else None


def build_candidates(arguments: Mapping[str, Any]) -> list[Candidate]:
    """Return the candidates of a request.

    Raises:
        MissingExtraError: Optuna is not installed.
        UsageError: No hyper-parameter has a range, or a range is invalid.
    """
    config = arguments["HyperParameterTuningJobConfig"]
    candidates = []
    for definition in list_definitions(arguments):
        objective = find_objective(definition, config) or {}
        metrics = definition["AlgorithmSpecification"].get("MetricDefinitions", ())
        patterns = {one["Name"]: one["Regex"] for one in metrics}
        ranges = definition.get("HyperParameterRanges") or config.get("ParameterRanges", {})
        search = Search(
            {**config, "ParameterRanges": ranges}, minimize=objective["Type"] == "Minimize"
        )
        pattern = patterns[objective["MetricName"]]
        candidates.append(Candidate(definition, objective, pattern, search))
    return candidates


def schedule(candidates: Sequence[Candidate], limit: int | None) -> list[Candidate]:
    """Return the candidate of each trial: in turns, until the searches or the limit end.

    Args:
        candidates: The candidates.
        limit: The maximum number of trials; None means all that the searches have.
    """
    turns = itertools.zip_longest(*([one] * one.search.max_trials for one in candidates))
    trials = [one for turn in turns for one in turn if one is not None]
    return trials[:limit]
