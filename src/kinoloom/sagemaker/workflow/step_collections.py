"""Collections of steps."""

from kinoloom.pipelines.builder.steps import StepCollection
from kinoloom.sagemaker.workflow._legacy_steps import EstimatorTransformer, RegisterModel

__all__ = ["EstimatorTransformer", "RegisterModel", "StepCollection"]
