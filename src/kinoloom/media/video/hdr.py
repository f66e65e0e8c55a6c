"""Static HDR metadata of decoded frames, and the encoder options that store it in a stream.

In: a decoded frame. Out: `HdrMetadata`, whether the stream or the container stores it; FFmpeg
attaches both to frames, and the stream's takes precedence.

Conventions: fractions are as exact as the file: H.265 and MP4 count chromaticity in 1/50000 and
luminance in 1/10000 cd/m²; AV1 in binary fractions of 16, 8 (maximum luminance) and 14 (minimum
luminance) bits; Matroska as floating-point numbers.

Sources: libavutil/mastering_display_metadata.h of FFmpeg 8 (layout of the side data); ITU-T H.265
D.3.28; AV1 specification 5.8.4; the option manuals of x265 and SVT-AV1.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np

from kinoloom.base.clip.color import Chromaticity, ContentLight, HdrMetadata, MasteringDisplay
from kinoloom.base.notes import Notes
from kinoloom.errors import ArrayError
from kinoloom.media.video.side_data import read_side_data

_CHROMATICITY_UNIT = Fraction(1, 50_000)
_LUMINANCE_UNIT = Fraction(1, 10_000)
_DYNAMIC = {
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DYNAMIC_HDR_VIVID": "HDR Vivid",
    "DOVI_METADATA": "Dolby Vision",
    "DOVI_RPU_BUFFER": "Dolby Vision",
}


def hdr_of(frame: av.VideoFrame, notes: Notes) -> HdrMetadata | None:
    """Return the static HDR metadata of a decoded frame, None if it has none.

    Notes: "hdr" (warning: metadata that is invalid, or that changes from frame to frame; it is
    left out).
    """
    side_data = read_side_data(frame)
    for kind in sorted({kind for name, kind in _DYNAMIC.items() if name in side_data}):
        notes.add("hdr", f"{kind} metadata changes from frame to frame; it is left out.", "warning")
    try:
        display = _mastering_display(side_data.get("MASTERING_DISPLAY_METADATA"))
    except ArrayError as error:
        display = None
        notes.add("hdr", f"Invalid HDR metadata is left out. {error.message}", "warning")
    light = _content_light(side_data.get("CONTENT_LIGHT_LEVEL"))
    return HdrMetadata(display, light) if display or light else None


def hdr_settings(encoder: str, hdr: HdrMetadata | None) -> dict[str, str]:
    """Return the options with which an encoder stores static HDR metadata in its stream.

    Args:
        encoder: as FFmpeg calls it. Only libx265 and libsvtav1 have such options; the streams of
            others leave it to the container.
        hdr: what to store.
    """
    if hdr is None or encoder not in _OPTIONS:
        return {}
    option, display_name, light_name, spell = _OPTIONS[encoder]
    parts = []
    if hdr.mastering_display is not None:
        parts.append(f"{display_name}={spell(hdr.mastering_display)}")
    if hdr.content_light is not None:
        levels = hdr.content_light.max_cll, hdr.content_light.max_fall
        parts.append(f"{light_name}={','.join(str(round(level)) for level in levels)}")
    return {option: ":".join(parts)}


def _mastering_display(data: bytes | None) -> MasteringDisplay | None:
    """Parse AVMasteringDisplayMetadata: eight chromaticities, two luminances and two flags."""
    if data is None:
        return None
    *numbers, has_primaries, has_luminance = np.frombuffer(data, np.int32).tolist()
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    if not (has_primaries and has_luminance and all(unit for _, unit in pairs)):
        raise ArrayError("The mastering display is described in part only.")
    x_red, y_red, x_green, y_green, x_blue, y_blue, x_white, y_white, low, high = (
        Fraction(*pair) for pair in pairs
    )
    return MasteringDisplay(
        red=(x_red, y_red),
        green=(x_green, y_green),
        blue=(x_blue, y_blue),
        white_point=(x_white, y_white),
        max_luminance=high,
        min_luminance=low,
    )


def _content_light(data: bytes | None) -> ContentLight | None:
    """Parse AVContentLightMetadata: two unsigned integers, 0 where unknown."""
    if data is None:
        return None
    levels = np.frombuffer(data, np.uint32).tolist()
    return ContentLight(*map(Fraction, levels)) if any(levels) else None


def _spell_for_x265(display: MasteringDisplay) -> str:
    def units(*values: Fraction, unit: Fraction = _CHROMATICITY_UNIT) -> str:
        return ",".join(str(round(value / unit)) for value in values)

    luminances = units(display.max_luminance, display.min_luminance, unit=_LUMINANCE_UNIT)
    return _spell(display, lambda point: units(*point), luminances)


def _spell_for_svt_av1(display: MasteringDisplay) -> str:
    def decimals(*values: Fraction) -> str:
        return ",".join(f"{float(value):.10f}" for value in values)

    luminances = decimals(display.max_luminance, display.min_luminance)
    return _spell(display, lambda point: decimals(*point), luminances)


def _spell(display: MasteringDisplay, spell: Callable[[Chromaticity], str], luminances: str) -> str:
    points = {
        "G": display.green,
        "B": display.blue,
        "R": display.red,
        "WP": display.white_point,
    }
    return "".join(f"{name}({spell(point)})" for name, point in points.items()) + f"L({luminances})"


_OPTIONS = {
    "libx265": ("x265-params", "master-display", "max-cll", _spell_for_x265),
    "libsvtav1": ("svtav1-params", "mastering-display", "content-light", _spell_for_svt_av1),
}
"""By encoder: its option, the names in it of display and light, and how it spells a display."""
