"""Steps that run a job."""

from kinoloom.pipelines.builder.job_steps import ProcessingStep
from kinoloom.pipelines.builder.settings import CacheConfig
from kinoloom.pipelines.builder.steps import Step
from kinoloom.sagemaker.workflow._legacy_steps import CreateModelStep
from kinoloom.sagemaker.workflow._training_step import TrainingStep
from kinoloom.sagemaker.workflow._transform_step import TransformStep
from kinoloom.sagemaker.workflow._tuning_step import TuningStep

__all__ = [
    "CacheConfig",
    "CreateModelStep",
    "ProcessingStep",
    "Step",
    "TrainingStep",
    "TransformStep",
    "TuningStep",
]
