"""Pipelines: steps, conditions, sessions.

    from kinoloom.pipelines import LocalSession, Pipeline, ProcessingStep, ScriptProcessor

Every name is also in the module where the SageMaker Python SDK (version 2) has it:
`sagemaker.workflow.steps.ProcessingStep` is `kinoloom.pipelines.workflow.steps.ProcessingStep`.
Names are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "compiling": ("StepArguments",),
    "estimator": ("Estimator", "Framework"),
    "inputs": ("TrainingInput",),
    "lambda_helper": ("Lambda",),
    "local.execution": ("Execution",),
    "local.resources": ("Resources",),
    "local.session": ("LocalSession",),
    "processing": ("ProcessingInput", "ProcessingOutput", "Processor", "ScriptProcessor"),
    "sklearn.processing": ("SKLearnProcessor",),
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
    "workflow.functions": ("Join", "JsonGet"),
    "workflow.lambda_step": ("LambdaOutput", "LambdaOutputTypeEnum", "LambdaStep"),
    "workflow.parallelism_config": ("ParallelismConfiguration",),
    "workflow.parameters": (
        "ParameterBoolean",
        "ParameterFloat",
        "ParameterInteger",
        "ParameterString",
    ),
    "workflow.pipeline": ("Pipeline",),
    "workflow.pipeline_experiment_config": ("PipelineExperimentConfig",),
    "workflow.properties": ("PropertyFile",),
    "workflow.retry": (
        "SageMakerJobExceptionTypeEnum",
        "SageMakerJobStepRetryPolicy",
        "StepExceptionTypeEnum",
        "StepRetryPolicy",
    ),
    "workflow.steps": ("CacheConfig", "ProcessingStep", "TrainingStep"),
    "xgboost.estimator": ("XGBoost",),
}
_LAZY = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_LAZY)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'kinoloom.pipelines' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
