"""What the film and pipelines pages say about mistakes, damaged files, failures, a lost server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer, find_banner
from PIL import Image
from scenes import texture, view

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.system_package("chromium")


@pytest.fixture
def photos(studio_server: StudioServer) -> Path:
    """The studio's folder with two photos, and one whose file ends early."""
    folder = studio_server.folder
    for name, x in (("one", 8), ("two", 20)):
        Image.fromarray(view(texture(3), x, size=(160, 96))).save(folder / f"{name}.png")
    data = (folder / "two.png").read_bytes()
    (folder / "damaged.png").write_bytes(data[: len(data) // 3])
    return folder


def open_film(page: Page, *names: str) -> None:
    """Open photos with the film page."""
    page.evaluate("(names) => { location.hash = `#/film?path=${names}` }", "%0A".join(names))


def test_a_choice_out_of_range_is_explained_at_the_choice(page: Page, photos: Path) -> None:
    open_film(page, "one.png", "two.png")
    page.get_by_role("img", name="New frame at").wait_for()
    length = page.get_by_role("textbox", name="Length")
    length.fill("soon")
    page.get_by_role("alert").get_by_text("soon").wait_for()
    assert length.get_attribute("aria-invalid") == "true"
    for name in ("Make the film", "Preview loop"):
        button = page.get_by_role("button", name=name)
        assert button.get_attribute("title") == "Correct what is marked first"
        assert button.get_attribute("aria-disabled") == "true"
    length.fill("1")
    page.get_by_text("30 frames").wait_for()
    assert length.get_attribute("aria-invalid") is None


def test_a_damaged_photo_is_named(page: Page, photos: Path) -> None:
    open_film(page, "one.png", "damaged.png")
    failure = page.get_by_role("alert").filter(has_text="damaged.png")
    failure.wait_for()
    (photos / "damaged.png").write_bytes((photos / "two.png").read_bytes())
    failure.get_by_role("button", name="Try again").click()
    page.get_by_role("img", name="New frame at").wait_for()


def test_a_failed_job_says_why(page: Page, photos: Path) -> None:
    open_film(page, "one.png", "two.png")
    page.get_by_role("img", name="New frame at").wait_for()
    (photos / "two.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged since")
    page.get_by_role("button", name="Make the film").click()
    job = page.get_by_role("status").filter(has_text="All jobs")
    job.get_by_text("failed", exact=True).wait_for()
    job.get_by_text("two.png").last.wait_for()
    assert not list(photos.glob("*.mp4"))


def test_a_preview_is_computed_when_the_server_is_back(
    page: Page, photos: Path, studio_server: StudioServer
) -> None:
    open_film(page, "one.png", "two.png")
    page.get_by_role("img", name="New frame at 0:00.733").wait_for()
    port = studio_server.port
    studio_server.kill()
    place = page.get_by_role("slider", name="Place in the film")
    place.press("ArrowRight")
    find_banner(page).wait_for()
    page.get_by_text("Failed", exact=True).wait_for()
    studio_server.start(port)
    find_banner(page).wait_for(state="detached")
    page.get_by_role("img", name="New frame at 0:00.767").wait_for()


def test_a_pipeline_with_a_mistake_says_so(page: Page, studio_server: StudioServer) -> None:
    (studio_server.folder / "broken.py").write_text("pipeline = nothing_of_this_name\n")
    page.goto(f"{studio_server.url}/#/pipelines?path=broken.py")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Run it").click()
    page.get_by_text("nothing_of_this_name").first.wait_for()


def test_wrong_parameters_of_a_pipeline_are_named(page: Page, studio_server: StudioServer) -> None:
    (studio_server.folder / "sums.py").write_text(SUMS)
    page.goto(f"{studio_server.url}/#/pipelines?path=sums.py")
    page.get_by_label("Parameters").fill("Missing=3")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("button", name="Run it").click()
    page.get_by_text("Missing").first.wait_for()


SUMS = """
from kinoloom.sagemaker.workflow.function_step import step
from kinoloom.sagemaker.workflow.pipeline import Pipeline


@step(name="double")
def double(number):
    return 2 * number


pipeline = Pipeline(name="Sums", steps=[double(3)])
"""
