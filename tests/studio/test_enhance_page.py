"""The enhance page in a real browser: from a photo to the enhanced file, by keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer, overflow, watch
from keyboard import press, tab_to
from PIL import Image
from scenes import clip_of, panning, texture, view

import kinoloom

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.system_package("chromium")

SIZE = (320, 192)


@pytest.fixture
def files(studio_server: StudioServer) -> Path:
    """The studio's folder with a photo, a folder of two photos, and a video."""
    folder = studio_server.folder
    (folder / "scans").mkdir()
    for k, name in enumerate(("photo.jpg", "scans/one.jpg", "scans/two.jpg")):
        Image.fromarray(view(texture(k), 8, size=SIZE)).save(folder / name, quality=40)
    kinoloom.write(clip_of(panning(8, seed=1), Fraction(8)), folder / "video.mp4")
    return folder


def wait_for_preview(page: Page) -> None:
    """Wait until both pictures are shown and nothing is computed."""
    page.get_by_role("slider", name="Before and after").wait_for()
    page.get_by_role("status").get_by_text("Ready", exact=True).wait_for()


def size_of(file: Path) -> tuple[int, int]:
    """Return the size of a photo."""
    with Image.open(file) as opened:
        return opened.size


def find_command(page: Page) -> Locator:
    """Return the command of the job."""
    return page.get_by_label("Command", exact=True)


def test_a_photo_is_enhanced_by_keyboard_alone(
    page: Page, files: Path, studio_server: StudioServer
) -> None:
    watched = watch(page, studio_server.url)
    page.goto(f"{studio_server.url}/#/enhance")
    press(page, page.get_by_role("button", name="photo.jpg"), "Space")
    press(page, page.get_by_role("button", name="Enhance the photo"))
    preset = page.get_by_label("Preset", exact=True)
    tab_to(page, preset)
    page.keyboard.type("screen")
    page.get_by_text(re.compile("320 . 192 → 640 . 384")).wait_for()
    assert page.get_by_role("switch", name="Compression").is_checked()
    wait_for_preview(page)
    press(page, page.get_by_role("button", name="400 %"))
    region = page.get_by_role("button", name="Region of the picture at 50 %")
    tab_to(page, region)
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Region of the picture at 50 %").wait_for(state="detached")
    wait_for_preview(page)
    find_command(page).filter(has_text="--preset screen").wait_for()
    press(page, page.get_by_role("button", name="Start"))
    page.get_by_role("button", name="Open photo-enhance.jpg").wait_for()
    assert size_of(files / "photo-enhance.jpg") == (640, 384)
    assert watched.errors == []
    assert watched.foreign == []


def test_a_correction_of_the_preset_is_left_out(page: Page, files: Path) -> None:
    page.evaluate("() => { location.hash = '#/enhance?path=photo.jpg' }")
    page.get_by_label("Preset", exact=True).select_option("screen")
    switch = page.get_by_role("switch", name="Compression")
    switch.uncheck()
    command = find_command(page)
    command.filter(has_text="--without deblock").wait_for()
    switch.check()
    command.filter(has_not_text="--without").wait_for()
    page.get_by_role("switch", name="Soft edges").check()
    command.filter(has_text="--sharpen").wait_for()


def test_a_folder_gets_one_list_of_choices(page: Page, files: Path) -> None:
    page.evaluate("() => { location.hash = '#/enhance?path=scans%2F' }")
    page.get_by_text("2 photos get the same choices").wait_for()
    page.get_by_label("Preset", exact=True).select_option("screen")
    other = page.get_by_role("button", name="Preview two.jpg")
    other.click()
    wait_for_preview(page)
    assert other.get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Open scans-enhance").click()
    page.get_by_role("option", name="two.jpg").wait_for()
    assert size_of(files / "scans-enhance/one.jpg") == (640, 384)


def test_a_frame_of_a_video_is_chosen(page: Page, files: Path) -> None:
    page.evaluate("() => { location.hash = '#/enhance?path=video.mp4' }")
    page.get_by_label("Preset", exact=True).select_option("screen")
    wait_for_preview(page)
    place = page.get_by_role("slider", name="Place in the video")
    place.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("frame 2 of 8").wait_for()
    wait_for_preview(page)
    page.get_by_label("Frame rate").fill("16")
    page.get_by_text("8 fps → 16 fps").wait_for()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_violation(
    page: Page, files: Path, axe: Callable[..., list[str]], width: int, theme: str
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 860})
    page.evaluate("() => { location.hash = '#/enhance' }")
    page.get_by_role("button", name="photo.jpg").wait_for()
    assert axe(page) == []
    page.evaluate("() => { location.hash = '#/enhance?path=scans%2F' }")
    page.get_by_label("Preset", exact=True).select_option("screen")
    page.get_by_role("button", name="400 %").click()
    page.get_by_role("button", name="Region of the picture").wait_for()
    wait_for_preview(page)
    assert overflow(page) <= 0
    assert axe(page) == []
