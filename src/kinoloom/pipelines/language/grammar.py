"""The grammar of pipeline definitions, version 2020-12-01, as one table of shapes.

The language's own words (a step's fields, conditions, parameters, policies) are closed: a word
that is not known is a problem. A step's arguments are requests of the service's API: what every
such request must have is checked, more may be there.

Sources: definitions made by the SageMaker Python SDK 2.257.7; its modules workflow.steps, .retry,
.conditions, .parameters; required members and enums of the requests from botocore's model of
`sagemaker` 2017-07-24.
"""

from __future__ import annotations

from kinoloom.pipelines.language.shapes import (
    ANYTHING,
    Listing,
    Nullable,
    Record,
    Scalar,
    Shape,
    Table,
    Tagged,
    choice,
    flag,
    is_number,
    number,
    text,
    whole,
)

VERSION = "2020-12-01"
PARAMETER_TYPES = ("String", "Integer", "Float", "Boolean")
RETRY_EXCEPTIONS = (
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
)
# ISO 8601, as the service's own documentation writes it too: P30D, PT1H, p30d, T12H, 30d.
DURATION = (
    r"(?i)(?=.*\d)p?(?P<weeks>\d+w)?(?P<days>\d+d)?"
    r"(t(?P<hours>\d+h)?(?P<minutes>\d+m)?(?P<seconds>\d+s)?)?"
)

_NAME = text(r"[A-Za-z0-9_-]+", longest=64, literal=True)
_TEXT = text(literal=True)
_SCALAR = Scalar("text, a number, true or false", lambda r: isinstance(r, str | bool | int | float))
_ORDERED = Scalar("a number or a function", is_number)
_URI = text(r"(s3|https?|file)://.+")


def _comparison(value: Shape) -> Record:
    return Record({"Type": ANYTHING, "LeftValue": value, "RightValue": value}, closed=True)


CONDITION = Tagged("Type")
CONDITION.shapes.update(
    {
        "Equals": _comparison(_SCALAR),
        "GreaterThan": _comparison(_ORDERED),
        "GreaterThanOrEqualTo": _comparison(_ORDERED),
        "LessThan": _comparison(_ORDERED),
        "LessThanOrEqualTo": _comparison(_ORDERED),
        "In": Record(
            {"Type": ANYTHING, "QueryValue": _SCALAR, "Values": Listing(_SCALAR, literal=True)},
            closed=True,
        ),
        "Not": Record({"Type": ANYTHING, "Condition": CONDITION}, closed=True),
        "Or": Record(
            {"Type": ANYTHING, "Conditions": Listing(CONDITION, shortest=1, literal=True)},
            closed=True,
        ),
    }
)

_CACHE = Record(
    {"Enabled": flag(literal=True)}, {"ExpireAfter": text(DURATION, literal=True)}, closed=True
)
_RETRY = Record(
    {"ExceptionType": Listing(choice(*RETRY_EXCEPTIONS, literal=True), shortest=1, literal=True)},
    {
        "BackoffRate": number(0, literal=True),
        "IntervalSeconds": whole(0, literal=True),
        "MaxAttempts": whole(1, 20, literal=True),
        "ExpireAfterMin": whole(1, 14400, literal=True),
    },
    closed=True,
)
_PROPERTY_FILE = Record(
    {"PropertyFileName": _NAME, "OutputName": _TEXT, "FilePath": _TEXT}, closed=True
)
_OUTPUT_PARAMETERS = Listing(
    Record(
        {"OutputName": _TEXT, "OutputType": choice(*PARAMETER_TYPES, literal=True)}, closed=True
    ),
    literal=True,
)

_PROCESSING_INPUT = Record(
    {"InputName": _TEXT},
    {
        "S3Input": Record(
            {"S3Uri": _URI, "S3DataType": choice("S3Prefix", "ManifestFile")},
            {
                "LocalPath": text(r"/.+"),
                "S3InputMode": choice("File", "Pipe"),
                "S3DataDistributionType": choice("FullyReplicated", "ShardedByS3Key"),
                "S3CompressionType": choice("None", "Gzip"),
            },
        )
    },
)
_PROCESSING_OUTPUT = Record(
    {"OutputName": text(r"[^/\\']+", literal=True)},
    {
        "S3Output": Record(
            {"S3Uri": _URI, "S3UploadMode": choice("EndOfJob", "Continuous")},
            {"LocalPath": text(r"/.+")},
        )
    },
)
_PROCESSING = Record(
    {
        "ProcessingResources": Record(
            {"ClusterConfig": Record({}, {"InstanceCount": whole(1), "InstanceType": text()})}
        ),
        "AppSpecification": Record(
            {"ImageUri": text()},
            {"ContainerEntrypoint": Listing(_SCALAR), "ContainerArguments": Listing(_SCALAR)},
        ),
        "RoleArn": text(),
    },
    {
        "ProcessingInputs": Listing(_PROCESSING_INPUT),
        "ProcessingOutputConfig": Record({"Outputs": Listing(_PROCESSING_OUTPUT)}),
        "Environment": Table(text()),
        "StoppingCondition": Record({"MaxRuntimeInSeconds": whole(1)}),
    },
)
_CHANNEL = Record(
    {
        "ChannelName": text(r"[A-Za-z0-9._-]+", longest=64),
        "DataSource": Record({}, {"S3DataSource": Record({"S3DataType": text(), "S3Uri": _URI})}),
    },
    {"InputMode": choice("File", "Pipe", "FastFile")},
)
_TRAINING = Record(
    {"RoleArn": text(), "OutputDataConfig": Record({"S3OutputPath": _URI})},
    {
        "AlgorithmSpecification": Record(
            {"TrainingInputMode": choice("File", "Pipe", "FastFile")},
            {"ContainerEntrypoint": Listing(_SCALAR), "ContainerArguments": Listing(_SCALAR)},
        ),
        "HyperParameters": Table(text()),
        "InputDataConfig": Listing(_CHANNEL),
        "Environment": Table(text()),
        "ResourceConfig": Record({}, {"InstanceCount": whole(1), "InstanceType": text()}),
        "StoppingCondition": Record({}, {"MaxRuntimeInSeconds": whole(1)}),
    },
)
_TRANSFORM = Record(
    {
        "ModelName": text(),
        "TransformInput": Record(
            {"DataSource": Record({"S3DataSource": Record({"S3Uri": _URI})})},
            {"SplitType": choice("None", "Line", "RecordIO", "TFRecord")},
        ),
        "TransformOutput": Record({"S3OutputPath": _URI}, {"AssembleWith": choice("None", "Line")}),
        "TransformResources": Record({"InstanceCount": whole(1), "InstanceType": text()}),
    },
    {
        "BatchStrategy": choice("MultiRecord", "SingleRecord"),
        "MaxConcurrentTransforms": whole(0),
        "MaxPayloadInMB": whole(0),
        "Environment": Table(text()),
    },
)
_TUNING = Record(
    {
        "HyperParameterTuningJobConfig": Record(
            {
                "Strategy": choice("Bayesian", "Random", "Hyperband", "Grid"),
                "ResourceLimits": Record({"MaxParallelTrainingJobs": whole(1)}),
            }
        )
    }
)
_REGISTER = Record(
    {},
    {
        "ModelApprovalStatus": choice("Approved", "Rejected", "PendingManualApproval"),
        "SkipModelValidation": choice("All", "None"),
    },
)

