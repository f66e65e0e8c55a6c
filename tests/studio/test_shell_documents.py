"""Documents in the browser: nothing is lost by a killed server or a closed tab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from driving import StudioServer, find_banner

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.system_package("chromium")

OPEN = """async () => {
    const { OpenDocument } = await import('/static/app/documents.js');
    const reduce = (note, change) => ({ ...note, title: change.text });
    window.note = new OpenDocument('notes', 'note', 'first', reduce);
    window.note.edit = (text) => {
        const { state, kept } = window.note;
        window.note.change({ type: 'title', text, was: state.value.title }).catch(() => {});
        return [state.value.title, kept.value];
    };
}"""


def open_note(page: Page, address: str) -> Page:
    page.goto(address)
    page.get_by_role("navigation", name="Pages").wait_for()
    page.evaluate(OPEN)
    wait(page, "note.state.value !== null")
    return page


def wait(page: Page, condition: str) -> None:
    page.wait_for_function(f"() => {condition}", polling=50)


def edit(page: Page, text: str) -> Any:
    return page.evaluate("(text) => window.note.edit(text)", text)


def read_title(page: Page) -> Any:
    return page.evaluate(
        "async () => (await (await fetch('/api/documents/notes/note/first')).json()).state.title"
    )


def test_change_is_shown_at_once_kept_undone_and_seen_by_another_tab(
    context: BrowserContext, studio_server: StudioServer
) -> None:
    one = open_note(context.new_page(), studio_server.link)
    two = open_note(context.new_page(), studio_server.url)
    assert edit(one, "Lake") == ["Lake", False]
    wait(one, "note.kept.value")
    assert read_title(one) == "Lake"
    wait(two, "note.state.value.title === 'Lake'")
    edit(two, "Lake, evening")
    wait(one, "note.state.value.title === 'Lake, evening'")
    two.evaluate("() => window.note.undo()")
    wait(one, "note.state.value.title === 'Lake'")
    two.evaluate("() => window.note.redo()")
    wait(one, "note.state.value.title === 'Lake, evening'")
    assert one.evaluate("() => note.seq.value") == 4


def test_changes_made_while_the_server_is_away_are_sent_later(
    context: BrowserContext, studio_server: StudioServer
) -> None:
    page = open_note(context.new_page(), studio_server.link)
    port = studio_server.port
    studio_server.kill()
    for text in ("a", "ab", "abc"):
        assert edit(page, text) == [text, False]
    find_banner(page).wait_for()
    studio_server.start(port)
    wait(page, "note.kept.value")
    assert read_title(page) == "abc"
    assert page.evaluate("() => note.seq.value") == 3


def test_changes_of_a_closed_tab_are_sent_by_the_next_one(
    context: BrowserContext, studio_server: StudioServer
) -> None:
    page = open_note(context.new_page(), studio_server.link)
    port = studio_server.port
    studio_server.kill()
    edit(page, "kept")
    page.close()
    studio_server.start(port)
    again = open_note(context.new_page(), studio_server.url)
    wait(again, "note.kept.value")
    assert read_title(again) == "kept"


def test_change_that_does_not_fit_any_more_is_rejected_with_the_reason(
    context: BrowserContext, studio_server: StudioServer
) -> None:
    page = open_note(context.new_page(), studio_server.link)
    edit(page, "mine")
    wait(page, "note.kept.value")
    change = {"type": "title", "text": "other", "was": "what nobody wrote"}
    shown = page.evaluate(
        "(change) => (note.change(change).catch(() => {}), note.state.value.title)", change
    )
    assert shown == "other"
    wait(page, "note.rejected.value !== null")
    assert "edited this text" in page.evaluate("() => note.rejected.value.error")
    assert page.evaluate("() => [note.state.value.title, note.kept.value]") == ["mine", True]
