"""The film page in a real browser: from two photos to a film, by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer, overflow, watch
from PIL import Image
from scenes import clip_of, panning, texture, view

import kinoloom

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.system_package("chromium")


@pytest.fixture
def films(studio_server: StudioServer) -> Path:
    """The studio's folder with two photos and a video with a cut."""
    for name, x in (("one", 8), ("two", 20)):
        Image.fromarray(view(texture(3), x, size=(160, 96))).save(
            studio_server.folder / f"{name}.png"
        )
    scenes = [*panning(8, seed=1), *panning(8, seed=2)]
    kinoloom.write(clip_of(scenes, Fraction(8)), studio_server.folder / "cut.mp4")
    return studio_server.folder


def press(page: Page, role: str, name: str, key: str = "Enter") -> None:
    """Focus a control and press a key."""
    control = page.get_by_role(role, name=name)  # type: ignore[arg-type]
    control.focus()
    page.keyboard.press(key)


def test_two_photos_become_a_film_by_keyboard_alone(
    page: Page, films: Path, studio_server: StudioServer
) -> None:
    watched = watch(page, studio_server.url)
    page.goto(f"{studio_server.url}/#/film")
    press(page, "button", "one.png", "Space")
    press(page, "button", "two.png", "Space")
    press(page, "button", "Use 2 photos")
    page.get_by_role("img", name="New frame at").wait_for()
    place = page.get_by_role("slider", name="Place in the film")
    assert "frame 23 of 45" in (place.get_attribute("aria-valuetext") or "")
    place.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("frame 24 of 45").wait_for()
    page.get_by_role("img", name="New frame at 0:00.767").wait_for()
    press(page, "button", "Preview loop")
    page.get_by_role("img", name="A small loop of the film").wait_for()
    press(page, "button", "Make the film")
    page.get_by_role("button", name="Open one-interpolate.mp4").wait_for()
    made = kinoloom.read(films / "one-interpolate.mp4")
    assert made.frame_count == 45
    assert watched.errors == []
    assert watched.foreign == []


def test_motion_and_expected_error_are_drawn(page: Page, films: Path) -> None:
    page.evaluate("() => { location.hash = '#/film?path=one.png%0Atwo.png' }")
    for name in ("Motion", "Expected error"):
        page.get_by_role("button", name=name).click()
        page.get_by_role("img", name=f"{name} at").wait_for()


def test_two_engines_are_compared(page: Page, films: Path) -> None:
    page.evaluate("() => { location.hash = '#/film?path=one.png%0Atwo.png' }")
    page.get_by_label("Compare with another engine").select_option("fast")
    page.get_by_role("slider", name="Compare two engines").wait_for()


def test_cuts_are_found_moved_removed_and_added(page: Page, films: Path) -> None:
    page.evaluate("() => { location.hash = '#/film?path=cut.mp4' }")
    page.get_by_role("button", name="Find cuts").click()
    page.get_by_text("1 cut", exact=True).wait_for()
    page.get_by_role("button", name="Remove the cut at 0:01.000").click()
    page.get_by_text("0 cuts", exact=True).wait_for()
    page.get_by_role("button", name="Cut at").click()
    page.get_by_text("1 cut", exact=True).wait_for()
    page.get_by_role("button", name="Use found cuts").click()
    page.get_by_role("button", name="Remove the cut at 0:01.000").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_violation(
    page: Page, films: Path, axe: Callable[..., list[str]], width: int, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 860})
    page.evaluate("() => { location.hash = '#/film?path=one.png%0Atwo.png' }")
    page.get_by_role("img", name="New frame at").wait_for()
    page.get_by_label("Length").wait_for()
    assert overflow(page) <= 0
    assert axe(page) == []
