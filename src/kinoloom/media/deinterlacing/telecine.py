"""Invert telecine: which frames of a block show a new film frame, and which fields to join.

In 3:2 pulldown, one of five frames has the first field of the frame before it again. Joining each
first field with the second field that fits it gives every film frame once, and one of them twice.
After a cut in the video the cadence may continue at another place: a block around the cut can have
none or two repeated frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from statistics import median

from kinoloom.media.deinterlacing.blocks import BLOCK_FRAMES, Block, Match, list_matches

_PULLDOWN_RATES = (Fraction(299, 10), Fraction(301, 10))
"""Frames per second between which 3:2 pulldown occurs: 30000/1001 and 30."""
_CLEAR, _CLEARER = 0.6, 0.5
"""A repeated frame changes less than this, relative to the median of the others."""
_UNFIT = 2.5
"""Fields whose energy is above this many times the usual one are not of one film frame."""


def has_pulldown(rate: Fraction) -> bool:
    """Whether video of a rate can be film with 3:2 pulldown."""
    return _PULLDOWN_RATES[0] <= rate <= _PULLDOWN_RATES[1]


def find_repeats(
    blocks: Sequence[Block], at: int, rate: Fraction, *, top_first: bool, certain: bool
) -> set[int]:
    """Return the positions of the frames of a block that repeat the one before.

    Args:
        blocks: consecutive blocks of telecined video.
        at: the block's position among them.
        rate: frames per second.
        top_first: whether the top field is first.
        certain: whether the block has a repeated frame even if none is clear.
    """
    if not has_pulldown(rate):
        return set()
    changes = _list_changes(blocks[at], top_first=top_first)
    if len(changes) < BLOCK_FRAMES:
        clear = _find_clear(changes)
        return set() if clear is None else {clear}
    own = _find_clear(changes)
    around = {
        place
        for near in (*blocks[max(0, at - 1) : at], *blocks[at + 1 : at + 2])
        if (place := _find_clear(_list_changes(near, top_first=top_first))) is not None
    }
    if len(around) > 1:  # the cadence breaks here
        others = [change for place, change in enumerate(changes) if place not in around]
        return {place for place in around if changes[place] < _CLEARER * median(others)}
    if own is not None or not certain:
        return set() if own is None else {own}
    if around and _is_moving(changes):
        return {place for place in around if changes[place] < median(changes)}
    return around or {changes.index(min(changes))}


def find_unfit(matches: Sequence[Match], near: Sequence[Match]) -> list[bool]:
    """Return for each frame whether neither field fits its first one.

    Args:
        matches: of the frames.
        near: of these and the frames around them; most of them fit.
    """
    usual = median(min(match.own, match.before) for match in near)
    return [min(match.own, match.before) > _UNFIT * usual and not match.is_fit for match in matches]


def _list_changes(block: Block, *, top_first: bool) -> list[float]:
    return [match.change for match in list_matches([block], top_first=top_first)]


def _find_clear(changes: Sequence[float]) -> int | None:
    """Return the position of the one change that is clearly below the others."""
    if len(changes) < 3:
        return None
    place = changes.index(min(changes))
    others = [*changes[:place], *changes[place + 1 :]]
    return place if changes[place] < _CLEAR * min(median(others), 2 * min(others)) else None


def _is_moving(changes: Sequence[float]) -> bool:
    return max(changes) > 0
