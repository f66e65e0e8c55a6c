"""The engine `deep`: the candidates of `fast`, plus the motion estimated by a network.

Optical flow and a network fail in different places, so the mean of their frames is better than
either. The network is that of RIFE HDv3 (`nets.flow_net`, shipped as ONNX, run without torch). It
runs once per pair, on images of the size of the grid of `fast`; its output serves all times
(`film.synthesis.midpoint_flow`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.cards import DEEP as CARD
from kinoloom.film.engine import Engine, EngineOptions, ErrorMap
from kinoloom.film.engines.fast import WORKING_MEMORY_BYTES, Fast, choose_scale, resize_colors
from kinoloom.film.quality.error_estimate import estimate_error
from kinoloom.film.synthesis.blending import blend_candidates
from kinoloom.film.synthesis.candidates import (
    Candidate,
    build_candidates_with_fit,
    sharpen_candidates,
)
from kinoloom.film.synthesis.midpoint_flow import project_midpoint_flow
from kinoloom.motion.flow_network import FlowNetwork, MidpointFlow, network_size

_NETWORK_BYTES = 500_000_000
"""Memory of the network at its largest input, with a margin."""
_FIXED_NETWORK_BYTES = 40_000_000
_NETWORK_BYTES_PER_CELL = 460
"""Measured, as the fixed part."""


class Deep(Fast):
    """Interpolation by optical flow and a flow network; see `film.engine.Interpolator`.

    Args:
        options: `weights` is not used.
    """

    working_memory_bytes = WORKING_MEMORY_BYTES + _NETWORK_BYTES

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options)
        self._network = FlowNetwork()

    @classmethod
    def estimate_working_memory(cls, height: int, width: int, options: EngineOptions) -> int:
        """Return the memory of the network on the finest grid, in bytes."""
        scale = choose_scale(height, width, options)
        rows, columns = network_size(ceil(height * scale), ceil(width * scale))
        network = _FIXED_NETWORK_BYTES + _NETWORK_BYTES_PER_CELL * rows * columns
        return min(WORKING_MEMORY_BYTES + network, cls.working_memory_bytes)

    def render_frames(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[tuple[Picture, ErrorMap]]:
        """Render as `Fast.render_frames`; the error is that of `fast`, an upper estimate."""
        pair, midpoint = self.analyse(first, second), self.estimate_midpoint_flow(first, second)
        for time in times:
            candidates, fit = build_candidates_with_fit(*pair, time)
            both = [
                *_halve_weights(candidates),
                *_halve_weights(project_midpoint_flow(midpoint, time)),
            ]
            if self.options.look == "sharp":
                both = sharpen_candidates(both, candidates[0].motion.shape[:2])
            yield blend_candidates(first, second, both, time), estimate_error(fit)

    def estimate_midpoint_flow(self, first: Picture, second: Picture) -> MidpointFlow:
        """Run the flow network on two images of one shape."""
        rows, columns = network_size(*self._choose_grid(first))
        small = (resize_colors(image, rows, columns) / np.float32(255) for image in (first, second))
        return self._network(*small)


def _halve_weights(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [Candidate(each.motion, each.weights * np.float32(0.5)) for each in candidates]


def _explain_missing(options: EngineOptions) -> str:
    """Reject user-supplied weights: they belong to another engine, which `auto` then selects."""
    if options.weights is None:
        return ""
    return f"it uses its own weights and cannot use {options.weights}. Leave out --weights."


DEEP = Engine(
    name="deep",
    summary=CARD.summary,
    rank=25,
    build=Deep,
    missing=_explain_missing,
    min_memory_bytes=Deep.working_memory_bytes,
    weights=lambda options: CARD.file,
    looks=("mean", "sharp"),
    estimate_memory=Deep.estimate_memory,
)
