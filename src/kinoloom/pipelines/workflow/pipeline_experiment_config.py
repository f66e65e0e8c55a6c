"""Names of the experiment and the trial that an execution belongs to."""

from __future__ import annotations

from typing import Any

from kinoloom.pipelines.workflow.entities import expr_of


class PipelineExperimentConfig:
    """Names of experiment and trial.

    Args:
        experiment_name, trial_name: text or pipeline variables.
    """

    def __init__(self, experiment_name: Any, trial_name: Any) -> None:
        self.experiment_name = experiment_name
        self.trial_name = trial_name

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        return {
            "ExperimentName": expr_of(self.experiment_name),
            "TrialName": expr_of(self.trial_name),
        }
