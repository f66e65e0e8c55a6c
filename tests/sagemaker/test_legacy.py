"""The SDK's older steps, frameworks, spot training and models in sequence.

`sdk_steps.json` holds the steps that the SageMaker Python SDK 2.257.7 makes of the same programs
with its own import root, without hashes and moments.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from definition_samples import replaced

from kinoloom import sagemaker
from kinoloom.errors import DefinitionError, UsageError
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.sagemaker.drift_check_baselines import DriftCheckBaselines
from kinoloom.sagemaker.estimator import Estimator
from kinoloom.sagemaker.inputs import CreateModelInput, TrainingInput, TransformInput
from kinoloom.sagemaker.metadata_properties import MetadataProperties
from kinoloom.sagemaker.model import Model
from kinoloom.sagemaker.model_metrics import FileSource, MetricsSource, ModelMetrics
from kinoloom.sagemaker.network import NetworkConfig
from kinoloom.sagemaker.pipeline import PipelineModel
from kinoloom.sagemaker.processing import (
    FrameworkProcessor,
    ProcessingInput,
    ProcessingOutput,
    S3Input,
    ScriptProcessor,
)
from kinoloom.sagemaker.pytorch import PyTorch, PyTorchProcessor
from kinoloom.sagemaker.sklearn import SKLearn
from kinoloom.sagemaker.transformer import Transformer
from kinoloom.sagemaker.tuner import (
    CategoricalParameter,
    ContinuousParameter,
    HyperparameterTuner,
    IntegerParameter,
    WarmStartConfig,
    WarmStartTypes,
)
from kinoloom.sagemaker.workflow.emr_step import EMRStep
from kinoloom.sagemaker.workflow.fail_step import FailStep
from kinoloom.sagemaker.workflow.model_step import ModelStep
from kinoloom.sagemaker.workflow.notebook_job_step import NotebookJobStep
from kinoloom.sagemaker.workflow.pipeline import Pipeline
from kinoloom.sagemaker.workflow.pipeline_definition_config import PipelineDefinitionConfig
from kinoloom.sagemaker.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
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

BUCKET = "my-bucket"
ROLE = "arn:aws:iam::111122223333:role/R"
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/my-image:1"
MACHINE: dict[str, Any] = {"instance_count": 1, "instance_type": "ml.m5.xlarge", "role": ROLE}
PACKAGE: dict[str, Any] = {
    "content_types": ["text/csv"],
    "response_types": ["text/csv"],
    "inference_instances": ["ml.m5.xlarge"],
    "transform_instances": ["ml.m5.xlarge"],
}
RECORDED = json.loads(Path(__file__).with_name("sdk_steps.json").read_text())
TRAIN = f"s3://{BUCKET}/train"

Case = Callable[[], list[Any]]
CASES: list[Case] = []


def case(make: Case) -> Case:
    CASES.append(make)
    return make


def estimator(**more: Any) -> Estimator:
    return Estimator(IMAGE, **MACHINE, **more)


def model(**more: Any) -> Model:
    return Model(IMAGE, **{"model_data": f"s3://{BUCKET}/a.tar.gz", "role": ROLE, **more})


def normal(value: Any) -> Any:
    """JSON without hashes, and without the addresses that the SDK makes of moments."""
    address = (r"s3://\S+/(sourcedir\.tar\.gz|proc\.py)", r"SOURCE \1")
    return replaced(value, address, (r"[0-9a-f]{64}", "HASH"))


@case
def legacy_register() -> list[Any]:
    made = estimator(output_path=f"s3://{BUCKET}/models")
    made.set_hyperparameters(depth=5)
    channel = TrainingInput(s3_data=TRAIN, content_type="text/csv")
    train = TrainingStep("Train", estimator=made, inputs={"train": channel})
    source = MetricsSource(s3_uri=f"s3://{BUCKET}/m.json", content_type="application/json")
    register = RegisterModel(
        "Reg", estimator=made, model_data=train.properties.ModelArtifacts.S3ModelArtifacts,
        model_package_group_name="Group", approval_status="PendingManualApproval",
        model_metrics=ModelMetrics(model_statistics=source), **PACKAGE,
    )  # fmt: skip
    return [train, register]


@case
def legacy_register_entry() -> list[Any]:
    made = estimator(output_path=f"s3://{BUCKET}/models")
    train = TrainingStep("Train", estimator=made, inputs=TrainingInput(TRAIN))
    register = RegisterModel(
        "Reg", estimator=made, model_data=train.properties.ModelArtifacts.S3ModelArtifacts,
        entry_point="code/inference.py", model_package_group_name="Group", **PACKAGE,
    )  # fmt: skip
    return [train, register]


@case
def estimator_transformer() -> list[Any]:
    made = estimator(output_path=f"s3://{BUCKET}/models")
    train = TrainingStep("Train", estimator=made, inputs=TrainingInput(TRAIN))
    files = TransformInput(
        data=f"s3://{BUCKET}/data", content_type="text/csv", split_type="Line",
        input_filter="$[1:]", output_filter="$[0,-1]", join_source="Input",
    )  # fmt: skip
    apply = EstimatorTransformer(
        "ET", estimator=made, model_data=train.properties.ModelArtifacts.S3ModelArtifacts,
        model_inputs=None, instance_count=1, instance_type="ml.m5.xlarge",
        transform_inputs=files, output_path=f"s3://{BUCKET}/out",
    )  # fmt: skip
    return [train, apply]


@case
def create_model_step() -> list[Any]:
    made = model(model_data=f"s3://{BUCKET}/model.tar.gz")
    return [CreateModelStep("Create", model=made, inputs=CreateModelInput("ml.m5.large"))]


@case
def spot() -> list[Any]:
    made = estimator(
        output_path=f"s3://{BUCKET}/models", use_spot_instances=True, max_run=3600, max_wait=7200,
        checkpoint_s3_uri=f"s3://{BUCKET}/ckpt", checkpoint_local_path="/opt/ml/checkpoints",
        max_retry_attempts=3, entry_point="train.py", source_dir="code",
        hyperparameters={"epochs": 3}, environment={"A": "b"}, tags=[{"Key": "a", "Value": "b"}],
        metric_definitions=[{"Name": "loss", "Regex": "loss=(.*?);"}], subnets=["subnet-1"],
        security_group_ids=["sg-1"], encrypt_inter_container_traffic=True, volume_kms_key="k1",
        output_kms_key="k2", keep_alive_period_in_seconds=60,
    )  # fmt: skip
    kinds = SageMakerJobExceptionTypeEnum
    policy = SageMakerJobStepRetryPolicy(
        [kinds.CAPACITY_ERROR, kinds.INTERNAL_ERROR, kinds.RESOURCE_LIMIT],
        expire_after_mins=10, interval_seconds=5, backoff_rate=1.5,
    )  # fmt: skip
    channel = TrainingInput(TRAIN, input_mode="FastFile", distribution="ShardedByS3Key")
    return [TrainingStep("Spot", made.fit({"train": channel}), retry_policies=[policy])]


@case
def entry_container() -> list[Any]:
    made = estimator(
        container_entry_point=["python3", "/opt/ml/code/x.py"], container_arguments=["--a", "1"],
        debugger_hook_config=False,
    )  # fmt: skip
    return [TrainingStep("C", step_args=made.fit())]


@case
def framework_processor() -> list[Any]:
    processor = FrameworkProcessor(
        SKLearn, "1.2-1", env={"K": "v"}, max_runtime_in_seconds=600, base_job_name="fp", **MACHINE
    )
    run = processor.run(
        code="proc.py", source_dir="code", arguments=["--x", "1"], wait=False, logs=False,
        inputs=[ProcessingInput(f"s3://{BUCKET}/in", "/opt/ml/processing/input/data")],
        outputs=[ProcessingOutput("/opt/ml/processing/output", output_name="out")],
    )  # fmt: skip
    return [ProcessingStep("FP", run)]


@case
def pytorch_processor() -> list[Any]:
    processor = PyTorchProcessor(framework_version="2.0", py_version="py310", **MACHINE)
    return [ProcessingStep("PP", processor.run(code="proc.py", source_dir="code"))]


@case
def pytorch_train() -> list[Any]:
    made = PyTorch("train.py", "2.0", "py310", "code", hyperparameters={"lr": 0.1}, **MACHINE)
    return [TrainingStep("PT", made.fit({"train": TRAIN}))]


@case
def sklearn_train() -> list[Any]:
    made = SKLearn(
        "train.py", framework_version="1.2-1", py_version="py3", source_dir="code",
        hyperparameters={"lr": 0.1}, **MACHINE,
    )  # fmt: skip
    return [TrainingStep("SK", made.fit({"train": TRAIN}, wait=False))]


@case
def legacy_processing() -> list[Any]:
    network = NetworkConfig(True, security_group_ids=["g"], subnets=["s"])
    processor = ScriptProcessor(
        image_uri=IMAGE, command=["python3"], network_config=network, **MACHINE
    )
    source = S3Input(
        f"s3://{BUCKET}/in", "/opt/ml/processing/in", s3_data_distribution_type="ShardedByS3Key"
    )
    step = ProcessingStep(
        "P", processor=processor, job_arguments=["--a", "b"], code="code/proc.py",
        inputs=[ProcessingInput(s3_input=source)],
        outputs=[ProcessingOutput(output_name="o", source="/opt/ml/processing/o")],
    )  # fmt: skip
    return [step]


@case
def legacy_transform() -> list[Any]:
    transformer = Transformer(
        "m", 1, "ml.m5.xlarge", strategy="SingleRecord", assemble_with="Line",
        output_path=f"s3://{BUCKET}/o", accept="text/csv", max_concurrent_transforms=2,
        max_payload=3, env={"A": "b"},
    )  # fmt: skip
    files = TransformInput(
        f"s3://{BUCKET}/d", content_type="text/csv", compression_type="Gzip", split_type="Line",
        input_filter="$[1:]", output_filter="$[-1]", join_source="Input",
    )  # fmt: skip
    return [TransformStep("T", transformer=transformer, inputs=files)]


@case
def transform_args() -> list[Any]:
    run = Transformer("m", 1, "ml.m5.xlarge").transform(
        f"s3://{BUCKET}/d", content_type="text/csv", split_type="Line", job_name="j",
        input_filter="$.features", output_filter="$['id','SageMakerOutput']", join_source="Input",
        model_client_config={"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 1},
        wait=False, logs=False,
    )  # fmt: skip
    return [TransformStep("T", run)]


@case
def pipeline_model() -> list[Any]:
    second = model(model_data=f"s3://{BUCKET}/b.tar.gz", entry_point="code/inference.py")
    both = PipelineModel([model(), second], ROLE)
    registered = both.register(model_package_group_name="G", **PACKAGE)
    return [ModelStep("PM", both.create("ml.m5.large")), ModelStep("PR", registered)]


@case
def register_extras() -> list[Any]:
    source = MetricsSource("application/json", f"s3://{BUCKET}/s.json")
    registered = model().register(
        model_package_group_name="G",
        metadata_properties=MetadataProperties("c", "r", "g", "p"),
        drift_check_baselines=DriftCheckBaselines(
            model_data_statistics=source, bias_config_file=FileSource(f"s3://{BUCKET}/b.json")
        ),
        model_metrics=ModelMetrics(model_statistics=source, bias=source),
        customer_metadata_properties={"a": "b"}, domain="MACHINE_LEARNING", task="OTHER",
        framework="XGBOOST", framework_version="1.5", nearest_model_name="n",
        data_input_configuration="{}", skip_model_validation="All", source_uri="s", **PACKAGE,
    )  # fmt: skip
    return [ModelStep("R", registered)]


@case
def tuner_extras() -> list[Any]:
    made = estimator(
        hyperparameters={"a": 1}, use_spot_instances=True, max_run=100, max_wait=200,
        checkpoint_s3_uri=f"s3://{BUCKET}/c",
    )  # fmt: skip
    kind = WarmStartTypes.IDENTICAL_DATA_AND_ALGORITHM
    tuner = HyperparameterTuner(
        made, "loss",
        {
            "lr": ContinuousParameter(0.1, 1.0, "Logarithmic"),
            "d": IntegerParameter(1, 5),
            "k": CategoricalParameter(["a", "b"]),
        },
        [{"Name": "loss", "Regex": "l=(.*)"}],
        objective_type="Minimize", max_jobs=4, max_parallel_jobs=2, early_stopping_type="Auto",
        warm_start_config=WarmStartConfig(kind, {"parent"}), max_runtime_in_seconds=1000,
        random_seed=3,
    )  # fmt: skip
    return [TuningStep("Tune", tuner=tuner, inputs={"train": TRAIN})]


@case
def stepcollection_depends() -> list[Any]:
    made = model(model_data=f"s3://{BUCKET}/b.tar.gz", entry_point="code/inference.py")
    collection = ModelStep("M", made.create("ml.m5.large"))
    first = TrainingStep("T", estimator().fit(TRAIN), depends_on=[collection])
    second = TrainingStep("T2", estimator().fit(TRAIN), depends_on=["M", first])
    return [collection, first, second, FailStep("F", "x", depends_on=[collection])]


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalSession:
    (tmp_path / "code").mkdir()
    for name in ("train.py", "proc.py", "inference.py", "requirements.txt"):
        (tmp_path / "code" / name).write_text(f"# {name}\n")
    monkeypatch.chdir(tmp_path)
    return LocalSession(tmp_path / "root", region="us-east-1", default_bucket=BUCKET)


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__)
def test_the_sdk_s_programs_compile_to_its_steps(make: Case, session: LocalSession) -> None:
    pipeline = Pipeline(make.__name__, steps=make(), sagemaker_session=session)
    made = json.loads(pipeline.definition())["Steps"]
    assert normal(made) == normal(RECORDED[make.__name__])


def test_jobs_have_their_own_names_if_configured(session: LocalSession) -> None:
    train = TrainingStep(
        "T", estimator(base_job_name="my-train").fit(TRAIN), cache_config=CacheConfig(True, "P30d")
    )
    config = PipelineDefinitionConfig(use_custom_job_prefix=True)
    pipeline = Pipeline(
        "P", steps=[train], sagemaker_session=session, pipeline_definition_config=config
    )
    assert json.loads(pipeline.definition())["Steps"] == RECORDED["definition_config"]
    plain = Pipeline("P", steps=[train], sagemaker_session=session)
    assert "TrainingJobName" not in json.loads(plain.definition())["Steps"][0]["Arguments"]


_NO_SCRIPT = r"must have a script .* or a ContainerEntrypoint: no image is run locally \(step"
REJECTED = {
    "notebook": r"\$\.Steps\[0\]\.Arguments: is a notebook job",
    "definition_config": _NO_SCRIPT,
    "estimator_register": _NO_SCRIPT,
    "estimator_transformer": _NO_SCRIPT,
    "legacy_register": _NO_SCRIPT,
    "legacy_register_entry": _NO_SCRIPT,
    "stepcollection_depends": rf"2 problems:(\n  .*{_NO_SCRIPT} 'T2?'\)){{2}}",
    "tuner_extras": "WarmStartConfig: is not supported by a LocalSession",
}


def test_recorded_definitions_can_be_put_if_they_can_run(session: LocalSession) -> None:
    for name, steps in RECORDED.items():
        text = json.dumps({
            "Version": "2020-12-01", "Steps": steps,
            "Parameters": [
                {"Name": "Flag", "Type": "Boolean", "DefaultValue": True},
                {"Name": "S", "Type": "String", "DefaultValue": "a"},
                {"Name": "F", "Type": "Float", "DefaultValue": 1.5},
            ],
        })  # fmt: skip
        message = REJECTED.get(name)
        if message is None:
            session.put_pipeline(name, text)
            continue
        with pytest.raises(DefinitionError, match=message):
            session.put_pipeline(name, text)


def test_steps_that_need_the_service_are_rejected(session: LocalSession) -> None:
    with pytest.raises(UsageError, match="NotebookJobStep 'N' is not available") as refused:
        NotebookJobStep(name="N", input_notebook="n.ipynb", image_uri=IMAGE, kernel_name="python3")
    assert "nbconvert" in str(refused.value.hint)
    with pytest.raises(UsageError, match="EMRStep 'E' is not available"):
        EMRStep("E", "display", "description", "cluster", None)
    pipeline = Pipeline("P", steps=[FailStep("F", "x")], sagemaker_session=session)
    pipeline.upsert(parallelism_config={"MaxParallelExecutionSteps": 2})
    with pytest.raises(UsageError, match="the member MaxParallelExecutionSteps only"):
        pipeline.upsert(parallelism_config={"Max": 2})
    with pytest.raises(UsageError, match="does not support selective execution"):
        pipeline.start(selective_execution_config=SelectiveExecutionConfig(["F"]))
    with pytest.raises(UsageError, match=r"no argument 'wiat' \(did you mean wait\?"):
        ScriptProcessor(image_uri=IMAGE, **MACHINE).run("code/proc.py", wiat=True)
    with pytest.raises(UsageError, match="needs a source and a destination"):
        ProcessingInput("s3://x/y")


def test_parameters_of_an_execution_can_be_reused(session: LocalSession) -> None:
    limit = sagemaker.ParameterFloat("Limit", 1.0)
    pipeline = Pipeline("P", [limit], steps=[FailStep("F", "x")], sagemaker_session=session)
    pipeline.upsert()
    execution = pipeline.start({"Limit": 2.0}, wait=True)
    assert pipeline.build_parameters_from_execution(execution.arn) == {"Limit": 2.0}
    changed = pipeline.build_parameters_from_execution(execution.arn, {"Limit": 3.0})
    assert changed == {"Limit": 3.0}
    with pytest.raises(UsageError, match="has no execution arn:x"):
        pipeline.build_parameters_from_execution("arn:x")
