"""From two photos through a preview and a killed server to a film with its record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer, find_banner, watch
from keyboard import press, tab_to
from PIL import Image
from scenes import texture, view

import kinoloom

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.system_package("chromium")

SECONDS, FRAMES = "3", 90


@pytest.fixture
def photos(studio_server: StudioServer) -> Path:
    """The studio's folder with two photos."""
    for name, x in (("one", 8), ("two", 20)):
        picture = Image.fromarray(view(texture(3), x, size=(320, 192)))
        picture.save(studio_server.folder / f"{name}.png")
    return studio_server.folder


def kill_and_restart(page: Page, server: StudioServer) -> None:
    """End the server at once, wait until the page has noticed, and start it again."""
    port = server.port
    server.kill()
    find_banner(page).wait_for()
    server.start(port)
    find_banner(page).wait_for(state="detached")


def check_film(page: Page, folder: Path) -> None:
    """Check the film, and what Home shows of it."""
    page.get_by_role("heading", name="one-interpolate.mp4").first.wait_for()
    page.get_by_role("group", name="one-interpolate.mp4").get_by_text(f"of {FRAMES}").wait_for()
    made = page.get_by_role("region", name="How it was made")
    made.get_by_text("unchanged").nth(1).wait_for()  # both photos
    made.get_by_role("button", name="one.png").wait_for()
    made.get_by_role("button", name="two.png").wait_for()
    assert kinoloom.read(folder / "one-interpolate.mp4").frame_count == FRAMES


def test_with_the_mouse(page: Page, photos: Path, studio_server: StudioServer) -> None:
    watched = watch(page, studio_server.url)
    page.get_by_role("option", name="one.png").click()
    page.get_by_role("option", name="two.png").click()
    page.get_by_role("group", name="Open with").get_by_role("button", name="Film").click()
    page.get_by_role("img", name="New frame at").wait_for()
    page.get_by_label("Length").fill(SECONDS)
    page.get_by_text(f"{FRAMES} frames").wait_for()
    page.get_by_role("button", name="Preview loop").click()
    page.get_by_role("img", name="A small loop of the film").wait_for()
    page.get_by_role("button", name="Make the film").click()
    page.get_by_role("button", name="All jobs").wait_for()
    kill_and_restart(page, studio_server)
    page.get_by_role("button", name="Open one-interpolate.mp4").click()
    page.get_by_role("button", name="How it was made").click()
    check_film(page, photos)
    assert watched.foreign == []


def test_by_keyboard_alone(page: Page, photos: Path, studio_server: StudioServer) -> None:
    tab_to(page, page.get_by_role("option", name="one.png"))
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    press(page, page.get_by_role("group", name="Open with").get_by_role("button", name="Film"))
    page.get_by_role("img", name="New frame at").wait_for()
    tab_to(page, page.get_by_label("Length"))
    page.keyboard.type(SECONDS)
    page.get_by_text(f"{FRAMES} frames").wait_for()
    press(page, page.get_by_role("button", name="Preview loop"))
    page.get_by_role("img", name="A small loop of the film").wait_for()
    press(page, page.get_by_role("button", name="Make the film"))
    page.get_by_role("button", name="All jobs").wait_for()
    kill_and_restart(page, studio_server)
    press(page, page.get_by_role("button", name="Open one-interpolate.mp4"))
    press(page, page.get_by_role("button", name="How it was made"))
    check_film(page, photos)
