"""The commands on executions and models: start, stop, status, logs, show, explain, gc, ..."""

import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from definition_samples import condition, definition, equals, fail, get, json_get, processing

from kinoloom.base.files import Nothing
from kinoloom.base.report import Picture
from kinoloom.base.report.files import to_html, to_text
from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines import ops
from kinoloom.pipelines.commands.run import wait_for
from kinoloom.pipelines.language.load import check
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.reports import graph as graph_report
from kinoloom.pipelines.reports.live import build_table
from kinoloom.pipelines.reports.step_colors import STEP_COLOURS, step_kind

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk" + (
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MAKE = f"""
import base64, json, os
out = os.environ["KINOLOOM_ML_ROOT"] + "/processing/out/out/"
print("<script>alert(1)</script>")
json.dump({{"deep": {{"n": 3}}}}, open(out + "m.json", "w"))
open(out + "p.png", "wb").write(base64.b64decode("{PNG}"))
"""
NOTHING = Nothing()
SLEEP = "import time; print('asleep', flush=True); time.sleep(100)"


def python(name: str, code: str, **more: Any) -> dict[str, Any]:
    return processing(name, entrypoint=["python3", "-S", "-c", code], **more)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    first = python("A", MAKE, outputs=("out",))
    first["PropertyFiles"] = [{"PropertyFileName": "M", "OutputName": "out", "FilePath": "m.json"}]
    uri = get("Steps.A.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")
    copy = python("B", "print(2)", inputs={"in": uri})
    n = {"Name": "N", "Type": "Integer", "DefaultValue": 3}
    choice = condition(
        "C", equals(json_get("A", "M", "deep.n"), get("Parameters.N")),
        then=[copy], otherwise=[fail("No")],
    )  # fmt: skip
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(definition(first, choice, parameters=[n])))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def until(found: Any, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not found():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def test_an_execution_started_in_the_background_is_stopped_by_another_process(
    root: Path, tmp_path: Path
) -> None:
    path = tmp_path / "long.json"
    path.write_text(json.dumps(definition(python("A", SLEEP), python("B", SLEEP))))
    execution = ops.start(path, root=root).data["execution"]
    until(lambda: "asleep" in str(ops.logs(NOTHING, root=root).data["logs"]))
    assert ops.status(NOTHING, root=root).data["executions"][0]["status"] == "Executing"
    with pytest.raises(ExecutionError, match="already running"):
        ops.resume(NOTHING, root=root)
    stopped = ops.stop(NOTHING, root=root, execution=execution[:5])
    assert stopped.data["status"] == "Stopped"
    assert {step["status"] for step in stopped.data["steps"]} == {"Stopped"}
    assert ops.stop(NOTHING, root=root).data["status"] == "Stopped", "there is nothing to do"


def test_an_execution_whose_engine_was_killed_resumes(root: Path, file: Path) -> None:
    session = LocalSession(root)
    session.put_pipeline("P", file.read_text())
    execution = session.prepare("P")
    assert ops.status(NOTHING, root=root).data["executions"][0]["status"] == "Interrupted"
    with pytest.raises(ExecutionError, match="No process is running"):
        ops.stop(NOTHING, root=root)
    for _ in range(2):  # a finished execution is resumed by doing nothing
        assert ops.resume(NOTHING, root=root).data["status"] == "Succeeded"
    one = ops.status(NOTHING, root=root, execution=execution)
    assert [step["name"] for step in one.data["steps"]] == ["A", "C", "B"]


def test_the_page_is_complete_and_escaped(root: Path, file: Path) -> None:
    ops.run(file, root=root)
    report = ops.show(NOTHING, root=root)
    page = to_html(report)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert 'src="http' not in page
    assert 'href="http' not in page
    assert page.count("data:image/svg+xml") == 2
    assert f"data:image/png;base64,{PNG}" in page
    for word in ("Lineage", "Parameters", "deep.n", "A/out", "Log of A"):
        assert word in page
    pictures = [s.data.decode() for s in report.sections[:3] if isinstance(s, Picture)]
    assert all(f">{name}</text>" in pictures[0] for name in ("A", "B", "C", "No"))
    assert ">No</text>" not in pictures[1], "it never ran"
    assert report.data["status"] == "Succeeded"


@pytest.mark.parametrize(
    ("status", "cache", "kind"),
    [
        ("Succeeded", "", "Succeeded"),
        ("Succeeded", "cache hit: execution x", "Cached"),
        ("Starting", "", "Not run"),
    ],
)
def test_steps_have_colours_by_status_and_cache(status: str, cache: str, kind: str) -> None:
    assert step_kind(status, cache) == kind
    assert kind in STEP_COLOURS


def test_transitive_dependencies_are_not_drawn() -> None:
    second = {**python("B", ""), "DependsOn": ["A"]}
    third = {**python("C", ""), "DependsOn": ["A", "B"]}
    graph = check(definition(third, python("A", ""), second)).graph
    picture = graph_report.graph_picture(graph, {}).data.decode()
    assert picture.count("<path") == 2
    assert graph_report.direct_needs(graph, "C") == {"B"}


def test_explain_runs_nothing(root: Path, file: Path) -> None:
    first = ops.explain(file, root=root).data["steps"]
    assert first == {
        "A": "would run: no earlier success",
        "C": "unknown until A has run",
        "B": "unknown until A, C has run",
        "No": "unknown until C has run",
    }
    execution = ops.run(file, root=root).data["execution"]
    taken = f"cache hit: execution {execution}"
    told = ops.explain(file, root=root).data["steps"]
    assert told == {"A": taken, "C": "would evaluate to true", "B": taken, "No": "would be skipped"}
    told = ops.explain(file, root=root, set="N=4").data["steps"]
    assert told["C"] == "would evaluate to false"
    assert told["B"] == "would be skipped"
    assert told["No"] == "would fail: no"
    file.write_text(file.read_text().replace("print(2)", "print(3)"))
    told = ops.explain(file, root=root).data["steps"]
    assert "ContainerEntrypoint[3] was 'print(2)', is 'print(3)'" in told["B"]
    assert ops.explain(file, root=root, strict=True).data["steps"]["A"] == (
        "would run: caching is off for this step"
    )
    assert len(ops.status(NOTHING, root=root).data["executions"]) == 1


def test_logs_are_of_one_step_or_all(root: Path, file: Path) -> None:
    ops.run(file, root=root)
    assert set(ops.logs(NOTHING, root=root).data["logs"]) == {"A", "B", "C"}
    assert ops.logs(NOTHING, root=root, step="B").data["logs"] == {"B": "2\n"}
    with pytest.raises(UsageError, match="No step 'Z' has started"):
        ops.logs(NOTHING, root=root, step="Z")


def test_an_execution_is_found_by_a_prefix_of_its_id(root: Path, file: Path) -> None:
    with pytest.raises(UsageError, match="is not a workspace"):
        ops.show(NOTHING, root=root)
    ops.run(file, root=root)
    with pytest.raises(UsageError, match="No execution matches 'zz'"):
        ops.show(NOTHING, root=root, execution="zz")
    session = LocalSession(root)
    row = session.workspace.state.query("SELECT * FROM executions")[0]
    session.workspace.state.add_execution({**row, "id": row["id"][:4] + "other"})
    with pytest.raises(UsageError, match="More than one execution matches"):
        ops.show(NOTHING, root=root, execution=row["id"][:4])


def test_export_writes_the_definition(root: Path, file: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "kinoloom", "pipeline", "export", str(file)]
    target = tmp_path / "out.json"
    words += ["--root", str(root), "-o", str(target)]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    assert json.loads(target.read_text()) == json.loads(file.read_text())


def test_gc_removes_old_executions_and_keeps_needed_ones(root: Path, file: Path) -> None:
    old = ops.run(file, root=root, strict=True).data["execution"]
    text = file.read_text().replace("alert(1)", "alert(2)")
    file.write_text(text.replace('\\"n\\": 3', '\\"more\\": 1, \\"n\\": 3'))
    new = ops.run(file, root=root, strict=True).data["execution"]
    session = LocalSession(root)
    outputs = {one: session.execution(one).result("A")["out"] for one in (old, new)}
    would = ops.gc(NOTHING, root=root, keep=1, dry_run=True).data
    assert would["executions"] == [old]
    assert would["bytes"] > 0
    assert outputs[old].is_dir()
    assert ops.gc(NOTHING, root=root, keep=1).data == would
    assert not outputs[old].exists()
    assert not (root / "runs" / old).exists()
    assert json.loads((outputs[new] / "m.json").read_text()) == {"deep": {"more": 1, "n": 3}}
    again = ops.run(file, root=root).data["steps"]
    assert [s["cache"] for s in again if s["name"] != "C"] == [f"cache hit: execution {new}"] * 2
    assert ops.gc(NOTHING, root=root, keep=1).data["executions"] == [], "new is a source"


def test_gc_rejects_running_executions(root: Path) -> None:
    session = LocalSession(root)
    session.put_pipeline("P", json.dumps(definition(python("A", SLEEP))))
    execution = session.start("P")
    try:
        with pytest.raises(ExecutionError, match="is running"):
            ops.gc(NOTHING, root=root)
    finally:
        execution.stop()
        execution.join()
    assert execution.status == "Stopped"


def test_models_are_listed_and_approved(root: Path) -> None:
    session = LocalSession(root)
    step = {"Name": "R", "Type": "RegisterModel", "Arguments": {"ModelPackageGroupName": "Fam"}}
    session.put_pipeline("P", json.dumps(definition(step)))
    session.start("P").wait()
    (listed,) = ops.models(NOTHING, root=root).data["models"]
    assert (listed["model"], listed["approval"]) == ("Fam:1", "PendingManualApproval")
    told = ops.approve(NOTHING, root=root, model="Fam:1", reason="sharp")
    assert told.data["approval"] == "Approved"
    assert "sharp" in to_text(told)
    ops.approve(NOTHING, root=root, model="Fam:1", status="Rejected")
    history = ops.models(NOTHING, root=root, model="Fam:1").data["history"]
    assert [line["status"] for line in history] == [
        "PendingManualApproval", "Approved", "Rejected",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="GROUP:VERSION, such as"):
        ops.approve(NOTHING, root=root, model="Fam")
    assert ops.models(NOTHING, root=root, model="Other").data["models"] == []


def test_the_live_table_follows_the_steps(root: Path, file: Path) -> None:
    from rich.console import Console

    session = LocalSession(root)
    session.put_pipeline("P", file.read_text())
    execution = session.start("P", {"N": 4})
    execution.join()
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(build_table(execution))
    text = console.export_text()
    for word in (execution.id, "ran: no earlier success", "No", "Failed"):
        assert word in text
    with pytest.raises(ExecutionError, match=f"--resume {execution.id}"):
        wait_for(execution)
