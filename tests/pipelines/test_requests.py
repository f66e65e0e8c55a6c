"""Requests as the service's users write them: manifests, chains of containers, null addresses."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from definition_samples import ROLE, definition, get, processing, training

from kinoloom.errors import ExecutionError
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.jobs.mounts import namespaces_work
from kinoloom.pipelines.local.session import LocalSession

ISOLATIONS = ["namespace", "plain"] if namespaces_work() else ["plain"]
LIST = (
    "import os, pathlib, sys; ml = pathlib.Path(os.environ['KINOLOOM_ML_ROOT']); "
    "place = ml / sys.argv[1]; "
    "text = ' '.join(sorted(f'{p.relative_to(place)}={p.read_text()}' "
    "for p in place.rglob('*') if p.is_file())); "
    "(ml / sys.argv[2]).write_text(text)"
)


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    return LocalSession(tmp_path / "root")


def run(session: LocalSession, *steps: dict[str, Any]) -> LocalExecution:
    session.put_pipeline("Test", json.dumps(definition(*steps)))
    execution = session.start("Test")
    execution.wait()
    return execution


def packed(**files: str) -> bytes:
    """A .tar.gz of files; __ in their names stands for /, and _ for a dot."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name.replace("__", "/").replace("_", "."))
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return content.getvalue()


def put_manifest(session: LocalSession, *listed: Any) -> None:
    for name, text in (("a.csv", "1"), ("sub/a.csv", "2"), ("other.csv", "3")):
        session.upload(text.encode(), f"s3://data/raw/{name}")
    session.upload(json.dumps(listed).encode(), "s3://data/lists/train.manifest")


def read_manifest() -> dict[str, Any]:
    step = processing(
        "P",
        inputs={"in": "s3://data/lists/train.manifest"},
        outputs=("out",),
        entrypoint=["python3", "-S", "-c", LIST, "processing/in", "processing/out/out/x"],
    )
    step["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3DataType"] = "ManifestFile"
    return step


def test_a_processing_input_has_the_files_of_its_manifest(session: LocalSession) -> None:
    put_manifest(session, {"prefix": "s3://data/raw/"}, "a.csv", "sub/a.csv")
    first = run(session, read_manifest())
    assert (first.result("P")["out"] / "x").read_text() == "a.csv=1 sub/a.csv=2"
    again = run(session, read_manifest())
    assert "cache hit" in again.list_steps()[0]["CacheExplanation"]
    session.upload(b"9", "s3://data/raw/sub/a.csv")
    changed = run(session, read_manifest())
    assert (changed.result("P")["out"] / "x").read_text() == "a.csv=1 sub/a.csv=9"
    put_manifest(session, "s3://data/raw/other.csv", "s3://data/raw/a.csv")
    assert (run(session, read_manifest()).result("P")["out"] / "x").read_text() == (
        "a.csv=1 other.csv=3"
    )


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([{"prefix": "s3://data/"}, "../x"], "must list paths, after an optional prefix, not '../"),
        ([{"prefix": "s3://data/"}, 3], "must list paths, after an optional prefix, not 3"),
        ([{"prefix": "s3://data/"}], "lists no files"),
        ([{"prefix": "s3://data/"}, "none.csv"], "Input s3://data/none.csv does not exist"),
    ],
)
def test_an_invalid_manifest_fails_its_step(
    session: LocalSession, listed: list[Any], message: str
) -> None:
    put_manifest(session, *listed)
    with pytest.raises(ExecutionError, match=message):
        run(session, read_manifest())


@pytest.mark.parametrize("mode", ["File", "FastFile"])
def test_a_channel_has_the_files_of_its_manifest(session: LocalSession, mode: str) -> None:
    put_manifest(session, {"prefix": "s3://data/raw/"}, "a.csv", "other.csv", "sub/a.csv")
    source = {"S3DataType": "ManifestFile", "S3Uri": "s3://data/lists/train.manifest"}
    channel = {
        "ChannelName": "train", "InputMode": mode, "DataSource": {"S3DataSource": source},
    }  # fmt: skip
    words = ["python3", "-S", "-c", LIST, "input/data/train", "model/x"]
    step = training(
        AlgorithmSpecification={"TrainingInputMode": "File", "ContainerEntrypoint": words},
        InputDataConfig=[channel],
        OutputDataConfig={"S3OutputPath": None},
        CheckpointConfig={"S3Uri": "s3://data/checkpoints"},
    )
    execution = run(session, step)
    with tarfile.open(execution.result("T")["model"]) as tar:
        file = tar.extractfile("x")
        assert file is not None
        assert file.read() == b"a.csv=1 other.csv=3 sub/a.csv=2"


