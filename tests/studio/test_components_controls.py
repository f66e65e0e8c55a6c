"""What the components do, by keyboard, as on the page of parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer

from kinoloom.base.units import parse_bytes, parse_rate
from kinoloom.errors import UsageError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.system_package("chromium")


@pytest.fixture(scope="module")
def parts(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page on which stories are opened."""
    folder: Path = tmp_path_factory.mktemp("films")
    server = StudioServer(folder)
    server.start()
    context = browser.new_context(
        viewport={"width": 1280, "height": 860}, reduced_motion="reduce", color_scheme="light"
    )
    page = context.new_page()
    page.goto(server.link)
    page.get_by_role("navigation", name="Pages").wait_for()
    yield page
    context.close()
    server.stop()


@pytest.fixture
def story(parts: Page) -> Callable[[str], Locator]:
    """Open the story of a component."""

    def open_story(name: str) -> Locator:
        origin = parts.evaluate("() => location.origin")
        parts.goto(f"{origin}/#/parts?story={name}")
        shown = parts.get_by_role("region", name=f"Story of {name}")
        shown.wait_for()
        return shown

    return open_story


def is_focused(element: Locator) -> bool:
    return bool(element.evaluate("(one) => one === document.activeElement"))


def test_form_keeps_what_differs_and_shows_mistakes(
    parts: Page, story: Callable[[str], Locator]
) -> None:
    form = story("Form")
    changed = form.locator("code")
    form.get_by_role("textbox", name="Duration").fill("0:02.5")
    assert changed.inner_text() == '{"duration":"2.5"}'
    form.get_by_role("textbox", name="Duration").fill("soon")
    form.get_by_text("‘soon’ is not a time.").wait_for()  # noqa: RUF001  typographic quotes
    assert form.get_by_role("textbox", name="Duration").get_attribute("aria-invalid") == "true"
    weave = form.get_by_role("button", name="Weave")
    assert weave.get_attribute("aria-disabled") == "true"
    form.get_by_role("textbox", name="Duration").fill("1.5")
    assert changed.inner_text() == "{}"
    assert weave.get_attribute("aria-disabled") is None
    form.get_by_role("radio", name="in-out").focus()
    parts.keyboard.press("Space")
    form.get_by_role("switch", name="Loop").press("Space")
    assert changed.inner_text() == '{"ease":"in-out","loop":true}'
    form.get_by_text("5 more choices").click()
    form.get_by_label("First frame").fill("-1")
    form.get_by_text("It must be at least 0.").wait_for()


def test_field_goes_back_to_its_default(story: Callable[[str], Locator]) -> None:
    field = story("Field")
    frames = field.get_by_label("Frames", exact=True)
    frames.press("ArrowUp")
    assert frames.input_value() == "13"
    frames.press("Shift+ArrowDown")
    assert frames.input_value() == "3"
    field.get_by_role("button", name="Frames: back to 30").click()
    assert frames.input_value() == "30"


TEXTS = (
    "25",
    "23.976",
    "30000/1001",
    "30/0",
    "0",
    "-1",
    "abc",
    "1e3",
    "2GB",
    "512 MiB",
    "1.5g",
    ".5k",
    "10 b",
    "GB",
    "1 2",
    "0x10",
)


@pytest.mark.parametrize(("kind", "parse"), [("rate", parse_rate), ("bytes", parse_bytes)])
def test_fields_accept_what_the_command_line_accepts(
    parts: Page, kind: str, parse: Callable[[str], object]
) -> None:
    def is_valid(text: str) -> bool:
        try:
            parse(text)
        except UsageError:
            return False
        return True

    found = parts.evaluate(
        """async ([kind, texts]) => {
            const { parseValue } = await import('/static/ui/values.js');
            const low = kind === 'bytes' ? 1 : null;
            return texts.map((text) => parseValue({ kind, low }, text).error === undefined);
        }""",
        [kind, list(TEXTS)],
    )
    assert dict(zip(TEXTS, found, strict=True)) == {text: is_valid(text) for text in TEXTS}


