"""The value of `--preview`: a part of the video that is enhanced, and nothing else."""

from __future__ import annotations

import re
from fractions import Fraction

from kinoloom.base.clip import Clip
from kinoloom.errors import UsageError
from kinoloom.media.frames.cutting import cut_clip

_DEFAULT_S = Fraction(5)
_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)s?")
_MOST_IN_CLOCK = 60


def cut_preview(clip: Clip, text: str | None) -> Clip:
    """Return the part of a clip that `--preview` names; the clip itself for None.

    Raises:
        UsageError: as `parse_preview`; the video ends before the part starts.
    """
    if text is None:
        return clip
    start, duration = parse_preview(text)
    if clip.origin is not None:
        clip.notes.add("preview", "Subtitles, chapters and tags are left out of the preview.")
    return cut_clip(clip, start, duration)


def parse_preview(text: str) -> tuple[Fraction, Fraction]:
    """Return the start and the duration of a preview, in seconds.

    Args:
        text: DURATION@START, such as "5s@1:20"; without a duration 5 s, without a start the
            beginning. Both are seconds ("5s", "2.5") or times ("1:20", "1:02:03.5").

    Raises:
        UsageError: it has another form, or the duration is 0.
    """
    length, separator, start = text.strip().partition("@")
    parts = [_parse_clock(length) if length else _DEFAULT_S]
    parts.append(_parse_clock(start) if separator else Fraction(0))
    if not text.strip() or None in parts or parts[0] == 0:
        raise UsageError(
            f"--preview must be a duration and a start such as 5s@1:20, 5s or @1:20, not '{text}'."
        )
    duration, begin = (one for one in parts if one is not None)
    return begin, duration


def _parse_clock(text: str) -> Fraction | None:
    """Return the seconds of "80", "80s", "1:20" or "0:01:20"; None for anything else."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None or not text.isascii():
        return None
    hours, minutes, seconds = (Fraction(one or 0) for one in match.groups())
    if match[2] is not None and seconds >= _MOST_IN_CLOCK:
        return None
    if match[1] is not None and minutes >= _MOST_IN_CLOCK:
        return None
    return hours * 3600 + minutes * 60 + seconds
