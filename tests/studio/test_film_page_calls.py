"""The calls of the film page: frames, overlays, loops and cuts of films that do not exist yet."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import Client, run_studio
from PIL import Image
from scenes import clip_of, panning, texture, view

import kinoloom

SIZE = (160, 96)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos of one scene, and a video with a cut."""
    folder = tmp_path_factory.mktemp("films")
    for name, x in (("one", 8), ("two", 20)):
        Image.fromarray(view(texture(3), x, size=SIZE)).save(folder / f"{name}.png")
    scenes = [*panning(12, seed=1), *panning(12, seed=2)]
    kinoloom.write(clip_of(scenes, Fraction(12)), folder / "cut.mp4")
    return folder


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with run_studio(folder) as studio:
        yield studio.client


def ask(client: Client, name: str, **options: Any) -> Any:
    answer = client.post(f"/api/film/{name}", {"options": options})
    assert answer.status == 200, answer.body
    is_json = answer.headers["content-type"] == "application/json"
    return answer.json if is_json else Image.open(BytesIO(answer.body))


def test_the_plan_describes_the_film(client: Client) -> None:
    plan = ask(client, "plan", files="one.png\ntwo.png", seconds="2", fps="10", engine="fast")
    assert plan == {
        "frames": 20,
        "rate": "10",
        "duration": "2",
        "width": SIZE[0],
        "height": SIZE[1],
        "engine": "fast",
        "stills": True,
        "sources": 2,
    }


def test_a_frame_equals_that_of_the_film(client: Client, folder: Path) -> None:
    options = {"seconds": "1", "fps": "9", "engine": "fast"}
    shown = ask(client, "frame", files="one.png\ntwo.png", number=4, width=SIZE[0], **options)
    film = kinoloom.interpolate([folder / "one.png", folder / "two.png"], **options)
    errors = [np.abs(np.asarray(shown, float) - frame.image).mean() for frame in film]
    assert shown.size == SIZE
    assert int(np.argmin(errors)) == 4
    assert errors[4] < 6  # JPEG


def test_a_frame_beyond_the_end_is_reported(client: Client) -> None:
    options = {"files": "one.png\ntwo.png", "engine": "fast", "number": 99}
    answer = client.post("/api/film/frame", {"options": options})
    assert answer.status == 422
    assert "no frame 99" in answer.json["error"]


@pytest.mark.parametrize("kind", ["motion", "error"])
@pytest.mark.parametrize("files", ["one.png\ntwo.png", "cut.mp4"])
def test_overlays_have_the_size_of_the_frame(client: Client, kind: str, files: str) -> None:
    drawing = ask(client, "overlay", files=files, number=3, kind=kind, engine="fast", width=96)
    assert drawing.width == 96
    assert np.asarray(drawing).std() > 0


def test_a_loop_is_a_short_animation(client: Client) -> None:
    files = "one.png\ntwo.png"
    loop = ask(client, "loop", files=files, engine="fast", duration="1", width=80)
    assert loop.format == "WEBP"
    assert 20 <= loop.n_frames <= 24
    assert loop.info["loop"] == 0


def test_cuts_are_found_in_parts_and_can_be_replaced(client: Client) -> None:
    found: list[str] = []
    start: str | None = "0"
    while start is not None:
        part = ask(client, "cuts", file="cut.mp4", start=start, duration="0.5")
        found += part["times"]
        start = part["next"]
    assert found == ["1"]
    before = ask(client, "frame", files="cut.mp4", number=23, engine="fast", width=64)
    mixed = ask(client, "frame", files="cut.mp4", number=23, engine="fast", width=64, cuts="")
    assert np.abs(np.asarray(before, float) - np.asarray(mixed, float)).mean() > 5


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"files": ""}, 422),
        ({"files": "absent.png\none.png"}, 404),
        ({"files": "../one.png\none.png"}, 404),
        ({"files": "one.png\ntwo.png", "engine": "nothing"}, 422),
    ],
)
def test_wrong_choices_are_reported(client: Client, options: Any, status: int) -> None:
    answer = client.post("/api/film/plan", {"options": options})
    assert answer.status == status
    assert answer.json["error"]
