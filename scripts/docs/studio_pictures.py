"""Draw the pictures of the studio in the README: its pages in chromium, with the examples.

    python scripts/docs/studio_pictures.py [FOLDER]

FOLDER is docs/assets, if it is not given. Needs the extras `studio` and `dev`, and Debian's
chromium.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
WIDTH, HEIGHT = 1280, 860
MOST_BYTES = 80_000
PHOTO_PX = 720
"""The longest side of the photos: larger ones take longer, and look the same here."""
_TIMEOUT_MS = 300_000


def main() -> None:
    """Draw all pictures."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "assets"
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text) / "films"
        folder.mkdir()
        for name in ("aloe1.jpg", "aloe2.jpg"):
            with Image.open(EXAMPLES / "photos" / name) as photo:
                photo.thumbnail((PHOTO_PX, PHOTO_PX))
                photo.save(folder / name, quality=92)
        shutil.copy(EXAMPLES / "clips" / "bunny.mp4", folder)
        run_kinoloom(folder, "pipeline", "run", str(EXAMPLES / "pipelines/abalone/pipeline.py"))
        with _open(folder) as page:
            draw_film(page, target)
            draw_home(page, target)
            draw_pipelines(page, target)


def draw_film(page: Page, target: Path) -> None:
    """Draw the film page, and make the film."""
    _go(page, "#/film?path=aloe1.jpg%0Aaloe2.jpg")
    page.get_by_role("img", name="New frame at").wait_for()
    page.get_by_label("Length").wait_for()
    _save(page, target / "studio_film.webp")
    page.get_by_role("button", name="Make the film").click()
    page.get_by_role("button", name="Open aloe1-interpolate.mp4").wait_for()


def draw_home(page: Page, target: Path) -> None:
    """Draw Home with the film that was made, and the form that makes another one."""
    _go(page, "#/home?path=aloe1-interpolate.mp4")
    page.get_by_role("heading", name="aloe1-interpolate.mp4").first.wait_for()
    for name in ("aloe1.jpg", "aloe2.jpg"):
        page.get_by_role("option", name=name).click()
    page.get_by_role("link", name="interpolate").first.click()
    page.get_by_label("Seconds").wait_for()
    page.evaluate("() => { window.scrollTo(0, 0); document.activeElement.blur(); }")
    _save(page, target / "studio_home.webp")


def draw_pipelines(page: Page, target: Path) -> None:
    """Draw an execution with the log of a step."""
    _go(page, "#/pipelines")
    page.get_by_role("heading", name="Times").wait_for()
    page.evaluate("() => window.scrollTo(0, 0)")
    _save(page, target / "studio_pipelines.webp")


def run_kinoloom(folder: Path, *words: str) -> None:
    """Run a command in a folder."""
    subprocess.run([sys.executable, "-m", "kinoloom", *words], cwd=folder, check=True)


@contextmanager
def _open(folder: Path) -> Iterator[Page]:
    words = [sys.executable, "-m", "kinoloom", "studio", str(folder), "--no-open", "--json"]
    # At home, where the page shows no path of this machine.
    home = {**os.environ, "HOME": str(folder.parent)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=home) as studio:
        assert studio.stdout is not None
        link = json.loads(studio.stdout.readline())
        try:
            with sync_playwright() as playwright:
                chromium = shutil.which("chromium")
                browser: Browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox"]
                )
                page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
                page.set_default_timeout(_TIMEOUT_MS)
                page.goto(f"{link['url']}/?token={link['token']}")
                yield page
                browser.close()
        finally:
            studio.terminate()


def _go(page: Page, place: str) -> None:
    page.evaluate("(place) => { location.hash = place }", place)


def _save(page: Page, path: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_function("() => [...document.images].every((image) => image.complete)")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for quality in range(84, 20, -4):
        picture.save(path, quality=quality, method=6)
        if path.stat().st_size <= MOST_BYTES:
            break
    print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
