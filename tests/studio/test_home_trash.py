"""The trash and reports on Home, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer, watch
from PIL import Image

from kinoloom.base.report.files import to_html
from kinoloom.base.report.sections import Report

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.system_package("chromium")


def test_the_trash_is_emptied(page: Page, studio_server: StudioServer) -> None:
    folder: Path = studio_server.folder
    Image.new("RGB", (64, 48)).save(folder / "lake.png")
    page.get_by_role("option", name="lake.png").click()
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("lake.png is in the trash.").wait_for()
    page.get_by_role("button", name="Trash").click()
    dialog = page.get_by_role("dialog", name="Trash")
    dialog.get_by_text("1 file, ").wait_for()
    dialog.get_by_role("button", name="Empty the trash, ").click()
    page.get_by_text("The trash is empty: ").wait_for()
    assert not list((folder / ".kinoloom" / "trash").iterdir())
    page.get_by_role("button", name="Trash").click()
    dialog.get_by_text("The trash is empty.").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


def test_a_report_opens_in_a_tab_without_access_to_the_studio(
    page: Page, studio_server: StudioServer
) -> None:
    watched = watch(page, studio_server.url)
    text = to_html(Report("Lake <film>", ())).replace(
        "</main>", "<script>document.title = 'changed'</script></main>"
    )
    (studio_server.folder / "lake.html").write_text(text)
    page.goto(f"{studio_server.url}/#/home?path=lake.html")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Open the report").click()
    report = popup.value
    report.get_by_role("heading", name="Lake <film>").wait_for()
    assert report.title() == "Lake <film>"  # its own script only
    assert report.evaluate("() => [self.origin, document.fonts.status]")[0] == "null"
    assert watched.errors == []
