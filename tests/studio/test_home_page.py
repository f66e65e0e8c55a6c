"""The page Home in a real browser: files, uploads, what to do, results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest
from driving import StudioServer, overflow, watch
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route

pytestmark = pytest.mark.system_package("chromium")

TIMEOUT_MS = 60_000
LAST_IS_AFTER = """
(number) => {
  const tiles = [...document.querySelectorAll("[role=option]")];
  const focus = Number(document.activeElement?.dataset.at);
  return focus >= number - 1 && Number(tiles.at(-1)?.dataset.at) > number;
}
"""
GIVE_FILE = """
([kind, name]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([kind], name));
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
  document.querySelector(".home").dispatchEvent(event);
}
"""
HOSTILE = "<img src=x onerror=document.title=1> 🎬 שלום 'a'.png"


def make_photos(folder: Path, *names: str) -> None:
    """Write photos of a square that moves."""
    for number, name in enumerate(names):
        photo = Image.new("RGB", (96, 64), (30, 60, 120))
        photo.paste((240, 200, 80), (10 + 8 * number, 20, 34 + 8 * number, 44))
        photo.save(folder / name)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    """One studio for all tests of this file; each has a folder of its own in it."""
    server = StudioServer(tmp_path_factory.mktemp("films"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def login(browser: Browser, server: StudioServer) -> Iterator[BrowserContext]:
    """A logged-in browser."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 860}, reduced_motion="reduce", color_scheme="light"
    )
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    page.goto(server.link)
    page.get_by_role("navigation", name="Pages").wait_for()
    page.close()
    yield context
    context.close()


@pytest.fixture
def folder(server: StudioServer, request: pytest.FixtureRequest) -> Path:
    folder = server.folder / re.sub(r"[^a-z0-9]+", "-", request.node.name)
    (folder / "Lake").mkdir(parents=True)
    make_photos(folder, "dusk-1.png", "dusk-2.png")
    make_photos(folder / "Lake", "lake-10.png", "lake-2.png")
    (folder / "notes.txt").write_text("a note")
    return folder


@pytest.fixture
def home(folder: Path, login: BrowserContext, server: StudioServer) -> Iterator[Page]:
    """The page Home with the files of the test's folder."""
    page = login.new_page()
    page.goto(f"{server.url}/#/home?folder={folder.name}")
    tile(page, "dusk-1.png").wait_for()
    yield page
    page.close()


def tile(page: Page, name: str) -> Locator:
    return page.get_by_role("option", name=name)


def names(page: Page) -> list[str]:
    texts = page.get_by_role("listbox", name="Files").get_by_role("option").all()
    return [(text.get_attribute("title") or "") for text in texts]


def test_folders_open_and_the_address_remembers_them(home: Page, folder: Path) -> None:
    assert names(home) == ["Lake", "dusk-1.png", "dusk-2.png", "notes.txt"]
    tile(home, "Lake").click()
    tile(home, "lake-2.png").wait_for()
    assert names(home) == ["lake-2.png", "lake-10.png"]
    assert home.get_by_role("heading", level=1).inner_text() == "Lake"
    home.reload()
    tile(home, "lake-2.png").wait_for()
    home.get_by_role("button", name="All files").click()
    tile(home, folder.name).click()
    tile(home, "dusk-1.png").wait_for()


def test_search_finds_files_in_folders_below(home: Page) -> None:
    home.get_by_role("searchbox", name="Search these files").fill("lake 10")
    home.get_by_text("1 found here and in folders below").wait_for()
    assert names(home) == ["lake-10.png"]
    home.get_by_role("searchbox", name="Search these files").fill("no such file")
    home.get_by_role("button", name="Show all files").click()
    tile(home, "dusk-1.png").wait_for()


def test_changes_in_the_folder_appear_by_themselves(home: Page, folder: Path) -> None:
    make_photos(folder, HOSTILE)
    tile(home, "<img src=x").wait_for()
    assert home.title() != "1"
    (folder / "dusk-2.png").unlink()
    tile(home, "dusk-2.png").wait_for(state="detached")


