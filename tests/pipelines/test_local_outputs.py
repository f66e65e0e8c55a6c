"""Outputs add files: whatever else is at their address is kept."""

import json
from pathlib import Path
from typing import Any

import pytest
from definition_samples import definition, processing

from kinoloom.errors import OutputError
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.sagemaker.s3 import S3Uploader


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    return LocalSession(tmp_path / "root", resources=Resources(cpu=4))


def writer(name: str, uri: str, files: dict[str, str], **more: Any) -> dict[str, Any]:
    """A step whose output "out" with these files goes to an address."""
    code = (
        "import json, os, sys\n"
        "for name, text in json.loads(sys.argv[1]).items():\n"
        "    file = os.environ['KINOLOOM_ML_ROOT'] + '/processing/out/out/' + name\n"
        "    os.makedirs(os.path.dirname(file), exist_ok=True)\n"
        "    open(file, 'w').write(text)\n"
    )
    words = ["python3", "-S", "-c", code, json.dumps(files)]
    step = processing(name, entrypoint=words, outputs=("out",), **more)
    step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = uri
    return step


def run(session: LocalSession, *steps: dict[str, Any]) -> LocalExecution:
    session.put_pipeline("Test", json.dumps(definition(*steps)))
    execution = session.start("Test")
    execution.join()
    return execution


def files_of(session: LocalSession) -> dict[str, str]:
    base = session.root / "s3"
    return {
        path.relative_to(base).as_posix(): path.read_text()
        for path in base.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("prefix", ["", "/proj", "/proj/data"])
def test_outputs_keep_what_is_at_their_address(session: LocalSession, prefix: str) -> None:
    mine = {"bucket/proj/data/mine.csv": "1,2", "bucket/P/code/ab/job.py": "code"}
    for name, text in mine.items():
        session.upload(text.encode(), f"s3://{name}")
    uri = f"s3://bucket{prefix}"
    a = writer("A", uri, {"a.txt": "a", "same.txt": "a"})
    b = writer("B", uri, {"b/b.txt": "b", "same.txt": "b"}, DependsOn=["A"])
    assert run(session, a, b).status == "Succeeded"
    written = {"a.txt": "a", "b/b.txt": "b", "same.txt": "b"}
    expected = {f"bucket{prefix}/{name}": text for name, text in written.items()}
    assert files_of(session) == mine | expected
    assert run(session, a, b).status == "Succeeded", "both steps are cache hits"
    assert files_of(session) == mine | expected


def test_parallel_steps_share_a_prefix(session: LocalSession) -> None:
    steps = [
        writer(f"S{i}", "s3://bucket/all", {f"{i}.txt": str(i), "same": "x"}) for i in range(8)
    ]
    assert run(session, *steps).status == "Succeeded"
    found = {path.name for path in (session.root / "s3/bucket/all").iterdir()}
    assert found == {"same", *(f"{i}.txt" for i in range(8))}


def test_a_replaced_file_does_not_change_its_other_copies(session: LocalSession) -> None:
    first = run(session, writer("A", "s3://bucket/x", {"f": "first"}))
    run(session, writer("B", "s3://bucket/x", {"f": "other"}))
    run(session, writer("A", "s3://bucket/y", {"f": "first"}))
    assert first.status == "Succeeded"
    assert files_of(session) == {"bucket/x/f": "other", "bucket/y/f": "first"}


@pytest.mark.parametrize(("mine", "uri"), [("f/mine", "s3://bucket"), ("out", "s3://bucket/out")])
def test_an_output_replaces_no_folder_by_a_file(session: LocalSession, mine: str, uri: str) -> None:
    session.upload(b"mine", f"s3://bucket/{mine}")
    failed = run(session, writer("A", uri, {"f": "x"}))
    assert failed.status == "Failed"
    assert "conflicts with a file or folder" in str(failed.list_steps()[0]["FailureReason"])
    assert files_of(session) == {f"bucket/{mine}": "mine"}


def test_uploads_keep_what_is_at_their_address(session: LocalSession, tmp_path: Path) -> None:
    session.upload(b"mine", "s3://bucket/proj/data/mine.csv")
    folder = tmp_path / "folder"
    (folder / "in").mkdir(parents=True)
    (folder / "in/new.csv").write_text("new")
    S3Uploader.upload(str(folder), "s3://bucket/proj/data", sagemaker_session=session)
    session.upload(folder, "s3://bucket/proj/data/")
    with pytest.raises(OutputError, match="conflicts with a file or folder"):
        S3Uploader.upload_string_as_file_body("x", "s3://bucket/proj", sagemaker_session=session)
    with pytest.raises(OutputError, match="conflicts with a file or folder"):
        session.upload(b"x", "s3://bucket/proj/data/mine.csv/x")
    expected = {"bucket/proj/data/mine.csv": "mine", "bucket/proj/data/in/new.csv": "new"}
    assert files_of(session) == expected
