"""The names of the SageMaker Python SDK, version 2, on top of `kinoloom.pipelines`.

`from sagemaker.X import Y` becomes `from kinoloom.sagemaker.X import Y`. `run()`, `fit()` and so on
return the arguments of a step; nothing runs outside a pipeline. Names and modules are loaded when
they are first used: after `import kinoloom.sagemaker as sagemaker`, `sagemaker.image_uris.retrieve`
works. Modules whose names begin with an underscore are not the SDK's.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "estimator": ("Estimator", "Framework"),
    "inputs": ("CreateModelInput", "TrainingInput", "TransformInput"),
    "lambda_helper": ("Lambda",),
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
    "workflow.step_collections": ("EstimatorTransformer", "RegisterModel"),
    "workflow.steps": (
        "CacheConfig",
        "CreateModelStep",
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
    "metadata_properties", "model", "model_metrics", "network", "parameter", "pipeline",
    "processing", "pytorch", "s3", "session", "sklearn", "tensorflow", "transformer", "tuner",
    "workflow", "xgboost",
)  # fmt: skip
_LAZY = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_LAZY)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _LAZY:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
