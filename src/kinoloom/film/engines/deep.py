"""The engine `deep`: the candidates of `fast`, plus the motion estimated by a network.

Optical flow and a network fail in different places, so the mean of their frames is better than
either. The network is that of RIFE HDv3 (`nets.flow_net`, shipped as ONNX, run without torch). It
runs once per pair, on images of the size of the grid of `fast`; its output serves all times
(`film.synthesis.midpoint_flow`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.cards import DEEP as CARD
from kinoloom.film.engine import Engine, EngineOptions, NewFrames
from kinoloom.film.engines.fast import WORKING_MEMORY_BYTES, Fast, resize_colors
from kinoloom.film.quality.error_estimate import estimate_error
from kinoloom.film.synthesis.blending import blend_candidates
from kinoloom.film.synthesis.candidates import Candidate, build_candidates
from kinoloom.film.synthesis.midpoint_flow import project_midpoint_flow
from kinoloom.film.synthesis.preprocess import interpolate_pair
from kinoloom.motion.flow import Flow
from kinoloom.motion.flow_network import FlowNetwork, MidpointFlow, network_size

_NETWORK_BYTES = 500_000_000
"""Memory of the network at its largest input."""


class Deep:
    """Interpolation by optical flow and a flow network; see `film.engine.Interpolator`.

    Args:
        options: `weights` is not used.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._fast = Fast(options, _NETWORK_BYTES)
        self._network = FlowNetwork()

    def interpolate(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        """Yield one frame per time, with the error of `fast`, an upper estimate.

        Raises:
            ArrayError, BudgetError: as `Fast.interpolate`.
        """
        return interpolate_pair(first, second, times, self._render_frames)

    def _render_frames(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        pair = self._fast.analyse(first, second)
        midpoint = self.estimate_midpoint_flow(first, second)
        for time in times:
            candidates, fit = build_candidates(*pair, time)
            both = [
                *_halve_weights(candidates),
                *_halve_weights(project_midpoint_flow(midpoint, time)),
            ]
            yield blend_candidates(first, second, both, time), estimate_error(fit)

    def estimate_midpoint_flow(self, first: Picture, second: Picture) -> MidpointFlow:
        """Run the flow network on two images of one shape."""
        rows, columns = network_size(*self._fast.choose_grid(first))
        small = (resize_colors(image, rows, columns) / np.float32(255) for image in (first, second))
        return self._network(*small)

    def estimate_flow(self, first: Picture, second: Picture) -> tuple[Flow, Flow]:
        """Return the flow of `fast`."""
        return self._fast.estimate_flow(first, second)


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
    min_memory_bytes=WORKING_MEMORY_BYTES + _NETWORK_BYTES,
    weights=lambda options: CARD.file,
)
