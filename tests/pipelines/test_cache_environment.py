"""The cache key has everything that a step gets from outside its definition."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from definition_samples import definition, processing

import kinoloom
from kinoloom.pipelines.local.jobs.environment import describe_environment
from kinoloom.pipelines.local.session import LocalSession

DRIVER = """
import json, sys
from kinoloom.pipelines.local.session import LocalSession
session = LocalSession(sys.argv[1])
session.put_pipeline("Test", sys.argv[2])
execution = session.start("Test")
execution.wait()
note = execution.list_steps()[0]["CacheExplanation"]
print(json.dumps([note, (execution.result("A")["out"] / "f").read_text()]))
"""


def writer(expression: str) -> dict[str, Any]:
    """A step that writes the value of a Python expression."""
    code = (
        "import os, time; "
        f"open(os.environ['KINOLOOM_ML_ROOT'] + '/processing/out/out/f', 'w').write({expression})"
    )
    return processing("A", entrypoint=["python3", "-c", code], outputs=("out",))


def run(session: LocalSession, step: dict[str, Any]) -> tuple[str, str]:
    session.put_pipeline("Test", json.dumps(definition(step)))
    execution = session.start("Test")
    execution.wait()
    note = str(execution.list_steps()[0]["CacheExplanation"])
    return note, (execution.result("A")["out"] / "f").read_text()


def test_variables_of_the_session_are_in_the_key(tmp_path: Path) -> None:
    step = writer("os.environ.get('MODE', '-')")
    found = []
    for mode in ("one", "two", "one"):
        session = LocalSession(tmp_path / "root", env={"MODE": mode, "SECRET": "pass word"})
        found.append(run(session, step))
    assert [text for _, text in found] == ["one", "two", "one"]
    assert found[1][0].startswith("ran: Variables.MODE was ")
    assert found[2][0].startswith("cache hit")
    assert run(LocalSession(tmp_path / "root"), step)[1] == "-"
    assert all(b"pass word" not in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    own = {**step, "Arguments": {**step["Arguments"], "Environment": {"MODE": "own"}}}
    run(LocalSession(tmp_path / "root", env={"MODE": "one"}), own)
    again = run(LocalSession(tmp_path / "root", env={"MODE": "two"}), own)
    assert again[0].startswith("cache hit"), "the request's variable hides the session's"


@pytest.mark.parametrize(
    ("name", "values", "expression"),
    [
        ("TZ", ("UTC0", "XYZ-5"), "time.strftime('%Z')"),
        ("LANG", ("C", "C.UTF-8"), "os.environ['LANG']"),
        ("LC_ALL", ("C", "C.UTF-8"), "os.environ['LC_ALL']"),
        ("CUDA_VISIBLE_DEVICES", ("", "0"), "os.environ['CUDA_VISIBLE_DEVICES']"),
    ],
)
def test_variables_that_are_passed_through_are_in_the_key(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    values: tuple[str, str],
    expression: str,
) -> None:
    session = LocalSession(tmp_path / "root")
    texts = []
    for value in values:
        monkeypatch.setenv(name, value)
        texts.append(run(session, writer(expression))[1])
    assert texts[0] != texts[1]


def add_site_package(site: Path, kind: str, package: Path) -> None:
    """Install a package in editable mode, as the build backends do it."""
    info = site / "mylib-1.dist-info"
    info.mkdir()
    direct = {"url": package.parent.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(direct))
    if kind == "path":
        (site / "mylib.pth").write_text(f"{package.parent}\n")
        return
    finder = f"MAPPING: dict[str, str] = {{'mylib': {str(package)!r}}}\n"
    hook = "import sys\nsys.path.append(__import__('os').path.dirname(list(MAPPING.values())[0]))\n"
    name = "__editable___mylib_1_finder" if kind == "finder" else "_mylib_loader"
    (site / f"{name}.py").write_text(finder + hook)
    (site / "mylib.pth").write_text(f"import {name}\n")


@pytest.mark.parametrize("kind", ["path", "finder", "hook"])
def test_sources_of_editable_packages_are_in_the_key(tmp_path: Path, kind: str) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    site = next(venv.glob("lib/python*/site-packages"))
    package = tmp_path / "project" / "mylib"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import pathlib; from mylib.inner import VALUE\n")
    (package / "table.txt").write_text("t")
    (site / "all.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    add_site_package(site, kind, package)
    text = "__import__('mylib').VALUE + open(__import__('mylib').__path__[0] + '/table.txt').read()"
    words = [venv / "bin/python", "-c", DRIVER, tmp_path / "root"]
    env = {**os.environ, "PYTHONPATH": str(Path(kinoloom.__file__).parents[1])}

    def drive(value: str) -> list[str]:
        (package / "inner.py").write_text(f"VALUE = {value!r}\n")
        program = json.dumps(definition(writer(text)))
        done = subprocess.run([*words, program], env=env, capture_output=True, check=True)
        return list(json.loads(done.stdout))

    assert drive("one")[1] == "onet"
    note, result = drive("two2")
    assert result == "two2t"
    assert note.startswith("ran: Environment.sources[")
    assert drive("two2")[0].startswith("cache hit")
    (package / "table.txt").write_text("u")
    assert drive("two2")[1] == "two2u"


def test_packages_installed_meanwhile_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    before = describe_environment()
    (tmp_path / "new-1.dist-info").mkdir()
    os.utime(tmp_path, (1, 1))
    assert describe_environment()["packages"] != before["packages"]
