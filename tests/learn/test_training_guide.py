"""The network of one's own in the training guide learns what it is shown."""

from pathlib import Path

import pytest

from doc_blocks import ROOT, blocks
from kinoloom.learn import read_log


def test_the_example_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "guides" / "training.md"
    [code] = [block.text for block in blocks(page) if "Task(" in block.text]
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page.name, "exec"), {})  # noqa: S102  our own
    losses = [line["loss"] for line in read_log(tmp_path / "out")]
    assert losses[-1] < 0.1 * losses[0]
