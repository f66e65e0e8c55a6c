"""/thumb, /peaks and /captions of real files."""

import io
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import make
import numpy as np
import photo_files
import pytest
from driving import StudioServer, run_studio
from PIL import Image

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
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    folder = tmp_path_factory.mktemp("films")
    make.make(folder / "film.mp4", frames=30, sounds=(make.Sound(),))
    make.make(folder / "silent.mp4", frames=5)
    make.make(folder / "upright.mov", frames=5, rotation=90)
    make.make_sound(folder / "talk.mp3", make.Sound(codec="libmp3lame"))
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
    studio: StudioServer, name: str, size: tuple[int, int]
) -> None:
    answer = studio.client.get("/thumb", path=name, width=32)
    assert answer.status == 200, answer.body
    image = open_image(answer.body)
    assert image.size == size
    assert answer.headers["content-type"] == f"image/{(image.format or '').lower()}"


def test_a_thumbnail_is_computed_once(studio: StudioServer) -> None:
    first = studio.client.get("/thumb", path="film.mp4", width=48)
    kept = [p for p in (studio.folder / ".kinoloom" / "cache").rglob("*-48") if p.is_file()]
    assert [path.read_bytes() for path in kept] == [first.body]
    other = open_image(first.body).convert("L")
    other.save(kept[0], format="JPEG")  # the cache is asked, not the film
    assert studio.client.get("/thumb", path="film.mp4", width=48).body == kept[0].read_bytes()
    known = {"if-none-match": first.headers["etag"]}
    again = studio.client.request("GET", "/thumb?path=film.mp4&width=48", headers=known)
    assert (again.status, again.body) == (304, b"")


def test_a_thumbnail_follows_the_file(studio: StudioServer) -> None:
    path = studio.folder / "changing.png"
    photo_files.save(path, np.full((8, 8, 3), 255, np.uint8))
    white = studio.client.get("/thumb", path=path.name)
    photo_files.save(path, np.zeros((8, 8, 3), np.uint8))
    black = studio.client.get("/thumb", path=path.name)
    assert np.asarray(open_image(white.body)).min() > 250
    assert np.asarray(open_image(black.body)).max() < 5


def test_other_files_have_no_thumbnail(studio: StudioServer) -> None:
    assert studio.client.get("/thumb", path="film.srt").status == 404


def test_a_thumbnail_for_a_version_may_be_kept(studio: StudioServer) -> None:
    versioned = studio.client.get("/thumb", path="film.mp4", v="1")
    assert "immutable" in versioned.headers["cache-control"]
    assert "no-cache" in studio.client.get("/thumb", path="film.mp4").headers["cache-control"]


@pytest.mark.parametrize("level", [256, 4_096, 65_536])
def test_every_level_of_the_peaks_shows_every_spike(studio: StudioServer, level: int) -> None:
    answer = studio.client.get("/peaks", path="spikes.wav", level=level)
    assert answer.status == 200
    pairs = np.frombuffer(answer.body, np.int8).reshape(-1, 2)
    assert len(pairs) == -(-SOUND_SAMPLES // level)
    expected = np.zeros_like(pairs)
    for at, height in SPIKES:
        value, place = round(height / 32_768 * 127), at // level
        expected[place] = min(expected[place, 0], value), max(expected[place, 1], value)
    assert pairs.tolist() == expected.tolist()


def test_the_peaks_describe_themselves_and_come_in_ranges(studio: StudioServer) -> None:
    described = studio.client.get("/api/peaks", path="spikes.wav").json
    assert (described["rate"], described["samples"], described["start"]) == (48_000, 100_000, "0")
    assert [one["level"] for one in described["levels"]] == [256, 4_096, 65_536]
    whole = studio.client.get("/peaks", path="spikes.wav", level=256)
    assert len(whole.body) == described["levels"][0]["bytes"]
    address, some = "/peaks?path=spikes.wav&level=256", {"range": "bytes=2-5"}
    part = studio.client.request("GET", address, headers=some)
    assert (part.status, part.body) == (206, whole.body[2:6])


def test_peaks_need_sound(studio: StudioServer) -> None:
    assert studio.client.get("/api/peaks", path="silent.mp4").status == 415
    assert studio.client.get("/api/peaks", path="photo.jpg").status == 415
    assert studio.client.get("/peaks", path="spikes.wav", level=7).status == 422


def test_captions_are_webvtt_in_which_markup_is_text(studio: StudioServer) -> None:
    answer = studio.client.get("/captions", path="film.mp4")
    assert answer.headers["content-type"] == "text/vtt; charset=utf-8"
    german = studio.client.get("/captions", path="film.de.vtt").body.decode()
    assert (
        german
        == answer.body.decode()
        == (
            "WEBVTT\n\n00:00:00.500 --> 00:00:01.250\n"
            "<i>Good</i> day &lt;script&gt;alert(1)&lt;/script&gt; &amp; more\n\n"
            "00:00:01.500 --> 00:00:02.000\nSecond line\nof two\n"
        )
    )


def test_captions_in_a_film_are_found(studio: StudioServer) -> None:
    tracks = studio.client.get("/api/captions", path="captions.mkv").json["tracks"]
    assert [(one["source"], one["language"]) for one in tracks] == [("captions.mkv", "eng")]
    answer = studio.client.get("/captions", path="captions.mkv", track=tracks[0]["track"])
    assert "00:00:00.200 --> 00:00:00.700" in answer.body.decode()
    assert "Track &amp; <b>bold</b> &lt;x&gt; {y}" in answer.body.decode()
    beside = studio.client.get("/api/captions", path="film.mp4").json["tracks"]
    assert [one["source"] for one in beside] == ["film.de.vtt", "film.srt"]
    assert studio.client.get("/captions", path="silent.mp4").status == 404
    assert studio.client.get("/captions", path="captions.mkv", track=0).status == 422


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
