"""One tab holds the event stream for all tabs of a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from driving import StudioServer, find_banner

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.system_package("chromium")

TABS = 8
LISTEN = """async () => {
    const { listen } = await import('/static/app/events.js');
    window.seen = [];
    await fetch('/api/files?folder=');  // the server watches the folders that were listed
    await new Promise((resolve) => {
        listen('files', (data) => window.seen.push(data.path), resolve);
    });
}"""


def open_tab(context: BrowserContext, address: str, streams: list[Page]) -> Page:
    page = context.new_page()
    page.on("request", lambda one: streams.append(page) if "/events?" in one.url else None)
    page.goto(address)
    page.get_by_role("navigation", name="Pages").wait_for()
    page.evaluate(LISTEN)
    return page


def wait_for_file(page: Page, name: str) -> None:
    # Only the visible tab has animation frames, at which conditions are usually looked at.
    page.wait_for_function("(name) => window.seen.includes(name)", arg=name, polling=100)


def test_many_tabs_share_one_stream_and_survive_its_holder(
    context: BrowserContext, studio_server: StudioServer
) -> None:
    streams: list[Page] = []
    leader = open_tab(context, studio_server.link, streams)
    tabs = [leader]
    tabs += [open_tab(context, studio_server.url, streams) for _ in range(TABS - 1)]
    (studio_server.folder / "one.txt").write_text("1")
    for page in tabs:
        wait_for_file(page, "one.txt")
    assert {id(page) for page in streams} == {id(leader)}
    leader.close()
    (studio_server.folder / "two.txt").write_text("2")
    for page in tabs[1:]:
        wait_for_file(page, "two.txt")


def test_events_after_a_restart_are_seen(
    context: BrowserContext, studio_server: StudioServer
) -> None:
    page = open_tab(context, studio_server.link, [])
    port = studio_server.port
    studio_server.kill()
    find_banner(page).wait_for()
    studio_server.start(port)
    find_banner(page).wait_for(state="detached")
    page.evaluate(LISTEN.replace("window.seen = []", "window.seen ??= []"))
    (studio_server.folder / "three.txt").write_text("3")
    wait_for_file(page, "three.txt")


def test_states_are_read_again_after_a_restart(
    context: BrowserContext, studio_server: StudioServer
) -> None:
    page = context.new_page()
    page.goto(studio_server.link)
    page.evaluate(
        """async () => {
            const { listen } = await import('/static/app/events.js');
            window.reads = 0;
            listen('jobs', () => {}, () => (window.reads += 1));
        }"""
    )
    page.wait_for_function("() => window.reads === 1")
    port = studio_server.port
    studio_server.kill()
    find_banner(page).wait_for()
    studio_server.start(port)
    page.wait_for_function("() => window.reads >= 2")
