"""The engine `deep`: the motion that a network sees, beside the guesses of `fast`.

Optical flow and a network fail at different places, so the mean of what both make is better than
either. The network is the one of RIFE HDv3 (`nets.flow_net`, shipped as ONNX, run without torch).
It is asked once a pair, on pictures of the size of the grid of `fast`; each time is made from that
one answer (`film.synthesis.midpoint_flow`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.cards import DEEP as CARD
from kinoloom.film.engine import Engine, EngineOptions, ErrorMap
from kinoloom.film.engines.fast import BYTES_BESIDE, Fast, colours
from kinoloom.film.quality.error_estimate import error_of_fit
from kinoloom.film.synthesis.candidates import Guess, guesses_and_fit, sharpened
from kinoloom.film.synthesis.midpoint_flow import at
from kinoloom.film.synthesis.mix import mix
from kinoloom.motion.flow_network import FlowNetwork, MidpointFlow, network_size

_NETWORK_BYTES = 500_000_000
"""For the network on as many pixels as it takes."""


class Deep(Fast):
    """Interpolates by two views of the motion; see `film.engine.Interpolator`.

    Args:
        options: `weights` is not used.
    """

    bytes_beside = BYTES_BESIDE + _NETWORK_BYTES

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options)
        self._network = FlowNetwork()

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

    def middle(self, first: Picture, second: Picture) -> MidpointFlow:
        """What the network says of two pictures of one shape."""
        rows, columns = network_size(*self._grid(first))
        small = (colours(picture, rows, columns) / np.float32(255) for picture in (first, second))
        return self._network(*small)


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
