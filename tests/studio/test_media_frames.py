"""/frame and /api/frames: every frame by its number, at its exact time, in any kind of film."""

import io
import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from random import Random

import av
import make
import numpy as np
import pytest
from driving import StudioServer, run_studio
from PIL import Image

from kinoloom.base.clip import Color
from kinoloom.media.preview import stepping
from kinoloom.media.preview.frame_times import FrameTimes
from kinoloom.media.preview.stepping import FrameReader

LOOSE = [0, *np.cumsum(np.random.default_rng(7).integers(5, 200, 60)).tolist()]
OPEN_GOP = {"x264-params": "open-gop=1:keyint=12:bframes=3:b-adapt=0:scenecut=0"}
FILMS = {
    "h264 23.976, delayed.mp4": make.Video(70, rate=Fraction(24000, 1001), start=Fraction(2)),
    "h264 59.94.mov": make.Video(70, rate=Fraction(60000, 1001), options={"g": "20"}),
    "open groups.mp4": make.Video(60, options=OPEN_GOP),
    "open groups, delayed.mkv": make.Video(60, options=OPEN_GOP, start=Fraction(3)),
    "hevc 30.mp4": make.Video(60, codec="libx265", rate=Fraction(30), options={"g": "25"}),
    "hevc 10 bits.mkv": make.Video(40, codec="libx265", pix_fmt="yuv420p10le"),
    "vp9, loose.mkv": make.Video(60, codec="libvpx-vp9", ticks=LOOSE, options={"g": "16"}),
    "h264, loose.mp4": make.Video(60, ticks=LOOSE, start=Fraction(1, 3), options={"g": "16"}),
    "vp8.webm": make.Video(
        60, codec="libvpx", options={"auto-alt-ref": "1", "lag-in-frames": "16"}
    ),
    "av1.mp4": make.Video(40, codec="libsvtav1", options={"preset": "12"}),
    "prores.mov": make.Video(20, codec="prores_ks", pix_fmt="yuv422p10le"),
    "stream.ts": make.Video(60, options={"g": "20"}),
    "mpeg2.mpg": make.Video(60, codec="mpeg2video", options={"g": "15", "bf": "2"}),
    "motion jpeg.avi": make.Video(30, codec="mjpeg", pix_fmt="yuvj420p"),
    "with sound.mp4": make.Video(50, sounds=(make.Sound(seconds=Fraction(2)),)),
    "one frame.mp4": make.Video(1),
    "animated.gif": make.Video(12, codec="gif", pix_fmt="rgb8", rate=Fraction(10)),
}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    folder = tmp_path_factory.mktemp("films")
    for name, video in FILMS.items():
        make.make(folder / name, video)
    with run_studio(folder) as running:
        yield running


def read_times(path: Path) -> list[str]:
    """The times of decoded frames, as another program finds them."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        unit = stream.time_base
        return [str(frame.pts * unit) for frame in film.decode(stream) if frame.pts is not None]


def look(data: bytes) -> int:
    return make.read_number(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


@pytest.mark.parametrize("name", FILMS)
def test_every_frame_is_found_by_its_number(studio: StudioServer, name: str) -> None:
    count = FILMS[name].frames
    numbers = [*range(count), *reversed(range(count)), *Random(3).sample(range(count), count)]
    shown = {}
    for number in numbers[:: 1 if count < 30 else 3]:
        answer = studio.client.get("/frame", path=name, n=number)
        assert answer.status == 200, answer.body
        shown[number] = look(answer.body)
    assert shown == {number: number for number in shown}


@pytest.mark.parametrize("name", FILMS)
def test_the_times_are_those_of_the_file(studio: StudioServer, name: str) -> None:
    answer = studio.client.get("/api/frames", path=name).json
    times = read_times(studio.folder / name)
    if times:
        assert answer["times"] == times
    assert (answer["count"], answer["complete"], answer["next"]) == (FILMS[name].frames, True, None)
    assert Fraction(answer["end"]) > Fraction(answer["times"][-1])


def test_a_long_list_comes_in_windows(studio: StudioServer) -> None:
    name = "h264, loose.mp4"
    whole = studio.client.get("/api/frames", path=name).json["times"]
    found, start = [], 0
    while start is not None:
        window = studio.client.get("/api/frames", path=name, **{"from": start, "limit": 7}).json
        assert window["from"] == start
        found += window["times"]
        start = window["next"]
    assert found == whole


def test_only_the_wanted_part_of_a_film_is_read(tmp_path: Path) -> None:
    path = make.make(tmp_path / "long.mp4", frames=250)
    times = FrameTimes(path)
    times.find(20)
    assert (len(times.ticks), times.is_complete, times.end) == (20, False, None)
    times.find(1000)
    assert (len(times.ticks), times.is_complete) == (250, True)
    times.close()


def test_frames_between_key_frames_are_read_back_with_little_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when hardly any decoded frame is kept."""
    monkeypatch.setattr(stepping, "KEPT_BYTES", 1)
    reader = FrameReader(make.make(tmp_path / "film.mp4", frames=60, options={"g": "30"}))
    for number in [*reversed(range(0, 60, 7)), 3, 2, 1, 0]:
        assert make.read_number(reader.read(number)) == number
    reader.close()


