"""The example of the README runs as written."""

import re
from pathlib import Path

import pytest

import kinoloom.learn
from kinoloom.learn.logging.writers import read_log


def test_example_runs_and_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(kinoloom.learn.__file__).parent / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    exec(compile(code[1], "README.md", "exec"), {})  # noqa: S102  it is our own
    losses = [line["loss"] for line in read_log(tmp_path / "out")]
    assert losses[-1] < 0.1 * losses[0]


def test_every_file_is_in_its_table() -> None:
    folder = Path(kinoloom.learn.__file__).parent
    text = (folder / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    assert {name for name in names if name not in text} == set()
