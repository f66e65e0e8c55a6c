"""The SDK's names: programs compile to the SDK's definitions, and run."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from definition_samples import replaced

from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.sagemaker import image_uris
from kinoloom.sagemaker.estimator import Estimator
from kinoloom.sagemaker.inputs import TrainingInput
from kinoloom.sagemaker.lambda_helper import Lambda
from kinoloom.sagemaker.model import FrameworkModel, Model
from kinoloom.sagemaker.model_metrics import MetricsSource, ModelMetrics
from kinoloom.sagemaker.processing import (
    ProcessingInput,
    ProcessingOutput,
    Processor,
    ScriptProcessor,
)
from kinoloom.sagemaker.sklearn.processing import SKLearnProcessor
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
from kinoloom.sagemaker.workflow.functions import Join, JsonGet
from kinoloom.sagemaker.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from kinoloom.sagemaker.workflow.model_step import ModelStep
from kinoloom.sagemaker.workflow.parallelism_config import ParallelismConfiguration
from kinoloom.sagemaker.workflow.parameters import (
    ParameterBoolean,
    ParameterFloat,
    ParameterInteger,
    ParameterString,
)
from kinoloom.sagemaker.workflow.pipeline import Pipeline
from kinoloom.sagemaker.workflow.pipeline_experiment_config import PipelineExperimentConfig
from kinoloom.sagemaker.workflow.properties import PropertyFile
from kinoloom.sagemaker.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from kinoloom.sagemaker.workflow.steps import (
    CacheConfig,
    ProcessingStep,
    TrainingStep,
    TransformStep,
    TuningStep,
)
from kinoloom.sagemaker.xgboost.model import XGBoostModel

BUCKET = "sagemaker-us-west-2-123456789012"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
XGB = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.5-1"


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    return LocalSession(tmp_path / "root", region="us-west-2", default_bucket=BUCKET)


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    for name in ("preprocessing.py", "evaluation.py", "abalone.py"):
        (folder / name).write_text(f"# {name}\n")
    return folder


def normal(value: Any) -> Any:
    """JSON without what depends on the content of the SDK user's scripts."""
    moments = (r"-20\d\d(-\d\d){5}-\d{3}", "")
    source = (r"s3://\S+/sourcedir\.tar\.gz", "SOURCE")
    return replaced(value, moments, source, (r"/[0-9a-f]{64}/", "/HASH/"))


def same(pipeline: Pipeline, shared_data: Path, name: str) -> None:
    expected = json.loads((shared_data / "pipelines" / name).read_text())
    assert normal(json.loads(pipeline.definition())) == normal(expected)


def script(**settings: Any) -> ScriptProcessor:
    usual: dict[str, Any] = {"role": ROLE, "instance_type": "ml.m5.large", "instance_count": 1}
    return ScriptProcessor(image_uri=XGB, command=["python3"], **{**usual, **settings})


def test_the_smallest_pipeline_equals_the_sdk_s(
    session: LocalSession, scripts: Path, shared_data: Path
) -> None:
    step = ProcessingStep("Only", script().run(code=str(scripts / "preprocessing.py")))
    pipeline = Pipeline("Minimal", [], None, [step], session)
    same(pipeline, shared_data, "13_minimal_one_step.json")


