"""The language rules of docs/contributing/language.md: plain English, the field's words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from import_graph import ROOT, read_modules
from kinoloom.base import registry

STOP_WORDS = (
    *("told", "tells", "goes on", "go on", "worked out", "taken over", r"(?<!here )is no", "Holds"),
    *("woven", "weave", "judged", "guess", "guesses", "doubts", "mended", "for ever"),
    *("may be told", "asked for", "learned by heart", "the same bits"),
)
"""Words and phrases that have a better one in the language page's table."""

PATTERN = re.compile("|".join(rf"\b{word}\b" for word in STOP_WORDS))
TREES = {
    path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(read_modules().values())
}
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").glob("guides/*.md")) + sorted((ROOT / "src").rglob("README.md"))


def strings_in(node: ast.AST) -> Iterator[tuple[int, str]]:
    """All string literals below a node, with their lines."""
    for child in ast.walk(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.lineno, child.value


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and (text := ast.get_docstring(node, clean=False)):
            yield node.body[0].lineno, text


def called_name(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def messages(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Help texts, summaries and error messages: what people read at run time."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            yield from strings_in(node.exc)
        elif isinstance(node, ast.Call) and called_name(node) in {
            *("option", "OpEntry", "Entries", "Option", "UsageError", "Text", "Table"),
        }:
            yield from strings_in(node)


def violations(path: Path, texts: Iterator[tuple[int, str]]) -> Iterator[str]:
    for line, text in texts:
        for match in PATTERN.finditer(text):
            number = line + text.count("\n", 0, match.start())
            yield f"{path.relative_to(ROOT)}:{number}: '{match[0]}'"


def test_messages_use_the_words_of_the_field() -> None:
    found = {v for path, tree in TREES.items() for v in violations(path, messages(tree))}
    assert sorted(found) == []


def test_docstrings_use_the_words_of_the_field() -> None:
    found = {v for path, tree in TREES.items() for v in violations(path, docstrings(tree))}
    assert sorted(found) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_use_the_words_of_the_field(page: Path) -> None:
    assert list(violations(page, iter([(1, page.read_text(encoding="utf-8"))]))) == []


def test_every_command_group_has_a_sentence_of_its_own() -> None:
    groups = {name.rpartition(".")[0] for name in registry.names("ops") if "." in name}
    groups |= {name.rpartition(".")[0] for name in groups if "." in name}
    helps = {name: registry.group_help(name) for name in groups}
    assert all(re.fullmatch(r"[A-Z][^.]+\.", text) for text in helps.values()), helps
    assert not any(text.startswith("Commands: ") for text in helps.values())


def test_the_language_page_is_there() -> None:
    text = (ROOT / "docs" / "contributing" / "language.md").read_text(encoding="utf-8")
    assert "imperative" in text
