"""The hardest parts of pages to come, through the contract of pages alone, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer, find_free_port, overflow, python_path, run_studio, watch
from numbered_films import READ_NUMBER, write_film
from page_packages import PAGES, declare_pages

from kinoloom.base import registry
from kinoloom.studio.security.people import add_person

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.system_package("chromium")

SKELETONS = ("words", "views", "apron", "tiles")
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    site = declare_pages(
        tmp_path_factory.mktemp("site"), {name: f"{name}.page:PAGE" for name in SKELETONS}
    )
    place = tmp_path_factory.mktemp("place")
    folder, people = place / "films", place / "people"
    folder.mkdir()
    for k in range(4):
        write_film(folder / f"view{k}.mp4", 40, shade=60 + 20 * k)
    add_person(people, "Ada", "owner", PASSWORD)
    add_person(people, "Bo", "operator", PASSWORD)
    words = ["--listen", f"127.0.0.1:{find_free_port()}", "--host", "127.0.0.1"]
    words += ["--people", str(people)]
    environment = {"PYTHONPATH": os.pathsep.join(python_path(site, PAGES))}
    with run_studio(folder, arguments=words, environment=environment) as studio:
        yield studio


@pytest.fixture(scope="module")
def ada(studio: StudioServer, browser: Browser) -> Iterator[BrowserContext]:
    context = log_in(studio, browser, "Ada")
    yield context
    context.close()


def log_in(studio: StudioServer, browser: Browser, name: str) -> BrowserContext:
    """Log in on the page for it."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(studio.url)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill("wrong password")
    page.get_by_role("button", name="Log in").click()
    page.get_by_text("The name or the password is wrong.").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("navigation", name="Pages").wait_for()
    page.close()
    return context


def open_page(context: BrowserContext, studio: StudioServer, name: str, heading: str) -> Page:
    page = context.new_page()
    page.goto(f"{studio.url}/#/{name}")
    page.get_by_role("heading", name=heading, level=2).wait_for()
    return page


def test_ten_thousand_words_are_edited_with_exact_undo(
    studio: StudioServer, ada: BrowserContext
) -> None:
    page = open_page(ada, studio, "words", "A long text")
    page.get_by_text("10,000 words. All changes kept").wait_for()
    assert page.locator("textarea").count() <= 20  # some 1,000 words
    first = page.get_by_label("Paragraph 1", exact=True)
    before = first.input_value()
    first.press("Control+Home")
    first.press_sequentially("Now ")
    page.get_by_text("10,001 words. All changes kept").wait_for()
    second = open_page(ada, studio, "words", "A long text")
    second.get_by_text("10,001 words. All changes kept").wait_for()
    assert second.get_by_label("Paragraph 1", exact=True).input_value() == "Now " + before
    for _ in range(4):
        second.get_by_role("button", name="Undo", exact=True).click()
    wait_for_text(page, before)
    page.get_by_text("10,000 words. All changes kept").wait_for()
    region = page.get_by_role("region", name="Text")
    region.evaluate("(element) => { element.scrollTop = element.scrollHeight; }")
    page.get_by_label("Paragraph 167", exact=True).wait_for()
    assert page.locator("textarea").count() <= 20
    second.close()
    page.close()


def test_a_thousand_undos_come_back_to_the_first_text(
    studio: StudioServer, ada: BrowserContext
) -> None:
    page = open_page(ada, studio, "words", "A long text")
    first = page.get_by_label("Paragraph 1", exact=True)
    first.wait_for()
    before = first.input_value()
    for _ in range(10):
        first.evaluate(
            """(element) => {
              for (let k = 0; k < 100; k++) {
                element.value = `${element.value}x`;
                element.dispatchEvent(new Event('input', { bubbles: true }));
              }
            }"""
        )
    page.get_by_text("All changes kept").wait_for()
    assert first.input_value() != before
    page.get_by_role("button", name="Undo a thousand times").click()
    page.locator("[data-undo-ms]").wait_for(state="attached")
    wait_for_text(page, before)
    page.close()


def wait_for_text(page: Page, text: str) -> None:
    """Wait until the first paragraph has a text."""
    page.wait_for_function(
        "(text) => document.querySelector('.words-paragraph').value === text", arg=text
    )


def read_numbers(page: Page) -> list[int]:
    """Read the number of the frame that each view shows."""
    views = page.locator(".views-one")
    numbers = []
    for k in range(4):
        still = views.nth(k).locator("img.player-still")
        shown = still if still.count() else views.nth(k).locator("video")
        numbers.append(shown.evaluate(READ_NUMBER))
    return numbers


def wait_for_frame(page: Page, number: int) -> None:
    """Wait until each of the four views reports a frame."""
    page.wait_for_function(
        """(text) => {
          const shown = document.querySelector('[data-view0]')?.dataset ?? {};
          return [0, 1, 2, 3].every((k) => shown[`view${k}`] === text);
        }""",
        arg=str(number),
    )


