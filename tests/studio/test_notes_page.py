"""The page Notes in a real browser: writing, undo, two tabs, and a tab that is killed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from driving import StudioServer, find_banner, watch

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.system_package("chromium")

NOTE = "/api/documents/notes/note/ideas"


def open_note(page: Page, server: StudioServer) -> Page:
    """Open a note."""
    page.goto(f"{server.url}/#/notes?note=ideas")
    page.get_by_role("article", name="ideas").wait_for()
    return page


def read_note(page: Page) -> Any:
    """Return the note as the server has it."""
    return page.evaluate(f"async () => (await (await fetch('{NOTE}')).json()).state")


def wait_for_texts(page: Page, *texts: str) -> None:
    """Wait until the paragraphs have these texts."""
    page.wait_for_function(
        "(texts) => JSON.stringify([...document.querySelectorAll('.notes-paragraph textarea')]"
        ".map((one) => one.value)) === texts",
        arg=json.dumps(texts, separators=(",", ":"), ensure_ascii=False),
    )


def test_a_note_is_written_undone_and_made_again(page: Page, studio_server: StudioServer) -> None:
    watched = watch(page, studio_server.url)
    page.goto(f"{studio_server.url}/#/notes")
    page.get_by_label("Name of a new note").fill("ideas")
    page.get_by_role("button", name="Write").click()
    page.get_by_label("Title").fill("Lake <b>film</b>")
    page.get_by_role("button", name="Add a paragraph").click()
    first = page.get_by_label("Paragraph 1", exact=True)
    first.fill("Wait for the evening light.")
    page.get_by_role("button", name="Add a paragraph").click()
    page.get_by_label("Paragraph 2", exact=True).fill("Second")
    page.get_by_text("All changes kept").wait_for()
    note = read_note(page)
    assert note["title"] == "Lake <b>film</b>"
    assert [one["text"] for one in note["paragraphs"]] == ["Wait for the evening light.", "Second"]
    page.get_by_role("heading", name="ideas").click()  # out of the text: its own undo is there
    page.keyboard.press("Control+z")
    wait_for_texts(page, "Wait for the evening light.", "")
    page.keyboard.press("Control+z")
    wait_for_texts(page, "Wait for the evening light.")
    page.keyboard.press("Control+Shift+z")
    wait_for_texts(page, "Wait for the evening light.", "")
    page.get_by_role("button", name="Remove paragraph 1").click()
    wait_for_texts(page, "")
    page.get_by_role("button", name="Undo").click()
    wait_for_texts(page, "Wait for the evening light.", "")
    assert watched.errors == []


def test_two_tabs_write_the_same_note(
    page: Page, context: BrowserContext, studio_server: StudioServer
) -> None:
    one, two = open_note(page, studio_server), open_note(context.new_page(), studio_server)
    one.get_by_role("button", name="Add a paragraph").click()
    wait_for_texts(two, "")
    two.get_by_label("Paragraph 1", exact=True).fill("from the second tab")
    wait_for_texts(one, "from the second tab")
    one.get_by_label("Paragraph 1", exact=True).fill("from the second tab, and the first")
    wait_for_texts(two, "from the second tab, and the first")
    two.get_by_role("button", name="Undo").click()  # of this person, in whichever tab
    wait_for_texts(one, "from the second tab")


def test_a_change_of_a_killed_tab_is_kept(
    page: Page, context: BrowserContext, studio_server: StudioServer
) -> None:
    open_note(page, studio_server)
    page.get_by_role("button", name="Add a paragraph").click()
    page.get_by_text("All changes kept").wait_for()
    port = studio_server.port
    studio_server.kill()
    page.get_by_label("Paragraph 1", exact=True).fill("written before the crash")
    page.get_by_text("Keeping changes…").wait_for()
    page.wait_for_function("() => JSON.stringify(localStorage).includes('before the crash')")
    find_banner(page).wait_for()
    other = context.new_page()
    crash(page)
    studio_server.start(port)
    open_note(other, studio_server)
    wait_for_texts(other, "written before the crash")
    other.get_by_text("All changes kept").wait_for()
    assert [one["text"] for one in read_note(other)["paragraphs"]] == ["written before the crash"]


def crash(page: Page) -> None:
    """Kill the process of a tab: none of its code runs any more."""
    with page.expect_event("crash"), pytest.raises(Exception, match="crash"):
        page.goto("chrome://crash", timeout=10_000)