def test_a_file_is_renamed_removed_and_restored(home: Page, folder: Path) -> None:
    tile(home, "notes.txt").click()
    home.get_by_role("button", name="Rename").click()
    dialog = home.get_by_role("dialog", name="Rename notes.txt")
    dialog.get_by_role("textbox", name="Name").fill("dusk-1.png")
    dialog.get_by_role("button", name="Rename").click()
    dialog.get_by_text("exists already").wait_for()
    dialog.get_by_role("textbox", name="Name").fill("about.txt")
    home.keyboard.press("Enter")
    tile(home, "about.txt").wait_for()
    home.get_by_role("button", name="Remove").click()
    tile(home, "about.txt").wait_for(state="detached")
    assert not (folder / "about.txt").exists()
    home.get_by_role("button", name="Undo").click()
    tile(home, "about.txt").wait_for()
    assert (folder / "about.txt").read_text() == "a note"


def test_a_folder_is_made_and_files_are_added_to_it(
    home: Page, folder: Path, tmp_path: Path
) -> None:
    home.get_by_role("button", name="New folder").click()
    home.get_by_role("textbox", name="Name").fill("New")
    home.keyboard.press("Enter")
    tile(home, "New").click()
    home.get_by_text("This folder is empty").wait_for()
    data = bytes(range(256)) * 40_000  # more than one piece
    (tmp_path / "large.bin").write_bytes(data)
    (tmp_path / "empty.txt").touch()
    home.get_by_label("Add files").last.set_input_files(
        [tmp_path / "large.bin", tmp_path / "empty.txt"]
    )
    home.get_by_text("2 files added").wait_for()
    tile(home, "large.bin").wait_for()
    assert (folder / "New" / "large.bin").read_bytes() == data
    assert (folder / "New" / "empty.txt").read_bytes() == b""
    home.get_by_text("2 chosen").wait_for()


def test_an_interrupted_upload_resumes_where_it_stopped(
    home: Page, folder: Path, tmp_path: Path
) -> None:
    data = bytes(range(256)) * 40_000
    (tmp_path / "cut.bin").write_bytes(data)
    offsets: list[str] = []

    def cut_second_piece_once(route: Route) -> None:
        offset = route.request.headers.get("x-upload-offset", "")
        if route.request.method == "PUT":
            offsets.append(offset)
        if route.request.method == "PUT" and offsets.count(offset) == 1 and offset != "0":
            route.abort("connectionreset")
        else:
            route.continue_()

    home.route("**/api/upload/**", cut_second_piece_once)
    home.get_by_label("Add files").last.set_input_files(tmp_path / "cut.bin")
    home.get_by_text("1 file added").wait_for()
    assert offsets == ["0", "8388608", "8388608"]
    assert (folder / "cut.bin").read_bytes() == data


def test_files_are_dropped_and_pasted(home: Page, folder: Path) -> None:
    for kind, name in (("drop", "dropped.txt"), ("paste", "pasted.txt")):
        home.evaluate(GIVE_FILE, [kind, name])
        tile(home, name).wait_for()
        assert (folder / name).read_text() == kind


def test_every_op_is_found_and_has_a_form(home: Page) -> None:
    search = home.get_by_role("searchbox", name="Search things to do")
    search.fill("smoke")
    home.get_by_role("link", name="Simulate rising smoke").click()
    home.get_by_role("heading", name="Simulate rising smoke").wait_for()
    home.get_by_role("button", name="Simulate", exact=True).wait_for()
    home.get_by_text("The same as a command").click()
    home.get_by_text("kinoloom fields make smoke").wait_for()
    home.get_by_role("button", name="Back to what to do").click()
    search.wait_for()


def test_a_wrong_value_is_reported_next_to_its_field(home: Page, folder: Path) -> None:
    home.goto(f"{home.url}&op=interpolate")
    home.get_by_text("Choose a file").first.wait_for()
    tile(home, "dusk-1.png").click()
    tile(home, "dusk-2.png").click()
    field = home.get_by_role("textbox", name="Seconds")
    field.fill("-1")
    home.get_by_text("at least 0.01 s").last.wait_for()
    start = home.get_by_role("button", name="Interpolate", exact=True)
    assert start.get_attribute("aria-disabled") == "true"
    field.fill("0.2")
    home.get_by_text(f"Output: {folder.name}/dusk-1-interpolate.mp4").wait_for()


