"""The page Jobs in a real browser: queue, progress, notes, log and every action."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from driving import StudioServer, list_processes
from job_inputs import write_film
from job_ops import install_ops

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.system_package("chromium")

Axe = Callable[["Page"], list[str]]


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudioServer]:
    """A studio of a folder with a film, and ops for tests."""
    site = install_ops(tmp_path / "site")
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    folder = tmp_path / "films"
    folder.mkdir()
    write_film(folder, "in.mkv", 400, size=32)
    started = StudioServer(folder)
    started.start()
    yield started
    started.stop()
    for pid in list_processes(str(folder)):
        os.kill(pid, signal.SIGKILL)


def open_jobs(
    browser: Browser,
    studio: StudioServer,
    width: int = 1280,
    theme: Literal["light", "dark"] = "light",
) -> Page:
    """Open the page Jobs in a browser that is logged in."""
    context = browser.new_context(
        viewport={"width": width, "height": 860}, reduced_motion="reduce", color_scheme=theme
    )
    context.set_default_timeout(60_000)
    name, _, value = studio.client.cookie.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": studio.url}])
    page = context.new_page()
    page.goto(f"{studio.url}/#/jobs")
    page.get_by_role("heading", level=1, name="Jobs").wait_for()
    return page


def row(page: Page, title: str, state: str) -> None:
    """Wait until the list shows a job with a state."""
    link = page.get_by_role("link", name=re.compile(f"^{re.escape(title)}.*{state}"))
    link.first.wait_for()


def test_job_is_followed_paused_and_cancelled_with_the_mouse(
    browser: Browser, studio: StudioServer
) -> None:
    page = open_jobs(browser, studio)
    page.get_by_role("heading", name="No jobs yet").wait_for()
    id_ = studio.client.start("crawl", "in.mkv", pause=0.3)
    row(page, "Crawl in.mkv (pause 0.3)", "Running")
    page.get_by_text(re.compile(r"^\d+ frames")).first.wait_for()
    page.get_by_text("<img src=x> slow as ever", exact=True).wait_for()  # a note, as text
    page.get_by_role("log", name="Log of Crawl in.mkv").wait_for()
    actions = page.get_by_role("group", name="Actions")
    actions.get_by_role("button", name="Pause").click()
    row(page, "Crawl in.mkv", "Paused")
    assert studio.client.job(id_)["state"] == "paused"
    actions.get_by_role("button", name="Continue").click()
    row(page, "Crawl in.mkv", "Running")
    actions.get_by_role("button", name="Cancel").click()
    row(page, "Crawl in.mkv", "Cancelled")
    actions.get_by_role("button", name="Resume").click()
    row(page, "Crawl in.mkv", "Running")
    assert page.locator("main img").count() == 0
    page.context.close()


def test_queue_is_reordered_and_cancelled_from_the_keyboard(
    browser: Browser, studio: StudioServer
) -> None:
    studio.client.start("crawl", "in.mkv", pause=0.5)
    first, second = (studio.client.start("crawl", "in.mkv", pause=p) for p in (0.01, 0.02))
    page = open_jobs(browser, studio)
    row(page, "Crawl in.mkv (pause 0.02)", "Waiting")
    queue = page.get_by_role("region", name="Queue")
    links = queue.get_by_role("link")
    links.nth(1).focus()
    page.keyboard.press("ArrowUp")
    assert "0.01" in page.evaluate("() => document.activeElement.textContent")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Alt+ArrowUp")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.job-line')].findIndex((e) => "
        "e.textContent.includes('0.02')) < [...document.querySelectorAll('.job-line')]"
        ".findIndex((e) => e.textContent.includes('0.01'))"
    )
    assert studio.client.job(second)["position"] < studio.client.job(first)["position"]
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=2, name="Crawl in.mkv (pause 0.02)").wait_for()
    page.keyboard.press("c")
    row(page, "Crawl in.mkv (pause 0.02)", "Cancelled")
    page.keyboard.press("Delete")
    page.get_by_role("link", name=re.compile("0.02")).first.wait_for(state="detached")
    assert studio.client.request("GET", f"/api/jobs/{second}").status == 404
    page.context.close()


def test_failed_job_shows_its_error_as_text_and_runs_again(
    browser: Browser, studio: StudioServer
) -> None:
    studio.client.wait(studio.client.start("crawl", "in.mkv", pause=0, fail_at=2))
    page = open_jobs(browser, studio)
    reason = page.get_by_role("group", name="Why it ended")
    reason.get_by_text("<b>the snail is tired</b>").wait_for()
    page.get_by_role("log").get_by_text("Traceback").wait_for()
    page.get_by_role("group", name="Actions").get_by_role("button", name="Run again").click()
    page.get_by_role("region", name="Ended").get_by_role("link").nth(1).wait_for()
    assert studio.client.read("/api/jobs")["total"] == 2
    page.context.close()


def test_page_follows_a_job_through_the_end_of_the_server(
    browser: Browser, studio: StudioServer
) -> None:
    id_ = studio.client.start("crawl", "in.mkv", pause=0.5, gate="open")
    page = open_jobs(browser, studio)
    row(page, "Crawl in.mkv", "Running")
    studio.kill()
    page.get_by_role("alert").get_by_text("The studio does not answer.").wait_for()
    second = StudioServer(studio.folder)
    second.start(studio.port)
    (studio.folder / "open").touch()
    try:
        row(page, "Crawl in.mkv", "Done")
        assert second.client.job(id_)["state"] == "done"
    finally:
        page.context.close()
        second.stop()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page_has_no_violations(
    browser: Browser, studio: StudioServer, axe: Axe, width: int, theme: Literal["light", "dark"]
) -> None:
    studio.client.wait(studio.client.start("crawl", "in.mkv", pause=0, fail_at=2))
    studio.client.start("crawl", "in.mkv", pause=0.5)
    for pause in (1, 2):
        studio.client.start("crawl", "in.mkv", pause=pause)
    page = open_jobs(browser, studio, width, theme)
    row(page, "Crawl in.mkv (pause 2)", "Waiting")
    assert axe(page) == []
    failed = page.get_by_role("link", name=re.compile("Failed")).first
    failed.click()
    page.get_by_role("group", name="Why it ended").wait_for()
    assert axe(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
    if width < 760:
        page.get_by_role("button", name="All jobs").click()
        failed.wait_for()
    page.context.close()


def test_card_on_home_leads_to_the_job(browser: Browser, studio: StudioServer) -> None:
    id_ = studio.client.start("crawl", "in.mkv", pause=0.5)
    page = open_jobs(browser, studio)
    page.goto(f"{studio.url}/#/home")
    card = page.get_by_role("region", name="Jobs")
    card.get_by_text("1 running").wait_for()
    card.get_by_role("link", name=re.compile("^Crawl in.mkv")).click()
    page.get_by_role("heading", level=1, name="Jobs").wait_for()
    assert id_ in page.url
    page.get_by_role("heading", level=2, name="Crawl in.mkv (pause 0.5)").wait_for()
    page.context.close()