def test_fan_out_equals_the_sdk_s(session: LocalSession, scripts: Path, shared_data: Path) -> None:
    pre = str(scripts / "preprocessing.py")
    chunks = [f"chunk{k}" for k in range(4)]
    split = ProcessingStep("Split", script().run(
        pre, outputs=[ProcessingOutput(f"/opt/ml/processing/{c}", output_name=c) for c in chunks],
    ))  # fmt: skip
    base = Join(
        on="/",
        values=[f"s3://{BUCKET}", "runs", ExecutionVariables.PIPELINE_NAME,
                ExecutionVariables.PIPELINE_EXECUTION_ID],
    )  # fmt: skip
    maps = []
    for k, chunk in enumerate(chunks):
        source = split.properties.ProcessingOutputConfig.Outputs[chunk].S3Output.S3Uri
        target = Join(on="/", values=[base, f"m{k}"])
        maps.append(ProcessingStep(f"Map{k}", script(max_runtime_in_seconds=600).run(
            pre,
            inputs=[ProcessingInput(source=source, destination="/opt/ml/processing/input")],
            outputs=[ProcessingOutput("/opt/ml/processing/frames", target, "frames")],
            arguments=["--chunk", str(k)],
        )))  # fmt: skip
    frames = [m.properties.ProcessingOutputConfig.Outputs["frames"].S3Output.S3Uri for m in maps]
    reduce = ProcessingStep("Reduce", script().run(
        str(scripts / "evaluation.py"),
        inputs=[ProcessingInput(uri, f"/opt/ml/processing/in{k}", f"in{k}")
                for k, uri in enumerate(frames)],
        outputs=[ProcessingOutput("/opt/ml/processing/video", output_name="video")],
    ))  # fmt: skip
    notify = ProcessingStep(
        "Notify",
        script().run(pre, outputs=[ProcessingOutput("/opt/ml/processing/out", output_name="out")]),
        depends_on=["Reduce", maps[0], "Map1"],
    )
    trial = Join(on="-", values=["trial", ExecutionVariables.START_DATETIME])
    pipeline = Pipeline(
        "FanOut", None, PipelineExperimentConfig("exp", trial), [notify, reduce, *maps, split],
        session,
    )  # fmt: skip
    same(pipeline, shared_data, "06_fanout_dependson_execvars.json")


def test_conditions_and_parameters_equal_the_sdk_s(
    session: LocalSession, scripts: Path, shared_data: Path
) -> None:
    i, f = ParameterInteger("I", 3), ParameterFloat("F", 1.5)
    b, s = ParameterBoolean("B", True), ParameterString("S", "a", ["a", "b", "c"])
    required = ParameterString("Required")
    pre = str(scripts / "preprocessing.py")
    out = [ProcessingOutput("/opt/ml/processing/out", output_name="out")]
    report = PropertyFile("Report", "out", "sub/report.json")
    first = ProcessingStep(
        "P",
        script(env={"REQ": required}).run(
            pre,
            outputs=out,
            arguments=["--i", i.to_string(), "--s", s.to_string(), "--f", f.to_string()],
        ),
        property_files=[report],
    )
    accuracy = JsonGet("P", report, "metrics.acc[0].value")
    count = first.properties.ProcessingResources.ClusterConfig.InstanceCount
    conditions = {
        "Eq": ConditionEquals(s, "a"),
        "Gt": ConditionGreaterThan(i, 2),
        "Gte": ConditionGreaterThanOrEqualTo(accuracy, f),
        "Lt": ConditionLessThan(JsonGet("P", "Report", "metrics.loss"), 0.5),
        "Lte": ConditionLessThanOrEqualTo(f, i),
        "In": ConditionIn(s, ["a", "b", required]),
        "Not": ConditionNot(ConditionEquals(b, True)),
        "Or": ConditionOr(
            [
                ConditionEquals(ExecutionVariables.PIPELINE_NAME, "x"),
                ConditionNot(ConditionIn(i, [1, 2, 3])),
                ConditionGreaterThan(count, 0),
            ]
        ),
    }
    singles = [
        ConditionStep(
            f"C{name}",
            conditions=[one],
            if_steps=[FailStep(f"F{name}", Join(on=":", values=["hit", name, i]))],
        )
        for name, one in conditions.items()
    ]
    nested = ConditionStep(
        "CNested",
        conditions=[ConditionEquals(b, False)],
        if_steps=[ProcessingStep("NestedIf", script().run(pre, outputs=out), depends_on=["P"])],
        else_steps=[FailStep("NestedFail", "nested")],
    )
    last = ConditionStep(
        "CAll",
        depends_on=["P", "CEq"],
        display_name="all conds",
        description="and of all",
        conditions=list(conditions.values()),
        if_steps=[ProcessingStep("IfP", script().run(pre, outputs=out))],
        else_steps=[nested],
    )
    pipeline = Pipeline(
        "AllConditions", [i, f, b, s, required], steps=[first, *singles, last],
        sagemaker_session=session,
    )  # fmt: skip
    same(pipeline, shared_data, "03_all_conditions_params.json")


