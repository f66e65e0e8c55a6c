"""The engine `deep`: the motion that a network sees, beside the guesses of `fast`.

Optical flow and a network fail at different places, so the mean of what both make is better than
either. The network is the one of RIFE HDv3 (`nets.flow_net`, shipped as ONNX, run without torch).
It is asked once a pair, on pictures of the size of the grid of `fast`; each time is made from that
one answer (`film.middle`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.cards import DEEP as CARD
from kinoloom.film.engine import Engine, EngineOptions, ErrorMap
from kinoloom.film.engines.fast import BYTES_BESIDE, Fast, colours
from kinoloom.film.expected import error_of_fit
from kinoloom.film.flow import Field
from kinoloom.film.guesses import Guess, guesses_and_fit, sharpened
from kinoloom.film.middle import Middle, at
from kinoloom.film.mix import mix
from kinoloom.runtime.models import require_weights
from kinoloom.runtime.onnx import open_model

_MULTIPLE = CARD.size_multiple
_LEAST_SIDE = 2 * _MULTIPLE
_MOST_CELLS = 500_000
"""The network looks at no more pixels than that."""
_NETWORK_BYTES = 500_000_000
"""For the network on that many."""


class Deep(Fast):
    """Interpolates by two views of the motion; see `film.engine.Interpolator`.

    Args:
        options: `weights` is not used.
    """

    bytes_beside = BYTES_BESIDE + _NETWORK_BYTES

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options)
        self._network = open_model(require_weights(CARD), ("first", "second"))

    def frames(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[tuple[Picture, ErrorMap]]:
        """See `Fast.frames`. The error is that of the guesses of `fast`, which is rather larger."""
        pair, middle = self.analyse(first, second), self.middle(first, second)
        for time in times:
            made, fit = guesses_and_fit(*pair, time)
            both = [*_halved(made), *_halved(at(middle, time))]
            if self.options.look == "sharp":
                both = sharpened(both, made[0].motion.shape[:2])
            yield mix(first, second, both, time), error_of_fit(fit)

    def middle(self, first: Picture, second: Picture) -> Middle:
        """What the network says of two pictures of one shape."""
        rows, columns = self._looked_at(first)
        planes = [_planes(picture, rows, columns) for picture in (first, second)]
        motion, mask = self._network({"first": planes[0], "second": planes[1]})
        ways = np.moveaxis(motion[0], 0, 2)
        return Middle(
            np.ascontiguousarray(-2 * ways[..., :2]),
            np.ascontiguousarray(2 * ways[..., 2:]),
            1 / (1 + np.exp(-mask[0, 0])),
        )

    def _looked_at(self, picture: Picture) -> tuple[int, int]:
        """Rows and columns that the network looks at, multiples of what it takes."""
        rows, columns = self._grid(picture)
        scale = min(1.0, sqrt(_MOST_CELLS / (rows * columns)))
        fitted = (round(side * scale / _MULTIPLE) * _MULTIPLE for side in (rows, columns))
        rows, columns = (max(_LEAST_SIDE, side) for side in fitted)
        return rows, columns


def _planes(picture: Picture, rows: int, columns: int) -> Field:
    """(1, 3, rows, columns) in 0..1."""
    small = colours(picture, rows, columns) / np.float32(255)
    return np.ascontiguousarray(np.moveaxis(small, 2, 0)[None])


def _halved(guesses: Sequence[Guess]) -> list[Guess]:
    return [Guess(guess.motion, guess.weights * np.float32(0.5)) for guess in guesses]


def _missing(options: EngineOptions) -> str:
    """Weights that were named are those of another engine, which `auto` then asks."""
    if options.weights is None:
        return ""
    return f"it has its own weights and cannot use {options.weights}. Leave out --weights."


DEEP = Engine(
    name="deep",
    summary=CARD.summary,
    rank=25,
    make=Deep,
    missing=_missing,
    least_bytes=Deep.bytes_beside,
    weights=lambda options: CARD.file,
    looks=("mean", "sharp"),
)
