"""The pipeline of examples/clifford: fields, trainings, a table."""

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


def test_the_table_is_of_all_reports(tmp_path: Path) -> None:
    for name, error in (("cfno-0", 1.0), ("cfno-1", 3.0), ("fno-0", 5.0)):
        (tmp_path / name).mkdir()
        told = {"one_step_smse": error, "rollout_smse": [error, 1], "no_change_smse": [9]}
        (tmp_path / name / "report.json").write_text(json.dumps(told))
    load("compare_reports").main(tmp_path, tmp_path / "table.json")
    rows = {(r["form"], r["what"]): r for r in json.loads((tmp_path / "table.json").read_text())}
    assert rows["cfno", "one step"]["mean"] == 2.0
    assert rows["cfno", "one step"]["deviation"] == pytest.approx(2**0.5)
    assert rows["cfno", "rollout"]["mean"] == 3.0
    assert rows["fno", "rollout"] == {
        "form": "fno", "what": "rollout", "seeds": 1, "mean": 6.0, "deviation": 0.0,
    }  # fmt: skip


@pytest.mark.slow
def test_the_pipeline_compares_what_it_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = load("compare_nets")
    monkeypatch.setattr(example, "ARCHITECTURES", ("cfno", "fno"))
    monkeypatch.setattr(example, "SEEDS", (0,))
    session = LocalSession(tmp_path)
    pipeline = Pipeline("CompareNets", steps=example.steps(2, 1, 16), sagemaker_session=session)
    pipeline.upsert()
    execution = pipeline.start()
    execution.wait()
    rows = json.loads((Path(execution.result("Compare")["table"]) / "table.json").read_text())
    assert {(row["form"], row["what"]) for row in rows} == {
        (form, what) for form in ("cfno", "fno") for what in ("one step", "rollout", "no change")
    }
    assert all(row["mean"] > 0 for row in rows)
    assert (Path(execution.result("Train-cfno-0")["run"]) / "best.safetensors").exists()
