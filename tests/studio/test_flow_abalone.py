"""The abalone pipeline: started, followed, stopped by its gate, approved with a reason."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer, watch

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.system_package("chromium")

EXAMPLE = Path(__file__).parents[2] / "examples/pipelines/abalone"
TIMEOUT_MS = 300_000


@pytest.fixture
def folder(studio_server: StudioServer) -> Path:
    """The studio's folder with the files of the example."""
    shutil.copytree(EXAMPLE, studio_server.folder, dirs_exist_ok=True)
    return studio_server.folder


def start(page: Page, server: StudioServer, parameters: str = "") -> None:
    """Start the pipeline from Home, as a person does."""
    page.goto(f"{server.url}/#/home")
    page.get_by_role("option", name="pipeline.py").click()
    page.get_by_role("group", name="Open with").get_by_role("button", name="Pipelines").click()
    page.get_by_label("Parameters").fill(parameters)
    page.get_by_role("button", name="Start", exact=True).click()


def test_it_is_followed_gated_and_approved(
    page: Page, folder: Path, studio_server: StudioServer
) -> None:
    page.set_default_timeout(TIMEOUT_MS)
    watched = watch(page, studio_server.url)
    start(page, studio_server)
    page.get_by_role("button", name="Run it").click()
    for step in ("AbaloneProcess", "AbaloneTrain", "AbaloneEval", "AbaloneTransform"):
        node = page.get_by_role("group", name="Steps of LocalModelPipeline")
        node.get_by_role("button", name=f"{step} ").filter(has_text="Succeeded").wait_for()
    page.get_by_role("button", name="AbaloneEval").first.click()
    page.get_by_role("region", name="AbaloneEval").get_by_text("evaluation").first.wait_for()

    # The gate: a limit that no model reaches. What does not depend on it is reused.
    start(page, studio_server, "MseThreshold=0.1")
    page.get_by_text("Execution failed due to MSE > 0.1").first.wait_for()
    steps = page.get_by_role("group", name="Steps of LocalModelPipeline")
    steps.get_by_role("button", name="AbaloneMSEFail").filter(has_text="Failed").wait_for()
    steps.get_by_role("button", name="AbaloneTrain").filter(has_text="Reused").wait_for()

    page.get_by_role("tab", name="Models").click()
    page.get_by_text("Waits for approval").wait_for()
    page.get_by_role("button", name="Approve version 1").click()
    page.get_by_label("Reason, kept in the history").fill("error below 7 <b>checked</b>")
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    page.get_by_text("error below 7 <b>checked</b>").wait_for()
    page.get_by_text("Approved", exact=True).wait_for()
    assert watched.foreign == []
    assert [one["approval"] for one in list_models(folder)] == ["Approved"]


def list_models(folder: Path) -> list[dict[str, str]]:
    """Return the registered models as the command line lists them."""
    words = [sys.executable, "-m", "kinoloom", "pipeline", "models", "--json"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    models: list[dict[str, str]] = answer["models"] if isinstance(answer, dict) else answer
    return models