def test_table_of_100_000_rows_has_few_in_the_page(
    parts: Page, story: Callable[[str], Locator]
) -> None:
    table = story("Table").get_by_role("grid", name="Executions")
    assert table.get_attribute("aria-rowcount") == "100001"
    table.focus()
    table.press("End")
    table.get_by_text("train-100000", exact=True).wait_for()
    assert table.get_by_role("row").count() <= 400
    current = table.get_attribute("aria-activedescendant") or ""
    assert "train-100000" in parts.locator(f'[id="{current}"]').inner_text()
    table.press("Enter")
    assert parts.locator(f'[id="{current}"]').get_attribute("aria-selected") == "true"
    table.press("Home")
    table.get_by_role("button", name="Number").click()
    table.get_by_text("train-100000", exact=True).wait_for()


def test_tabs_change_by_arrow_keys(parts: Page, story: Callable[[str], Locator]) -> None:
    tabs = story("Tabs")
    tabs.get_by_role("tab", name="Facts").focus()
    parts.keyboard.press("ArrowRight")
    made = tabs.get_by_role("tab", name="How it was made")
    assert is_focused(made)
    assert made.get_attribute("aria-selected") == "true"
    tabs.get_by_role("tabpanel", name="How it was made").wait_for()
    parts.keyboard.press("End")
    assert is_focused(tabs.get_by_role("tab", name="Jobs"))


def test_menu_moves_by_keys_and_gives_the_focus_back(
    parts: Page, story: Callable[[str], Locator]
) -> None:
    menus = story("Menu")
    button = menus.get_by_role("button", name="By date: change the order")
    button.focus()
    parts.keyboard.press("ArrowDown")
    menus.get_by_role("menu").wait_for()
    parts.keyboard.press("End")
    assert is_focused(menus.get_by_role("menuitemradio", name="By size"))
    parts.keyboard.press("Escape")
    menus.get_by_role("menu").wait_for(state="detached")
    assert is_focused(button)
    parts.keyboard.press("Enter")
    parts.keyboard.press("End")
    parts.keyboard.press("Enter")
    menus.get_by_role("button", name="By size: change the order").wait_for()


def test_dialog_holds_the_focus_and_gives_it_back(
    parts: Page, story: Callable[[str], Locator]
) -> None:
    opener = story("Dialog").get_by_role("button", name="Move to the trash…")
    opener.focus()
    parts.keyboard.press("Enter")
    dialog = parts.get_by_role("dialog", name="Move lake.mp4 to the trash?")
    dialog.wait_for()
    assert dialog.evaluate("(one) => one.contains(document.activeElement)")
    parts.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert is_focused(opener)


def test_toast_with_an_action_stays(parts: Page, story: Callable[[str], Locator]) -> None:
    toasts = story("Toast")
    toasts.get_by_role("button", name="An error").click()
    parts.get_by_role("alert").get_by_text("4.2 GB are needed").wait_for()
    parts.get_by_role("button", name="Close this message").click()
    toasts.get_by_role("button", name="With an action").click()
    parts.get_by_role("button", name="Undo", exact=True).click()
    parts.get_by_text("talk.mp4 was moved to the trash").wait_for(state="detached")


def test_slider_moves_by_keys(story: Callable[[str], Locator]) -> None:
    edge = story("Slider").get_by_role("slider")
    edge.press("ArrowRight")
    assert edge.input_value() == "51"
    edge.press("End")
    assert edge.input_value() == "100"


def test_strip_chooses_accepts_and_removes_by_keys(
    parts: Page, story: Callable[[str], Locator]
) -> None:
    strip = story("Strip")
    strip.get_by_role("option", selected=True).press("ArrowRight")
    assert strip.get_by_role("option", selected=True).get_attribute("aria-label") == (
        "Frame 25, 0:00.833"
    )
    cut = strip.get_by_role("slider", name="Cut")
    cut.press("ArrowRight")
    assert cut.get_attribute("aria-valuetext") == "34.5 %, suggested"
    cut.press("Enter")
    assert cut.get_attribute("aria-valuetext") == "34.5 %"
    cut.press("Delete")
    cut.wait_for(state="detached")


def test_wave_has_a_cursor_and_edges_that_keys_move(
    parts: Page, story: Callable[[str], Locator]
) -> None:
    wave = story("Wave")
    cursor = wave.get_by_role("slider", name="Sound of talk.mp4")
    cursor.press("ArrowRight")
    assert cursor.get_attribute("aria-valuetext") == "0:01.260"
    cursor.press("+")
    edge = wave.get_by_role("slider", name="End of “changed”")
    edge.press("ArrowLeft")
    assert edge.get_attribute("aria-valuetext") == "0:01.610"
    drawn = (
        "(one) => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some(Boolean)"
    )
    assert wave.locator("canvas").evaluate(drawn)


