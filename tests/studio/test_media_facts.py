"""/api/file: what a file is, for people, and how it was made."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import make
import photo_files
import pytest
from driving import StudioServer, run_studio

from kinoloom.media.files import read, write


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    folder = tmp_path_factory.mktemp("films")
    make.make(folder / "film.mp4", frames=30, sounds=(make.Sound(),))
    (folder / "film.srt").write_text("no media")
    photo_files.save_deep(folder / "deep.png", photo_files.deep_picture())
    with run_studio(folder) as running:
        yield running


def test_facts_are_for_people(studio: StudioServer) -> None:
    film = studio.client.get("/api/file", path="film.mp4").json
    facts = film["facts"]
    assert (facts["width"], facts["height"], facts["frames"], facts["rate"]) == (64, 48, 30, "25")
    assert (facts["channels"], facts["sample_rate"]) == (2, 48_000)
    assert (film["kind"], film["problem"], film["record"]) == ("video", None, None)
    assert ["Frame rate", "25 fps"] in film["lines"]
    photo = studio.client.get("/api/file", path="deep.png").json["facts"]
    assert (photo["width"], photo["height"], photo["bits"]) == (32, 24, 16)
    assert studio.client.get("/api/file", path="film.srt").json["kind"] == "other"


def test_facts_name_the_damage(studio: StudioServer) -> None:
    make.make(studio.folder / "cut.mkv", frames=200, options={"g": "10"})
    make.truncate(studio.folder / "cut.mkv", 0.6)
    found = studio.client.get("/api/file", path="cut.mkv").json
    assert [note["kind"] for note in found["notes"]] == ["damage"]
    assert "cut.mkv is damaged" in found["notes"][0]["message"]
    assert found["problem"] is None


def test_the_record_and_the_parents_of_an_output_are_found(studio: StudioServer) -> None:
    shutil.copy(studio.folder / "film.mp4", studio.folder / "source.mp4")
    clip = read(studio.folder / "source.mp4")
    for name in ("made.mp4", "made.gif"):
        write(clip.with_(provenance=clip.record), studio.folder / name)
        made = studio.client.get("/api/file", path=name).json
        assert made["op"] == "clip"
        assert made["record"]["kinoloom"] == 1
        (parent,) = made["parents"]
        assert (parent["path"], parent["unchanged"]) == ("source.mp4", True)
    with (studio.folder / "source.mp4").open("ab") as file:
        file.write(b"x")
    assert wait_for_parent(studio, "made.mp4") is not True


def wait_for_parent(studio: StudioServer, name: str) -> Any:
    """The parent as found for a new version of the output."""
    os.utime(studio.folder / name)
    (parent,) = studio.client.get("/api/file", path=name).json["parents"]
    return parent["unchanged"]
