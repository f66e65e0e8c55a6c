"""The pipelines page where its feed runs already: after a reload, and in another tab."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.system_package("chromium")

PIPELINE = """
from kinoloom.sagemaker.workflow.function_step import step
from kinoloom.sagemaker.workflow.pipeline import Pipeline


@step(name="double")
def double(number):
    return 2 * number


pipeline = Pipeline(name="Sums", steps=[double(3)])
"""


def test_executions_are_shown_again_in_every_tab(page: Page, studio_server: StudioServer) -> None:
    (studio_server.folder / "sums.py").write_text(PIPELINE)
    words = [sys.executable, "-m", "kinoloom", "pipeline", "run", "sums.py"]
    subprocess.run(words, cwd=studio_server.folder, check=True, capture_output=True)
    page.goto(f"{studio_server.url}/#/pipelines")
    page.get_by_role("heading", name="Times").wait_for()
    page.reload()  # within the time that a feed continues without listeners
    page.get_by_role("heading", name="Times").wait_for()
    other = page.context.new_page()
    other.goto(f"{studio_server.url}/#/pipelines")
    other.get_by_role("heading", name="Times").wait_for()
