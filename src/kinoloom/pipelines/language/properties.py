"""What may be taken from a step that has ended: the first member of `Steps.S.MEMBER...`.

For a job it is the service's description of it. Source: the output shapes of the Describe calls
in botocore's model of `sagemaker` 2017-07-24, without dates, status words and names of the
account; SDK modules workflow.condition_step, .lambda_step, .emr_step, .automl_step and
.check_job_config for the others.
"""

from __future__ import annotations

_PROCESSING = (
    "AppSpecification", "Environment", "ExitMessage", "ExperimentConfig", "NetworkConfig",
    "ProcessingInputs", "ProcessingJobArn", "ProcessingJobName", "ProcessingJobStatus",
    "ProcessingOutputConfig", "ProcessingResources", "RoleArn", "StoppingCondition",
    "CreationTime", "LastModifiedTime", "ProcessingEndTime", "ProcessingStartTime",
)  # fmt: skip
_TRAINING = (
    "AlgorithmSpecification", "BillableTimeInSeconds", "CheckpointConfig", "DebugHookConfig",
    "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining",
    "EnableNetworkIsolation", "Environment", "ExperimentConfig", "FinalMetricDataList",
    "HyperParameters", "InputDataConfig", "ModelArtifacts", "OutputDataConfig", "ProfilerConfig",
    "ResourceConfig", "RetryStrategy", "RoleArn", "SecondaryStatus", "StoppingCondition",
    "TensorBoardOutputConfig", "TrainingJobArn", "TrainingJobName", "TrainingJobStatus",
    "TrainingTimeInSeconds", "VpcConfig", "CreationTime", "LastModifiedTime", "TrainingEndTime",
    "TrainingStartTime",
)  # fmt: skip
_TUNING = (
    "BestTrainingJob", "HyperParameterTuningJobArn", "HyperParameterTuningJobConfig",
    "HyperParameterTuningJobName", "HyperParameterTuningJobStatus", "ObjectiveStatusCounters",
    "OverallBestTrainingJob", "TrainingJobDefinition", "TrainingJobDefinitions",
    "TrainingJobStatusCounters", "TrainingJobSummaries", "WarmStartConfig", "CreationTime",
    "HyperParameterTuningEndTime", "LastModifiedTime",
)  # fmt: skip
_TRANSFORM = (
    "BatchStrategy", "DataCaptureConfig", "DataProcessing", "Environment", "ExperimentConfig",
    "MaxConcurrentTransforms", "MaxPayloadInMB", "ModelClientConfig", "ModelName",
    "TransformInput", "TransformJobArn", "TransformJobName", "TransformJobStatus",
    "TransformOutput", "TransformResources", "CreationTime", "TransformEndTime",
    "TransformStartTime",
)  # fmt: skip
_MODEL = (
    "Containers", "CreationTime", "EnableNetworkIsolation", "ExecutionRoleArn",
    "InferenceExecutionConfig", "ModelArn", "ModelName", "PrimaryContainer", "VpcConfig",
)  # fmt: skip
_PACKAGE = (
    "AdditionalInferenceSpecifications", "ApprovalDescription", "CertifyForMarketplace",
    "CreationTime", "CustomerMetadataProperties", "Domain", "DriftCheckBaselines",
    "InferenceSpecification", "LastModifiedTime", "MetadataProperties", "ModelApprovalStatus",
    "ModelMetrics", "ModelPackageArn", "ModelPackageDescription", "ModelPackageGroupName",
    "ModelPackageName", "ModelPackageStatus", "ModelPackageStatusDetails", "ModelPackageVersion",
    "SamplePayloadUrl", "SkipModelValidation", "SourceAlgorithmSpecification", "Task",
    "ValidationSpecification",
)  # fmt: skip
_CHECK = (
    "CalculatedBaselineConstraints", "CalculatedBaselineStatistics",
    "BaselineUsedForDriftCheckConstraints", "BaselineUsedForDriftCheckStatistics",
    *_PROCESSING,
)  # fmt: skip

PROPERTIES: dict[str, tuple[str, ...]] = {
    "Condition": ("Outcome",),
    "Fail": (),
    "Processing": _PROCESSING,
    "Training": _TRAINING,
    "Tuning": _TUNING,
    "Transform": _TRANSFORM,
    "Model": _MODEL,
    "RegisterModel": _PACKAGE,
    "Lambda": ("OutputParameters",),
    "Callback": ("OutputParameters",),
    "QualityCheck": _CHECK,
    "ClarifyCheck": _CHECK,
}
"""By step type; types that are not listed have properties that are not checked."""
