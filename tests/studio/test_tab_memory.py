"""The memory of a tab: events that a page shows do not stay in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from driving import StudioServer

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

pytestmark = pytest.mark.system_package("chromium")

EVENTS, AT_ONCE = 2000, 50
GROWTH = 1.10
SEND = """async ([first, count]) => {
  const title = (number) => (number ? `title ${number}` : '');
  const changes = Array.from({ length: count }, (_, k) => ({
    key: `event-${first + k}`,
    seq: first + k,
    change: { type: 'title', text: title(first + k + 1), was: title(first + k) },
  }));
  const answer = await fetch('/api/documents/notes/note/busy/changes', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ changes }),
  });
  return answer.status;
}"""


def send(page: Page, watching: Page, first: int, count: int) -> None:
    """Make changes, and wait until the other tab shows the last one."""
    for begin in range(first, first + count, AT_ONCE):
        assert page.evaluate(SEND, [begin, AT_ONCE]) == 200
        title = f"title {begin + AT_ONCE}"
        watching.wait_for_function(
            "(title) => document.querySelector('.notes-title').value === title", arg=title
        )


def read_heap_bytes(session: CDPSession) -> int:
    """Return the size of what is in use after a collection of garbage."""
    session.send("HeapProfiler.collectGarbage")
    used: int = session.send("Runtime.getHeapUsage")["usedSize"]
    return used


def test_two_thousand_events_leave_nothing_behind(page: Page, studio_server: StudioServer) -> None:
    watching = page.context.new_page()
    watching.goto(f"{studio_server.url}/#/notes?note=busy")
    watching.get_by_label("Title").wait_for()
    session = page.context.new_cdp_session(watching)
    send(page, watching, 0, 500)  # the code is compiled, and every cache filled
    before = read_heap_bytes(session)
    send(page, watching, 500, EVENTS)
    after = read_heap_bytes(session)
    assert after < GROWTH * before, (before, after)
