"""Choice of codec and pixel format, and rejected outputs."""

from fractions import Fraction
from typing import Any

import pytest
from films import HDR, SRGB, film

from kinoloom.base import Clip, Color
from kinoloom.errors import UsageError
from kinoloom.media.video.codecs import ANIMATED, CODECS, VIDEO
from kinoloom.media.video.plan import Plan, plan


def make_plan(clip: Clip, suffix: str, codec: str = "auto", quality: int | None = None) -> Plan:
    return plan(clip, next(iter(clip)), suffix, codec, quality)


def messages(clip: Clip) -> str:
    return " ".join(note.message for note in clip.notes)


@pytest.mark.parametrize(
    ("suffix", "fields", "codec", "pix_fmt"),
    [
        (".mp4", {}, "h264", "yuv420p"),
        (".m4v", {}, "h264", "yuv420p"),
        (".mov", {}, "h264", "yuv420p"),
        (".mkv", {}, "h264", "yuv420p"),
        (".webm", {}, "vp9", "yuv420p"),
        (".mp4", {"bits": 10}, "h265", "yuv420p10le"),
        (".mov", {"bits": 10, "color": HDR}, "h265", "yuv420p10le"),
        (".mkv", {"bits": 16}, "h265", "yuv420p10le"),
        (".webm", {"bits": 10, "color": HDR}, "av1", "yuv420p10le"),
        (".mov", {"alpha": 0.5}, "prores", "yuva444p10le"),
        (".mkv", {"alpha": 0.5}, "ffv1", "bgra"),
        (".mkv", {"alpha": 0.5, "bits": 16}, "ffv1", "gbrap16le"),
        (".webm", {"alpha": 0.5}, "vp9", "yuva420p"),
        (".mp4", {"alpha": 1.0}, "h264", "yuv420p"),
        (".gif", {}, "gif", "pal8"),
        (".gif", {"alpha": 1.0}, "gif", "pal8"),
        (".webp", {"alpha": 0.5}, "webp", "bgra"),
        (".png", {"bits": 10}, "apng", "rgb48be"),
        (".apng", {"alpha": 0.5}, "apng", "rgba"),
        (".avif", {"bits": 10, "color": HDR}, "av1", "yuv420p10le"),
    ],
)
def test_auto_chooses_the_first_codec_that_keeps_everything(
    suffix: str, fields: dict[str, Any], codec: str, pix_fmt: str
) -> None:
    clip = film(1, **fields)
    chosen = make_plan(clip, suffix)
    assert (chosen.codec.name, chosen.pix_fmt) == (codec, pix_fmt)
    assert list(clip.notes) == []


@pytest.mark.parametrize(
    ("suffix", "codec", "legal"),
    [
        (".mp4", "prores", "h264 or h265 or av1"),
        (".mp4", "vp9", "h264 or h265 or av1"),
        (".mov", "ffv1", "h264 or h265 or prores"),
        (".webm", "h264", "vp9 or av1"),
        (".gif", "h264", "gif"),
        (".avif", "vp9", "av1"),
    ],
)
def test_unsupported_codec_is_rejected_with_alternatives(
    suffix: str, codec: str, legal: str
) -> None:
    with pytest.raises(UsageError, match=f"{suffix} file cannot store {codec}.*{legal}"):
        make_plan(film(1), suffix, codec)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mp4", "auto"), (".mov", "h264"), (".mkv", "av1"), (".gif", "auto"), (".avif", "auto")],
)
def test_alpha_is_rejected_if_it_would_be_lost(suffix: str, codec: str) -> None:
    with pytest.raises(UsageError, match=r"transparent.*\.webm with --codec vp9.*\.webp"):
        make_plan(film(1, alpha=0.5), suffix, codec)


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", "h264"), (".webm", "vp9"), (".gif", "auto"), (".webp", "auto")]
)
def test_hdr_is_rejected_in_8_bits(suffix: str, codec: str) -> None:
    with pytest.raises(UsageError, match=r"HDR.*\.mp4 with --codec h265"):
        make_plan(film(1, bits=10, color=HDR), suffix, codec)


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".gif", "auto")])
def test_reduced_depth_is_noted(suffix: str, codec: str) -> None:
    clip = film(1, bits=10)
    make_plan(clip, suffix, codec)
    assert "10 bits" in messages(clip)


def test_alpha_with_hdr_is_supported() -> None:
    clip = film(1, alpha=0.5, bits=10, color=HDR)
    assert make_plan(clip, ".mov").pix_fmt == "yuva444p10le"
    with pytest.raises(UsageError, match="transparent"):
        make_plan(clip, ".webm", "av1")


