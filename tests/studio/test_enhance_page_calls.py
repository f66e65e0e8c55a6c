"""The calls of the enhance page: what a job would do, and pictures before and after."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import Answer, Client, run_studio
from PIL import Image
from scenes import clip_of, panning, texture, view

import kinoloom

SIZE = (160, 96)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo with visible compression, a video, a text, and a preset."""
    folder = tmp_path_factory.mktemp("enhance")
    Image.fromarray(view(texture(3), 8, size=SIZE)).save(folder / "photo.jpg", quality=30)
    kinoloom.write(clip_of(panning(8, seed=1), Fraction(8)), folder / "video.mp4")
    (folder / "note.txt").write_text("no picture")
    (folder / "mine.toml").write_text('summary = "three times"\nscale = 3\ntier = "live"\n')
    return folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with run_studio(folder) as studio:
        yield studio.client


def ask(client: Client, name: str, **options: Any) -> Answer:
    answer = client.post(f"/api/enhance/{name}", {"options": options})
    assert answer.status == 200, answer.body
    return answer


def open_picture(answer: Answer) -> Any:
    return Image.open(BytesIO(answer.body))


def test_presets_have_a_summary_and_values(client: Client) -> None:
    found = {one["name"]: one for one in ask(client, "presets").json}
    assert {"meeting", "photo", "screen"} <= set(found)
    assert found["meeting"]["summary"].startswith("a bad call")
    assert found["meeting"]["values"]["fps"] == "30"


def test_a_job_is_described_before_it_runs(client: Client) -> None:
    found = ask(client, "describe", file="photo.jpg", preset="screen").json
    assert (found["result"]["width"], found["result"]["height"]) == (320, 192)
    assert found["networks"] == ["fast-x2"]
    assert ["JPEG quality", "30 (from the file)"] in found["measured"]


def test_a_preset_of_the_folder_is_used(client: Client) -> None:
    found = ask(client, "describe", file="photo.jpg", preset="mine.toml").json
    assert found["result"]["width"] == 480


def test_before_and_after_show_the_same_region(client: Client) -> None:
    place = {"view": "region", "x": 0.25, "y": 0.5, "columns": 100, "rows": 80}
    options = {"file": "photo.jpg", "scale": 2, "tier": "live", **place}
    old, new = (ask(client, name, **options) for name in ("before", "after"))
    assert (
        old.headers["x-facts"].split('"shown"')[1][:20]
        == (new.headers["x-facts"].split('"shown"')[1][:20])
    )
    pictures = [np.asarray(open_picture(one), float) for one in (old, new)]
    assert pictures[0].shape == pictures[1].shape == (80, 100, 3)
    assert 0.5 < np.abs(pictures[0] - pictures[1]).mean() < 30


def test_the_whole_frame_of_a_video_has_the_requested_width(client: Client) -> None:
    options = {"file": "video.mp4", "scale": 2, "tier": "live", "time": "3/8", "fps": "30"}
    answer = ask(client, "after", **options, columns=120)
    assert open_picture(answer).width == 120
    assert '"time": "3/8"' in answer.headers["x-facts"]


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ({}, 422, "Choose a photo or a video"),
        ({"file": "absent.jpg"}, 404, "absent.jpg"),
        ({"file": "../photo.jpg"}, 404, "photo.jpg"),
        ({"file": "note.txt"}, 415, "note.txt"),
        ({"file": "photo.jpg", "preset": "../mine.toml"}, 404, "mine.toml"),
        ({"file": "photo.jpg", "preset": "nothing"}, 422, "Unknown preset 'nothing'"),
        ({"file": "photo.jpg", "weights": "absent.onnx", "scale": 2}, 404, "absent.onnx"),
        ({"file": "photo.jpg", "scale": 2, "size": "10x10"}, 422, "exclude each other"),
        ({"file": "photo.jpg", "fps": "30"}, 422, "applies to videos"),
        ({"file": "video.mp4", "time": "9", "scale": 2}, 422, "ends before 9.000 s"),
    ],
)
def test_wrong_choices_are_reported(
    client: Client, options: dict[str, Any], status: int, message: str
) -> None:
    name = "after" if "time" in options else "describe"
    answer = client.post(f"/api/enhance/{name}", {"options": options})
    assert (answer.status, message in answer.json["error"]) == (status, True), answer.json
