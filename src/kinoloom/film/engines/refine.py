"""The engine `refine`: the guesses of `fast`, judged and corrected by a small network.

The network (`nets.refine_net`, shipped as ONNX) looks at all guesses on the grid of the flow and
says which of their samples to trust; the mix is made as by `fast`. It runs by bands of rows, so
that large pictures need no more memory; a band sees as far as the network does, so that the
result is that of the whole.
"""

from __future__ import annotations

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.cards import REFINE as CARD
from kinoloom.film.engine import Engine, EngineOptions, ErrorMap, other_weights
from kinoloom.film.engines.fast import BYTES_BESIDE, Fast
from kinoloom.film.quality.error_estimate import error_of_network
from kinoloom.film.synthesis.candidates import Guess, View, guesses
from kinoloom.film.synthesis.mix import mix
from kinoloom.film.synthesis.refine import ANSWERS, Refined, padded, refined, seen
from kinoloom.motion.flow import Field
from kinoloom.runtime.onnx import open_model

_BAND_CELLS = 100_000
_CONTEXT = 32
"""Rows on either side of a band that the network also sees: more than it looks at."""
_NETWORK_BYTES = 300_000_000
"""For the network on one band."""


class Refine(Fast):
    """Interpolates as `fast` does, with the network's answers; see `film.engine.Interpolator`.

    Args:
        options: `weights` may name another .onnx file.

    Raises:
        WeightsError: the network cannot be read, or is another one.
    """

    bytes_beside = BYTES_BESIDE + _NETWORK_BYTES

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options)
        self._network = open_model(options.weights or CARD.file, ("seen",))

    def frame(
        self, first: Picture, second: Picture, pair: tuple[View, View], time: float
    ) -> tuple[Picture, ErrorMap]:
        """The picture at a time and its expected error, of a pair that was analysed."""
        better = self.judged(pair, time)
        made = mix(first, second, better.guesses, time, better.light)
        return made, error_of_network(better.error)

    def judged(self, pair: tuple[View, View], time: float) -> Refined:
        """The guesses at a time after the network's answers."""
        made = guesses(*pair, time)
        rows, columns = made[0].motion.shape[:2]
        answers = np.empty((len(made), ANSWERS, rows, columns), np.float32)
        rest = np.empty((4, rows, columns), np.float32)
        height = max(_BAND_CELLS // columns // 4 * 4, 4)
        for top in range(0, rows, height):
            begin, end = max(0, top - _CONTEXT), min(rows, top + height + _CONTEXT)
            said = self._look(pair, made, time, begin, end)
            inner = slice(top - begin, min(top + height, rows) - begin)
            answers[..., top : top + height, :] = said[0][..., inner, :]
            rest[..., top : top + height, :] = said[1][..., inner, :]
        return refined(made, answers, rest[:3], rest[3])

    def _look(
        self, pair: tuple[View, View], made: list[Guess], time: float, begin: int, end: int
    ) -> tuple[Field, Field]:
        """The answers on some rows; light and error, (4, rows, w)."""
        rows = [Guess(guess.motion[begin:end], guess.weights[begin:end]) for guess in made]
        looked = seen(pair[0].planes, pair[1].planes, rows, time, begin)
        height, width = looked.shape[2:]
        answers, light, error = self._network({"seen": padded(looked)[None]})
        return (
            answers[0, ..., :height, :width],
            np.concatenate([light[0], error[0]])[:, :height, :width],
        )


REFINE = Engine(
    name="refine",
    summary=CARD.summary,
    rank=15,
    make=Refine,
    missing=other_weights,
    least_bytes=Refine.bytes_beside,
    weights=lambda options: options.weights or CARD.file,
)