def test_wave_shows_a_single_loud_sample_at_every_level(parts: Page) -> None:
    found = parts.evaluate(
        """async () => {
            const { readColumns, soundOf } = await import('/static/ui/peaks.js');
            const samples = new Float32Array(1_000_000);
            samples[614_000] = 0.5;
            const sound = soundOf(samples, 48000);
            const spans = [[0, 1_000_000 / 48000], [12, 13.5], [12.7, 12.9]];
            const read = ([from, to]) => readColumns(sound, from, to, 300);
            const views = await Promise.all(spans.map(read));
            return views.map((columns) => Math.max(...columns));
        }"""
    )
    assert found == [64, 64, 64]


def test_timeline_goes_to_marks(story: Callable[[str], Locator]) -> None:
    axis = story("Timeline").get_by_role("slider", name="Time of the day")
    assert axis.get_attribute("aria-valuetext") == "14:12:07"
    axis.press("[")
    assert axis.get_attribute("aria-valuetext") == "14:11:58"
    axis.press("]")
    assert axis.get_attribute("aria-valuetext") == "14:31:40"


def test_map_pans_zooms_and_chooses(parts: Page, story: Callable[[str], Locator]) -> None:
    shown = story("MapView")
    area = shown.get_by_role("group", name="Apron 2 north")
    plan = area.locator("svg").first
    before = plan.get_attribute("viewBox")
    area.press("+")
    zoomed = plan.get_attribute("viewBox")
    area.press("ArrowRight")
    assert before != zoomed != plan.get_attribute("viewBox")
    area.press("0")
    assert plan.get_attribute("viewBox") == before
    thing = shown.get_by_role("button", name="LFT 482, A320, 14 kt")
    thing.press("Enter")
    assert thing.get_attribute("aria-pressed") == "true"


def test_graph_moves_along_edges(parts: Page, story: Callable[[str], Locator]) -> None:
    graph = story("Graph")
    train = graph.get_by_role("button", name="train tree")
    train.focus()
    parts.keyboard.press("ArrowDown")
    assert is_focused(graph.get_by_role("button", name="evaluate"))
    parts.keyboard.press("ArrowUp")
    parts.keyboard.press("ArrowLeft")
    parts.keyboard.press("Enter")
    chosen = graph.get_by_role("button", pressed=True)
    assert "split" not in chosen.inner_text()


def test_graph_of_1_000_steps_has_few_in_the_page(parts: Page) -> None:
    found = parts.evaluate(
        """async () => {
            const { layOut } = await import('/static/ui/graph_layout.js');
            const nodes = Array.from({ length: 1000 }, (_, k) => ({ id: `n${k}`, title: `n${k}` }));
            const edges = nodes.slice(10).map((_, k) => [`n${k}`, `n${k + 10}`]);
            const { placed, layers } = layOut(nodes, edges);
            const isBelow = edges.every(([from, to]) => placed.get(from).y < placed.get(to).y);
            return [placed.size, layers.length, isBelow];
        }"""
    )
    assert found == [1000, 100, True]


def test_log_follows_its_end(parts: Page, story: Callable[[str], Locator]) -> None:
    shown = story("Log")
    log = shown.get_by_role("log", name="Log of the job")
    log.get_by_text("frame 40 of").wait_for()
    is_at_end = "(one) => one.scrollHeight - one.scrollTop - one.clientHeight < 2"
    shown.get_by_role("button", name="Add lines").click()
    assert log.evaluate(is_at_end)
    log.evaluate("(one) => one.scrollTo(0, 0)")
    shown.get_by_role("button", name="Follow").click()
    assert log.evaluate(is_at_end)


def test_drop_takes_chosen_files(story: Callable[[str], Locator]) -> None:
    drop = story("Drop")
    files = [{"name": "a <b>.png", "mimeType": "image/png", "buffer": b"1"}]
    drop.locator("input[type=file]").set_input_files(files)
    drop.get_by_role("status").get_by_text("a <b>.png").wait_for()
