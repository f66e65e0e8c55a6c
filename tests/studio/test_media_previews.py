"""/thumb, /peaks, /captions, /api/file and /proxy of real files, and of files that are not."""

import io
import json
import os
import shutil
import time
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import make
import numpy as np
import photo_files
import pytest
from media_client import Studio, run_studio
from PIL import Image

from kinoloom.media.files import read, write
from kinoloom.media.preview.captions import Cue, decode_text, parse_captions, write_webvtt

SPIKES = [(0, 15_000), (255, -9_000), (256, 21_000), (65_535, -30_000), (99_000, 12_000)]
SOUND_SAMPLES = 100_000
SUBTITLES = """1
00:00:00,500 --> 00:00:01,250
<i>Good</i> day <script>alert(1)</script> & more

2
00:00:01,500 --> 00:00:02,000
{\\an8}Second line
of two

"""


def write_spikes(path: Path) -> None:
    samples = np.zeros(SOUND_SAMPLES, np.int16)
    for at, height in SPIKES:
        samples[at] = height
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(samples.tobytes())


def write_with_subtitles(path: Path, source: Path) -> None:
    """Write a film with a track of SubRip captions."""
    text = path.with_suffix(".txt")
    text.write_text("1\n00:00:00,200 --> 00:00:00,700\nTrack & <b>bold</b> <x> {y}\n")
    with (
        av.open(str(path), "w") as out,
        av.open(str(source)) as film,
        av.open(str(text), format="srt") as captions,
    ):
        pictures = out.add_stream_from_template(film.streams.video[0])
        words = out.add_stream_from_template(captions.streams.subtitles[0])
        words.metadata["language"] = "eng"
        for stream, origin in ((words, captions), (pictures, film)):
            for packet in origin.demux(origin.streams[0]):
                if packet.size:
                    packet.stream = stream
                    out.mux(packet)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("films")
    make.make(folder / "film.mp4", frames=30, sounds=(make.Sound(),))
    make.make(folder / "silent.mp4", frames=5)
    make.make(folder / "hevc.mkv", frames=30, codec="libx265", sounds=(make.Sound(codec="ac3"),))
    make.make(folder / "upright.mov", frames=5, rotation=90)
    make.make_sound(folder / "talk.mp3", make.Sound(codec="libmp3lame"))
    make.make_sound(folder / "talk.ac3", make.Sound(codec="ac3"))
    write_spikes(folder / "spikes.wav")
    write_with_subtitles(folder / "captions.mkv", folder / "silent.mp4")
    (folder / "film.srt").write_text(SUBTITLES)
    (folder / "film.de.vtt").write_text(f"WEBVTT\n\n{SUBTITLES}")
    image = photo_files.picture()
    photo_files.save(folder / "photo.jpg", image, exif=photo_files.exif(6), format="JPEG")
    photo_files.save_deep(folder / "deep.png", photo_files.deep_picture())
    photo_files.save(folder / "photo.tiff", image)
    with run_studio(folder) as running:
        yield running


def open_image(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("film.mp4", (32, 24)),
        ("upright.mov", (32, 43)),
        ("photo.jpg", (24, 32)),
        ("deep.png", (32, 24)),
        ("photo.tiff", (32, 24)),
        ("spikes.wav", (32, 18)),
        ("talk.mp3", (32, 18)),
    ],
)
def test_a_thumbnail_is_upright_and_of_the_wanted_width(
    studio: Studio, name: str, size: tuple[int, int]
) -> None:
    answer = studio.ask("/thumb", name, width=32)
    assert answer.status == 200, answer.body
    image = open_image(answer.body)
    assert image.size == size
    assert answer.headers["content-type"] == f"image/{(image.format or '').lower()}"