def abalone(session: LocalSession, scripts: Path, **more: Any) -> list[Any]:
    """The first three steps of the service's own example."""
    machine = {"instance_type": "ml.m5.xlarge", "instance_count": 1, "role": ROLE}
    place = f"s3://{BUCKET}/sagemaker-pipelines-local-mode-example"
    data = ParameterString("InputData", f"{place}/abalone-data-set/abalone-dataset.csv")
    names = ("train", "validation", "test")
    process = ProcessingStep("AbaloneProcess", SKLearnProcessor("1.0-1", **machine).run(
        code=str(scripts / "preprocessing.py"),
        inputs=[ProcessingInput(source=data, destination="/opt/ml/processing/input")],
        outputs=[ProcessingOutput(f"/opt/ml/processing/{n}", output_name=n) for n in names],
    ), **more)  # fmt: skip
    made = process.properties.ProcessingOutputConfig.Outputs
    estimator = Estimator(
        image_uri=image_uris.retrieve("xgboost", "us-west-2", "1.5-1"),
        entry_point=str(scripts / "abalone.py"),
        output_path=f"{place}/model",
        disable_profiler=True,
        **machine,
    )
    estimator.set_hyperparameters(
        objective="reg:squarederror", learning_rate=0.01, num_round=50, max_depth=5, eta=0.2,
        gamma=4, min_child_weight=6, subsample=0.7,
    )  # fmt: skip
    channels = {
        n: TrainingInput(made[n].S3Output.S3Uri, content_type="text/csv") for n in names[:2]
    }
    train = TrainingStep("AbaloneTrain", estimator.fit(channels), **more)
    evaluate = ProcessingStep(
        "AbaloneEval",
        script(**machine).run(
            code=str(scripts / "evaluation.py"),
            inputs=[
                ProcessingInput(
                    train.properties.ModelArtifacts.S3ModelArtifacts, "/opt/ml/processing/model"
                ),
                ProcessingInput(made["test"].S3Output.S3Uri, "/opt/ml/processing/test"),
            ],
            outputs=[ProcessingOutput("/opt/ml/processing/evaluation", output_name="evaluation")],
        ),
        property_files=[PropertyFile("EvaluationReport", "evaluation", "evaluation.json")],
        **more,
    )
    return [data, process, train, evaluate]