def test_two_photos_become_a_film_by_keyboard_alone(
    home: Page, folder: Path, server: StudioServer, axe: Callable[..., list[str]]
) -> None:
    watched = watch(home, server.url)
    tile(home, "Lake").focus()
    for key in ("ArrowRight", "Space", "ArrowRight", "Space"):
        home.keyboard.press(key)
    assert tile(home, "dusk-2.png").get_attribute("aria-selected") == "true"
    home.get_by_role("link", name="Interpolate new frames").focus()
    home.keyboard.press("Enter")
    home.get_by_role("textbox", name="Engine").fill("fast")
    home.get_by_role("textbox", name="Seconds").fill("0.2")
    home.get_by_role("switch", name="Also write a report").focus()
    home.keyboard.press("Space")
    home.get_by_text(f"Output: {folder.name}/dusk-1-interpolate.mp4").wait_for()
    home.get_by_role("button", name="Interpolate", exact=True).focus()
    home.keyboard.press("Enter")
    result = home.get_by_role("region", name="dusk-1-interpolate.mp4")
    result.get_by_role("button", name="How it was made").focus(timeout=120_000)
    home.keyboard.press("Enter")
    origin = home.get_by_role("region", name="How it was made")
    origin.get_by_text("unchanged").first.wait_for()
    assert (folder / "dusk-1-interpolate.html").is_file()
    assert axe(home) == []
    result.get_by_role("button", name="Before and after").focus()
    home.keyboard.press("Enter")
    edge = home.get_by_role("slider", name="Edge between")
    edge.focus()
    home.keyboard.press("ArrowRight")
    assert edge.get_attribute("aria-valuetext") == "51 % cross-fade of the two photos"
    seconds = home.get_by_role("textbox", name="Seconds")
    seconds.fill("7")
    origin.get_by_role("button", name="With other choices").focus()
    home.keyboard.press("Enter")
    home.wait_for_function("(field) => field.value === '0.2'", arg=seconds.element_handle())
    home.get_by_role("button", name="Interpolate", exact=True).click()
    home.get_by_role("dialog", name="This was made before").get_by_role(
        "button", name="Open it"
    ).click()
    assert watched.errors == []
    assert watched.foreign == []


def test_chosen_photos_open_with_the_film_page_in_their_order(home: Page, folder: Path) -> None:
    tile(home, "dusk-2.png").click()
    tile(home, "dusk-1.png").click()
    home.get_by_role("group", name="Open with").get_by_role("button", name="Film").click()
    home.get_by_role("heading", level=1, name="dusk-2.png, dusk-1.png").wait_for()
    query = parse_qs(home.url.partition("?")[2])
    assert query["path"] == [f"{folder.name}/dusk-2.png\n{folder.name}/dusk-1.png"]


def test_a_damaged_file_is_explained(home: Page, folder: Path) -> None:
    (folder / "broken.mp4").write_bytes(b"not a film")
    tile(home, "broken.mp4").dblclick()
    home.get_by_role("region", name="broken.mp4").get_by_text("damaged").first.wait_for()


@pytest.mark.parametrize("width", [1280, 390])
def test_home_is_accessible_in_both_themes(
    home: Page, width: int, axe: Callable[..., list[str]]
) -> None:
    home.set_viewport_size({"width": width, "height": 844})
    tile(home, "dusk-1.png").click()
    home.get_by_role("link", name="Interpolate new frames").first.click()
    home.get_by_role("button", name="Interpolate", exact=True).wait_for()
    tile(home, "dusk-1.png").dblclick()
    home.get_by_text("On disk").wait_for()
    for theme in ("dark", "light"):
        home.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
        assert axe(home) == []
        assert overflow(home) == 0


def test_ten_thousand_files_build_few_tiles(home: Page, folder: Path) -> None:
    (folder / "many").mkdir()
    for number in range(10_000):
        (folder / "many" / f"{number}.txt").touch()
    tile(home, "many").click()
    home.get_by_text("10,000 in this folder").wait_for()
    tile(home, "0.txt").first.focus()
    for pages in range(1, 7):
        home.keyboard.press("End")
        # The last tile has the focus, and the next page has come.
        home.wait_for_function(LAST_IS_AFTER, arg=200 * pages)
        assert home.get_by_role("option").count() <= 400
    assert tile(home, "1200.txt").get_attribute("aria-setsize") == "10000"
