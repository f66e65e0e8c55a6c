"""The documentation: its commands work, its figures are measured, its names exist."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from doc_blocks import PAGES, ROOT, Block, blocks, commands, commands_on, write_inputs
from kinoloom.cli.main import cli

SCRIPTS = ROOT / "scripts" / "docs"
GALLERY = ROOT / "docs" / "gallery"
_OF_USERS = {"pipeline.py", "model.c", "main.c", "pipeline.json", "report.json"}
RUN_PAGES = [page for page in PAGES if any(block.run for block in blocks(page))]


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import a generator of scripts/docs."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module(name)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_parses(page: Path) -> None:
    for words in commands_on(page):
        parse(words)


def parse(words: list[str]) -> None:
    """Parse a command line without running it."""
    command: click.Command = cli
    path = click.Context(cli, info_name="kinoloom")
    while isinstance(command, click.Group):
        assert words, f"{path.command_path} needs a command"
        name, *words = words
        below = command.get_command(path, name)
        assert below is not None, f"unknown command: {path.command_path} {name}"
        if not isinstance(below, click.Group):
            below.make_context(name, words, path)
            return
        command, path = below, click.Context(below, path, info_name=name)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_inputs(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN_PAGES, ids=name_of)
def test_marked_blocks_run(page: Path, inputs: Path, tmp_path: Path) -> None:
    for path in inputs.iterdir():
        (tmp_path / path.name).symlink_to(path)
    for block in blocks(page):
        if block.run:
            run(block, tmp_path)


def run(block: Block, folder: Path) -> None:
    """Run a block in a folder; raise with its output when it fails."""
    if block.kind == "python":
        lines = [[sys.executable, "-c", block.text]]
    else:
        lines = [[sys.executable, "-m", "kinoloom", *words] for words in commands(block.text)]
    assert lines
    env = {**os.environ, "OMP_NUM_THREADS": "1"}  # small jobs: more threads only wait
    for line in lines:
        done = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(line[2:])}\n{done.stdout}\n{done.stderr}"


def test_tables_of_figures_equal_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = script("figures", monkeypatch)
    marked = [page for page in figures.PAGES if "<!-- figures:" in page.read_text("utf-8")]
    assert len(marked) >= 4
    for page in marked:
        text = page.read_text(encoding="utf-8")
        assert figures.with_figures(text) == text, f"run python scripts/docs/figures.py: {page}"


@pytest.mark.parametrize("folder", ["guides", "decisions"])
def test_files_named_in_prose_exist(folder: str) -> None:
    """A file is named by the end of its path: `motion/cuts.py`, `memory.py`."""
    tops = ("src", "benchmarks", "scripts", "examples", "tests", "docs")
    paths = [f"/{path.relative_to(ROOT)}" for top in tops for path in (ROOT / top).rglob("*.*")]
    missing = [
        f"{page.name}: {name}"
        for page in sorted((ROOT / "docs" / folder).glob("*.md"))
        for name in re.findall(r"`([\w/]+\.(?:py|json|c))`", page.read_text(encoding="utf-8"))
        if name not in _OF_USERS and not any(path.endswith(f"/{name}") for path in paths)
    ]
    assert missing == []


def test_every_public_name_resolves_and_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = script("api_pages", monkeypatch).public_packages()
    assert {"kinoloom", "kinoloom.base"} <= set(packages)
    for package in packages:
        module = importlib.import_module(package)
        assert list(module.__all__) == sorted(set(module.__all__), key=kind_and_name), package
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isroutine(value):
                assert inspect.getdoc(value), f"{package}.{name} has no docstring"


def kind_and_name(name: str) -> tuple[int, str]:
    """Return the place of a name in ruff's order: constants, classes, then the others."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return kind, name


def test_the_error_page_has_every_class(monkeypatch: pytest.MonkeyPatch) -> None:
    from kinoloom import errors

    text = script("errors_page", monkeypatch).errors_page()
    classes = [n for n, v in vars(errors).items() if inspect.isclass(v)]
    assert [name for name in classes if f"### `{name}`" not in text] == []


def test_the_command_pages_have_every_op(monkeypatch: pytest.MonkeyPatch) -> None:
    from kinoloom.base import registry

    text = "\n".join(script("commands_pages", monkeypatch).command_pages().values())
    ops = [f"kinoloom {name.replace('.', ' ')}" for name in registry.names("ops")]
    assert [op for op in ops if op not in text] == []


def test_the_measurements_have_every_result(monkeypatch: pytest.MonkeyPatch) -> None:
    results = ROOT / "benchmarks" / "results"
    text = script("measurements_page", monkeypatch).measurements_page(results)
    assert [
        p.name for p in results.glob("*.json") if f"`benchmarks/results/{p.name}`" not in text
    ] == []
    assert "{'" not in text, "a nested value was not laid out"


def test_every_picture_of_the_gallery_has_its_script() -> None:
    text = (GALLERY / "index.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]{20,}\]\((\w+)\.(?:webp|svg)\)", text)
    scripts = {path.stem for path in (ROOT / "examples" / "gallery").glob("*.py")} - {"panels"}
    pictures = [path for path in GALLERY.iterdir() if path.suffix in (".webp", ".svg")]
    assert set(shown) == scripts == {path.stem for path in pictures}
    assert [path.name for path in pictures if path.stat().st_size > 300_000] == []
    assert all(f"examples/gallery/{name}.py" in text for name in shown)


def test_a_page_that_loads_from_another_host_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mkdocs", reason="needs mkdocs: pip install 'kinoloom[docs]'")
    check = script("offline_check", monkeypatch)
    page = '<a href="https://a.example">x</a><link rel="canonical" href="https://b.example">'
    (tmp_path / "index.html").write_text(page + '<img src="own.png">')
    assert check.outside_loads(tmp_path) == []
    (tmp_path / "index.html").write_text(page + '<script src="//c.example/x.js"></script>')
    (tmp_path / "own.css").write_text("@font-face{src:url(https://d.example/f.woff2)}")
    assert len(check.outside_loads(tmp_path)) == 2


@pytest.mark.slow
def test_the_site_builds(tmp_path: Path) -> None:
    pytest.importorskip("mkdocstrings", reason="needs mkdocs: pip install 'kinoloom[docs]'")
    line = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for page in ("index", "guides/film", "reference/errors", "reference/commands/interpolate"):
        assert (tmp_path / f"{page}.html").stat().st_size > 10_000
