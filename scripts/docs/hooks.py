"""Hooks of the documentation build: generated pages, expanded navigation, the offline check.

Pages that repeat what the source already says are generated at build time and never stored:
the command line from the registry, errors from `kinoloom.errors`, the Python reference from each
package's `__all__`, measurements from `benchmarks/results`, and each subject's README.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api_pages import api_pages
from commands_pages import command_pages
from errors_page import errors_page
from measurements_page import measurements_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from offline_check import check_offline

ROOT = Path(__file__).parents[2]
_SUBJECTS = "subjects/*"


def generated_pages() -> dict[str, str]:
    """Return the Markdown of every generated page by its path below docs/."""
    return {
        **command_pages(),
        **api_pages(),
        **_subject_pages(),
        "reference/errors.md": errors_page(),
        "measurements.md": measurements_page(ROOT / "benchmarks" / "results"),
        "changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        "contributing/index.md": (ROOT / "CONTRIBUTING.md")
        .read_text(encoding="utf-8")
        .replace("(docs/contributing/", "("),
    }


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Expand the `FOLDER/*` entries of the navigation."""
    docs = Path(config.docs_dir)
    stored = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    unnamed = (stored | set(generated_pages())) - set(_named(config.nav))
    config.nav = _expand(config.nav, sorted(unnamed))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, text in generated_pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Name the search dialog for screen readers; the theme leaves it without a label."""
    dialog = 'data-md-component="search" role="dialog"'
    return output.replace(dialog, f'{dialog} aria-label="Search"')


def on_post_build(config: MkDocsConfig) -> None:
    """Fail the build when a page requests something from another host."""
    check_offline(Path(config.site_dir))


def _subject_pages() -> dict[str, str]:
    """Return the README of every subject."""
    return {
        f"subjects/{path.parent.name}.md": _within_site(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "src" / "kinoloom").glob("*/README.md"))
    }


def _within_site(text: str) -> str:
    """Point links into docs/ at the site; a link to any other file becomes its text."""
    text = text.replace("](../../../docs/", "](../")
    return re.sub(r"\[([^\]]+)\]\(\.\./\.\./[^)]*\)", r"\1", text)


def _named(nav: Any) -> Iterator[str]:
    """Yield the entries of the navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for entry in nav.values() if isinstance(nav, dict) else nav:
            yield from _named(entry)


def _expand(nav: Any, pages: list[str]) -> Any:
    if isinstance(nav, dict):
        return {title: _expand(entry, pages) for title, entry in nav.items()}
    if isinstance(nav, list):
        return [part for entry in nav for part in _expanded_entry(entry, pages)]
    return _expanded_entry(nav, pages) if nav.endswith("/*") else nav


def _expanded_entry(entry: Any, pages: list[str]) -> list[Any]:
    """Return one entry of a list, or the entries that it stands for."""
    if not isinstance(entry, str) or not entry.endswith("/*"):
        return [_expand(entry, pages)]
    below = list(_pages_below(entry.removesuffix("*"), pages))
    return [{Path(page).stem: page} for page in below] if entry == _SUBJECTS else below


def _pages_below(folder: str, pages: list[str]) -> Iterator[str]:
    """Yield the pages directly in a folder, its index first."""
    own = [page for page in pages if page.startswith(folder) and "/" not in page[len(folder) :]]
    yield from sorted(own, key=_order)


def _order(page: str) -> tuple[bool, str]:
    stem = Path(page).stem
    return stem not in ("index", "README"), stem
