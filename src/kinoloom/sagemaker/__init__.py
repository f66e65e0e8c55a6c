"""The names of the SageMaker Python SDK, version 2, on top of `kinoloom.pipelines`.

`from sagemaker.X import Y` becomes `from kinoloom.sagemaker.X import Y`. `run()`, `fit()` and so on
return the arguments of a step; nothing runs outside a pipeline. Names and modules are loaded when
they are first used: after `import kinoloom.sagemaker as sagemaker`, `sagemaker.image_uris.retrieve`
works. Modules whose names begin with an underscore are not the SDK's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinoloom import lazy

if TYPE_CHECKING:
    from kinoloom.sagemaker.estimator import Estimator, Framework
    from kinoloom.sagemaker.inputs import CreateModelInput, TrainingInput, TransformInput
    from kinoloom.sagemaker.lambda_helper import Lambda
    from kinoloom.sagemaker.model import FrameworkModel, Model
    from kinoloom.sagemaker.model_metrics import MetricsSource, ModelMetrics
    from kinoloom.sagemaker.network import NetworkConfig
    from kinoloom.sagemaker.pipeline import PipelineModel
    from kinoloom.sagemaker.processing import (
        FrameworkProcessor,
        ProcessingInput,
        ProcessingOutput,
        Processor,
        ScriptProcessor,
    )
    from kinoloom.sagemaker.pytorch.estimator import PyTorch
    from kinoloom.sagemaker.s3 import S3Downloader, S3Uploader
    from kinoloom.sagemaker.session import Session, get_execution_role
    from kinoloom.sagemaker.sklearn.estimator import SKLearn
    from kinoloom.sagemaker.sklearn.processing import SKLearnProcessor
    from kinoloom.sagemaker.tensorflow.estimator import TensorFlow
    from kinoloom.sagemaker.transformer import Transformer
    from kinoloom.sagemaker.tuner import (
        CategoricalParameter,
        ContinuousParameter,
        HyperparameterTuner,
        IntegerParameter,
    )
    from kinoloom.sagemaker.workflow.callback_step import (
        CallbackOutput,
        CallbackOutputTypeEnum,
        CallbackStep,
    )
    from kinoloom.sagemaker.workflow.condition_step import ConditionStep
    from kinoloom.sagemaker.workflow.conditions import (
        ConditionEquals,
        ConditionGreaterThan,
        ConditionGreaterThanOrEqualTo,
        ConditionIn,
        ConditionLessThan,
        ConditionLessThanOrEqualTo,
        ConditionNot,
        ConditionOr,
    )
    from kinoloom.sagemaker.workflow.execution_variables import ExecutionVariables
    from kinoloom.sagemaker.workflow.fail_step import FailStep
    from kinoloom.sagemaker.workflow.function_step import step
    from kinoloom.sagemaker.workflow.functions import Join, JsonGet
    from kinoloom.sagemaker.workflow.lambda_step import (
        LambdaOutput,
        LambdaOutputTypeEnum,
        LambdaStep,
    )
    from kinoloom.sagemaker.workflow.model_step import ModelStep
    from kinoloom.sagemaker.workflow.parallelism_config import ParallelismConfiguration
    from kinoloom.sagemaker.workflow.parameters import (
        ParameterBoolean,
        ParameterFloat,
        ParameterInteger,
        ParameterString,
    )
    from kinoloom.sagemaker.workflow.pipeline import Pipeline
    from kinoloom.sagemaker.workflow.pipeline_context import LocalPipelineSession, PipelineSession
    from kinoloom.sagemaker.workflow.pipeline_definition_config import PipelineDefinitionConfig
    from kinoloom.sagemaker.workflow.pipeline_experiment_config import PipelineExperimentConfig
    from kinoloom.sagemaker.workflow.properties import PropertyFile
    from kinoloom.sagemaker.workflow.retry import (
        SageMakerJobExceptionTypeEnum,
        SageMakerJobStepRetryPolicy,
        StepExceptionTypeEnum,
        StepRetryPolicy,
    )
    from kinoloom.sagemaker.workflow.selective_execution_config import SelectiveExecutionConfig
    from kinoloom.sagemaker.workflow.step_collections import EstimatorTransformer, RegisterModel
    from kinoloom.sagemaker.workflow.steps import (
        CacheConfig,
        CreateModelStep,
        ProcessingStep,
        TrainingStep,
        TransformStep,
        TuningStep,
    )
    from kinoloom.sagemaker.xgboost.estimator import XGBoost
    from kinoloom.sagemaker.xgboost.model import XGBoostModel

_NAMES = {
    "estimator": (
        "Estimator",
        "Framework",
    ),
    "inputs": (
        "CreateModelInput",
        "TrainingInput",
        "TransformInput",
    ),
    "lambda_helper": ("Lambda",),
    "model": (
        "FrameworkModel",
        "Model",
    ),
    "model_metrics": (
        "MetricsSource",
        "ModelMetrics",
    ),
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
    "s3": (
        "S3Downloader",
        "S3Uploader",
    ),
    "session": (
        "Session",
        "get_execution_role",
    ),
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
    "workflow.callback_step": (
        "CallbackOutput",
        "CallbackOutputTypeEnum",
        "CallbackStep",
    ),
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
    "workflow.functions": (
        "Join",
        "JsonGet",
    ),
    "workflow.lambda_step": (
        "LambdaOutput",
        "LambdaOutputTypeEnum",
        "LambdaStep",
    ),
    "workflow.model_step": ("ModelStep",),
    "workflow.parallelism_config": ("ParallelismConfiguration",),
    "workflow.parameters": (
        "ParameterBoolean",
        "ParameterFloat",
        "ParameterInteger",
        "ParameterString",
    ),
    "workflow.pipeline": ("Pipeline",),
    "workflow.pipeline_context": (
        "LocalPipelineSession",
        "PipelineSession",
    ),
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
    "workflow.step_collections": (
        "EstimatorTransformer",
        "RegisterModel",
    ),
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
"""The exported names by the module that defines them."""

_MODULES = (
    "drift_check_baselines",
    "estimator",
    "image_uris",
    "inputs",
    "lambda_helper",
    "metadata_properties",
    "model",
    "model_metrics",
    "network",
    "parameter",
    "pipeline",
    "processing",
    "pytorch",
    "remote_function",
    "s3",
    "session",
    "sklearn",
    "tensorflow",
    "transformer",
    "tuner",
    "workflow",
    "xgboost",
)

__all__ = [
    "CacheConfig",
    "CallbackOutput",
    "CallbackOutputTypeEnum",
    "CallbackStep",
    "CategoricalParameter",
    "ConditionEquals",
    "ConditionGreaterThan",
    "ConditionGreaterThanOrEqualTo",
    "ConditionIn",
    "ConditionLessThan",
    "ConditionLessThanOrEqualTo",
    "ConditionNot",
    "ConditionOr",
    "ConditionStep",
    "ContinuousParameter",
    "CreateModelInput",
    "CreateModelStep",
    "Estimator",
    "EstimatorTransformer",
    "ExecutionVariables",
    "FailStep",
    "Framework",
    "FrameworkModel",
    "FrameworkProcessor",
    "HyperparameterTuner",
    "IntegerParameter",
    "Join",
    "JsonGet",
    "Lambda",
    "LambdaOutput",
    "LambdaOutputTypeEnum",
    "LambdaStep",
    "LocalPipelineSession",
    "MetricsSource",
    "Model",
    "ModelMetrics",
    "ModelStep",
    "NetworkConfig",
    "ParallelismConfiguration",
    "ParameterBoolean",
    "ParameterFloat",
    "ParameterInteger",
    "ParameterString",
    "Pipeline",
    "PipelineDefinitionConfig",
    "PipelineExperimentConfig",
    "PipelineModel",
    "PipelineSession",
    "ProcessingInput",
    "ProcessingOutput",
    "ProcessingStep",
    "Processor",
    "PropertyFile",
    "PyTorch",
    "RegisterModel",
    "S3Downloader",
    "S3Uploader",
    "SKLearn",
    "SKLearnProcessor",
    "SageMakerJobExceptionTypeEnum",
    "SageMakerJobStepRetryPolicy",
    "ScriptProcessor",
    "SelectiveExecutionConfig",
    "Session",
    "StepExceptionTypeEnum",
    "StepRetryPolicy",
    "TensorFlow",
    "TrainingInput",
    "TrainingStep",
    "TransformInput",
    "TransformStep",
    "Transformer",
    "TuningStep",
    "XGBoost",
    "XGBoostModel",
    "get_execution_role",
    "step",
]
__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        **{name: f"{__name__}.{home}" for home, names in _NAMES.items() for name in names},
        **{module: f"{__name__}.{module}" for module in _MODULES},
    },
    __all__,
)
