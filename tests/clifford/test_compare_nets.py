"""Tests of the pipeline of examples/clifford."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from kinoloom.pipelines import LocalSession, Pipeline

EXAMPLES = Path(__file__).parents[2] / "examples" / "clifford"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_table_aggregates_all_reports(tmp_path: Path) -> None:
    for name, error in (("cfno-0", 1.0), ("cfno-1", 3.0), ("fno-0", 5.0)):
        (tmp_path / name).mkdir()
        report = {"one_step_smse": error, "rollout_smse": [error, 1], "no_change_smse": [9]}
        (tmp_path / name / "report.json").write_text(json.dumps(report))
    load("compare_reports").main(tmp_path, tmp_path / "table.json")
    rows = {
        (r["architecture"], r["error"]): r
        for r in json.loads((tmp_path / "table.json").read_text())
    }
    assert rows["cfno", "one step"]["mean"] == 2.0
    assert rows["cfno", "one step"]["deviation"] == pytest.approx(2**0.5)
    assert rows["cfno", "rollout"]["mean"] == 3.0
    assert rows["fno", "rollout"] == {
        "architecture": "fno", "error": "rollout", "seeds": 1, "mean": 6.0, "deviation": 0.0,
    }  # fmt: skip


@pytest.mark.slow
def test_pipeline_trains_and_compares_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = load("compare_nets")
    monkeypatch.setattr(example, "ARCHITECTURES", ("cfno", "fno"))
    monkeypatch.setattr(example, "SEEDS", (0,))
    session = LocalSession(tmp_path)
    pipeline = Pipeline(
        "CompareNets", steps=example.build_steps(2, 1, 16), sagemaker_session=session
    )
    pipeline.upsert()
    execution = pipeline.start()
    execution.wait()
    rows = json.loads((Path(execution.result("Compare")["table"]) / "table.json").read_text())
    assert {(row["architecture"], row["error"]) for row in rows} == {
        (net, error) for net in ("cfno", "fno") for error in ("one step", "rollout", "persistence")
    }
    assert all(row["mean"] > 0 for row in rows)
    assert (Path(execution.result("Train-cfno-0")["run"]) / "best.safetensors").exists()
