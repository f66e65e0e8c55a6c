"""Static HDR metadata as a value."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from kinoloom.base import Clip, ContentLight, HdrMetadata, MasteringDisplay
from kinoloom.errors import ArrayError

F = Fraction
DISPLAY = MasteringDisplay(
    red=(F(17, 25), F(8, 25)),
    green=(F(53, 200), F(69, 100)),
    blue=(F(3, 20), F(3, 50)),
    white_point=(F(3127, 10000), F(329, 1000)),
    max_luminance=F(1000),
    min_luminance=F(1, 200),
)


def test_clip_has_no_metadata_by_default() -> None:
    clip = Clip(lambda _: iter(()), 4, 4)
    assert clip.hdr is None
    hdr = HdrMetadata(DISPLAY, ContentLight(F(1000), F(400)))
    assert clip.with_(hdr=hdr).with_(rate=F(25)).hdr == hdr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"red": (0.68, F(8, 25))}, r"red must be given as fractions\.Fraction, not \(0\.68"),
        ({"white_point": (F(1), F(3, 2))}, r"white_point must be in 0\.\.1, not 1 and 1\.5"),
        ({"max_luminance": 1000}, "luminance must be given as"),
        ({"max_luminance": F(1, 200)}, r"0 <= min < max, not 0\.005 and 0\.005 cd/m²"),
        ({"min_luminance": F(-1)}, "not -1 and 1000"),
    ],
)
def test_invalid_displays_are_rejected(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ArrayError, match=message):
        replace(DISPLAY, **change)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ((1000, F(400)), "content light level must be given as"),
        ((F(-1), F(0)), "at least 0 cd/m², not -1 and 0"),
    ],
)
def test_invalid_light_levels_are_rejected(levels: tuple[Any, Any], message: str) -> None:
    with pytest.raises(ArrayError, match=message):
        ContentLight(*levels)
