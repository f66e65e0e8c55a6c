"""/proxy: copies that every browser plays, with the same frames."""

import io
import time
from collections.abc import Iterator

import av
import make
import photo_files
import pytest
from driving import StudioServer, run_studio
from PIL import Image


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    folder = tmp_path_factory.mktemp("films")
    make.make(folder / "hevc.mkv", frames=30, codec="libx265", sounds=(make.Sound(codec="ac3"),))
    make.make_sound(folder / "talk.ac3", make.Sound(codec="ac3"))
    photo_files.save_deep(folder / "deep.png", photo_files.deep_picture())
    photo_files.save(folder / "photo.tiff", photo_files.picture())
    with run_studio(folder) as running:
        yield running


def open_image(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def wait_for_proxy(studio: StudioServer, name: str) -> bytes:
    while (answer := studio.client.get("/proxy", path=name)).status == 202:
        assert answer.json["state"] in ("waiting", "running")
        time.sleep(0.1)
    assert answer.status == 200, answer.body
    return answer.body


def test_a_proxy_has_the_same_frames_and_plays(studio: StudioServer) -> None:
    assert studio.client.get("/api/proxy", path="hevc.mkv").json["state"] == "none"
    data = wait_for_proxy(studio, "hevc.mkv")
    with av.open(io.BytesIO(data)) as proxy:
        kinds = [stream.codec_context.name for stream in proxy.streams]
        frames = [frame.to_ndarray(format="rgb24") for frame in proxy.decode(video=0)]
    assert kinds == ["h264", "aac"]
    assert [make.read_number(frame) for frame in frames] == list(range(30))
    listed = studio.client.get("/api/frames", path="hevc.mkv", proxy=1).json
    assert listed["times"] == studio.client.get("/api/frames", path="hevc.mkv").json["times"]
    some = {"range": "bytes=4-7"}
    part = studio.client.request("GET", "/proxy?path=hevc.mkv", headers=some)
    assert (part.status, part.body) == (206, b"ftyp")
    assert studio.client.get("/api/proxy", path="hevc.mkv").json["state"] == "ready"


def test_a_proxy_of_a_sound_plays(studio: StudioServer) -> None:
    with av.open(io.BytesIO(wait_for_proxy(studio, "talk.ac3"))) as proxy:
        assert [stream.codec_context.name for stream in proxy.streams] == ["aac"]


@pytest.mark.parametrize("name", ["photo.tiff", "deep.png"])
def test_a_proxy_of_a_photo_is_webp(studio: StudioServer, name: str) -> None:
    answer = studio.client.get("/proxy", path=name)
    assert answer.headers["content-type"] == "image/webp"
    assert open_image(answer.body).size == (32, 24)
    assert studio.client.get("/proxy", path=name).body == answer.body


def test_a_proxy_can_be_stopped(studio: StudioServer) -> None:
    make.make(
        studio.folder / "long.mkv", frames=400, size=(640, 480), options={"preset": "ultrafast"}
    )
    assert studio.client.get("/proxy", path="long.mkv").status == 202
    answer = studio.client.request("DELETE", "/api/proxy?path=long.mkv")
    assert answer.json["state"] == "cancelled"
    names = [path.name for path in (studio.folder / ".kinoloom" / "cache").rglob("*")]
    assert not [name for name in names if "long" in name or ".parts" in name]


def test_a_proxy_of_what_is_not_a_film_fails_once(studio: StudioServer) -> None:
    (studio.folder / "bad.mkv").write_bytes(b"no film")
    while (answer := studio.client.get("/proxy", path="bad.mkv")).status == 202:
        time.sleep(0.1)
    assert answer.status == 415
    assert "bad.mkv" in answer.json["error"]
    assert studio.client.get("/api/proxy", path="bad.mkv").json["state"] == "failed"


def test_progress_of_a_proxy_is_published(studio: StudioServer) -> None:
    make.make(studio.folder / "seen.mkv", frames=40)
    states = []
    with studio.client.listen("proxies") as listening:
        wait_for_proxy(studio, "seen.mkv")
        while not states or states[-1] != "ready":
            data = listening.next()["data"]
            states += [data["state"]] if data["path"] == "seen.mkv" else []
    assert states[0] == "running"
