"""Static HDR metadata: reading from streams and containers, writing to both, rejection."""

import json
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import make
import numpy as np
import pytest
from films import HDR, decode_pictures, film, look

import kinoloom
from kinoloom.base import Clip, ContentLight, Frame, HdrMetadata, MasteringDisplay, Notes
from kinoloom.errors import UsageError
from kinoloom.media.files import CLIP_FILES, read, write
from kinoloom.media.video.hdr import hdr_of
from kinoloom.media.write_options import WriteOptions

F = Fraction
PAL = F(25)
DISPLAY = MasteringDisplay(
    red=(F(17, 25), F(8, 25)),
    green=(F(53, 200), F(69, 100)),
    blue=(F(3, 20), F(3, 50)),
    white_point=(F(3127, 10000), F(329, 1000)),
    max_luminance=F(1000),
    min_luminance=F(1, 200),
)
LIGHT = ContentLight(F(1000), F(400))
BOTH = HdrMetadata(DISPLAY, LIGHT)
X265 = (
    "log-level=none:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
)
SVT = (
    "content-light=1000,400:mastering-display="
    "G(0.265,0.690)B(0.150,0.060)R(0.680,0.320)WP(0.3127,0.3290)L(1000,0.005)"
)
MDCV = (13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 10_000_000, 50)
"""The content of an `mdcv` box: green, blue, red, white, then luminances (ISO/IEC 23001-17)."""
TARGETS = [
    ("a.mp4", "h265"),
    ("a.mov", "h265"),
    ("a.mkv", "h265"),
    ("a.mp4", "av1"),
    ("a.mkv", "av1"),
    ("a.webm", "av1"),
    ("a.mov", "prores"),
    ("a.mkv", "prores"),
    ("a.mkv", "ffv1"),
]


def hdr_film(frames: int = 3, rate: Fraction = PAL, **fields: Any) -> Clip:
    return film(frames, rate, **{"bits": 10, "color": HDR, "hdr": BOTH} | fields)


def numbers(display: MasteringDisplay) -> list[Fraction]:
    points = (display.red, display.green, display.blue, display.white_point)
    return [*(value for point in points for value in point), *limits(display)]


def limits(display: MasteringDisplay) -> tuple[Fraction, Fraction]:
    return display.max_luminance, display.min_luminance


def assert_close(found: HdrMetadata | None, expected: HdrMetadata, codec: str) -> None:
    """Assert equality; for AV1 to within half a step of its fixed-point numbers."""
    assert found is not None
    assert found.content_light == expected.content_light
    if codec != "av1" or expected.mastering_display is None:
        assert found == expected
        return
    assert found.mastering_display is not None
    pairs = zip(numbers(found.mastering_display), numbers(expected.mastering_display), strict=True)
    steps = [F(1, 1 << 16)] * 8 + [F(1, 1 << 8), F(1, 1 << 14)]
    for (a, b), step in zip(pairs, steps, strict=True):
        assert abs(a - b) <= step / 2


