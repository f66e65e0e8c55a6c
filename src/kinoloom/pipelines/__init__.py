"""Pipelines of steps, run on this machine, a Ray cluster or Amazon SageMaker.

    from kinoloom.pipelines import LocalSession, Pipeline, step

Names are loaded when they are first used. `kinoloom.sagemaker` has the names of the SageMaker
Python SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinoloom import lazy

if TYPE_CHECKING:
    from kinoloom.pipelines.aws.session import SageMakerSession
    from kinoloom.pipelines.builder.conditions import (
        ConditionEquals,
        ConditionGreaterThan,
        ConditionGreaterThanOrEqualTo,
        ConditionIn,
        ConditionLessThan,
        ConditionLessThanOrEqualTo,
        ConditionNot,
        ConditionOr,
    )
    from kinoloom.pipelines.builder.control_steps import ConditionStep, FailStep
    from kinoloom.pipelines.builder.functions.decorator import step
    from kinoloom.pipelines.builder.job_steps import ProcessingStep
    from kinoloom.pipelines.builder.parameters import (
        ParameterBoolean,
        ParameterFloat,
        ParameterInteger,
        ParameterString,
    )
    from kinoloom.pipelines.builder.pipeline import Pipeline
    from kinoloom.pipelines.builder.processing import Processor
    from kinoloom.pipelines.builder.processing_files import ProcessingInput, ProcessingOutput
    from kinoloom.pipelines.builder.properties import JsonGet, PropertyFile
    from kinoloom.pipelines.builder.retry import (
        SageMakerJobExceptionTypeEnum,
        SageMakerJobStepRetryPolicy,
        StepExceptionTypeEnum,
        StepRetryPolicy,
    )
    from kinoloom.pipelines.builder.settings import CacheConfig, ParallelismConfiguration
    from kinoloom.pipelines.builder.variables import ExecutionVariables, Join
    from kinoloom.pipelines.cluster.session import RaySession
    from kinoloom.pipelines.local.execution import LocalExecution
    from kinoloom.pipelines.local.jobs.resources import Resources
    from kinoloom.pipelines.local.session import LocalSession
    from kinoloom.pipelines.protocols import Execution, Session

_NAMES = {
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
    "builder.control_steps": (
        "ConditionStep",
        "FailStep",
    ),
    "builder.functions.decorator": ("step",),
    "builder.job_steps": ("ProcessingStep",),
    "builder.parameters": (
        "ParameterBoolean",
        "ParameterFloat",
        "ParameterInteger",
        "ParameterString",
    ),
    "builder.pipeline": ("Pipeline",),
    "builder.processing": ("Processor",),
    "builder.processing_files": (
        "ProcessingInput",
        "ProcessingOutput",
    ),
    "builder.properties": (
        "JsonGet",
        "PropertyFile",
    ),
    "builder.retry": (
        "SageMakerJobExceptionTypeEnum",
        "SageMakerJobStepRetryPolicy",
        "StepExceptionTypeEnum",
        "StepRetryPolicy",
    ),
    "builder.settings": (
        "CacheConfig",
        "ParallelismConfiguration",
    ),
    "builder.variables": (
        "ExecutionVariables",
        "Join",
    ),
    "cluster.session": ("RaySession",),
    "local.execution": ("LocalExecution",),
    "local.jobs.resources": ("Resources",),
    "local.session": ("LocalSession",),
    "protocols": (
        "Execution",
        "Session",
    ),
}
"""The exported names by the module that defines them."""


__all__ = [
    "CacheConfig",
    "ConditionEquals",
    "ConditionGreaterThan",
    "ConditionGreaterThanOrEqualTo",
    "ConditionIn",
    "ConditionLessThan",
    "ConditionLessThanOrEqualTo",
    "ConditionNot",
    "ConditionOr",
    "ConditionStep",
    "Execution",
    "ExecutionVariables",
    "FailStep",
    "Join",
    "JsonGet",
    "LocalExecution",
    "LocalSession",
    "ParallelismConfiguration",
    "ParameterBoolean",
    "ParameterFloat",
    "ParameterInteger",
    "ParameterString",
    "Pipeline",
    "ProcessingInput",
    "ProcessingOutput",
    "ProcessingStep",
    "Processor",
    "PropertyFile",
    "RaySession",
    "Resources",
    "SageMakerJobExceptionTypeEnum",
    "SageMakerJobStepRetryPolicy",
    "SageMakerSession",
    "Session",
    "StepExceptionTypeEnum",
    "StepRetryPolicy",
    "step",
]
__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        **{name: f"{__name__}.{home}" for home, names in _NAMES.items() for name in names},
    },
    __all__,
)
