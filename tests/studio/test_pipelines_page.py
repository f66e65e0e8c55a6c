"""The pipelines page in a real browser: executions followed, gated, resumed and approved."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from driving import StudioServer, overflow, watch

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.system_package("chromium")

PIPELINE = """
from kinoloom.pipelines import LocalSession
from kinoloom.sagemaker.processing import ProcessingOutput, ScriptProcessor
from kinoloom.sagemaker.workflow.callback_step import (
    CallbackOutput, CallbackOutputTypeEnum, CallbackStep,
)
from kinoloom.sagemaker.workflow.pipeline import Pipeline
from kinoloom.sagemaker.workflow.pipeline_context import LocalPipelineSession
from kinoloom.sagemaker.workflow.steps import ProcessingStep

session = LocalPipelineSession()
processor = ScriptProcessor(
    image_uri="python", command=["python3"], instance_type="local", instance_count=1,
    role="role", sagemaker_session=session,
)
measure = ProcessingStep(
    name="Measure",
    step_args=processor.run(
        code="measure.py",
        outputs=[ProcessingOutput(output_name="report", source="/opt/ml/processing/report")],
    ),
)
ask = CallbackStep(
    name="Ask", sqs_queue_url="https://sqs.local/queue", inputs={"question": "Is it good?"},
    outputs=[CallbackOutput(output_name="good", output_type=CallbackOutputTypeEnum.Boolean)],
    depends_on=[measure],
)
pipeline = Pipeline(name="Review", steps=[measure, ask], sagemaker_session=session)
"""
MEASURE = """
import json, pathlib
folder = pathlib.Path("/opt/ml/processing/report")
folder.mkdir(parents=True, exist_ok=True)
(folder / "report.json").write_text(json.dumps({"error": 0.25}))
print("measured <b>0.25</b>", flush=True)
"""


@pytest.fixture
def folder(studio_server: StudioServer) -> Path:
    """The studio's folder with a pipeline of two steps, of which one waits for an answer."""
    (studio_server.folder / "review.py").write_text(PIPELINE)
    (studio_server.folder / "measure.py").write_text(MEASURE)
    return studio_server.folder


def test_a_pipeline_is_started_followed_and_answered(
    page: Page, folder: Path, studio_server: StudioServer
) -> None:
    watched = watch(page, studio_server.url)
    page.goto(f"{studio_server.url}/#/pipelines?path=review.py")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("dialog", name="Run the code in review.py?").wait_for()
    page.get_by_role("button", name="Run it").click()
    group = page.get_by_role("group", name="Answer Ask")
    group.wait_for()
    page.locator("body").get_by_text("Review").first.wait_for()
    group.get_by_label("Outputs, a JSON object").fill('{"good": true}')
    group.get_by_role("button", name="Answer", exact=True).click()
    group.wait_for(state="detached")
    page.get_by_text("Succeeded").nth(2).wait_for()
    page.get_by_role("button", name="Measure").first.click()
    page.get_by_text("measured <b>0.25</b>").wait_for()
    assert watched.foreign == []
    done = run_kinoloom(folder, "pipeline", "status", "--json")
    assert [one["status"] for one in done["executions"]] == ["Succeeded"]


def test_an_empty_folder_says_how_to_begin(
    page: Page, studio_server: StudioServer, axe: Callable[..., list[str]]
) -> None:
    page.goto(f"{studio_server.url}/#/pipelines")
    page.get_by_role("heading", name="No pipeline has run in this folder yet").wait_for()
    assert axe(page) == []


def run_kinoloom(folder: Path, *words: str) -> dict[str, list[dict[str, str]]]:
    """Run a command in a folder and return its JSON."""
    line = [sys.executable, "-m", "kinoloom", *words]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True)
    answer: dict[str, list[dict[str, str]]] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_no_violation(
    page: Page,
    studio_server: StudioServer,
    axe: Callable[..., list[str]],
    width: int,
    theme: str,
) -> None:
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 860})
    (studio_server.folder / "steps.py").write_text(STEPS)
    run_kinoloom(studio_server.folder, "pipeline", "run", "steps.py", "--json")
    page.goto(f"{studio_server.url}/#/pipelines")
    page.get_by_role("heading", name="Times").wait_for()
    page.get_by_role("button", name="double").first.click()
    page.get_by_role("heading", name="double").wait_for()
    assert overflow(page) <= 0
    assert axe(page) == []


STEPS = """
from kinoloom.sagemaker.workflow.function_step import step
from kinoloom.sagemaker.workflow.pipeline import Pipeline


@step(name="double")
def double(number):
    print("doubling", number)
    return 2 * number


@step(name="add")
def add(one, other):
    return one + other


pipeline = Pipeline(name="Sums", steps=[add(double(3), double(4))])
"""
