"""Detect interlaced and telecined video by its pictures; the marks in streams are often wrong.

A sample of the video is classified block by block (`blocks`). Video that is neither marked as
interlaced nor looks it in the sample is read as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from kinoloom.media.deinterlacing.blocks import Kind, classify_block, find_order
from kinoloom.media.deinterlacing.stream import Grid, Timed, list_neighbours
from kinoloom.media.deinterlacing.telecine import has_pulldown

_MAX_RATE = Fraction(31)
"""Interlaced and telecined video has at most 30 frames per second."""
_MAX_HEIGHT_PX, _MIN_SIDE_PX = 1152, 16
"""Of interlaced formats; bwdif needs a few pixels."""
SAMPLE_FRAMES, WINDOW_FRAMES, WINDOWS = 240, 20, 12
"""A shorter video is examined completely, a longer one at evenly spaced places."""
_MIN_SHARE, _MIN_BLOCKS = 0.05, 2
"""Of the blocks that show their kind; fewer blocks of a kind are chance."""


def may_have_fields(
    rate: Fraction, size: tuple[int, int], *, is_flagged: bool, is_rgb: bool
) -> bool:
    """Whether video can be interlaced or telecined, by its format.

    Args:
        rate: frames per second.
        size: width and height, in pixels.
        is_flagged: whether its first frame is marked as interlaced.
        is_rgb: whether it stores red, green and blue.
    """
    if size[0] < _MIN_SIDE_PX or size[1] < _MIN_SIDE_PX:
        return False
    return is_flagged or (rate <= _MAX_RATE and size[1] <= _MAX_HEIGHT_PX and not is_rgb)


@dataclass(frozen=True)
class Detection:
    """What a sample of a video shows.

    Attributes:
        kinds: those that make up a notable part of the blocks.
        is_flagged: whether frames are marked as interlaced.
        top_first: the usual field order.
        rate: frames per second as stored.
    """

    kinds: frozenset[Kind]
    is_flagged: bool
    top_first: bool
    rate: Fraction

    @property
    def is_progressive(self) -> bool:
        """Whether all frames are shown as they are stored."""
        return self.kinds <= {Kind.PROGRESSIVE}

    @property
    def usual(self) -> Kind:
        """The kind of blocks that do not show theirs."""
        return next(iter(self.kinds)) if len(self.kinds) == 1 else Kind.PROGRESSIVE

    @property
    def factor(self) -> Fraction:
        """Frames shown per frame stored; the highest where kinds are mixed."""
        if Kind.INTERLACED in self.kinds:
            return Fraction(2)
        is_film = self.kinds == {Kind.TELECINED} and has_pulldown(self.rate)
        return Fraction(4, 5) if is_film else Fraction(1)

    def describe(self, name: str) -> str:
        """Return what was found in the file `name`, as a sentence; "" if nothing is unusual."""
        if self.is_progressive:
            text = f"{name} is marked as interlaced, but its frames are progressive."
            return text if self.is_flagged else ""
        if len(self.kinds) > 1:
            parts = " and ".join(sorted(kind.value for kind in self.kinds))
            return f"{name} has {parts} parts; each is converted to progressive frames."
        order = "top" if self.top_first else "bottom"
        words = {
            Kind.INTERLACED: f"interlaced ({order} field first); each field becomes a frame",
            Kind.TELECINED: "telecined film; its film frames are restored",
            Kind.SHIFTED: "film with shifted fields; its film frames are restored",
        }
        marks = "" if self.is_flagged else ", although it is marked as progressive"
        return f"{name} is {words[next(iter(self.kinds))]}{marks}."


def detect_fields(windows: Iterable[Iterable[Timed]], grid: Grid) -> Detection:
    """Classify a sample of a video: windows of consecutive frames."""
    counts: dict[bool, Counter[Kind]] = {False: Counter(), True: Counter()}
    orders: Counter[bool] = Counter()
    flagged = False
    for window in windows:
        for near, at in list_neighbours(window, grid):
            flagged = flagged or near[at].is_flagged
            top_first = find_order(near, grid.top_first)
            orders[top_first] += 1
            for expected, kinds in counts.items():
                kinds[classify_block(near, at, top_first=top_first, expected=expected)] += 1
    found = _find_notable(counts[False])
    if not found <= {Kind.PROGRESSIVE}:
        found = _find_notable(counts[True])
    if grid.forced:
        found = frozenset({Kind.INTERLACED})
    return Detection(found, flagged, orders[True] >= orders[False], grid.rate)


def _find_notable(counts: Counter[Kind]) -> frozenset[Kind]:
    """Return the kinds that are not chance."""
    clear = counts.total() - counts[Kind.UNCLEAR]
    notable = max(_MIN_SHARE * clear, min(_MIN_BLOCKS, clear / 2))
    return frozenset(
        kind for kind, count in counts.items() if count >= notable and kind is not Kind.UNCLEAR
    )
