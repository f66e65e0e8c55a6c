"""Every component has a story, which is accessible in both themes and widths."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer, overflow, watch

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

pytestmark = pytest.mark.system_package("chromium")

FIRST = ["Button", "Tag", "Meter", "Card", "Field", "Form", "Table", "List", "Tabs", "Menu"]
SECOND = ["Dialog", "Toast", "Player", "Slider", "Strip", "Wave", "Timeline", "MapView", "Graph"]
COMPONENTS = [*FIRST, *SECOND, "Log", "Drop", "Empty", "Failure"]
MOST_ROWS = 400


def test_stories_are_accessible_in_both_themes_and_widths(
    context: BrowserContext, studio_server: StudioServer, axe: Callable[[Page], list[str]]
) -> None:
    page = context.new_page()
    page.goto(studio_server.link)
    page.get_by_role("navigation", name="Pages").wait_for()
    watched = watch(page, studio_server.url)
    page.goto(f"{studio_server.url}/_parts")
    stories = page.get_by_role("region", name="Story of")
    stories.nth(len(COMPONENTS) - 1).wait_for()
    shown = [story.get_attribute("aria-label") for story in stories.all()]
    assert shown == [f"Story of {name}" for name in COMPONENTS]
    page.locator(".loading").first.wait_for(state="detached")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 860})
            assert overflow(page) == 0, (scheme, width)
            assert axe(page) == [], (scheme, width)
    assert page.locator("[role=row]").count() <= MOST_ROWS
    assert watched.errors == []
    assert watched.foreign == []


def test_tab_reaches_every_control_of_a_story(
    context: BrowserContext, studio_server: StudioServer
) -> None:
    page = context.new_page()
    page.goto(studio_server.link)
    page.get_by_role("navigation", name="Pages").wait_for()
    page.goto(f"{studio_server.url}/_parts#/parts?story=Field")
    page.get_by_label("Model card").wait_for()
    page.get_by_role("heading", level=1).focus()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement?.id ?? ''"))
    wanted = page.evaluate(
        "() => [...document.querySelectorAll('.story input, .story select')]"
        ".filter((one) => one.type !== 'radio' || one.checked).map((one) => one.id)"
    )
    assert wanted
    assert set(wanted) - {""} <= reached
