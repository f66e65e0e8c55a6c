"""Modules of the user that travel with `@step` functions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kinoloom.pipelines import LocalSession, Pipeline, step
from kinoloom.pipelines.builder.functions.modules import CustomFileFilter, find_modules
from kinoloom.pipelines.commands.run import run_file
from kinoloom.pipelines.options import RunOptions

FILES = {
    "pipeline.py": """
from typing import NamedTuple

import helper
import parts.shapes
from kinoloom.pipelines import LocalSession, Pipeline, step
from steps import describe

class Number(NamedTuple):
    value: int

def add(a, b):
    return Number(a + b)

@step(name="Count")
def count(shape):
    import lazy
    return add(helper.twice(lazy.ONE), len(shape.sides()))

@step(name="Shape")
def shape():
    return parts.shapes.Square(2)

pipeline = Pipeline("P", steps=[describe(count(shape()))], sagemaker_session=LocalSession("work"))
if __name__ == "__main__":
    pipeline.upsert()
    pipeline.start().wait()
""",
    "steps.py": """
from extra import PREFIX
from kinoloom.pipelines import step

@step(name="Describe")
def describe(number) -> str:
    return f"{PREFIX}{number.value}"
""",
    "helper.py": "import deeper\n\ndef twice(x):\n    return deeper.TWO * x\n",
    "deeper.py": "TWO = 2\n",
    "lazy.py": "ONE = 1\ntry:\n    import data\nexcept ImportError:\n    pass\n",
    "data/large.bin": "",
    "unused.py": "raise RuntimeError\n",
    "parts/__init__.py": "",
    "parts/shapes.py": """
from pathlib import Path
from .sides import count

class Square:
    def __init__(self, size):
        self.size = size

    def sides(self):
        return [self.size] * count(Path(__file__).with_name("sides.txt"))
""",
    "parts/sides.py": "def count(path):\n    return int(path.read_text())\n",
    "parts/sides.txt": "4",
}
EXTRA = "PREFIX = 'n='\n"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def python(folder: Path, *words: str) -> None:
    path = os.pathsep.join([str(folder / "lib"), *filter(None, [os.environ.get("PYTHONPATH")])])
    subprocess.run(
        [sys.executable, *words], cwd=folder, env={**os.environ, "PYTHONPATH": path}, check=True,
        timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "root"),
    [
        (["pipeline.py"], "work"),
        (["-m", "kinoloom", "pipeline", "run", "pipeline.py", "--root", "work"], "work"),
    ],
    ids=["python", "run"],
)
def test_modules_next_to_the_script_are_shipped(
    tmp_path: Path, words: list[str], root: str
) -> None:
    write(tmp_path, {**FILES, "lib/extra.py": EXTRA})
    python(tmp_path, *words)
    session = LocalSession(tmp_path / root)
    (execution,) = session.executions("P")
    assert execution.status == "Succeeded", execution.describe()
    assert execution.result("Describe") == "n=6"
    if words[0] == "-m":
        return
    python(tmp_path, *words)
    write(tmp_path, {"unused.py": "raise ValueError\n", "deeper.py": "TWO = 3\n"})
    python(tmp_path, *words)
    changed, same, _ = session.executions("P")
    assert all("cache hit" in one["CacheExplanation"] for one in same.list_steps())
    hits = {one["StepName"]: "hit" in one["CacheExplanation"] for one in changed.list_steps()}
    assert hits == {"Shape": True, "Count": False, "Describe": False}
    assert changed.result("Describe") == "n=7"


def test_only_what_a_step_needs_is_found(tmp_path: Path, monkeypatch: Any) -> None:
    write(tmp_path, {**FILES, ".venv/pyvenv.cfg": "", "space/a/.hidden.py": "", "space/a/b.py": ""})
    monkeypatch.syspath_prepend(tmp_path)
    assert sorted(find_modules(frozenset(["helper"]))) == ["deeper.py", "helper.py"]
    assert sorted(find_modules(frozenset(["lazy", "json", "numpy", "kinoloom.errors"]))) == [
        "lazy.py"
    ]
    assert sorted(find_modules(frozenset(["parts.sides"]))) == [
        "parts/__init__.py", "parts/shapes.py", "parts/sides.py", "parts/sides.txt",
    ]  # fmt: skip
    assert "space/a/b.py" in find_modules(frozenset(["space.a"]))


def test_two_folders_may_have_modules_of_one_name(tmp_path: Path) -> None:
    text = """
import helper
from kinoloom.pipelines import Pipeline, step

@step(name="One")
def one():
    return helper.NAME

pipeline = Pipeline("P", steps=[one()])
"""
    session = LocalSession(tmp_path / "work")
    for name in ("a", "b"):
        write(tmp_path / name, {"pipeline.py": text, "helper.py": f"NAME = {name!r}\n"})
        run_file(tmp_path / name / "pipeline.py", RunOptions(root=session.root))
        assert session.executions("P")[0].result("One") == name


@pytest.mark.parametrize("ignore", [None, CustomFileFilter(["*.log"])], ids=["modules", "filter"])
def test_the_working_directory_is_shipped(tmp_path: Path, monkeypatch: Any, ignore: Any) -> None:
    write(
        tmp_path,
        {"dynamic.py": "NAME = 'found'\n", "table.csv": "1,2", "a.log": "", "work/x.py": ""},
    )
    monkeypatch.chdir(tmp_path)

    @step(name="Look", include_local_workdir=True, custom_file_filter=ignore)
    def look() -> Any:
        import importlib
        from pathlib import Path

        files = sorted(path.name for path in Path().iterdir() if path.is_file())
        return importlib.import_module("dyn" + "amic").NAME, files

    session = LocalSession("work")
    pipeline = Pipeline("P", steps=[look()], sagemaker_session=session)
    pipeline.upsert()
    files = ["dynamic.py"] if ignore is None else ["dynamic.py", "table.csv"]
    assert pipeline.start(wait=True).result("Look") == ("found", files)
