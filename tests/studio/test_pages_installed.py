"""Declarations of pages, and a package with one that is installed by pip and then in the studio."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from driving import ROOT, python_path, run_studio
from page_packages import PAGES
from PIL import Image

from kinoloom.base import registry
from kinoloom.base.page import Document
from kinoloom.base.page.conformance import check_page
from kinoloom.errors import UsageError
from test_contributing import STEP, carry_out

NAMES = registry.names("pages")


@pytest.mark.parametrize("name", NAMES)
def test_every_page_conforms(name: str) -> None:
    check_page(registry.load("pages", name))


@pytest.mark.parametrize("name", ["words", "views", "apron", "tiles"])
def test_skeletons_conform(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(python_path(PAGES)))
    check_page(registry.load_path(f"{name}.page:PAGE", name))


def test_a_page_that_does_not_conform_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PAGES))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(python_path(PAGES)))
    page = registry.load_path("words.page:PAGE", "words")
    for faulty, part in (
        (replace(page, module="words:client/none.js"), "is not a file"),
        (replace(page, calls={"generate": "words.page:TEXT"}), "not a Call"),
        (replace(page, documents={"text": "words.page:generate"}), "not a Document"),
        (replace(page, feeds={"text": "words.page:generate"}), "not a Feed"),
    ):
        with pytest.raises(UsageError, match=part):
            check_page(faulty)
    from words import page as module  # type: ignore[import-not-found]

    monkeypatch.setattr(module, "SET", Document(lambda: {"a": (1,)}, max, max), raising=False)
    with pytest.raises(UsageError, match="not a plain value"):
        check_page(replace(page, documents={"set": "words.page:SET"}))


def test_the_page_of_contributing_appears_after_pip_install(tmp_path: Path) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for step in STEP.finditer(text):
        if step["path"].startswith("palette/"):
            carry_out(tmp_path / step["path"], step["verb"], step["anchor"], step["text"])
    site, folder = tmp_path / "site", tmp_path / "films"
    line = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation"]
    line += ["--no-index", "--target", str(site), str(tmp_path / "palette")]
    subprocess.run(line, check=True, capture_output=True)
    folder.mkdir()
    Image.new("RGB", (20, 20), (200, 30, 40)).save(folder / "photo.png")
    environment = {"PYTHONPATH": os.pathsep.join(python_path(site))}
    with run_studio(folder, environment=environment) as studio:
        client = studio.client
        pages = {page["name"]: page for page in client.get("/api/state").json["pages"]}
        assert (pages["palette"]["title"], pages["palette"]["failure"]) == ("Palette", "")
        assert b"export function mount" in client.get(pages["palette"]["module"]).body
        body = {"options": {"path": "photo.png", "count": 1}}
        answer = client.post("/api/palette/find-colours", body)
        assert answer.json == ["#c81e28"]
    check = (
        "from kinoloom.base.page.conformance import check_page as c; from palette.page import PAGE"
    )
    subprocess.run(
        [sys.executable, "-c", f"{check}; c(PAGE)"], check=True, env={**os.environ, **environment}
    )