@pytest.mark.parametrize(
    ("suffix", "codec", "size", "stored"),
    [
        (".mp4", "h264", (65, 49), (66, 50)),
        (".mp4", "h265", (65, 48), (66, 48)),
        (".mp4", "h264", (1, 1), (2, 2)),
        (".mp4", "av1", (65, 49), (65, 49)),
        (".webm", "vp9", (1, 1), (1, 1)),
        (".mov", "prores", (65, 49), (65, 49)),
        (".mkv", "ffv1", (65, 49), (65, 49)),
        (".gif", "auto", (65, 49), (65, 49)),
    ],
)
def test_odd_sizes_are_kept_or_rounded_up_with_a_note(
    suffix: str, codec: str, size: tuple[int, int], stored: tuple[int, int]
) -> None:
    clip = film(1, size=size)
    chosen = make_plan(clip, suffix, codec)
    assert (chosen.width, chosen.height) == stored
    assert ("stored as" in messages(clip)) == (size != stored)


@pytest.mark.parametrize(("codec", "size"), [("h265", (8, 8)), ("av1", (3, 3))])
def test_pictures_too_small_for_a_codec_are_rejected(codec: str, size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=f"at least.*not {size[0]}x{size[1]}"):
        make_plan(film(1, size=size), ".mp4", codec)


@pytest.mark.parametrize(
    ("codec", "quality", "setting"),
    [
        ("h264", None, ("crf", "17")),
        ("h264", 0, ("crf", "40")),
        ("h264", 100, ("crf", "4")),
        ("av1", 50, ("crf", "33")),
        ("prores", None, ("profile", "3")),
        ("prores", 0, ("profile", "0")),
        ("webp", 75, ("quality", "75")),
    ],
)
def test_quality_maps_to_the_scale_of_the_encoder(
    codec: str, quality: int | None, setting: tuple[str, str]
) -> None:
    assert setting in CODECS[codec].settings(quality).items()


def test_more_quality_is_never_a_smaller_file() -> None:
    for codec in CODECS.values():
        if codec.scale and codec.scale[0] == "crf":
            values = [int(codec.settings(quality)["crf"]) for quality in range(101)]
            assert values == sorted(values, reverse=True)


def test_prores_alpha_selects_profile_4444() -> None:
    assert make_plan(film(1, alpha=0.5), ".mov", quality=0).settings["profile"] == "4"


@pytest.mark.parametrize("codec", ["ffv1", "gif", "apng"])
def test_quality_is_rejected_for_codecs_without_it(codec: str) -> None:
    with pytest.raises(UsageError, match="has no --quality"):
        CODECS[codec].settings(50)


@pytest.mark.parametrize(
    ("suffix", "codec", "color", "stored"),
    [
        (".mp4", "h264", SRGB, Color(1, 13, 1)),
        (".mp4", "h264", Color(6, 6, 6), Color(6, 6, 6)),
        (".mp4", "h264", Color(1, 1, 1, full_range=True), Color(1, 1, 1, full_range=True)),
        (".mov", "prores", Color(1, 1, 1, full_range=True), Color(1, 1, 1)),
        (".mp4", "h265", Color(9, 14, 0, full_range=True), Color(9, 14, 9)),
        (".mkv", "ffv1", Color(6, 6, 6), Color(6, 6, 0, full_range=True)),
        (".gif", "auto", SRGB, SRGB),
    ],
)
def test_stored_colour_describes_the_samples(
    suffix: str, codec: str, color: Color, stored: Color
) -> None:
    assert make_plan(film(1, color=color), suffix, codec).color == stored


@pytest.mark.parametrize(
    ("fields", "rate"),
    [
        ({"rate": Fraction(30000, 1001)}, Fraction(30000, 1001)),
        ({"times": [Fraction(0), Fraction(1, 10), Fraction(2)]}, Fraction(10)),
        ({"rate": Fraction(2000)}, Fraction(500)),
    ],
)
def test_nominal_rate_comes_from_the_first_frame(fields: dict[str, Any], rate: Fraction) -> None:
    assert make_plan(film(2, **fields), ".mp4").rate == rate


def test_all_codecs_of_containers_are_defined() -> None:
    for container in (VIDEO | ANIMATED).values():
        assert set(container.codecs) <= set(CODECS)


def test_threads_of_h264_do_not_depend_on_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for number in (1, 2, 64):
        monkeypatch.setattr("kinoloom.media.video.plan.cores", lambda number=number: number)
        found.add(make_plan(film(size=(64, 256)), ".mp4").threads)
    assert found == {4}