def in_stream(path: Path) -> list[set[str]]:
    """Return the kinds of HDR metadata in the stream alone, without the container, by frame."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        decoder = av.CodecContext.create(stream.codec_context.name, "r")
        packets = [bytes(packet) for packet in file.demux(stream) if packet.size]
        decoder.extradata = stream.codec_context.extradata
    frames = [frame for data in packets for frame in decoder.decode(av.Packet(data))]
    return [{item.type.name for item in frame.side_data} for frame in (*frames, *decoder.decode())]


@pytest.mark.parametrize(
    ("codec", "options", "name"),
    [
        ("libx265", {"x265-params": X265}, "h265"),
        ("libsvtav1", {"svtav1-params": SVT, "preset": "10"}, "av1"),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_metadata_is_read_from_streams(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str], name: str
) -> None:
    source = make.make(
        tmp_path / f"a{suffix}",
        codec=codec, pix_fmt="yuv420p10le", options=options, color=HDR, frames=3,
    )  # fmt: skip
    assert_close(read(source).hdr, BOTH, name)


def test_metadata_of_sdr_video_is_ignored(tmp_path: Path) -> None:
    source = make.make(
        tmp_path / "a.mkv",
        codec="libx265", pix_fmt="yuv420p10le", options={"x265-params": X265}, frames=2,
        color=replace(HDR, transfer=1),
    )  # fmt: skip
    assert read(source).hdr is None


@pytest.mark.parametrize("name", ["hevc_hdr10.mp4", "av1_hdr10.mkv"])
def test_files_of_other_encoders_are_read(shared_data: Path, name: str) -> None:
    path = shared_data / "live" / "hdr" / name
    if not path.exists():
        pytest.skip(f"{name} is not among the conformance data")
    assert_close(read(path).hdr, BOTH, "av1" if "av1" in name else "h265")


@pytest.mark.parametrize(("name", "codec"), TARGETS)
def test_metadata_is_written_and_read_back(tmp_path: Path, name: str, codec: str) -> None:
    path = tmp_path / name
    result = write(hdr_film(), path, codec=codec)
    assert_close(read(path).hdr, BOTH, codec)
    assert result["hdr"]["mastering_display"]["red"] == ["17/25", "8/25"]
    assert result["hdr"]["content_light"] == {"max_cll": "1000", "max_fall": "400"}
    assert look(path).numbers == [0, 1, 2]
    assert look(path).color == HDR or codec in ("ffv1", "prores")
    write(read(path), tmp_path / f"again{path.suffix}", codec=codec)  # a second generation
    assert read(tmp_path / f"again{path.suffix}").hdr == read(path).hdr


@pytest.mark.parametrize(
    "hdr", [HdrMetadata(content_light=LIGHT), HdrMetadata(mastering_display=DISPLAY)]
)
@pytest.mark.parametrize(("name", "codec"), TARGETS)
def test_partial_metadata_is_kept(tmp_path: Path, name: str, codec: str, hdr: HdrMetadata) -> None:
    write(hdr_film(hdr=hdr), tmp_path / name, codec=codec)
    assert_close(read(tmp_path / name).hdr, hdr, codec)


@pytest.mark.parametrize(("name", "codec"), TARGETS)
def test_metadata_changes_nothing_else(tmp_path: Path, name: str, codec: str) -> None:
    one, other = tmp_path / name, tmp_path / f"plain{Path(name).suffix}"
    write(hdr_film(), one, codec=codec)
    assert write(hdr_film(hdr=None), other, codec=codec)["hdr"] is None
    assert read(other).hdr is None
    assert replace(look(one), tags={}) == replace(look(other), tags={})
    for a, b in zip(decode_pictures(one), decode_pictures(other), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(("name", "codec"), [t for t in TARGETS if t[0] in ("a.mp4", "a.mov")])
def test_mp4_and_mov_have_mdcv_and_clli_boxes(tmp_path: Path, name: str, codec: str) -> None:
    write(hdr_film(), tmp_path / name, codec=codec)
    data = (tmp_path / name).read_bytes()
    place = data.index(b"mdcv")
    assert struct.unpack(">I4s8H2I", data[place - 4 : place + 28]) == (32, b"mdcv", *MDCV)
    place = data.index(b"clli")
    assert struct.unpack(">I4s2H", data[place - 4 : place + 8]) == (12, b"clli", 1000, 400)


@pytest.mark.parametrize(("name", "codec"), [t for t in TARGETS if t[0] in ("a.mkv", "a.webm")])
def test_matroska_and_webm_have_mastering_metadata(tmp_path: Path, name: str, codec: str) -> None:
    write(hdr_film(), tmp_path / name, codec=codec)
    data = (tmp_path / name).read_bytes()
    for child, number in enumerate(numbers(DISPLAY)):
        floats = [struct.pack(kind, float(number)) for kind in (">d", ">f")]
        name_of = (0x55D1 + child).to_bytes(2, "big")
        assert any(name_of + bytes([0x80 | len(f)]) + f in data for f in floats)


@pytest.mark.parametrize("codec", ["h265", "av1"])
def test_every_segment_has_metadata_in_the_stream(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "a.mp4"
    write(hdr_film(25, F(1)), path, codec=codec)  # three segments
    kinds = {"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"}
    assert all(kinds <= found for found in in_stream(path))
    with av.open(str(path)) as file:
        keys = [packet for packet in file.demux(video=0) if packet.size and packet.is_keyframe]
        assert len(keys) >= 3
        mark = {"h265": bytes([0x89, 24]), "av1": bytes([0x02])}[codec]  # SEI 137; metadata type 2
        assert all(mark in bytes(packet) for packet in keys)


def test_ffprobe_reads_the_metadata(tmp_path: Path) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed: sudo apt install ffmpeg")
    path = tmp_path / "a.mp4"
    write(hdr_film(), path, codec="h265")
    line = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", "stream_side_data", path]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)["streams"][0]["side_data_list"]
    merged = {name: value for item in found for name, value in item.items()}
    assert [F(merged[name]) for name in ("red_x", "green_y", "max_luminance", "min_luminance")] == [
        DISPLAY.red[0], DISPLAY.green[1], *limits(DISPLAY),
    ]  # fmt: skip
    assert (merged["max_content"], merged["max_average"]) == (1000, 400)


@pytest.mark.parametrize("name", ["a.avif", "a.apng", "a.png"])
def test_unsupported_format_is_rejected_before_writing(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"HDR metadata .* in a \.\w+ file cannot store") as error:
        write(hdr_film(), tmp_path / name)
    assert ".mp4 with --codec h265 or av1" in error.value.hint
    assert not any(suffix in error.value.hint for suffix in ANIMATED_SUFFIXES)
    assert list(tmp_path.iterdir()) == []


ANIMATED_SUFFIXES = (".avif", ".apng", ".gif", ".webp")


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "h264"), ("a.webm", "vp9")])
def test_codec_of_8_bits_is_rejected(tmp_path: Path, name: str, codec: str) -> None:
    with pytest.raises(UsageError, match="HDR") as error:
        write(hdr_film(), tmp_path / name, codec=codec)
    assert ".mp4 with --codec h265 or av1" in error.value.hint
    assert not any(suffix in error.value.hint for suffix in ANIMATED_SUFFIXES)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "h265"), ("a.mkv", "av1")])
def test_interpolation_keeps_metadata(tmp_path: Path, name: str, codec: str) -> None:
    write(hdr_film(4, F(10)), tmp_path / "source.mkv", codec="ffv1")
    clip = kinoloom.interpolate(tmp_path / "source.mkv", times=4, engine="fast")
    assert clip.hdr == BOTH
    result = kinoloom.write(clip, tmp_path / name, codec=codec)
    assert result["frames"] == 16
    assert_close(read(tmp_path / name).hdr, BOTH, codec)


@pytest.mark.parametrize("codec", ["h265", "ffv1"])
def test_resumed_film_keeps_metadata(tmp_path: Path, codec: str) -> None:
    clip = hdr_film(25, F(1))

    def stopping(start: Fraction) -> Iterator[Frame]:
        for frame in clip.read(start):
            if frame.time >= 15:
                raise KeyboardInterrupt
            yield frame

    path = tmp_path / "a.mkv"
    with pytest.raises(KeyboardInterrupt):
        write(clip.with_(read=stopping), path, codec=codec)
    assert read(tmp_path / "a.partial.mkv").hdr == BOTH
    write(clip, path, codec=codec, resume=True)
    assert read(path).hdr == BOTH
    assert look(path).numbers == list(range(25))


def test_segments_of_other_metadata_are_not_resumed(tmp_path: Path) -> None:
    brighter = replace(BOTH, content_light=ContentLight(F(4000), F(400)))
    clip = hdr_film(25, F(1))

    def stopping(start: Fraction) -> Iterator[Frame]:
        yield from (frame for frame in clip.read(start) if frame.time < 15)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(clip.with_(read=stopping), tmp_path / "a.mp4", codec="h265")
    with pytest.raises(UsageError, match="differs from this one in quality"):
        write(clip.with_(hdr=brighter), tmp_path / "a.mp4", codec="h265", resume=True)


def test_film_written_in_pieces_keeps_metadata(tmp_path: Path) -> None:
    path, clip = tmp_path / "a.mp4", hdr_film(25, F(1))
    options = WriteOptions(codec="h265")
    with CLIP_FILES.growing(clip, path, options, F(10)) as growing:
        assert len(growing.pieces) == 3
        for k, piece in enumerate(growing.pieces):
            folder = tmp_path / str(k)
            folder.mkdir()
            CLIP_FILES.write_piece(clip, piece, folder)
            growing.add(folder)
        result = growing.finish()
    assert "HDR metadata" in result.facts
    assert result.data["hdr"]["content_light"] == {"max_cll": "1000", "max_fall": "400"}
    assert read(path).hdr == BOTH


@dataclass
class FrameOf:
    """A decoded frame, as far as its metadata is concerned."""

    side_data: dict[str, bytes]


def display_bytes(pairs: list[tuple[int, int]], primaries: int = 1, luminance: int = 1) -> bytes:
    flat = [number for pair in pairs for number in pair]
    return np.array([*flat, primaries, luminance], np.int32).tobytes()


PAIRS = [(k, 20) for k in range(1, 9)] + [(1, 200), (1000, 1)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (display_bytes(PAIRS, primaries=0), "described in part only"),
        (display_bytes(PAIRS, luminance=0), "described in part only"),
        (display_bytes([(1, 0), *PAIRS[1:]]), "described in part only"),
        (display_bytes([(30, 20), *PAIRS[1:]]), r"chromaticity of red must be in 0\.\.1"),
        (display_bytes([*PAIRS[:8], (0, 1), (0, 1)]), "0 <= min < max"),
    ],
)
def test_invalid_metadata_is_dropped_with_a_note(data: bytes, message: str) -> None:
    notes = Notes()
    light = np.array([1000, 400], np.uint32).tobytes()
    frame = FrameOf({"MASTERING_DISPLAY_METADATA": data, "CONTENT_LIGHT_LEVEL": light})
    assert hdr_of(frame, notes) == HdrMetadata(None, LIGHT)  # type: ignore[arg-type]
    assert [note.level for note in notes] == ["warning"]
    assert re.search(message, next(iter(notes)).message)


def test_zero_light_levels_are_unknown() -> None:
    frame = FrameOf({"CONTENT_LIGHT_LEVEL": bytes(8)})
    assert hdr_of(frame, Notes()) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "name"), [("DYNAMIC_HDR_PLUS", "HDR10+"), ("DOVI_METADATA", "Dolby Vision")]
)
def test_dynamic_metadata_is_dropped_with_a_note(kind: str, name: str) -> None:
    notes = Notes()
    assert hdr_of(FrameOf({kind: b""}), notes) is None  # type: ignore[arg-type]
    assert notes.count("hdr") == 1
    assert name in next(iter(notes)).message
