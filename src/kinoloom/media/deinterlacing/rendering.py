"""Render the progressive frames of classified blocks; see `stream`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av

from kinoloom.media.deinterlacing.blocks import Block, Kind, Match, SourceFrame, list_matches
from kinoloom.media.deinterlacing.fields import Deinterlacer, join_fields
from kinoloom.media.deinterlacing.telecine import find_repeats, find_unfit


@dataclass(frozen=True)
class Labelled:
    """A block, its kind, and whether its top field is first."""

    block: Block
    kind: Kind
    top_first: bool


class Renderer:
    """Renders blocks in order.

    Args:
        rate: frames per second as stored.
    """

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
        self._deinterlacer = Deinterlacer()

    def render(
        self, before: Labelled | None, here: Labelled, after: Labelled | None
    ) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        """Yield the times and progressive frames of a block between its neighbours."""
        scene = _Scene(before, here, after)
        if scene.is_film:
            yield from self._join(scene)
            return
        for place, match in enumerate(scene.matches):
            if scene.is_interlaced(match):
                yield from self._split(scene, place)
            else:
                frame = here.block.frames[place]
                yield frame.time, _as_progressive(frame)

    def _split(self, scene: _Scene, place: int) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        """Yield the two frames of an interlaced frame."""
        time, after = scene.here.block.frames[place].time, scene.neighbour(place, 1)
        is_next = after is not None and after.time - time < 2 / self._rate
        length = after.time - time if after is not None and is_next else 1 / self._rate
        first, second = self._interpolate(scene, place)
        yield time, first
        yield time + length / 2, second

    def _interpolate(self, scene: _Scene, place: int) -> tuple[av.VideoFrame, av.VideoFrame]:
        before, after = scene.neighbour(place, -1), scene.neighbour(place, 1)
        return self._deinterlacer.split(
            before.native if before else None,
            scene.here.block.frames[place].native,
            after.native if after else None,
            top_first=scene.here.top_first,
        )

    def _join(self, scene: _Scene) -> Iterator[tuple[Fraction, av.VideoFrame]]:
        """Yield the film frames of a block."""
        frames, unfit = scene.here.block.frames, find_unfit(scene.matches, scene.near_matches)
        kept = scene.find_new_frames(self._rate)
        for time, place in zip(_space_evenly(frames, kept, self._rate), kept, strict=True):
            before, match = scene.neighbour(place, -1), scene.matches[place]
            if unfit[place]:  # other pictures over the film, or a field that a cut left alone
                yield time, self._interpolate(scene, place)[0]
                continue
            own = before is None or match.own <= match.before
            if own or before is None:
                yield time, _as_progressive(frames[place])
                continue
            first, second = frames[place].native, before.native
            yield time, join_fields(first, second, top_first=scene.here.top_first)


@dataclass(frozen=True)
class _Scene:
    """A block between its neighbours."""

    before: Labelled | None
    here: Labelled
    after: Labelled | None

    @property
    def matches(self) -> list[Match]:
        return list_matches([self.here.block], top_first=self.here.top_first)

    @property
    def near_matches(self) -> list[Match]:
        """The matches of this block and its neighbours."""
        return list_matches([each.block for each in self._near], top_first=self.here.top_first)

    @property
    def _near(self) -> list[Labelled]:
        return [each for each in (self.before, self.here, self.after) if each is not None]

    @property
    def is_film(self) -> bool:
        """Whether film frames are restored; a block around a cut may look progressive."""
        kinds = {each.kind for each in self._near}
        film = Kind.TELECINED in kinds and Kind.INTERLACED not in kinds
        return self.here.kind in (Kind.TELECINED, Kind.SHIFTED) or film

    def neighbour(self, place: int, step: int) -> SourceFrame | None:
        """Return the frame before (step -1) or after (1) the one at a place."""
        frames = [frame for each in self._near for frame in each.block.frames]
        at = place + step + (len(self.before.block.frames) if self.before else 0)
        return frames[at] if 0 <= at < len(frames) else None

    def is_interlaced(self, match: Match) -> bool:
        """Whether a frame is interlaced: as its block, unless it looks like its neighbours."""
        kinds = {each.kind for each in self._near}
        if self.here.kind is Kind.INTERLACED:
            return not (Kind.PROGRESSIVE in kinds and match.is_clean)
        return Kind.INTERLACED in kinds and not match.is_clean

    def find_new_frames(self, rate: Fraction) -> list[int]:
        """Return the places of frames that do not repeat a film frame."""
        near = self._near
        repeats = find_repeats(
            [each.block for each in near],
            near.index(self.here),
            rate,
            top_first=self.here.top_first,
            certain=self.here.kind is not Kind.PROGRESSIVE,
        )
        return [place for place in range(len(self.here.block.frames)) if place not in repeats]


def _as_progressive(frame: SourceFrame) -> av.VideoFrame:
    """Return the frame without the mark of interlaced frames."""
    native = frame.native
    return join_fields(native, native, top_first=True) if frame.is_flagged else native


def _space_evenly(
    frames: tuple[SourceFrame, ...], kept: list[int], rate: Fraction
) -> list[Fraction]:
    """Return the times of the frames kept, evenly spaced if none is missing in the file."""
    last = len(frames) - 1
    begin, is_whole = frames[0].time, frames[last].index - frames[0].index == last
    if not is_whole or frames[last].time - begin != last / rate:
        return [frames[place].time for place in kept]
    return [begin + len(frames) / rate * Fraction(order, len(kept)) for order in range(len(kept))]
