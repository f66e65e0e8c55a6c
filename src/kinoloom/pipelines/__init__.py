"""Pipelines of steps, run on this machine, a Ray cluster or Amazon SageMaker.

    from kinoloom.pipelines import LocalSession, Pipeline, step

Names are loaded when they are first used. `kinoloom.sagemaker` has the names of the SageMaker
Python SDK.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "aws.session": ("SageMakerSession",),
    "builder.conditions": (
        "ConditionEquals",
        "ConditionGreaterThan",
        "ConditionGreaterThanOrEqualTo",
        "ConditionIn",
        "ConditionLessThan",
        "ConditionLessThanOrEqualTo",
        "ConditionNot",
        "ConditionOr",
    ),
    "builder.control_steps": ("ConditionStep", "FailStep"),
    "builder.function_steps": ("step",),
    "builder.job_steps": ("ProcessingStep",),
    "builder.parameters": (
        "ParameterBoolean",
        "ParameterFloat",
        "ParameterInteger",
        "ParameterString",
    ),
    "builder.pipeline": ("Pipeline",),
    "builder.processing": ("Processor",),
    "builder.processing_files": ("ProcessingInput", "ProcessingOutput"),
    "builder.properties": ("JsonGet", "PropertyFile"),
    "builder.retry": (
        "SageMakerJobExceptionTypeEnum",
        "SageMakerJobStepRetryPolicy",
        "StepExceptionTypeEnum",
        "StepRetryPolicy",
    ),
    "builder.settings": ("CacheConfig", "ParallelismConfiguration"),
    "builder.variables": ("ExecutionVariables", "Join"),
    "cluster.session": ("RaySession",),
    "local.execution": ("LocalExecution",),
    "local.resources": ("Resources",),
    "local.session": ("LocalSession",),
    "protocols": ("Execution", "Session"),
}
_LAZY = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_LAZY)


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
