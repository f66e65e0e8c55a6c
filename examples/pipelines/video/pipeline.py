"""A video pipeline: hold out frames, interpolate them, measure, gate on PSNR, register the engine.

kinoloom pipeline run pipeline.py
"""

from kinoloom.sagemaker.model import Model
from kinoloom.sagemaker.model_metrics import MetricsSource, ModelMetrics
from kinoloom.sagemaker.processing import (
    ProcessingInput,
    ProcessingOutput,
    Processor,
    ScriptProcessor,
)
from kinoloom.sagemaker.s3 import S3Uploader
from kinoloom.sagemaker.workflow.condition_step import ConditionStep
from kinoloom.sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
from kinoloom.sagemaker.workflow.fail_step import FailStep
from kinoloom.sagemaker.workflow.functions import Join, JsonGet
from kinoloom.sagemaker.workflow.model_step import ModelStep
from kinoloom.sagemaker.workflow.parameters import ParameterFloat, ParameterString
from kinoloom.sagemaker.workflow.pipeline import Pipeline
from kinoloom.sagemaker.workflow.pipeline_context import LocalPipelineSession
from kinoloom.sagemaker.workflow.properties import PropertyFile
from kinoloom.sagemaker.workflow.steps import ProcessingStep

ML = "/opt/ml/processing"
session = LocalPipelineSession()
bucket = f"s3://{session.default_bucket()}/video"

video = ParameterString(
    name="Video",
    default_value=S3Uploader.upload("data/pan.mp4", f"{bucket}/source", sagemaker_session=session),
)
engine = ParameterString(name="Engine", default_value="fast")
least_psnr = ParameterFloat(name="LeastPsnr", default_value=40.0)

script = ScriptProcessor(image_uri="kinoloom", command=["python3"])


def output_of(step: ProcessingStep, name: str) -> object:
    """Return the address of a step's output."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


# Hold out every second frame
hold_out = ProcessingStep(
    name="HoldOut",
    step_args=script.run(
        code="code/hold_out.py",
        inputs=[ProcessingInput(video, f"{ML}/video")],
        outputs=[
            ProcessingOutput(f"{ML}/half", output_name="half"),
            ProcessingOutput(f"{ML}/truth", output_name="truth"),
        ],
    ),
)

# Interpolate them
processor = Processor(image_uri="kinoloom", entrypoint=["python3", "-m", "kinoloom", "interpolate"])
interpolate = ProcessingStep(
    name="Interpolate",
    step_args=processor.run(
        inputs=[ProcessingInput(output_of(hold_out, "half"), f"{ML}/half")],
        outputs=[ProcessingOutput(f"{ML}/new", output_name="new")],
        arguments=[f"{ML}/half/half.mkv", "-o", f"{ML}/new/new.mkv", "--codec", "ffv1",
                   "--times", "2", "--engine", engine],
    ),
)  # fmt: skip

# Measure against the truth
quality = PropertyFile(name="Quality", output_name="quality", path="quality.json")
measure = ProcessingStep(
    name="Measure",
    step_args=script.run(
        code="code/measure.py",
        inputs=[
            ProcessingInput(output_of(interpolate, "new"), f"{ML}/new"),
            ProcessingInput(output_of(hold_out, "truth"), f"{ML}/truth"),
        ],
        outputs=[
            ProcessingOutput(f"{ML}/quality", output_name="quality"),
            ProcessingOutput(f"{ML}/model", output_name="model"),
        ],
        arguments=[engine],
    ),
    property_files=[quality],
)

# Register an engine that is good enough
model = Model(
    image_uri="kinoloom",
    model_data=Join(on="/", values=[output_of(measure, "model"), "model.tar.gz"]),
    sagemaker_session=session,
)
register = ModelStep(
    name="Register",
    step_args=model.register(
        content_types=["video/mp4"],
        response_types=["video/mp4"],
        model_package_group_name="Interpolators",
        approval_status="PendingManualApproval",
        model_metrics=ModelMetrics(
            model_statistics=MetricsSource(
                s3_uri=Join(on="/", values=[output_of(measure, "quality"), "quality.json"]),
                content_type="application/json",
            )
        ),
    ),
)
refuse = FailStep(
    name="TooPoor",
    error_message=Join(
        on=" ", values=["The engine", engine, "does not reach a PSNR of", least_psnr, "dB"]
    ),
)
gate = ConditionStep(
    name="Gate",
    conditions=[
        ConditionGreaterThanOrEqualTo(
            left=JsonGet(step_name=measure.name, property_file=quality, json_path="psnr_db.mean"),
            right=least_psnr,
        )
    ],
    if_steps=[register],
    else_steps=[refuse],
)

pipeline = Pipeline(
    name="Video",
    parameters=[video, engine, least_psnr],
    steps=[hold_out, interpolate, measure, gate],
    sagemaker_session=session,
)

if __name__ == "__main__":
    pipeline.upsert()
    execution = pipeline.start()
    execution.wait()
    print(execution.result("Measure")["quality"] / "quality.json")
