"""`--preview`: the spans that it accepts, and the part that it enhances."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.base.clip import Clip, Frame
from kinoloom.enhance.ops import enhance
from kinoloom.enhance.video.preview import parse_preview
from kinoloom.errors import UsageError
from kinoloom.media.photo.editing import open_each_photo

SECONDS = st.integers(1, 1_000_000).map(lambda hundredths: Fraction(hundredths, 100))


def format_clock(value: Fraction) -> str:
    """Return a time as h:mm:ss.hh."""
    whole = int(value)
    hundredths = int((value - whole) * 100)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}.{hundredths:02}"


@pytest.mark.parametrize(
    ("text", "start", "duration"),
    [
        ("5s@1:20", 80, 5),
        ("5s", 0, 5),
        ("5", 0, 5),
        ("@1:20", 80, 5),
        ("2.5@0", 0, Fraction(5, 2)),
        ("1:00@1:02:03.5", Fraction(7447, 2), 60),
        (" .5s @ 90s ", 90, Fraction(1, 2)),
    ],
)
def test_spans(text: str, start: Fraction, duration: Fraction) -> None:
    assert parse_preview(text) == (start, duration)


@pytest.mark.parametrize(
    "text",
    ["", "@", "s", "0", "0s@5", "-1s", "5s@-2", "5@1:60", "1:70:00", "5m", "1@2@3", "\u0665s"],
)
def test_other_text_is_rejected(text: str) -> None:
    with pytest.raises(UsageError, match="such as 5s@1:20"):
        parse_preview(text)


@given(SECONDS, SECONDS)
def test_clocks_and_seconds_agree(start: Fraction, duration: Fraction) -> None:
    as_clock = parse_preview(f"{format_clock(duration)}@{format_clock(start)}")
    as_seconds = parse_preview(f"{float(duration):.2f}s@{float(start):.2f}s")
    assert as_clock == as_seconds == (start, duration)


@given(st.text(alphabet="0123456789:.@s m", max_size=12))
def test_any_text_is_a_span_or_rejected(text: str) -> None:
    try:
        start, duration = parse_preview(text)
    except UsageError:
        return
    assert start >= 0
    assert duration > 0


def test_only_the_part_is_enhanced() -> None:
    rng = np.random.default_rng(2)
    pictures = [rng.integers(0, 256, (32, 48, 3), np.uint8) for _ in range(20)]
    frames = [Frame(one, Fraction(k, 10), Fraction(1, 10)) for k, one in enumerate(pictures)]
    clip = Clip.from_frames(frames, rate=Fraction(10))
    part = enhance(clip, scale=2, tier="live", preview="0.3s@1")
    whole = enhance(clip, scale=2, tier="live")
    assert part.frame_count == 3
    assert part.duration == Fraction(3, 10)
    expected = [frame.image for frame in whole][10:13]
    for frame, image in zip(part, expected, strict=True):
        np.testing.assert_array_equal(frame.image, image)


def test_photos_have_no_preview(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(UsageError, match="--preview applies to videos"):
        enhance(open_each_photo([path]), preview="5s")
