"""The baselines of drift checks, as `sagemaker.drift_check_baselines`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinoloom.sagemaker.model_metrics import FileSource, MetricsSource, group_sources

_MEMBERS = {
    "model_statistics": ("ModelQuality", "Statistics"),
    "model_constraints": ("ModelQuality", "Constraints"),
    "model_data_statistics": ("ModelDataQuality", "Statistics"),
    "model_data_constraints": ("ModelDataQuality", "Constraints"),
    "bias_config_file": ("Bias", "ConfigFile"),
    "bias_pre_training_constraints": ("Bias", "PreTrainingConstraints"),
    "bias_post_training_constraints": ("Bias", "PostTrainingConstraints"),
    "explainability_constraints": ("Explainability", "Constraints"),
    "explainability_config_file": ("Explainability", "ConfigFile"),
}


@dataclass(frozen=True)
class DriftCheckBaselines:
    """The baseline files of a registered model's drift checks; each may be None."""

    model_statistics: MetricsSource | None = None
    model_constraints: MetricsSource | None = None
    model_data_statistics: MetricsSource | None = None
    model_data_constraints: MetricsSource | None = None
    bias_config_file: FileSource | None = None
    bias_pre_training_constraints: MetricsSource | None = None
    bias_post_training_constraints: MetricsSource | None = None
    explainability_constraints: MetricsSource | None = None
    explainability_config_file: FileSource | None = None

    def to_request(self) -> dict[str, Any]:
        """Return the baselines' JSON in a request."""
        return group_sources(self, _MEMBERS)
