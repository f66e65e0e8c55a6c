"""The shell of the studio's client, in a real browser."""

from __future__ import annotations

import gzip
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer, find_banner, overflow

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.system_package("chromium")

MAX_FIRST_PAGE = 150_000


def test_first_page_is_small_and_asks_no_other_host(page: Page) -> None:
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function("() => document.fonts.status === 'loaded'")
    entries = page.evaluate(
        "() => performance.getEntriesByType('resource').map((r) => [r.name, r.transferSize])"
    )
    origin = page.evaluate("() => location.origin")
    assert [name for name, _ in entries if not name.startswith(origin)] == []
    own = [size for name, size in entries if "/media/" not in name and "/thumb" not in name]
    assert 0 < sum(own) <= MAX_FIRST_PAGE


def test_keyboard_opens_the_search_and_gives_the_focus_back(page: Page) -> None:
    find = page.get_by_role("button", name="Find a file, a page, a thing to do")
    find.focus()
    page.keyboard.press("Control+k")
    search = page.get_by_role("combobox", name="Find a file, a page, a thing to do")
    search.fill("jobs")
    option = page.get_by_role("option", name="Jobs")
    assert option.get_attribute("aria-selected") == "true"
    page.keyboard.press("Escape")
    search.wait_for(state="detached")
    assert find.evaluate("(element) => element === document.activeElement")
    page.keyboard.press("Control+k")
    search.fill("jobs")
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="Jobs").wait_for()


def test_question_mark_lists_the_shortcuts(page: Page) -> None:
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    dialog.get_by_text("Find a file, a page, a thing to do").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


def test_theme_is_remembered(page: Page) -> None:
    page.get_by_role("button", name="Use the dark theme").click()
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.reload()
    page.get_by_role("button", name="Use the light theme").wait_for()
    assert page.evaluate(ground) == dark
    page.get_by_role("button", name="Use the light theme").click()
    assert page.evaluate(ground) != dark


def test_narrow_window_has_a_bar_with_a_menu(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert overflow(page) == 0
    page.get_by_role("button", name="More pages, theme, log out").click()
    page.get_by_role("menuitemradio", name="Dark theme").click()
    page.get_by_role("menu").wait_for(state="detached")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"


def test_unknown_page_leads_back(page: Page) -> None:
    page.goto(page.url.partition("#")[0] + "#/nothing")
    page.get_by_text("There is no page").wait_for()
    page.get_by_role("link", name="Go to the files").click()
    page.get_by_role("heading", level=1, name="films").wait_for()


def test_shell_recovers_by_itself_when_the_server_returns(
    page: Page, studio_server: StudioServer
) -> None:
    page.get_by_role("heading", level=1).wait_for()
    port = studio_server.port
    studio_server.kill()
    find_banner(page).wait_for()
    studio_server.start(port)
    find_banner(page).wait_for(state="detached")


def test_shell_is_accessible(page: Page, axe: Callable[[Page], list[str]]) -> None:
    page.get_by_role("heading", level=1).wait_for()
    for theme in ("Use the dark theme", "Use the light theme"):
        assert axe(page) == []
        page.keyboard.press("Control+k")
        page.get_by_role("option").first.wait_for()
        assert axe(page) == []
        page.keyboard.press("Escape")
        page.get_by_role("button", name=theme).click()
    page.set_viewport_size({"width": 390, "height": 844})
    assert axe(page) == []


def test_files_of_the_client_are_compressed_and_revalidated(
    page: Page, studio_server: StudioServer
) -> None:
    (cookie,) = page.context.cookies()
    headers = {"cookie": f"{cookie['name']}={cookie['value']}", "accept-encoding": "gzip"}
    address = f"{studio_server.url}/static/app/main.js"
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        tag = answer.headers["etag"]
        assert b"Shell" in gzip.decompress(answer.read())
    again = urllib.request.Request(address, headers={**headers, "if-none-match": tag})
    with pytest.raises(urllib.error.HTTPError, match="304"):
        urllib.request.urlopen(again)
