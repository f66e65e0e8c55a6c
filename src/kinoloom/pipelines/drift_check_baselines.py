"""What drift is measured against. Names are those of `sagemaker.drift_check_baselines`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.model_metrics import FileSource, MetricsSource

_PLACES = {
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
    """The files that a registered model's drift is measured against; each may be None."""

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
        """Its JSON in a request."""
        made: dict[str, Any] = {}
        for name, (part, member) in _PLACES.items():
            source = getattr(self, name)
            if source is not None:
                made.setdefault(part, {})[member] = source.to_request()
        return made
