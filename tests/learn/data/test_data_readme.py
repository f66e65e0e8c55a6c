"""The example of the training guide runs as written; the READMEs name every file."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import pytest
from footage import draw_blobs, draw_pan, write_image, write_video

import kinoloom.learn.data
import kinoloom.learn.synthetic
from doc_blocks import ROOT, blocks

GUIDE = ROOT / "docs" / "guides" / "training.md"
FOLDERS = [Path(module.__path__[0]) for module in (kinoloom.learn.data, kinoloom.learn.synthetic)]


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "footage" / "walk.mp4", draw_pan(1, range(0, 60, 6)))
    write_image(tmp_path / "footage" / "photo.png", draw_blobs(2, 120, 100))
    code = next(b.text for b in blocks(GUIDE) if "open_data(" in b.text)

    monkeypatch.chdir(tmp_path)
    exec(compile(code, GUIDE.name, "exec"), {})  # noqa: S102  our own
    assert cv2.imread("sheet.png").shape[1] > 1000
    assert (tmp_path / "index.json").exists()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_table_names_every_file(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    assert files == set(re.findall(r"\b(\w+\.py)\b", "\n".join(re.findall(r"^\|.*", text, re.M))))
