"""The stories look as they did: committed pictures of the same major version of Chromium.

.venv/bin/python tests/studio/test_components_pictures.py   # draws the pictures again
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from driving import StudioServer
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.system_package("chromium")

PICTURES = Path(__file__).parent / "pictures"
VERSION = PICTURES / "chromium.txt"
MAX_SHARE = 0.005
MAX_STEP = 32
"""Of a channel; smaller differences are those of the palette in which pictures are stored."""
STORIES = (
    *("Button", "Tag", "Meter", "Card", "Field", "Form", "Table", "List", "Tabs", "Menu", "Dialog"),
    *("Slider", "Strip", "Wave", "Timeline", "MapView", "Graph", "Log", "Drop", "Empty", "Failure"),
)
SETTLED = """() => document.fonts.status === 'loaded'
    && !document.querySelector('.loading')
    && [...document.images].every((one) => one.complete)
    && [...document.querySelectorAll('canvas')].every((one) => one.getContext('2d')
        .getImageData(0, 0, one.width, one.height).data.some(Boolean))"""


def open_parts(browser: Browser, server: StudioServer) -> Page:
    context = browser.new_context(
        viewport={"width": 1280, "height": 860}, reduced_motion="reduce", color_scheme="light"
    )
    page = context.new_page()
    page.goto(server.link)
    page.get_by_role("navigation", name="Pages").wait_for()
    return page


def draw(page: Page, url: str, name: str) -> Image.Image:
    page.goto(f"{url}/#/parts?story={name}")
    story = page.get_by_role("region", name=f"Story of {name}")
    story.wait_for()
    page.wait_for_function(SETTLED, polling=100)
    return Image.open(io.BytesIO(story.screenshot(animations="disabled"))).convert("RGB")


def find_major(browser: Browser) -> str:
    return browser.version.partition(".")[0]


def test_stories_look_as_they_did(browser: Browser, studio_server: StudioServer) -> None:
    assert {path.stem for path in PICTURES.glob("*.png")} == set(STORIES)
    is_same_version = VERSION.read_text(encoding="utf-8").strip() == find_major(browser)
    page = open_parts(browser, studio_server)
    changed = {}
    for name in STORIES:
        drawn = np.asarray(draw(page, studio_server.url, name), int)
        with Image.open(PICTURES / f"{name}.png") as stored:
            expected = np.asarray(stored.convert("RGB"), int)
        if not is_same_version:  # other versions draw text differently: only the layout counts
            assert abs(drawn.shape[0] - expected.shape[0]) <= 24, name
            continue
        if drawn.shape != expected.shape:
            changed[name] = 1.0
            continue
        share = float(((abs(drawn - expected)).max(axis=2) > MAX_STEP).mean())
        if share > MAX_SHARE:
            changed[name] = round(share, 4)
    page.context.close()
    assert changed == {}


def main() -> int:
    """Draw the pictures again."""
    from playwright.sync_api import sync_playwright

    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        server = StudioServer(Path(folder))
        server.start()
        page = open_parts(browser, server)
        for name in STORIES:
            picture = draw(page, server.url, name).quantize(128, dither=Image.Dither.NONE)
            picture.save(PICTURES / f"{name}.png", optimize=True)
        VERSION.write_text(find_major(browser) + "\n", encoding="utf-8")
        server.stop()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