def test_the_times_of_the_example_films_are_known(shared_data: Path) -> None:
    folder = shared_data / "studio" / "media"
    known = [one for one in json.loads((folder / "numbers.json").read_text()) if "times" in one]
    for one in known:
        times = FrameTimes(folder / one["file"])
        times.find(10_000)
        assert [str(time) for time in times.slice(0, 10_000)] == one["times"]
        times.close()


def test_a_frame_is_scaled_rotated_and_has_square_pixels(studio: StudioServer) -> None:
    make.make(studio.folder / "upright.mp4", frames=3, rotation=90)
    make.make(studio.folder / "wide.mp4", frames=3, pixel_aspect=Fraction(4, 3))
    small = studio.client.get("/frame", path="with sound.mp4", n=3, width=32)
    assert Image.open(io.BytesIO(small.body)).size == (32, 24)
    for name, size in (("upright.mp4", (48, 64)), ("wide.mp4", (85, 48))):
        whole = studio.client.get("/frame", path=name, n=0)
        assert Image.open(io.BytesIO(whole.body)).size == size
    exact = studio.client.get("/frame", path="with sound.mp4", n=3, format="png")
    assert exact.headers["content-type"] == "image/png"
    assert json.loads(exact.headers["x-facts"]) == {"frame": "3", "time": "3/25"}


def test_an_hdr_frame_is_shown_in_sdr(studio: StudioServer) -> None:
    """Reference white (203 cd/m2, code 0.58 of PQ) is light; it would be mid-grey as it is."""
    pq = Color(primaries=9, transfer=16, matrix=9, full_range=False)
    white = round(0.5807 * 65535)
    video = make.Video(
        3,
        codec="libx265",
        pix_fmt="yuv420p10le",
        color=pq,
        draw=lambda number, width, height: np.full((height, width, 3), white, np.uint16),
    )
    make.make(studio.folder / "hdr.mp4", video)
    shown = studio.client.get("/frame", path="hdr.mp4", n=0)
    image = np.asarray(Image.open(io.BytesIO(shown.body)))
    assert image.min() > 215
    assert np.ptp(image.reshape(-1, 3).mean(axis=0)) < 3


def test_a_known_frame_is_not_sent_again(studio: StudioServer) -> None:
    first = studio.client.get("/frame", path="one frame.mp4", n=0)
    address = "/frame?path=one%20frame.mp4&n=0"
    again = studio.client.request("GET", address, headers={"if-none-match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"n": 1}, 422),
        ({"n": -1}, 422),
        ({"n": "x"}, 422),
        ({"n": "9" * 40}, 422),
        ({}, 422),
        ({"n": 0, "width": "wide"}, 422),
        ({"n": 0, "format": "exe"}, 422),
    ],
)
def test_wrong_questions_get_an_explanation(
    studio: StudioServer, query: dict[str, object], status: int
) -> None:
    answer = studio.client.get("/frame", path="one frame.mp4", **query)
    assert answer.status == status
    assert answer.json["error"]


def test_without_a_path_the_address_is_explained(studio: StudioServer) -> None:
    for address in ("/frame", "/thumb", "/peaks", "/captions", "/proxy", "/api/file"):
        answer = studio.client.request("GET", f"{address}?n=0")
        assert answer.status == 422
        assert "names no file" in answer.json["error"]
