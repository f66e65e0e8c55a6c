"""The player shows exact frames, whatever their times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer
from numbered import READ_NUMBER, write_numbered

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.system_package("chromium")

COUNT = 40
STEP = Fraction(1001, 24000)
LOOSE = [Fraction(k) / 30 + Fraction(k % 3, 90) for k in range(COUNT)]
FILMS = {
    "ntsc.mp4": ([k * STEP for k in range(COUNT)], "libx264"),
    "fast.mp4": ([k * Fraction(1001, 60000) for k in range(COUNT)], "libx264"),
    "late.mp4": ([2 + k * Fraction(1, 25) for k in range(COUNT)], "libx264"),
    "loose.mp4": (LOOSE, "libx264"),
    "loose.mkv": (LOOSE, "libvpx-vp9"),
    "old.avi": ([k * Fraction(1, 30) for k in range(COUNT)], "mpeg4"),
}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def player(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Page]]:
    """Return a function that opens a film in the player."""
    folder: Path = tmp_path_factory.mktemp("films")
    for name, (times, codec) in FILMS.items():
        write_numbered(folder / name, times, codec)
    server = StudioServer(folder)
    server.start()
    page.goto(server.link)
    page.get_by_role("navigation", name="Pages").wait_for()

    def open_film(name: str) -> Page:
        page.goto("about:blank")
        page.goto(f"{server.url}/#/parts?story=Player&path={name}")
        page.get_by_role("group", name=name).get_by_text(f"frame 0 of {COUNT}").wait_for()
        return page

    yield open_film
    server.stop()


def wait_for_frame(page: Page, number: int) -> None:
    """Wait until the player says, and its picture shows, a number."""
    page.get_by_text(f"frame {number} of {COUNT}").wait_for()
    page.wait_for_function(f"(number) => ({READ_NUMBER})() === number", arg=number)


@pytest.mark.parametrize("name", FILMS)
def test_every_step_shows_the_next_frame(player: Callable[[str], Page], name: str) -> None:
    page = player(name)
    wait_for_frame(page, 0)
    for number in range(1, 16):
        page.keyboard.press("ArrowRight")
        wait_for_frame(page, number)
    for number in range(14, 7, -1):
        page.keyboard.press("ArrowLeft")
        wait_for_frame(page, number)
    page.keyboard.press("End")
    wait_for_frame(page, COUNT - 1)
    page.keyboard.press("Shift+ArrowLeft")
    wait_for_frame(page, COUNT - 11)


def test_quick_steps_end_at_the_right_frame(player: Callable[[str], Page]) -> None:
    page = player("ntsc.mp4")
    wait_for_frame(page, 0)
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    wait_for_frame(page, 12)


def hold(page: Page, pattern: str) -> Callable[[], None]:
    """Hold requests whose address matches; the returned function lets them go on."""
    held: list[Route] = []

    def take(route: Route) -> None:
        held.append(route)

    def release() -> None:
        for route in held:
            route.continue_()
        page.unroute(matching, take)

    matching = re.compile(pattern)
    page.route(matching, take)
    return release


def test_a_step_outlives_the_change_to_another_version(
    player: Callable[[str], Page], page: Page
) -> None:
    release_times, release_video = hold(page, "proxy=1"), hold(page, r"[0-9]/proxy\?")
    player("old.avi")
    page.locator("video[src^='/proxy']").wait_for(state="attached")
    page.keyboard.press("ArrowRight")  # the engine waits for the video
    with page.expect_response(lambda answer: "proxy=1" in answer.url):
        release_times()  # they replace the engine
    page.wait_for_timeout(300)
    release_video()
    wait_for_frame(page, 1)


def test_player_plays_and_stops_at_the_frame_that_it_shows(player: Callable[[str], Page]) -> None:
    page = player("ntsc.mp4")
    wait_for_frame(page, 0)
    page.get_by_role("button", name="Speed: 1 ×").click()  # noqa: RUF001  multiplication sign
    page.get_by_role("menuitemradio", name="0.25").click()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.3")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play").wait_for()
    page.wait_for_function(
        "() => document.querySelector('.player-count').innerText"
        f".startsWith(`frame ${{({READ_NUMBER})()}} of {COUNT}`)"
    )
