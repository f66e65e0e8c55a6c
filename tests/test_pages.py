"""The report of an interpolation, in a browser."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PHOTOS = sorted((Path(__file__).parents[1] / "examples" / "photos").glob("*.png"))
# The page in a window of its own, and what is measured of it when it has loaded.
FRAME = """
<iframe id="page" src="film.html" style="width: {width_px}px; height: 800px; border: 0"></iframe>
<pre id="measured"></pre>
<script>
  const frame = document.getElementById("page");
  frame.onload = () => {{
    const page = frame.contentDocument.documentElement;
    const images = [...frame.contentDocument.images];
    document.getElementById("measured").textContent =
      `width ${{page.scrollWidth}} broken ${{images.filter((i) => !i.naturalWidth).length}}`;
  }};
</script>
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with film.html, the report of a short film of two photos."""
    folder = tmp_path_factory.mktemp("page")
    line = [sys.executable, "-m", "kinoloom", "interpolate", *map(str, PHOTOS), "-o", "film.mp4"]
    line += ["--report", "film.html", "--seconds", "0.2", "--engine", "fast"]
    subprocess.run(line, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.system_package("chromium")
@pytest.mark.parametrize("width_px", [390, 1280])
def test_the_report_fits_the_window_and_shows_its_pictures(folder: Path, width_px: int) -> None:
    frame = folder / f"{width_px}.html"
    frame.write_text(FRAME.format(width_px=width_px))
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    browser += ["--allow-file-access-from-files", "--virtual-time-budget=10000"]
    browser += [f"--user-data-dir={folder / 'profile'}", frame.as_uri()]
    done = subprocess.run(browser, capture_output=True, text=True, timeout=120)
    measured = re.search(r"width (\d+) broken (\d+)", done.stdout)
    assert measured is not None, done.stdout + done.stderr
    assert int(measured[1]) <= width_px
    assert int(measured[2]) == 0
