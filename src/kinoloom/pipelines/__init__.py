"""Pipelines: steps, conditions, sessions.

    from kinoloom.pipelines import LocalSession, Pipeline, ProcessingStep, ScriptProcessor

Every name is also in the module where the SageMaker Python SDK (version 2) has it:
`sagemaker.workflow.steps.ProcessingStep` is `kinoloom.pipelines.workflow.steps.ProcessingStep`.
Names are loaded when they are first used, modules too: after `import kinoloom.pipelines as
sagemaker`, `sagemaker.image_uris.retrieve` works as it does there.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "aws.session": ("SageMakerSession",),
    "cluster.session": ("RaySession",),
    "compiling": ("StepArguments",),
    "estimator": ("Estimator", "Framework"),
    "inputs": ("CreateModelInput", "TrainingInput", "TransformInput"),
    "lambda_helper": ("Lambda",),
    "local.execution": ("LocalExecution",),
    "local.resources": ("Resources",),
    "local.session": ("LocalSession",),
    "model": ("FrameworkModel", "Model"),
    "model_metrics": ("MetricsSource", "ModelMetrics"),
    "network": ("NetworkConfig",),
    "pipeline": ("PipelineModel",),
    "processing": (
        "FrameworkProcessor",
        "ProcessingInput",
        "ProcessingOutput",
        "Processor",
        "ScriptProcessor",
    ),
    "pytorch.estimator": ("PyTorch",),
    "s3": ("S3Uploader",),
    "session": ("Session", "get_execution_role"),
    "sklearn.estimator": ("SKLearn",),
    "sklearn.processing": ("SKLearnProcessor",),
    "tensorflow.estimator": ("TensorFlow",),
    "transformer": ("Transformer",),
    "tuner": (
        "CategoricalParameter",
        "ContinuousParameter",
        "HyperparameterTuner",
        "IntegerParameter",
    ),
    "workflow.callback_step": ("CallbackOutput", "CallbackOutputTypeEnum", "CallbackStep"),
    "workflow.condition_step": ("ConditionStep",),
    "workflow.conditions": (
        "ConditionEquals",
        "ConditionGreaterThan",
        "ConditionGreaterThanOrEqualTo",
        "ConditionIn",
        "ConditionLessThan",
        "ConditionLessThanOrEqualTo",
        "ConditionNot",
        "ConditionOr",
    ),
    "workflow.execution_variables": ("ExecutionVariables",),
    "workflow.fail_step": ("FailStep",),
    "workflow.function_step": ("step",),
    "workflow.functions": ("Join", "JsonGet"),
    "workflow.lambda_step": ("LambdaOutput", "LambdaOutputTypeEnum", "LambdaStep"),
    "workflow.model_step": ("ModelStep",),
    "workflow.older_steps": ("CreateModelStep", "EstimatorTransformer", "RegisterModel"),
    "workflow.parallelism_config": ("ParallelismConfiguration",),
    "workflow.parameters": (
        "ParameterBoolean",
        "ParameterFloat",
        "ParameterInteger",
        "ParameterString",
    ),
    "workflow.pipeline": ("Pipeline",),
    "workflow.pipeline_context": ("LocalPipelineSession", "PipelineSession"),
    "workflow.pipeline_definition_config": ("PipelineDefinitionConfig",),
    "workflow.pipeline_experiment_config": ("PipelineExperimentConfig",),
    "workflow.properties": ("PropertyFile",),
    "workflow.retry": (
        "SageMakerJobExceptionTypeEnum",
        "SageMakerJobStepRetryPolicy",
        "StepExceptionTypeEnum",
        "StepRetryPolicy",
    ),
    "workflow.selective_execution_config": ("SelectiveExecutionConfig",),
    "workflow.steps": (
        "CacheConfig",
        "ProcessingStep",
        "TrainingStep",
        "TransformStep",
        "TuningStep",
    ),
    "xgboost.estimator": ("XGBoost",),
    "xgboost.model": ("XGBoostModel",),
}
_MODULES = (
    "drift_check_baselines", "estimator", "image_uris", "inputs", "lambda_helper",
    "metadata_properties", "model", "model_metrics", "network", "pipeline", "processing",
    "parameter", "pytorch", "s3", "session", "sklearn", "tensorflow", "transformer", "tuner",
    "workflow", "xgboost",
)  # fmt: skip
_LAZY = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_LAZY)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module 'kinoloom.pipelines' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
