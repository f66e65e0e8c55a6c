"""Views: which part of a picture a preview shows, and what has to be computed for it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

from kinoloom.base.arrays import Picture
from kinoloom.enhance.filters.filter import TILE_STEP_PX
from kinoloom.enhance.pictures.resizing import resize

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Box:
    """A rectangle of a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, picture: Picture) -> Picture:
        """Return this part of a picture, (H, W, C), as a view."""
        rows = slice(self.top, self.top + self.height)
        return picture[rows, self.left : self.left + self.width]

    def grow(self, margin_px: int, size: Size) -> Box:
        """Return the box with a margin, from a multiple of `TILE_STEP_PX`, inside a picture."""
        left, top = (
            max(0, start - margin_px) // TILE_STEP_PX * TILE_STEP_PX
            for start in (self.left, self.top)
        )
        right = min(size[0], self.left + self.width + margin_px)
        bottom = min(size[1], self.top + self.height + margin_px)
        return Box(left, top, right - left, bottom - top)

    def scale(self, source: Size, result: Size) -> Box:
        """Return the box in a picture of another size."""
        left, right = (
            round(x * result[0] / source[0]) for x in (self.left, self.left + self.width)
        )
        top, bottom = (round(y * result[1] / source[1]) for y in (self.top, self.top + self.height))
        return Box(left, top, max(1, right - left), max(1, bottom - top))


@dataclass(frozen=True)
class Region:
    """A region at full size, computed with a margin so that it equals that of the whole picture.

    Attributes:
        size: of the source.
        shown: what is shown of it.
        outer: the same with its margin.
    """

    size: Size
    shown: Box
    outer: Box

    is_reduced = False

    @property
    def computed(self) -> Size:
        """The size of what `take` returns."""
        return self.outer.width, self.outer.height

    def take(self, picture: Picture) -> Picture:
        """Return what the work gets, from a picture of the source, (H, W, C)."""
        return self.outer.cut(picture)

    def find_size(self, result: Size) -> Size:
        """Return the size of the work's result, for the size of the whole result."""
        scaled = self.outer.scale(self.size, result)
        return scaled.width, scaled.height

    def finish(self, picture: Picture, result: Size) -> Picture:
        """Return what is shown, from the work's result and the size of the whole result."""
        outer = self.outer.scale(self.size, result)
        shown = self.shown.scale(self.size, result)
        inner = Box(shown.left - outer.left, shown.top - outer.top, shown.width, shown.height)
        return inner.cut(picture)


@dataclass(frozen=True)
class Overview:
    """The whole picture, reduced before the work if it is large.

    Attributes:
        size: of the source.
        computed: of what the work gets.
    """

    size: Size
    computed: Size

    @property
    def shown(self) -> Box:
        """The part of the source: all of it."""
        return Box(0, 0, *self.size)

    @property
    def is_reduced(self) -> bool:
        """Whether the source is reduced before the work."""
        return self.computed != self.size

    def take(self, picture: Picture) -> Picture:
        """See `Region`."""
        return resize(picture, *self.computed)

    def find_size(self, result: Size) -> Size:
        """See `Region`."""
        wide, high = (
            round(own * large / side)
            for own, large, side in zip(self.computed, result, self.size, strict=True)
        )
        return max(1, wide), max(1, high)

    def finish(self, picture: Picture, result: Size) -> Picture:
        """See `Region`."""
        return picture


View = Region | Overview
"""A part of a picture, and what is computed for it."""


def choose_region(
    size: Size, result: Size, centre: tuple[float, float], most: Size, margin_px: int
) -> Region:
    """Return a region of a picture.

    Args:
        size: of the source.
        result: of the whole result.
        centre: of the region, as shares of width and height, 0..1.
        most: largest size of the region, in pixels of the result.
        margin_px: of the work around it, in pixels of the source.
    """
    box = []
    for side, large, share, limit in zip(size, result, centre, most, strict=True):
        length = max(1, min(side, ceil(limit * side / large)))
        start = round(share * side - length / 2)
        box.append((min(max(start, 0), side - length), length))
    (left, width), (top, height) = box
    shown = Box(left, top, width, height)
    return Region(size, shown, shown.grow(margin_px, size))


def choose_overview(size: Size, most_pixels: int) -> Overview:
    """Return the whole picture, with at most a number of pixels for the work."""
    factor = min(1.0, sqrt(most_pixels / (size[0] * size[1])))
    computed = max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
    return Overview(size, computed)
