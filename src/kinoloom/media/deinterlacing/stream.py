"""Turn decoded frames of any kind into progressive frames, as they are read.

In: frames in order of time; the combing of each is measured on the way. Out: for each block (see
`blocks`)

    progressive   its frames, as decoded
    interlaced    two frames for each, half a frame time apart
    telecined     the film frames, evenly spaced over the block
    shifted       its frames, joined from fields of two

An unclear block is of the kind of its nearest neighbours, if they agree.

Each block depends only on a few blocks around it, so reading that starts in the middle of a video
gives the same frames as reading from its start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, groupby
from typing import TypeVar

import av

from kinoloom.media.deinterlacing.blocks import (
    BLOCK_FRAMES,
    NEIGHBOURS,
    Block,
    Kind,
    SourceFrame,
    classify_block,
    find_order,
)
from kinoloom.media.deinterlacing.combing import NO_COMBING, measure_combing, split_fields
from kinoloom.media.deinterlacing.rendering import Labelled, Renderer
from kinoloom.media.video.planes import find_layout, repack

T = TypeVar("T")
Timed = tuple[Fraction, av.VideoFrame]
"""A time in seconds and the frame shown from then on."""
CONTEXT_FRAMES = (3 * NEIGHBOURS + 2) * BLOCK_FRAMES
"""Frames to read before a time so that the frames from that time on are as from the start."""


@dataclass(frozen=True)
class Grid:
    """The even grid of frame times of a video.

    Attributes:
        begin: time of the first frame, in seconds.
        rate: frames per second as stored; nominal if it varies.
        top_first: the field order where the pictures do not show it.
        expected: whether parts are known to be interlaced or telecined.
        usual: the kind of blocks that neither they nor their neighbours show.
        forced: treat all frames as interlaced.
    """

    begin: Fraction
    rate: Fraction
    top_first: bool = True
    expected: bool = False
    usual: Kind = Kind.PROGRESSIVE
    forced: bool = False

    def index(self, time: Fraction) -> int:
        """Return the place of a time on the grid."""
        return round((time - self.begin) * self.rate)


def deinterlace(frames: Iterable[Timed], grid: Grid) -> Iterator[Timed]:
    """Yield progressive frames at increasing times.

    Args:
        frames: decoded frames of one size and format, in order of time.
        grid: their times.
    """
    renderer = Renderer(grid.rate)
    labels = _settle(label_blocks(frames, grid), grid)
    for before, here, after in _windows(labels, 1):
        yield from renderer.render(before[0] if before else None, here, after[0] if after else None)


def label_blocks(frames: Iterable[Timed], grid: Grid) -> Iterator[Labelled]:
    """Yield the blocks of a video, classified."""
    for near, at in list_neighbours(frames, grid):
        top_first = find_order(near, grid.top_first)
        kind = Kind.INTERLACED
        if not grid.forced:
            kind = classify_block(near, at, top_first=top_first, expected=grid.expected)
        yield Labelled(near[at], kind, top_first)


def _settle(labels: Iterable[Labelled], grid: Grid) -> Iterator[Labelled]:
    """Yield the blocks with the unclear ones classified by their neighbours."""
    for before, here, after in _windows(labels, NEIGHBOURS):
        if here.kind is Kind.UNCLEAR:
            nearest = {_find_clear(reversed(before)), _find_clear(after)} - {Kind.UNCLEAR}
            here = replace(here, kind=nearest.pop() if len(nearest) == 1 else grid.usual)
        yield here


def _find_clear(labels: Iterable[Labelled]) -> Kind:
    """Return the kind of the first block that shows it."""
    kinds = (label.kind for label in labels if label.kind is not Kind.UNCLEAR)
    return next(kinds, Kind.UNCLEAR)


def list_neighbours(frames: Iterable[Timed], grid: Grid) -> Iterator[tuple[list[Block], int]]:
    """Yield each block with those around it, as consecutive blocks and its position."""
    blocks = (
        Block(number, tuple(inside))
        for number, inside in groupby(
            _measure(frames, grid), lambda frame: frame.index // BLOCK_FRAMES
        )
    )
    for before, here, after in _windows(blocks, NEIGHBOURS):
        yield [*before, here, *after], len(before)


def _measure(frames: Iterable[Timed], grid: Grid) -> Iterator[SourceFrame]:
    """Yield the frames with their combing; after the last one, time is mirrored."""
    fielded = ((time, native, split_fields(native)) for time, native in frames)
    for before, (time, native, here), after in _windows(fielded, 1):
        combing = NO_COMBING
        if before:
            combing = measure_combing(before[0][2], here, (after or before)[0][2])
        planar = repack(native, find_layout(native.format.name).planar)
        yield SourceFrame(grid.index(time), time, planar, native.interlaced_frame, combing)


def _windows(items: Iterable[T], reach: int) -> Iterator[tuple[list[T], T, list[T]]]:
    """Yield each item with up to `reach` items before and after it."""
    near: list[T | None] = [None] * reach
    padding: list[T | None] = [None] * reach
    for item in chain(items, padding):
        near.append(item)
        if len(near) > 2 * reach:
            middle = near[reach]
            if middle is not None:
                before = [each for each in near[:reach] if each is not None]
                yield before, middle, [each for each in near[reach + 1 :] if each is not None]
            del near[0]
