"""A real studio, and a real browser that uses it.

The fixtures for browsers skip a test, with the command that installs it, where chromium or
playwright is absent. Mark such tests `@pytest.mark.system_package("chromium")`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from driving import StudioServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

TIMEOUT_MS = 60_000
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def start_studio() -> Iterator[Callable[..., StudioServer]]:
    """Start studios of folders: `start_studio(folder, *arguments)`; they end with the test."""
    started: list[StudioServer] = []

    def start(folder: Path, *arguments: str, port: int | None = None) -> StudioServer:
        server = StudioServer(folder, arguments)
        server.start(port)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def studio_server(start_studio: Callable[..., StudioServer], tmp_path: Path) -> StudioServer:
    """A studio of an empty folder."""
    folder = tmp_path / "films"
    folder.mkdir()
    return start_studio(folder)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One chromium for all tests of this process."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install -e '.[dev]'")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"], timeout=TIMEOUT_MS
        )
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies."""
    opened = browser.new_context(
        viewport={"width": 1280, "height": 860}, reduced_motion="reduce", color_scheme="light"
    )
    opened.set_default_timeout(TIMEOUT_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, studio_server: StudioServer) -> Page:
    """A page that is logged in to `studio_server`."""
    opened = context.new_page()
    opened.goto(studio_server.link)
    opened.get_by_role("navigation", name="Pages").wait_for()
    return opened


@pytest.fixture(scope="session")
def axe_script() -> str:
    """The source of axe-core."""
    axe = pytest.importorskip("axe_playwright_python.base", reason="needs pip install -e '.[dev]'")
    return Path(axe.AXE_FILE_PATH).read_text(encoding="utf-8")


@pytest.fixture
def axe(axe_script: str) -> Callable[[Page], list[str]]:
    """Find violations of WCAG 2.2 A and AA on a page, as texts."""

    def find(page: Page, within: str | None = None) -> list[str]:
        if not page.evaluate("() => 'axe' in window"):
            # Evaluated by the debugger, which the page's Content-Security-Policy does not bind.
            page.evaluate(axe_script)
        tags = {"type": "tag", "values": AXE_TAGS}
        options = {"runOnly": tags, "resultTypes": ["violations"]}
        answer: dict[str, Any] = page.evaluate(
            "async ([within, options]) => ({"
            "violations: (await axe.run(within ?? document, options)).violations})",
            [within, options],
        )
        return [
            f"{one['id']}: {node['target']} {re.sub(chr(10), ' ', node['failureSummary'])}"
            for one in answer["violations"]
            for node in one["nodes"]
        ]

    return find