def test_processing_and_training_equal_the_sdk_s(
    session: LocalSession, scripts: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(scripts.parent)
    for file, name, more in (
        ("01_abalone_seed.json", "LocalModelPipeline", {}),
        ("02_abalone_register_cache_retry.json", "AbaloneRegister", {
            "cache_config": CacheConfig(enable_caching=True, expire_after="P30D"),
            "retry_policies": [
                StepRetryPolicy(list(StepExceptionTypeEnum), interval_seconds=2, max_attempts=5),
                SageMakerJobStepRetryPolicy(
                    [SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT],
                    [SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
                     SageMakerJobExceptionTypeEnum.CAPACITY_ERROR],
                    backoff_rate=1.5, interval_seconds=60, expire_after_mins=120,
                ),
            ],
        }),
    ):  # fmt: skip
        data, *steps = abalone(session, scripts, **more)
        limit = ParameterFloat("MseThreshold", 7.0)
        states = ["PendingManualApproval", "Approved", "Rejected"]
        approval = ParameterString("ModelApprovalStatus", states[0], states)
        gate = abalone_gate(session, scripts, steps, limit, approval if more else None)
        parameters = [data, limit, *([approval] if more else [])]
        pipeline = Pipeline(name, parameters, steps=[*steps, gate], sagemaker_session=session)
        same(pipeline, shared_data, file)


def abalone_gate(
    session: LocalSession, scripts: Path, steps: list[Any], limit: Any, approval: Any
) -> ConditionStep:
    """The gate of the service's own example; with an approval the model is registered too."""
    process, train, evaluate = steps
    model = Model(
        image_uri=XGB,
        model_data=train.properties.ModelArtifacts.S3ModelArtifacts,
        source_dir="code",
        entry_point="inference.py",
        role=ROLE,
    )
    (scripts / "inference.py").write_text("")
    create = ModelStep("AbaloneCreateModel", model.create("ml.m5.large"))
    path = f"s3://{BUCKET}/sagemaker-pipelines-local-mode-example/transform"
    test = process.properties.ProcessingOutputConfig.Outputs["test"].S3Output.S3Uri
    transformer = Transformer(
        create.properties.ModelName, 1, "ml.m5.xlarge", output_path=path, sagemaker_session=session
    )
    args = transformer.transform(Join("/", [test, "test.csv"]), content_type="text/csv")
    then: list[Any] = [create, TransformStep("AbaloneTransform", args)]
    if approval is not None:
        uri = evaluate.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri
        source = MetricsSource("application/json", Join("/", [uri, "evaluation.json"]))
        then.append(ModelStep("AbaloneRegister", model.register(
            content_types=["text/csv"], response_types=["text/csv"],
            inference_instances=["ml.t2.medium", "ml.m5.xlarge"],
            transform_instances=["ml.m5.xlarge"], model_package_group_name="AbaloneGroup",
            approval_status=approval, description="abalone",
            customer_metadata_properties={"source": "abalone"},
            model_metrics=ModelMetrics(model_statistics=source),
        )))  # fmt: skip
    mse = JsonGet("AbaloneEval", "EvaluationReport", "regression_metrics.mse.value")
    message = Join(" ", ["Execution failed due to MSE >", limit])
    return ConditionStep(
        "AbaloneMSECond",
        conditions=[ConditionLessThanOrEqualTo(mse, limit)],
        if_steps=then,
        else_steps=[FailStep("AbaloneMSEFail", message)],
    )


def test_a_tuning_equals_the_sdk_s(session: LocalSession, scripts: Path, shared_data: Path) -> None:
    machine: dict[str, Any] = {"instance_count": 1, "role": ROLE}
    names = ("train", "validation")
    prepare = ProcessingStep("Prep", script().run(
        str(scripts / "preprocessing.py"),
        outputs=[ProcessingOutput(f"/opt/ml/processing/{n}", output_name=n) for n in names],
    ))  # fmt: skip
    made = prepare.properties.ProcessingOutputConfig.Outputs
    estimator = Estimator(
        image_uri=XGB, entry_point=str(scripts / "abalone.py"), instance_type="ml.m5.xlarge",
        output_path=f"s3://{BUCKET}/tune", **machine,
    )  # fmt: skip
    estimator.set_hyperparameters(objective="reg:squarederror", num_round=50, eta=1)
    tuner = HyperparameterTuner(
        estimator,
        "validation:rmse",
        {
            "eta": ContinuousParameter(0.01, 0.5, "Logarithmic"),
            "max_depth": IntegerParameter(2, 10),
            "booster": CategoricalParameter(["gbtree", "dart"]),
        },
        [{"Name": "validation:rmse", "Regex": r".*validation-rmse:([0-9\.]+)"}],
        objective_type="Minimize", max_jobs=6, max_parallel_jobs=2, early_stopping_type="Auto",
    )  # fmt: skip
    channels = {n: TrainingInput(made[n].S3Output.S3Uri, content_type="text/csv") for n in names}
    cache = CacheConfig(enable_caching=True, expire_after="30d")
    tune = TuningStep("Tune", tuner.fit(channels), cache_config=cache)
    second = Model(XGB, tune.get_top_model_s3_uri(1, BUCKET, "tune"), ROLE)
    (scripts / "inference.py").write_text("")
    best = XGBoostModel(
        tune.get_top_model_s3_uri(0, BUCKET, "tune"), ROLE, str(scripts / "inference.py"), "1.5-1"
    )
    registered = best.register(
        ["text/csv"], ["text/csv"], ["ml.m5.xlarge"], ["ml.m5.xlarge"],
        model_package_group_name="TuneGroup", approval_status="Approved",
    )  # fmt: skip
    value = tune.properties.BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value
    good = ConditionStep(
        "Good",
        conditions=[ConditionLessThan(value, 3.0)],
        if_steps=[ModelStep("BestModel", registered)],
        else_steps=[FailStep("Bad", "tuning failed")],
    )
    steps = [prepare, tune, ModelStep("SecondModel", second.create()), good]
    pipeline = Pipeline("Tuning", steps=steps, sagemaker_session=session)
    same(pipeline, shared_data, "04_tuning_topk_register.json")
    with pytest.raises(UsageError, match="top_k must be from 0 to 49, not 50"):
        tune.get_top_model_s3_uri(50, BUCKET)
    with pytest.raises(UsageError, match="at least one range"):
        HyperparameterTuner(estimator, "m", {}).fit()


def test_who_depends_on_a_model_step_depends_on_its_last_step(
    session: LocalSession, scripts: Path
) -> None:
    source = str(scripts / "abalone.py")
    model = Model(
        "any", "s3://in/model.tar.gz", entry_point="abalone.py", source_dir=str(scripts),
        dependencies=[source],
    )  # fmt: skip
    policy = StepRetryPolicy(list(StepExceptionTypeEnum), max_attempts=1)
    policies = {"repack_model_retry_policies": [policy]}
    one = ModelStep("One", model.create(), depends_on=["P"], retry_policies=policies)
    kept = FrameworkModel("s3://in/model.tar.gz", "any", entry_point=source)
    two = ModelStep("Two", kept.create(), depends_on=["One"], display_name="two")
    first = ProcessingStep("P", script().run(code=source))
    last = ProcessingStep("Q", script().run(code=source), depends_on=[one, "Two"])
    pipeline = Pipeline("Chain", steps=[last, one, two, first], sagemaker_session=session)
    made = {step["Name"]: step for step in json.loads(pipeline.definition())["Steps"]}
    assert list(made) == ["Q", "One-RepackModel-0", "One-CreateModel", "Two-CreateModel", "P"]
    assert made["Q"]["DependsOn"] == ["One-CreateModel", "Two-CreateModel"]
    assert made["One-RepackModel-0"]["DependsOn"] == ["P"]
    assert made["One-RepackModel-0"]["RetryPolicies"][0]["MaxAttempts"] == 1
    assert "DependsOn" not in made["One-CreateModel"]
    assert "RetryPolicies" not in made["One-CreateModel"]
    assert made["Two-CreateModel"]["DependsOn"] == ["One-CreateModel"]
    container = made["Two-CreateModel"]["Arguments"]["PrimaryContainer"]
    assert container["ModelDataUrl"] == "s3://in/model.tar.gz"
    assert container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"].endswith("/sourcedir.tar.gz")
    with pytest.raises(UsageError, match="result of a model's create"):
        ModelStep("Bad", first)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="model_package_name or a model_package_group_name"):
        model.register()