@pytest.mark.parametrize("uri", ["s3://code/sourcedir.tar.gz", "s3://code"], ids=["file", "folder"])
def test_code_may_be_in_a_channel(session: LocalSession, uri: str) -> None:
    """As the SDK compiles a training without a network (enable_network_isolation)."""
    script = "import os; print(open(os.environ['SM_MODEL_DIR'] + '/x', 'w').write('made'))"
    session.upload(packed(train_py=script), "s3://code/sourcedir.tar.gz")
    source = {"S3DataType": "S3Prefix", "S3Uri": uri}
    step = training(
        AlgorithmSpecification={"TrainingInputMode": "File"},
        EnableNetworkIsolation=True,
        InputDataConfig=[{"ChannelName": "code", "DataSource": {"S3DataSource": source}}],
        HyperParameters={
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"/opt/ml/input/data/code/sourcedir.tar.gz"',
        },
    )
    assert run(session, step).logs("T") == "4\n"


SCALE = """
import json, os
def model_fn(d): return float(open(d + "/factor").read())
def input_fn(body, kind):
    assert kind == os.environ["EXPECTED"], kind
    return json.loads(body) if kind == "application/json" else [float(x) for x in body.split()]
def predict_fn(rows, model):
    import helper
    return [helper.apply(model, row) for row in rows]
def output_fn(rows, accept):
    if accept == "application/json":
        return json.dumps(rows), accept
    return "\\n".join(map(str, rows))
"""


def container(name: str, operator: str, factor: str, **env: str) -> dict[str, Any]:
    return {
        "Image": "any",
        "ModelDataUrl": f"s3://models/{name}.tar.gz",
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            **env,
        },
        "_archive": packed(
            factor=factor,
            code__inference_py=SCALE,
            code__helper_py=f"def apply(a, b): return a {operator} b\n",
        ),
    }


def chain(session: LocalSession, second: dict[str, Any]) -> list[dict[str, Any]]:
    """A model of two containers: times 3 with JSON as result, then `second`."""
    first = container(
        "first", "*", "3", EXPECTED="text/csv",
        SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/json",
    )  # fmt: skip
    for one in (first, second):
        session.upload(one.pop("_archive"), one["ModelDataUrl"])
    return [first, second]


def transform(model: Any) -> dict[str, Any]:
    arguments = {
        "ModelName": model,
        "TransformInput": {
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "ManifestFile", "S3Uri": "s3://data/lists/train.manifest",
                }
            },
            "ContentType": "text/csv", "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": None, "AssembleWith": "Line"},
        "TransformResources": {"InstanceCount": 2, "InstanceType": "any"},
    }  # fmt: skip
    return {"Name": "Apply", "Type": "Transform", "Arguments": arguments}


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize("registered", [False, True], ids=["containers", "package"])
def test_containers_are_applied_in_sequence(
    tmp_path: Path, isolation: Any, registered: bool
) -> None:
    session = LocalSession(tmp_path / "root", isolation=isolation)
    put_manifest(session, {"prefix": "s3://data/raw/"}, "a.csv", "sub/a.csv")
    containers = chain(session, container("second", "+", "10", EXPECTED="application/json"))
    steps = []
    made: dict[str, Any] = {"ExecutionRoleArn": ROLE, "Containers": containers}
    if registered:
        package = {
            "ModelPackageGroupName": "Group", "ModelApprovalStatus": "Approved",
            "InferenceSpecification": {"Containers": containers},
        }  # fmt: skip
        steps.append({"Name": "R", "Type": "RegisterModel", "Arguments": package})
        made["Containers"] = [{"ModelPackageName": get("Steps.R.ModelPackageArn")}]
    create = {"Name": "M", "Type": "Model", "Arguments": made}
    later = processing("Later", inputs={"in": get("Steps.Apply.TransformOutput.S3OutputPath")})
    execution = run(session, *steps, create, transform(get("Steps.M.ModelName")), later)
    folder = execution.result("Apply")["transform"]
    assert folder == session.root / "s3" / "local" / "Test" / execution.id / "Apply"
    assert (folder / "a.csv.out").read_text() == "13.0\n"
    assert (folder / "sub" / "a.csv.out").read_text() == "16.0\n"


def test_a_container_that_fails_is_named(session: LocalSession) -> None:
    put_manifest(session, {"prefix": "s3://data/raw/"}, "a.csv")
    containers = chain(session, container("second", "+", "ten", EXPECTED="application/json"))
    create = {
        "Name": "M",
        "Type": "Model",
        "Arguments": {"ExecutionRoleArn": ROLE, "Containers": containers},
    }
    with pytest.raises(ExecutionError, match="Container 2 of 2 failed") as caught:
        run(session, create, transform(get("Steps.M.ModelName")))
    assert "could not convert string to float: 'ten'" in str(caught.value)