def test_a_thumbnail_is_computed_once(studio: Studio) -> None:
    first = studio.ask("/thumb", "film.mp4", width=48)
    kept = [p for p in (studio.folder / ".kinoloom" / "cache").rglob("*-48") if p.is_file()]
    assert [path.read_bytes() for path in kept] == [first.body]
    other = open_image(first.body).convert("L")
    other.save(kept[0], format="JPEG")  # the cache is asked, not the film
    assert studio.ask("/thumb", "film.mp4", width=48).body == kept[0].read_bytes()
    again = studio.send("GET", "/thumb?path=film.mp4&width=48", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_a_thumbnail_follows_the_file(studio: Studio) -> None:
    path = studio.folder / "changing.png"
    photo_files.save(path, np.full((8, 8, 3), 255, np.uint8))
    white = studio.ask("/thumb", path.name)
    photo_files.save(path, np.zeros((8, 8, 3), np.uint8))
    black = studio.ask("/thumb", path.name)
    assert np.asarray(open_image(white.body)).min() > 250
    assert np.asarray(open_image(black.body)).max() < 5


def test_other_files_have_no_thumbnail(studio: Studio) -> None:
    assert studio.ask("/thumb", "film.srt").status == 404


def test_a_thumbnail_for_a_version_may_be_kept(studio: Studio) -> None:
    assert "immutable" in studio.ask("/thumb", "film.mp4", v="1").headers["cache-control"]
    assert "no-cache" in studio.ask("/thumb", "film.mp4").headers["cache-control"]


@pytest.mark.parametrize("level", [256, 4_096, 65_536])
def test_every_level_of_the_peaks_shows_every_spike(studio: Studio, level: int) -> None:
    answer = studio.ask("/peaks", "spikes.wav", level=level)
    assert answer.status == 200
    pairs = np.frombuffer(answer.body, np.int8).reshape(-1, 2)
    assert len(pairs) == -(-SOUND_SAMPLES // level)
    expected = np.zeros_like(pairs)
    for at, height in SPIKES:
        value, place = round(height / 32_768 * 127), at // level
        expected[place] = min(expected[place, 0], value), max(expected[place, 1], value)
    assert pairs.tolist() == expected.tolist()


def test_the_peaks_describe_themselves_and_come_in_ranges(studio: Studio) -> None:
    described = studio.ask("/api/peaks", "spikes.wav").json
    assert (described["rate"], described["samples"], described["start"]) == (48_000, 100_000, "0")
    assert [one["level"] for one in described["levels"]] == [256, 4_096, 65_536]
    whole = studio.ask("/peaks", "spikes.wav", level=256)
    assert len(whole.body) == described["levels"][0]["bytes"]
    part = studio.send("GET", "/peaks?path=spikes.wav&level=256", range="bytes=2-5")
    assert (part.status, part.body) == (206, whole.body[2:6])


def test_peaks_need_sound(studio: Studio) -> None:
    assert studio.ask("/api/peaks", "silent.mp4").status == 415
    assert studio.ask("/api/peaks", "photo.jpg").status == 415
    assert studio.ask("/peaks", "spikes.wav", level=7).status == 422


def test_captions_are_webvtt_in_which_markup_is_text(studio: Studio) -> None:
    answer = studio.ask("/captions", "film.mp4")
    assert answer.headers["content-type"] == "text/vtt; charset=utf-8"
    german = studio.ask("/captions", "film.de.vtt").body.decode()
    assert (
        german
        == answer.body.decode()
        == (
            "WEBVTT\n\n00:00:00.500 --> 00:00:01.250\n"
            "<i>Good</i> day &lt;script&gt;alert(1)&lt;/script&gt; &amp; more\n\n"
            "00:00:01.500 --> 00:00:02.000\nSecond line\nof two\n"
        )
    )


def test_captions_in_a_film_are_found(studio: Studio) -> None:
    tracks = studio.ask("/api/captions", "captions.mkv").json["tracks"]
    assert [(one["source"], one["language"]) for one in tracks] == [("captions.mkv", "eng")]
    answer = studio.ask("/captions", "captions.mkv", track=tracks[0]["track"])
    assert "00:00:00.200 --> 00:00:00.700" in answer.body.decode()
    assert "Track &amp; <b>bold</b> &lt;x&gt; {y}" in answer.body.decode()
    beside = studio.ask("/api/captions", "film.mp4").json["tracks"]
    assert [one["source"] for one in beside] == ["film.de.vtt", "film.srt"]
    assert studio.ask("/captions", "silent.mp4").status == 404
    assert studio.ask("/captions", "captions.mkv", track=0).status == 422


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_captions_of_any_usual_encoding_are_read(encoding: str) -> None:
    text = "1\r\n1:02:03,5 --> 01:02:04.000\r\ncaf\u00e9\r\n"
    assert list(parse_captions(decode_text(text.encode(encoding)))) == [
        Cue(Fraction(37235, 10), Fraction(3724), "caf\u00e9")
    ]


def test_what_is_not_a_caption_is_left_out() -> None:
    text = "WEBVTT\n\nSTYLE\n::cue { color: red }\n\nNOTE x\n\n0:02.0 --> 0:01.0\nback\n\njunk"
    assert list(parse_captions(text)) == []
    assert write_webvtt([]) == "WEBVTT\n"
    assert "-->" not in write_webvtt([Cue(Fraction(1), Fraction(2), "a --> b")]).split("\n", 3)[3]


def test_facts_are_for_people(studio: Studio) -> None:
    film = studio.ask("/api/file", "film.mp4").json
    facts = film["facts"]
    assert (facts["width"], facts["height"], facts["frames"], facts["rate"]) == (64, 48, 30, "25")
    assert (facts["channels"], facts["sample_rate"]) == (2, 48_000)
    assert (film["kind"], film["problem"], film["record"]) == ("video", None, None)
    assert ["Frame rate", "25 fps"] in film["lines"]
    photo = studio.ask("/api/file", "deep.png").json["facts"]
    assert (photo["width"], photo["height"], photo["bits"]) == (32, 24, 16)
    assert studio.ask("/api/file", "film.srt").json["kind"] == "other"


def test_facts_name_the_damage(studio: Studio) -> None:
    make.make(studio.folder / "cut.mkv", frames=200, options={"g": "10"})
    make.truncate(studio.folder / "cut.mkv", 0.6)
    found = studio.ask("/api/file", "cut.mkv").json
    assert [note["kind"] for note in found["notes"]] == ["damage"]
    assert "cut.mkv is damaged" in found["notes"][0]["message"]
    assert found["problem"] is None


def test_the_record_and_the_parents_of_an_output_are_found(studio: Studio) -> None:
    shutil.copy(studio.folder / "film.mp4", studio.folder / "source.mp4")
    clip = read(studio.folder / "source.mp4")
    for name in ("made.mp4", "made.gif"):
        write(clip.with_(provenance=clip.record), studio.folder / name)
        made = studio.ask("/api/file", name).json
        assert made["op"] == "clip"
        assert made["record"]["kinoloom"] == 1
        (parent,) = made["parents"]
        assert (parent["path"], parent["unchanged"]) == ("source.mp4", True)
    with (studio.folder / "source.mp4").open("ab") as file:
        file.write(b"x")
    assert wait_for_parent(studio, "made.mp4") is not True


def wait_for_parent(studio: Studio, name: str) -> Any:
    """The parent as found for a new version of the output."""
    os.utime(studio.folder / name)
    (parent,) = studio.ask("/api/file", name).json["parents"]
    return parent["unchanged"]


def wait_for_proxy(studio: Studio, name: str) -> bytes:
    while (answer := studio.ask("/proxy", name)).status == 202:
        assert answer.json["state"] in ("waiting", "running")
        time.sleep(0.1)
    assert answer.status == 200, answer.body
    return answer.body


def test_a_proxy_has_the_same_frames_and_plays(studio: Studio) -> None:
    assert studio.ask("/api/proxy", "hevc.mkv").json["state"] == "none"
    data = wait_for_proxy(studio, "hevc.mkv")
    with av.open(io.BytesIO(data)) as proxy:
        kinds = [stream.codec_context.name for stream in proxy.streams]
        frames = [frame.to_ndarray(format="rgb24") for frame in proxy.decode(video=0)]
    assert kinds == ["h264", "aac"]
    assert [make.read_number(frame) for frame in frames] == list(range(30))
    listed = studio.ask("/api/frames", "hevc.mkv", proxy=1).json
    assert listed["times"] == studio.ask("/api/frames", "hevc.mkv").json["times"]
    part = studio.send("GET", "/proxy?path=hevc.mkv", range="bytes=4-7")
    assert (part.status, part.body) == (206, b"ftyp")
    assert studio.ask("/api/proxy", "hevc.mkv").json["state"] == "ready"


def test_a_proxy_of_a_sound_plays(studio: Studio) -> None:
    with av.open(io.BytesIO(wait_for_proxy(studio, "talk.ac3"))) as proxy:
        assert [stream.codec_context.name for stream in proxy.streams] == ["aac"]


@pytest.mark.parametrize("name", ["photo.tiff", "deep.png"])
def test_a_proxy_of_a_photo_is_webp(studio: Studio, name: str) -> None:
    answer = studio.ask("/proxy", name)
    assert answer.headers["content-type"] == "image/webp"
    assert open_image(answer.body).size == (32, 24)
    assert studio.ask("/proxy", name).body == answer.body


def test_a_proxy_can_be_stopped(studio: Studio) -> None:
    make.make(
        studio.folder / "long.mkv", frames=400, size=(640, 480), options={"preset": "ultrafast"}
    )
    assert studio.ask("/proxy", "long.mkv").status == 202
    answer = studio.send("DELETE", "/api/proxy?path=long.mkv")
    assert answer.json["state"] == "cancelled"
    names = [path.name for path in (studio.folder / ".kinoloom" / "cache").rglob("*")]
    assert not [name for name in names if "long" in name or ".parts" in name]


BROKEN: dict[str, bytes] = {
    "zero.mp4": b"",
    "zero.jpg": b"",
    "zero.wav": b"",
    "text.mp4": b"this is not a film" * 10,
    "text.jpg": b"this is not a photo" * 10,
    "text.wav": b"this is not a sound" * 10,
    "playlist.mp4": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "header.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\2\0\0\0",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("address", ["/thumb", "/frame", "/api/frames", "/api/peaks", "/api/file"])
def test_what_is_not_media_is_an_explained_error(studio: Studio, name: str, address: str) -> None:
    (studio.folder / name).write_bytes(BROKEN[name])
    answer = studio.ask(address, name, n=0)
    if address == "/api/file":
        assert answer.status == 200
        explanation = answer.json["problem"]["error"]
    else:
        assert answer.status == 415, answer.body
        explanation = answer.json["error"]
    assert name in explanation
    assert str(studio.folder) not in explanation
    assert "kinoloom-" not in explanation


def test_a_proxy_of_what_is_not_a_film_fails_once(studio: Studio) -> None:
    (studio.folder / "bad.mkv").write_bytes(b"no film")
    while (answer := studio.ask("/proxy", "bad.mkv")).status == 202:
        time.sleep(0.1)
    assert answer.status == 415
    assert "bad.mkv" in answer.json["error"]
    assert studio.ask("/api/proxy", "bad.mkv").json["state"] == "failed"


def test_a_film_may_be_damaged_in_its_middle(studio: Studio) -> None:
    path = make.make(studio.folder / "scratched.mkv", frames=60, options={"g": "60"})
    make.scratch(path, 0.5, 2000)
    statuses = {studio.ask("/frame", path.name, n=n).status for n in range(0, 60, 6)}
    assert statuses <= {200, 415, 422}  # the index may be damaged, too
    assert 200 in statuses
    assert studio.ask("/thumb", path.name).status == 200


def test_a_file_may_go_while_it_is_open(studio: Studio) -> None:
    path = make.make(studio.folder / "going.mp4", frames=20)
    assert studio.ask("/frame", path.name, n=3).status == 200
    replacement = make.make(studio.folder / "other.mp4", frames=7)
    replacement.replace(path)
    assert studio.ask("/api/frames", path.name).json["count"] == 7
    path.unlink()
    assert studio.ask("/frame", path.name, n=3).status == 404


def test_the_server_loads_no_heavy_library(studio: Studio) -> None:
    maps = Path(f"/proc/{studio.process.pid}/maps").read_text()
    assert not [name for name in ("libavcodec", "numpy", "PIL", "cv2") if name in maps]


def test_progress_of_a_proxy_is_published(studio: Studio) -> None:
    make.make(studio.folder / "seen.mkv", frames=40)
    connection = studio.connect()
    connection.request("GET", "/events?topic=proxies", headers={"cookie": studio.cookie})
    stream = connection.getresponse()
    stream.readline()
    wait_for_proxy(studio, "seen.mkv")
    states = []
    while not states or states[-1] != "ready":
        line = stream.readline()
        if line.startswith(b"data: "):
            data = json.loads(line[6:])["data"]
            assert data["path"] == "seen.mkv"
            states.append(data["state"])
    connection.close()
    assert states[0] == "running"
