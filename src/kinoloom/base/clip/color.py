"""Colour and HdrMetadata: what the samples of pictures mean.

Sources: ITU-T H.273 (code points); SMPTE ST 2086 (mastering display color volume); CTA-861.3
(content light level).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from kinoloom.errors import ArrayError

Chromaticity = tuple[Fraction, Fraction]
"""CIE 1931 x and y."""


@dataclass(frozen=True)
class Color:
    """The colour space of a picture, as code points of ITU-T H.273.

    Attributes:
        primaries: 1 = BT.709, 5/6 = BT.601, 9 = BT.2020, 12 = Display P3.
        transfer: 1 = BT.709, 13 = sRGB, 16 = PQ, 18 = HLG.
        matrix: 1 = BT.709, 5/6 = BT.601, 9 = BT.2020 non-constant, 0 = RGB.
        full_range: whether the coded samples use 0..255 instead of 16..235 (8 bit).
    """

    primaries: int = 1
    transfer: int = 1
    matrix: int = 1
    full_range: bool = False

    @property
    def is_hdr(self) -> bool:
        """Whether the transfer is PQ or HLG, which must not be shown or stored as SDR."""
        return self.transfer in (16, 18)


BT709 = Color()
"""Limited-range HD video."""


@dataclass(frozen=True)
class MasteringDisplay:
    """The color volume of the display on which pictures were graded.

    Attributes:
        red, green, blue: chromaticities of the primaries.
        white_point: its chromaticity.
        max_luminance, min_luminance: in cd/m².

    Raises:
        ArrayError: a number that is not a Fraction, a chromaticity outside 0..1, or luminances
            that do not satisfy 0 <= min < max.
    """

    red: Chromaticity
    green: Chromaticity
    blue: Chromaticity
    white_point: Chromaticity
    max_luminance: Fraction
    min_luminance: Fraction

    def __post_init__(self) -> None:
        points = {name: getattr(self, name) for name in ("red", "green", "blue", "white_point")}
        for name, point in points.items():
            _check_fractions(name, *point)
            if not all(0 <= value <= 1 for value in point):
                raise ArrayError(
                    f"The chromaticity of {name} must be in 0..1, not {_spelled(*point)}."
                )
        _check_fractions("luminance", self.min_luminance, self.max_luminance)
        if not 0 <= self.min_luminance < self.max_luminance:
            raise ArrayError(
                "The luminances of a mastering display must satisfy 0 <= min < max, not "
                f"{_spelled(self.min_luminance, self.max_luminance)} cd/m²."
            )


@dataclass(frozen=True)
class ContentLight:
    """How bright pictures get.

    Attributes:
        max_cll: maximum content light level, of the brightest pixel, in cd/m²; 0 if unknown.
        max_fall: maximum frame-average light level, in cd/m²; 0 if unknown.

    Raises:
        ArrayError: a number that is not a Fraction, or below 0.
    """

    max_cll: Fraction
    max_fall: Fraction

    def __post_init__(self) -> None:
        _check_fractions("content light level", self.max_cll, self.max_fall)
        if min(self.max_cll, self.max_fall) < 0:
            raise ArrayError(
                "Content light levels must be at least 0 cd/m², not "
                f"{_spelled(self.max_cll, self.max_fall)}."
            )


@dataclass(frozen=True)
class HdrMetadata:
    """What a file says about its HDR pictures as a whole.

    Attributes:
        mastering_display: None where the file does not say.
        content_light: None where the file does not say.
    """

    mastering_display: MasteringDisplay | None = None
    content_light: ContentLight | None = None


def _check_fractions(name: str, *values: object) -> None:
    if not all(isinstance(value, Fraction) for value in values):
        raise ArrayError(f"The {name} must be given as fractions.Fraction, not {values}.")


def _spelled(*values: Fraction) -> str:
    return " and ".join(f"{float(value):g}" for value in values)
