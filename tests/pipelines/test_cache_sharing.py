"""Which results the cache shares: never one result for two steps of one execution."""

import json
from pathlib import Path
from typing import Any

import pytest
from definition_samples import definition, processing

from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.sagemaker.processing import ProcessingOutput, ScriptProcessor
from kinoloom.sagemaker.workflow.pipeline import Pipeline
from kinoloom.sagemaker.workflow.pipeline_context import LocalPipelineSession
from kinoloom.sagemaker.workflow.steps import CacheConfig, ProcessingStep

DRAW = (
    "import os; out = os.environ['KINOLOOM_ML_ROOT'] + '/processing/out/out'; "
    "open(out + '/f', 'wb').write(os.urandom(8))"
)


def draw(name: str, *needs: str, **more: Any) -> dict[str, Any]:
    """A step with a random result."""
    words = ["python3", "-S", "-c", DRAW]
    after = {"DependsOn": list(needs)} if needs else {}
    return processing(name, entrypoint=words, outputs=("out",), **after, **more)


def run(session: LocalSession, *steps: dict[str, Any]) -> LocalExecution:
    session.put_pipeline("Test", json.dumps(definition(*steps)))
    execution = session.start("Test")
    execution.wait()
    return execution


def results(execution: LocalExecution) -> dict[str, bytes]:
    names = [step["StepName"] for step in execution.list_steps()]
    return {name: (execution.result(name)["out"] / "f").read_bytes() for name in names}


@pytest.mark.parametrize("needs", [(), ("X",)], ids=["parallel", "in order"])
def test_equal_steps_of_one_execution_have_results_of_their_own(
    tmp_path: Path, needs: tuple[str, ...]
) -> None:
    session = LocalSession(tmp_path / "root", resources=Resources(cpu=2))
    first = results(run(session, draw("X"), draw("Y", *needs)))
    assert first["X"] != first["Y"]
    again = run(session, draw("X"), draw("Y", *needs))
    assert results(again) == first, "each is reused for itself"
    assert {s["CacheExplanation"][:9] for s in again.list_steps()} == {"cache hit"}
    three = results(run(session, draw("X"), draw("Y", *needs), draw("Z", *needs)))
    assert three["Z"] not in first.values()


def test_the_sdk_s_session_caches_only_on_request(tmp_path: Path) -> None:
    script = tmp_path / "draw.py"
    script.write_text(DRAW.replace("out/out", "out"))
    session = LocalPipelineSession(root=tmp_path / "root")
    processor = ScriptProcessor("any", "any", command=["python3"], sagemaker_session=session)
    outputs = [ProcessingOutput("/opt/ml/processing/out", output_name="out")]

    def start(cache: CacheConfig | None) -> tuple[bytes, str]:
        arguments = processor.run(str(script), outputs=outputs)
        step = ProcessingStep("A", arguments, cache_config=cache)
        pipeline = Pipeline("P", steps=[step], sagemaker_session=session)
        pipeline.create("role")
        execution = pipeline.start(wait=True)
        return results(execution)["A"], str(execution.list_steps()[0]["CacheExplanation"])

    first, second = start(None), start(None)
    assert first[0] != second[0]
    assert second[1] == "ran: caching is off for this step"
    requested = CacheConfig(enable_caching=True, expire_after="P1D")
    result, note = start(requested)
    assert result == second[0]
    assert note.startswith("cache hit")