def test_a_lambda_equals_the_sdk_s(session: LocalSession, shared_data: Path) -> None:
    arn = "arn:aws:lambda:us-west-2:123456789012:function:f"
    outputs = [LambdaOutput("status", LambdaOutputTypeEnum.Integer), LambdaOutput("url")]
    inputs = {"a": 1, "run": ExecutionVariables.PIPELINE_EXECUTION_ID}
    step = LambdaStep("Lam", Lambda(function_arn=arn), inputs=inputs, outputs=outputs)
    ask = CallbackStep(
        "Call", "https://sqs.us-west-2.amazonaws.com/123456789012/q",
        {"x": step.properties.Outputs["url"]},
        [CallbackOutput("ok", CallbackOutputTypeEnum.Boolean)], depends_on=["Lam"],
    )  # fmt: skip
    made = json.loads(Pipeline("L", steps=[step, ask], sagemaker_session=session).definition())
    expected = json.loads((shared_data / "pipelines" / "05_lambda_callback.json").read_text())
    assert made["Steps"] == expected["Steps"][:2]
    assert step.properties.Outputs["url"].expr == {"Get": "Steps.Lam.OutputParameters['url']"}


def test_a_pipeline_variable_has_no_value_before_it_runs() -> None:
    variable = ParameterInteger("N", 3)
    for use in (str, int, float, lambda v: v + 1, lambda v: f"{v}"):
        with pytest.raises(UsageError, match="known only at run time"):
            use(variable)
    assert variable.to_string().expr == {
        "Std:Join": {"On": "", "Values": [{"Get": "Parameters.N"}]}
    }


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ParameterInteger("N", "3"), "must be of type Integer, not '3'"),
        (lambda: JsonGet("A", json_path="x"), "either a property_file or an s3_uri"),
        (lambda: JsonGet(None, "F", "x"), "needs a json_path, and a step_name"),
        (lambda: StepRetryPolicy([], max_attempts=1), "at least one exception type"),
        (lambda: StepRetryPolicy(list(StepExceptionTypeEnum)), "either max_attempts or expire"),
        (
            lambda: StepRetryPolicy(list(StepExceptionTypeEnum), max_attempts=21),
            "max_attempts must be from 1 to 20, not 21",
        ),
        (lambda: ParallelismConfiguration(0), "must be at least 1, not 0"),
        (lambda: ProcessingStep("A", "no"), "step_args of 'A' must be the result of a Processing"),
        (lambda: TrainingStep("A", Processor().run()), "must be the result of a Training job's"),
        (lambda: FailStep("A").properties, "it has no properties"),
        (lambda: image_uris.retrieve("xgbost", "us-west-2", "1"), "did you mean xgboost"),
        (lambda: image_uris.retrieve("xgboost", "moon", "1"), "region 'moon' is unknown"),
        (lambda: image_uris.retrieve("xgboost", "us-west-2"), "needs a version"),
        (lambda: Pipeline("A").definition(), "has no sagemaker_session"),
        (lambda: ScriptProcessor(entrypoint=["x"]), "has no entrypoint: it runs command and code"),
        (lambda: ScriptProcessor().run(ParameterString("X")), "not a pipeline variable"),
    ],
)  # fmt: skip
def test_wrong_use_is_rejected_at_once(make: Any, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        make()


def test_unknown_properties_are_rejected_at_once(
    session: LocalSession,
) -> None:
    step = ProcessingStep("A", Processor(image_uri="x").run())
    with pytest.raises(AttributeError, match="did you mean ProcessingOutputConfig"):
        _ = step.properties.ProcessingOutputsConfig
    with pytest.raises(UsageError, match="are attributes, not items"):
        step.properties["x"]


def test_missing_code_is_named(session: LocalSession, tmp_path: Path) -> None:
    for args in (
        script().run(str(tmp_path / "none.py")),
        Estimator("x", entry_point=str(tmp_path / "none.py")).fit(),
        Estimator("x", entry_point="../none.py", source_dir=str(tmp_path)).fit(),
    ):
        kind = ProcessingStep if args.step_type == "Processing" else TrainingStep
        pipeline = Pipeline("P", steps=[kind("A", args)], sagemaker_session=session)
        with pytest.raises(InputNotFoundError, match=r"none\.py"):
            pipeline.definition()


def test_public_names_resolve_and_are_sorted() -> None:
    import kinoloom.sagemaker as flat

    assert flat.__all__ == sorted(flat.__all__) == dir(flat)
    for name in flat.__all__:
        assert getattr(flat, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = flat.Nothing