def test_four_views_step_by_exact_frames_and_take_points_from_the_keyboard(
    studio: StudioServer, ada: BrowserContext
) -> None:
    page = open_page(ada, studio, "views", "Four views")
    watched = watch(page, studio.url)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.views-one video')].length === 4 &&"
        "[...document.querySelectorAll('.views-one video')].every((v) => v.readyState >= 2)"
    )
    page.keyboard.press(".")
    wait_for_frame(page, 1)
    for number, key in ((2, "."), (3, "."), (4, "."), (3, ","), (2, ",")):
        page.keyboard.press(key)
        wait_for_frame(page, number)
        assert read_numbers(page) == [number] * 4
    page.keyboard.press("2")
    page.keyboard.press("l")
    page.keyboard.press("j")
    page.keyboard.press("p")
    page.get_by_text("Frame 2, view 2, cursor 0.51 0.51. 1 points.").wait_for()
    page.keyboard.press("a")
    page.get_by_role("img", name="Point, accepted").wait_for()
    page.keyboard.press("g")
    page.get_by_text("4 points.").wait_for()
    page.keyboard.press(".")
    page.get_by_role("img", name="Point, proposed").wait_for()
    page.keyboard.press("r")
    page.get_by_role("img", name="Point, rejected").wait_for()
    page.keyboard.press("Control+z")
    page.get_by_role("img", name="Point, proposed").wait_for()
    assert watched.errors == []
    page.close()


def test_a_map_follows_tracks_and_two_people_acknowledge_alerts(
    studio: StudioServer, browser: Browser, ada: BrowserContext
) -> None:
    bo = log_in(studio, browser, "Bo")
    pages = [open_page(context, studio, "apron", "Apron") for context in (ada, bo)]
    for page in pages:
        page.get_by_text("Now: 60 tracks, 20 lights").wait_for()
    pages[0].get_by_role("button", name="Raise an alert").click()
    pages[0].get_by_text("1. Vehicle").wait_for()
    pages[1].get_by_role("button", name="Raise an alert").click()
    pages[1].get_by_text("2. Vehicle").wait_for()
    pages[1].get_by_role("listitem").filter(has_text="1. Vehicle").get_by_role("button").click()
    pages[0].get_by_text("Acknowledged by Bo").wait_for()
    pages[0].get_by_role("listitem").filter(has_text="2. Vehicle").get_by_role("button").click()
    pages[1].get_by_text("Acknowledged by Ada").wait_for()
    page = pages[0]
    page.wait_for_function(
        "() => Number(document.querySelector('[data-updates]').dataset.updates) >= 50"
    )
    assert page.locator("[data-lost]").get_attribute("data-lost") == "0"
    ago = page.get_by_label("How long ago, in seconds")
    ago.focus()
    page.keyboard.press("End")
    page.get_by_text("3600 seconds ago: 60 tracks, 20 lights").wait_for()
    page.keyboard.press("Home")
    page.get_by_text("Now: 60 tracks").wait_for()
    assert page.locator(".map-thing").count() <= 80
    bo.close()
    page.close()


def test_pictures_are_the_newest_and_at_most_ten_a_second(
    studio: StudioServer, ada: BrowserContext
) -> None:
    page = open_page(ada, studio, "tiles", "Live")
    page.get_by_role("img", name="Live picture").wait_for()
    count = "() => Number(document.querySelector('[data-count]').dataset.count)"
    times = page.evaluate(
        f"""async () => {{
          const count = {count};
          const seen = [];
          const begin = performance.now();
          let last = count();
          while (seen.length < 12) {{
            await new Promise(requestAnimationFrame);
            if (count() !== last) seen.push(performance.now() - begin);
            last = count();
          }}
          return seen;
        }}"""
    )
    assert (times[-1] - times[0]) / (len(times) - 1) >= 95  # ms between pictures
    # A hidden page asks for none.
    hide = """(value) => {
      Object.defineProperty(document, 'visibilityState', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(hide, "hidden")
    page.wait_for_function(
        f"""async () => {{
          const before = ({count})();
          await new Promise((resolve) => setTimeout(resolve, 500));
          return ({count})() === before;
        }}"""
    )
    before = page.evaluate(count)
    page.evaluate(hide, "visible")
    page.wait_for_function(f"(before) => ({count})() > before", arg=before)
    page.close()


@pytest.mark.parametrize("name", [*SKELETONS, *registry.names("pages")])
def test_every_page_fits_and_is_accessible(
    studio: StudioServer, ada: BrowserContext, axe: Callable[[Page], list[str]], name: str
) -> None:
    page = ada.new_page()
    watched = watch(page, studio.url)
    page.goto(f"{studio.url}/#/{name}")
    page.locator(f".page-{name} :is(h1, h2, h3)").first.wait_for()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 860})
            assert overflow(page) <= 0
            assert [one for one in axe(page, "main") if not is_on_map(one)] == []
    assert (watched.errors, watched.foreign) == ([], [])
    reach_controls(page, name)
    page.close()


def is_on_map(violation: str) -> bool:
    """Whether things on a map are too close to each other: where they are is essential there."""
    is_thing = "map-thing" in violation or "button[aria-label=" in violation
    return violation.startswith("target-size") and is_thing


def reach_controls(page: Page, name: str) -> None:
    """Check that Tab reaches every control of a page, one of each group of tabs or radios."""
    page.set_viewport_size({"width": 1280, "height": 860})
    unreached = page.evaluate(
        """(name) => {
          const all = 'button, a[href], input, select, textarea';
          const controls = [...document.querySelectorAll(`.page-${name} :is(${all})`)];
          return controls
            .filter((one) => one.checkVisibility() && one.tabIndex < 0)
            .filter((one) => !one.closest('[role=tablist], [role=radiogroup], [role=toolbar]'))
            .map((one) => one.outerHTML.slice(0, 100));
        }""",
        name,
    )
    assert unreached == []
