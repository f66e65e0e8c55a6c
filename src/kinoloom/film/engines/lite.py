"""The engine `lite`: a small network of our own that finds motion, mask and light by itself.

The network (`nets.lite_net`, as ONNX, run without torch) looks at a pair and a time, and once more
with time running backwards; the mean of what it says is mixed at the pictures' own size by
`film.synthesis.mix`, as the guesses of other engines are. Pictures that are larger than it may look
at are made smaller for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.cards import LITE as CARD
from kinoloom.film.engine import Engine, EngineOptions, ErrorMap, other_weights
from kinoloom.film.engines.fast import colours
from kinoloom.film.quality.error_estimate import OF_LITE, error_of_fit
from kinoloom.film.synthesis.candidates import Guess, fit_of
from kinoloom.film.synthesis.mix import mix
from kinoloom.film.synthesis.preprocess import judged_frames
from kinoloom.motion.flow import Field, Flow, resize_flow
from kinoloom.runtime.onnx import open_model

_MULTIPLE = CARD.size_multiple
_LEAST_SIDE = 2 * _MULTIPLE
_MOST_PIXELS = 1_000_000
"""The network looks at no more than that."""
_BYTES_PER_PIXEL = 400
_LEAST_BYTES = 120_000_000
_INPUTS = ("first", "second", "time")


class Answers(NamedTuple):
    """What the network says of a time, on the grid that it looked at.

    Attributes:
        before, after: (h, w, 2), the whole way from first to second, going by either.
        share: (h, w) in 0..1, how much of the frame is of the first picture.
        light: (h, w, 3), what is added.
    """

    before: Flow
    after: Flow
    share: Field
    light: Field


class Lite:
    """Interpolates by one network; see `film.engine.Interpolator`.

    Args:
        options: `weights` names an .onnx file, or is None for the shipped one.

    Raises:
        WeightsError: they cannot be read, or are of another network.
    """

    def __init__(self, options: EngineOptions) -> None:
        file = options.weights or CARD.file
        assert file is not None
        self.options = options
        self._network = open_model(file, _INPUTS)

    def between(self, first: Picture, second: Picture, times: Sequence[float]) -> Iterator[Picture]:
        """Yield one picture for each time; equal pictures give themselves.

        Raises:
            ArrayError: the pictures differ in shape or dtype.
        """
        return (made for made, _ in self.between_with_errors(first, second, times))

    def between_with_errors(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[tuple[Picture, ErrorMap]]:
        """As `between`, each picture with its expected error."""
        return judged_frames(first, second, times, self._frames)

    def _frames(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[tuple[Picture, ErrorMap]]:
        size = self._looked_at(first)
        small1, small2 = (colours(picture, *size) for picture in (first, second))
        one, other = _planes(small1), _planes(small2)
        for time in times:
            answers = self._answers(one, other, size, time)
            back = _turned(self._answers(other, one, size, 1 - time))
            made = [guess for each in (answers, back) for guess in _half_guesses(each)]
            fit = fit_of(small1, small2, [guess.motion for guess in made], time)
            light = np.float32(0.5) * (answers.light + back.light)
            yield mix(first, second, made, time, light), error_of_fit(fit, OF_LITE)

    def flows(self, first: Picture, second: Picture) -> None:
        """It knows the motion of the moments between, not that of either picture."""

    def _answers(self, first: Field, second: Field, size: tuple[int, int], time: float) -> Answers:
        rows, columns = size
        moment = np.full((1, 1, 1, 1), time, np.float32)
        given = dict(zip(_INPUTS, (first, second, moment), strict=True))
        motion, mask, light = self._network(given)
        ways = np.moveaxis(motion[0, :, : rows // 2, : columns // 2], 0, 2)
        before, after = (
            resize_flow(np.ascontiguousarray(way), rows, columns)
            for way in (ways[..., :2], ways[..., 2:])
        )
        share = np.asarray(1 / (1 + np.exp(-mask[0, 0, :rows, :columns])), np.float32)
        added = np.ascontiguousarray(np.moveaxis(light[0, :, :rows, :columns], 0, 2))
        return Answers(before, after, share, added)

    def _looked_at(self, picture: Picture) -> tuple[int, int]:
        """Rows and columns that the network looks at, even."""
        height, width = picture.shape[:2]
        free = (self.options.memory_bytes - 3 * picture.nbytes) / _BYTES_PER_PIXEL
        most = min(_MOST_PIXELS, max(free, _LEAST_SIDE**2))
        scale = min(1.0, sqrt(most / (height * width)))
        rows, columns = (max(2, 2 * round(side * scale / 2)) for side in (height, width))
        return rows, columns


def _turned(said: Answers) -> Answers:
    """What is said of second and first, as said of first and second."""
    return Answers(-said.after, -said.before, 1 - said.share, said.light)


def _half_guesses(said: Answers) -> list[Guess]:
    """Both motions as guesses whose weights sum to a half."""
    half, none = said.share / 2, np.zeros_like(said.share)
    return [
        Guess(said.before, np.dstack([half, none])),
        Guess(said.after, np.dstack([none, np.float32(0.5) - half])),
    ]


def _planes(small: Field) -> Field:
    """(1, 3, H, W) in 0..1, the edges repeated to sides that the network takes."""
    more = [(0, max(-side % _MULTIPLE, _LEAST_SIDE - side)) for side in small.shape[:2]]
    padded = np.pad(small / np.float32(255), [*more, (0, 0)], mode="edge")
    return np.ascontiguousarray(np.moveaxis(padded, 2, 0)[None])


LITE = Engine(
    name="lite",
    summary=CARD.summary,
    rank=12,
    make=Lite,
    missing=other_weights,
    least_bytes=_LEAST_BYTES,
    weights=lambda options: options.weights or CARD.file,
)