STEP = Tagged("Type")
_COMMON: dict[str, Shape] = {
    "DependsOn": Listing(_NAME, literal=True),
    "DisplayName": text(longest=256, literal=True),
    "Description": _TEXT,
}
_CACHED: dict[str, Shape] = {"CacheConfig": _CACHE}
_RETRIED: dict[str, Shape] = {"RetryPolicies": Listing(_RETRY, literal=True)}
_CHECKED: dict[str, Shape] = {
    "CheckType": _TEXT,
    "ModelPackageGroupName": Nullable(text()),
    "SkipCheck": flag(),
    "FailOnViolation": flag(),
    "RegisterNewBaseline": flag(),
    "SuppliedBaselineStatistics": Nullable(text()),
    "SuppliedBaselineConstraints": Nullable(text()),
}
_ANSWERED: dict[str, Shape] = {"OutputParameters": _OUTPUT_PARAMETERS}


def _step(
    arguments: Shape, optional: dict[str, Shape], required: dict[str, Shape] | None = None
) -> Record:
    names: dict[str, Shape] = {"Name": _NAME, "Type": ANYTHING, "Arguments": arguments}
    return Record({**names, **(required or {})}, {**_COMMON, **optional}, closed=True)


_CONDITION_ARGUMENTS = Record(
    {
        "Conditions": Listing(CONDITION, literal=True),
        "IfSteps": Listing(STEP, literal=True),
        "ElseSteps": Listing(STEP, literal=True),
    },
    closed=True,
)
_FAIL_ARGUMENTS = Record({"ErrorMessage": text()}, closed=True)
_JOB = {**_CACHED, **_RETRIED}
_FILES: dict[str, Shape] = {"PropertyFiles": Listing(_PROPERTY_FILE, literal=True)}

STEP.shapes.update(
    {
        "Condition": _step(_CONDITION_ARGUMENTS, {}),
        "Fail": _step(_FAIL_ARGUMENTS, {}),
        "Processing": _step(_PROCESSING, {**_JOB, **_FILES}),
        "Training": _step(_TRAINING, _JOB),
        "Tuning": _step(_TUNING, _JOB),
        "Transform": _step(_TRANSFORM, _JOB),
        "Model": _step(Record(), _RETRIED),
        "RegisterModel": _step(_REGISTER, _RETRIED),
        "AutoML": _step(Record(), _JOB),
        "Lambda": _step(Table(), {**_CACHED, **_ANSWERED}, {"FunctionArn": text()}),
        "Callback": _step(Table(), {**_CACHED, **_ANSWERED}, {"SqsQueueUrl": text()}),
        "QualityCheck": _step(_PROCESSING, {**_CACHED, **_CHECKED}),
        "ClarifyCheck": _step(_PROCESSING, {**_CACHED, **_CHECKED}),
        "EMR": _step(Record(), _JOB),
        "EMRServerless": _step(Record(), _JOB),
        "EndpointConfig": _step(Record(), _JOB),
        "Endpoint": _step(Record(), _JOB),
        "InferenceComponent": _step(Record(), _JOB),
        "Lineage": _step(Record(), _JOB),
    }
)
STEP_TYPES = tuple(STEP.shapes)

_PARAMETER = Record(
    {
        "Name": text(r"[A-Za-z0-9_-]+", longest=256, literal=True),
        "Type": choice(*PARAMETER_TYPES, literal=True),
    },
    {
        "DefaultValue": Scalar(_SCALAR.what, _SCALAR.fits, literal=True),
        "EnumValues": Listing(_TEXT, shortest=1, literal=True),
    },
    closed=True,
)
DEFINITION = Record(
    {"Version": choice(VERSION, literal=True), "Steps": Listing(STEP, literal=True)},
    {
        "Metadata": Table(),
        "Parameters": Listing(_PARAMETER, literal=True),
        "PipelineExperimentConfig": Nullable(
            Record({}, {"ExperimentName": text(), "TrialName": text()}, closed=True)
        ),
        "MlflowConfig": Nullable(Table()),
    },
    closed=True,
)
