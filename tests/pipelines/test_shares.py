"""What a step gets of the machine: threads for its cores, large inputs in place."""

import json
from pathlib import Path
from typing import Any

import pytest
from definition_samples import definition, processing

from kinoloom.pipelines import LocalSession, Resources
from kinoloom.pipelines.local.jobs.files import place_input
from kinoloom.pipelines.local.jobs.training_job import training_job

NAMES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
TELL = (
    "import json, os; base = os.environ['KINOLOOM_ML_ROOT'] + '/processing/'; "
    f"json.dump([os.environ.get(n) for n in {NAMES}], open(base + 'out/out/env.json', 'w'))"
)
LOOK = (
    "import os, sys; file = os.environ['KINOLOOM_ML_ROOT'] + '/processing/large/film.bin'; "
    "print(os.path.islink(file), open(file).read())"
)


def threads(session: LocalSession, **more: Any) -> list[str | None]:
    step = processing("S", entrypoint=["python3", "-S", "-c", TELL], outputs=("out",), **more)
    session.put_pipeline("Threads", json.dumps(definition(step)))
    execution = session.start("Threads")
    execution.wait()
    found: list[str | None] = json.loads((execution.result("S")["out"] / "env.json").read_text())
    return found


@pytest.mark.parametrize(("cpu", "count"), [(0.5, "1"), (1, "1"), (3, "3")])
def test_a_step_has_as_many_threads_as_cores(
    tmp_path: Path, cpu: float, count: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    instances = {"ml.m5.large": Resources(cpu=cpu)}
    session = LocalSession(tmp_path, resources=Resources(cpu=4), instances=instances)
    assert threads(session) == [count] * len(NAMES)


def test_a_step_and_a_session_override_thread_counts(tmp_path: Path) -> None:
    session = LocalSession(tmp_path, env={"MKL_NUM_THREADS": "5"}, strict=True)
    told = threads(session, Environment={"OMP_NUM_THREADS": "6"})
    assert told == ["6", "1", "5", "1"]


def test_app_managed_inputs_are_not_copied(tmp_path: Path) -> None:
    film = tmp_path / "film.bin"
    film.write_text("large")
    step = processing(
        "S", entrypoint=["python3", "-S", "-c", LOOK], inputs={"large": film.as_uri()}
    )
    step["Arguments"]["ProcessingInputs"][0]["AppManaged"] = True
    session = LocalSession(tmp_path / "root")
    session.put_pipeline("Large", json.dumps(definition(step)))
    execution = session.start("Large")
    execution.wait()
    assert execution.logs("S") == "True large\n"
    film.write_text("other")
    again = session.start("Large")
    again.wait()
    assert "Inputs" in again.list_steps()[0]["CacheExplanation"], "its content counts all the same"


def test_a_fast_file_channel_is_read_in_place(tmp_path: Path) -> None:
    request = {
        "AlgorithmSpecification": {"ContainerEntrypoint": ["true"], "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "InputMode": "FastFile",
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/train"}
                },
            }
        ],
    }
    (one,) = training_job(request, "job", "arn").inputs
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "rows.csv").write_text("1,2")
    place_input(one, tmp_path / "train", tmp_path / "ml")
    place = tmp_path / "ml" / "input" / "data" / "train"
    assert place.is_symlink()
    assert (place / "rows.csv").read_text() == "1,2"
