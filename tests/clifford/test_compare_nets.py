"""The example that compares networks: a pipeline whose steps train, each on its own core."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from kinoloom.pipelines import LocalSession, Pipeline

EXAMPLE = Path(__file__).parents[2] / "examples" / "clifford" / "compare_nets.py"
WAIT_S = 300


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    spec = importlib.util.spec_from_file_location("compare_nets", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SEEDS", (0,))
    return module


@pytest.mark.slow
def test_the_example_compares_networks(example: Any, tmp_path: Path) -> None:
    session = LocalSession(tmp_path)
    steps = example.steps(updates=2, trajectories=2, cells=16)
    Pipeline("CompareNets", steps=steps, sagemaker_session=session).upsert()
    execution = session.start("CompareNets")
    execution.wait(delay=1, max_attempts=WAIT_S)
    rows = json.loads((execution.result("Compare")["table"] / "table.json").read_text())
    assert {row["form"] for row in rows} == {"cresnet", "resnet"}
    assert {row["what"] for row in rows} == {"one step", "rollout", "no change"}
    assert all(row["mean"] > 0 for row in rows)
    trainings = [s["StepName"] for s in execution.list_steps() if "Train" in s["StepName"]]
    assert sorted(trainings) == ["Train-cresnet-0", "Train-resnet-0"]
