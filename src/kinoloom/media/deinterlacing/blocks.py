"""Classify short blocks of frames: progressive, interlaced, telecined, or with shifted fields.

Film at 24 frames per second in 30 frames of video (3:2 pulldown) repeats every fifth frame time, so
a block has five frames. Each block is classified by the combing of its own frames, or with its
neighbours if it hardly moves, so that reading from any block gives the same result.

With top field first, the bottom field that fits a top field is its own or the one before it:

    progressive   always its own
    telecined     its own in three of five frames, the one before in the others
    shifted       always the one before (film in PAL whose fields are off by one)
    interlaced    neither: both are half a frame away

With bottom field first, the fields change places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from statistics import median

import av

from kinoloom.media.deinterlacing.combing import Combing

BLOCK_FRAMES = 5
NEIGHBOURS = 2
"""The most blocks on each side that help to classify a block."""
_MIN_MOVING = 0.002
_ENOUGH_ENERGY, _MIN_ENERGY = 0.15, 0.02
"""Mean energies of a frame: enough for a block alone, and the least that can be seen."""
_MIN_ORDER_RATIO = 1.05
"""If the energies of the two field orders differ by less, the pictures show none."""
_ONE_SIDED = 0.1
"""The fraction of the preference for one field below which it never prefers the other."""
_SOME, _MUCH, _MUCH_IF_MARKED, _MUCH_IF_MIXED, _MUCH_IF_SHIFTED = 0.2, 0.3, 0.4, 0.42, 0.45
"""The least preference for one of the two fields; see `_classify`."""
_NOISE_RATIO, _NOISE_RATIO_IF_MARKED, _PROGRESSIVE_RATIO = 1.25, 1.1, 1.3
"""In interlaced video, fields 1.5 frames apart comb more than neighbours, by this ratio at least;
in progressive video, all are one frame apart."""
_CLEAN, _FIT, _VISIBLE = 0.5, 0.9, 0.05
"""Two fields of one time comb less than these parts of the detail of each (in most video at most
0.4, in test charts 0.8), plus what nobody sees; fields of two times mostly more."""
_CUT_RATIO = 1.5
"""The most energy of one frame, relative to any other of its block."""
_REPEATED = 0.5
"""A repeated field changes less than this, relative to the median change."""


class Kind(Enum):
    """How the frames of a block were made; UNCLEAR if nothing shows it, as in still scenes."""

    UNCLEAR = "unclear"
    PROGRESSIVE = "progressive"
    INTERLACED = "interlaced"
    TELECINED = "telecined"
    SHIFTED = "shifted"


@dataclass(frozen=True)
class SourceFrame:
    """A decoded frame.

    Attributes:
        index: of its place on the even grid of frame times.
        time: in seconds.
        native: its samples, in a planar format.
        is_flagged: whether the stream marks it as interlaced.
        combing: with its neighbours.
    """

    index: int
    time: Fraction
    native: av.VideoFrame
    is_flagged: bool
    combing: Combing


@dataclass(frozen=True)
class Match:
    """How well the first field of a frame fits the second fields around it.

    Attributes:
        detail: of the fields of its own frame.
        own, before, far: energy with the second field of its own frame, of the frame before, and
            of the frame after.
        change, other_change: of the first and of the second field since the frame before.
    """

    detail: float
    own: float
    before: float
    far: float
    change: float
    other_change: float

    @property
    def is_clean(self) -> bool:
        """Whether its own fields are certainly of one time."""
        return self.own < _CLEAN * self.detail + _VISIBLE

    @property
    def is_fit(self) -> bool:
        """Whether one of the second fields may be of the time of the first."""
        return min(self.own, self.before) < _FIT * self.detail + _VISIBLE


@dataclass(frozen=True)
class Block:
    """Consecutive frames of one group of five frame times; frames may be missing."""

    number: int
    frames: tuple[SourceFrame, ...]

    @property
    def is_flagged(self) -> bool:
        """Whether the stream marks at least half of the frames as interlaced."""
        flagged = sum(frame.is_flagged for frame in self.frames)
        return 2 * flagged >= len(self.frames)


def find_order(blocks: Sequence[Block], usual: bool) -> bool:
    """Return whether the top field is first, `usual` if the pictures do not show it."""
    combings = [frame.combing for block in blocks for frame in block.frames]
    top_first = sum(each.bottom_before for each in combings)
    bottom_first = sum(each.top_before for each in combings)
    if max(top_first, bottom_first) < _MIN_ORDER_RATIO * min(top_first, bottom_first):
        return usual
    return top_first <= bottom_first


def list_matches(blocks: Sequence[Block], *, top_first: bool) -> list[Match]:
    """Return the matches of all frames of consecutive blocks."""
    combings = [frame.combing for block in blocks for frame in block.frames]
    if top_first:
        return [
            Match(c.detail, c.own, c.bottom_before, c.bottom_after, c.top_change, c.bottom_change)
            for c in combings
        ]
    return [
        Match(c.detail, c.own, c.top_before, c.top_after, c.bottom_change, c.top_change)
        for c in combings
    ]


def classify_block(
    blocks: Sequence[Block], at: int, *, top_first: bool, expected: bool = False
) -> Kind:
    """Classify a block. Its neighbours help if it moves little or is incomplete.

    Args:
        blocks: consecutive blocks.
        at: its position among them.
        top_first: the field order.
        expected: whether other parts of the video are known to be interlaced or telecined, which
            settles what marks in the stream settle otherwise.
    """
    marked = expected or blocks[at].is_flagged
    for reach in range(NEIGHBOURS + 1):
        near = blocks[max(0, at - reach) : at + reach + 1]
        frames = [frame for block in near for frame in block.frames]
        matches = _limit_cuts(list_matches(near, top_first=top_first))
        moving = sum(frame.combing.moving for frame in frames) / len(frames)
        energy = sum(match.own + match.before for match in matches) / len(frames)
        is_enough = len(frames) >= BLOCK_FRAMES and energy >= _ENOUGH_ENERGY
        is_visible = moving >= _MIN_MOVING and energy >= _MIN_ENERGY
        if is_enough or (is_visible and reach == NEIGHBOURS):
            return _classify(matches, marked=marked)
    return Kind.UNCLEAR


def _limit_cuts(matches: Sequence[Match]) -> list[Match]:
    """Limit the energy of a frame after a cut, whose fields before it are of another scene."""
    totals = [match.own + match.before for match in matches]
    limit = _CUT_RATIO * sorted(totals)[-2] if len(totals) > 1 else totals[0]
    return [
        replace(
            match,
            detail=match.detail * limit / total,
            own=match.own * limit / total,
            before=match.before * limit / total,
            far=match.far * limit / total,
        )
        if total > limit
        else match
        for match, total in zip(matches, totals, strict=True)
    ]


def _classify(matches: Sequence[Match], *, marked: bool) -> Kind:
    """Classify frames by the sums of their energies.

    `preference` is 0 where both fields fit equally well and 1 where one fits perfectly; `shifted`
    is the fraction of it that prefers the field before. Interlaced is the safe answer where fields
    comb: a deinterlaced progressive frame is only a little softer.
    """
    total = sum(match.own + match.before for match in matches)
    differences = [match.own - match.before for match in matches]
    apart = sum(map(abs, differences))
    preference = apart / total
    shifted = sum(max(0.0, each) for each in differences) / apart if apart else 0.0
    detail, own, before, far = (
        sum(getattr(match, name) for match in matches)
        for name in ("detail", "own", "before", "far")
    )
    limit = _FIT * detail + _VISIBLE * len(matches)
    best = sorted(min(match.own, match.before) for match in matches)
    if shifted < _ONE_SIDED:
        much = _MUCH_IF_MARKED if marked else _MUCH
        sure = preference > much or (preference > _SOME and far < _PROGRESSIVE_RATIO * before)
        if sure and own < limit:
            return Kind.PROGRESSIVE
    elif shifted > 1 - _ONE_SIDED:
        if preference > _MUCH_IF_SHIFTED and before < limit:
            return Kind.SHIFTED
    elif sum(best[:-1]) < limit and (  # a cut may leave one frame without a fitting field
        preference > _MUCH_IF_MIXED or (preference > _SOME and _repeats_fields(matches))
    ):
        return Kind.TELECINED
    near = sum(max(match.own, match.before) for match in matches)
    ratio = _NOISE_RATIO_IF_MARKED if marked else _NOISE_RATIO
    is_noise = preference < _MUCH and far < ratio * near
    if is_noise:
        return Kind.PROGRESSIVE
    return Kind.UNCLEAR if sum(best[:-1]) < _CLEAN * detail else Kind.INTERLACED


def _repeats_fields(matches: Sequence[Match]) -> bool:
    """Whether each field repeats once in every five frames, the second two frames later."""
    first, second = (
        [match.change for match in matches],
        [match.other_change for match in matches],
    )
    lowest, other = (changes.index(min(changes)) for changes in (first, second))
    return (
        len(matches) >= BLOCK_FRAMES
        and (other - lowest) % BLOCK_FRAMES == 2
        and all(min(each) < _REPEATED * median(each) for each in (first, second))
    )
