"""The abalone pipeline: process, train, evaluate, gate, then model, transform and registration.

python pipeline.py runs it; so does `kinoloom pipeline run pipeline.py`, with a report.
"""

from kinoloom.sagemaker import image_uris
from kinoloom.sagemaker.estimator import Estimator
from kinoloom.sagemaker.inputs import TrainingInput
from kinoloom.sagemaker.model import Model
from kinoloom.sagemaker.model_metrics import MetricsSource, ModelMetrics
from kinoloom.sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from kinoloom.sagemaker.s3 import S3Uploader
from kinoloom.sagemaker.session import get_execution_role
from kinoloom.sagemaker.sklearn.processing import SKLearnProcessor
from kinoloom.sagemaker.transformer import Transformer
from kinoloom.sagemaker.workflow.condition_step import ConditionStep
from kinoloom.sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from kinoloom.sagemaker.workflow.fail_step import FailStep
from kinoloom.sagemaker.workflow.functions import Join, JsonGet
from kinoloom.sagemaker.workflow.model_step import ModelStep
from kinoloom.sagemaker.workflow.parameters import ParameterFloat, ParameterString
from kinoloom.sagemaker.workflow.pipeline import Pipeline
from kinoloom.sagemaker.workflow.pipeline_context import LocalPipelineSession
from kinoloom.sagemaker.workflow.properties import PropertyFile
from kinoloom.sagemaker.workflow.steps import ProcessingStep, TrainingStep, TransformStep

session = LocalPipelineSession()
region = session.boto_region_name
default_bucket = session.default_bucket()
prefix = "sagemaker-pipelines-local-mode-example"
role = get_execution_role(session)
instance_type = "ml.m5.xlarge"

input_data_uri = S3Uploader.upload(
    local_path="data/abalone-dataset.csv",
    desired_s3_uri=f"s3://{default_bucket}/{prefix}/abalone-data-set",
    sagemaker_session=session,
)

input_data = ParameterString(name="InputData", default_value=input_data_uri)
mse_threshold = ParameterFloat(name="MseThreshold", default_value=7.0)
model_approval_status = ParameterString(
    name="ModelApprovalStatus",
    default_value="PendingManualApproval",
    enum_values=["PendingManualApproval", "Approved", "Rejected"],
)

# Process
sklearn_processor = SKLearnProcessor(
    framework_version="1.0-1",
    instance_type=instance_type,
    instance_count=1,
    base_job_name="sklearn-abalone-process",
    role=role,
    sagemaker_session=session,
)
step_process = ProcessingStep(
    name="AbaloneProcess",
    step_args=sklearn_processor.run(
        inputs=[ProcessingInput(source=input_data, destination="/opt/ml/processing/input")],
        outputs=[
            ProcessingOutput(output_name="train", source="/opt/ml/processing/train"),
            ProcessingOutput(output_name="validation", source="/opt/ml/processing/validation"),
            ProcessingOutput(output_name="test", source="/opt/ml/processing/test"),
        ],
        code="code/preprocessing.py",
    ),
)
processed = step_process.properties.ProcessingOutputConfig.Outputs

# Train
image_uri = image_uris.retrieve(
    framework="xgboost",
    region=region,
    version="1.5-1",
    py_version="py3",
    instance_type=instance_type,
)
xgb_train = Estimator(
    image_uri=image_uri,
    entry_point="code/abalone.py",
    instance_type=instance_type,
    instance_count=1,
    output_path=f"s3://{default_bucket}/{prefix}/model",
    role=role,
    sagemaker_session=session,
)
xgb_train.set_hyperparameters(
    objective="reg:squarederror",
    learning_rate=0.2,
    num_round=50,
    max_depth=5,
    gamma=4,
    min_child_weight=6,
    subsample=0.7,
)
step_train = TrainingStep(
    name="AbaloneTrain",
    step_args=xgb_train.fit(
        inputs={
            "train": TrainingInput(
                s3_data=processed["train"].S3Output.S3Uri, content_type="text/csv"
            ),
            "validation": TrainingInput(
                s3_data=processed["validation"].S3Output.S3Uri, content_type="text/csv"
            ),
        }
    ),
)
model_data = step_train.properties.ModelArtifacts.S3ModelArtifacts

# Evaluate
script_eval = ScriptProcessor(
    image_uri=image_uri,
    command=["python3"],
    instance_type=instance_type,
    instance_count=1,
    base_job_name="script-abalone-eval",
    role=role,
    sagemaker_session=session,
)
evaluation_report = PropertyFile(
    name="EvaluationReport", output_name="evaluation", path="evaluation.json"
)
step_eval = ProcessingStep(
    name="AbaloneEval",
    step_args=script_eval.run(
        inputs=[
            ProcessingInput(source=model_data, destination="/opt/ml/processing/model"),
            ProcessingInput(
                source=processed["test"].S3Output.S3Uri, destination="/opt/ml/processing/test"
            ),
        ],
        outputs=[
            ProcessingOutput(output_name="evaluation", source="/opt/ml/processing/evaluation")
        ],
        code="code/evaluation.py",
    ),
    property_files=[evaluation_report],
)
evaluated = step_eval.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri

# Model, transform, registration
model = Model(
    image_uri=image_uri,
    model_data=model_data,
    source_dir="code",
    entry_point="inference.py",
    role=role,
    sagemaker_session=session,
)
step_create_model = ModelStep(
    name="AbaloneCreateModel", step_args=model.create(instance_type="ml.m5.large")
)
transformer = Transformer(
    model_name=step_create_model.properties.ModelName,
    instance_type=instance_type,
    instance_count=1,
    output_path=f"s3://{default_bucket}/{prefix}/transform",
    sagemaker_session=session,
)
step_transform = TransformStep(
    name="AbaloneTransform",
    step_args=transformer.transform(
        Join(on="/", values=[processed["test"].S3Output.S3Uri, "test.csv"]),
        content_type="text/csv",
    ),
)
step_register = ModelStep(
    name="AbaloneRegister",
    step_args=model.register(
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=["ml.t2.medium", "ml.m5.xlarge"],
        transform_instances=["ml.m5.xlarge"],
        model_package_group_name="AbaloneGroup",
        approval_status=model_approval_status,
        description="abalone",
        customer_metadata_properties={"source": "abalone"},
        model_metrics=ModelMetrics(
            model_statistics=MetricsSource(
                s3_uri=Join(on="/", values=[evaluated, "evaluation.json"]),
                content_type="application/json",
            )
        ),
    ),
)

# The gate
step_fail = FailStep(
    name="AbaloneMSEFail",
    error_message=Join(on=" ", values=["Execution failed due to MSE >", mse_threshold]),
)
step_cond = ConditionStep(
    name="AbaloneMSECond",
    conditions=[
        ConditionLessThanOrEqualTo(
            left=JsonGet(
                step_name=step_eval.name,
                property_file=evaluation_report,
                json_path="regression_metrics.mse.value",
            ),
            right=mse_threshold,
        )
    ],
    if_steps=[step_create_model, step_transform, step_register],
    else_steps=[step_fail],
)

pipeline = Pipeline(
    name="LocalModelPipeline",
    parameters=[input_data, mse_threshold, model_approval_status],
    steps=[step_process, step_train, step_eval, step_cond],
    sagemaker_session=session,
)

if __name__ == "__main__":
    pipeline.create(role_arn=role, description="local pipeline example")
    execution = pipeline.start()
    execution.wait()
    for step in execution.list_steps():
        print(step["StepName"], step["StepStatus"])
