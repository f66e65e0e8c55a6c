"""The engine `refine`: the candidates of `fast`, weighted and corrected by a small network.

The network (`nets.refine_net`, shipped as ONNX) sees all candidates on the grid of the flow and
predicts corrections of their weights and motions; blending is that of `fast`. It runs on bands of
rows to bound the memory. Each band includes the network's receptive field, so the result equals
that of the whole grid.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.cards import REFINE as CARD
from kinoloom.film.engine import (
    Engine,
    EngineOptions,
    ErrorMap,
    explain_unusable_weights,
    find_weights_file,
)
from kinoloom.film.engines.fast import WORKING_MEMORY_BYTES, Fast, choose_scale
from kinoloom.film.quality.error_estimate import scale_network_error
from kinoloom.film.synthesis.blending import blend_candidates
from kinoloom.film.synthesis.candidates import Candidate, View, build_candidates
from kinoloom.film.synthesis.refine import (
    INPUT_PLANES,
    OUTPUT_PLANES,
    SIZE_MULTIPLE,
    Refinement,
    apply_network_output,
    build_network_input,
    pad_to_multiple,
)
from kinoloom.motion.flow import Field
from kinoloom.runtime.models import require_weights
from kinoloom.runtime.onnx import Contract, open_model

_INPUT = "seen"  # as named in the shipped file
_CONTRACT = Contract(
    inputs=((_INPUT, (1, None, INPUT_PLANES, None, None)),),
    outputs=(
        (1, None, OUTPUT_PLANES, None, None),
        (1, 3, None, None),
        (1, 1, None, None),
    ),
)
_BAND_CELLS = 100_000
_CONTEXT_ROWS = 32
"""Rows on either side of a band that the network also sees: more than its receptive field."""
_NETWORK_BYTES = 300_000_000
"""Memory of the network for the band of a small picture."""
_FIXED_NETWORK_BYTES = 20_000_000
_BYTES_PER_BAND_CELL = 3600
"""Measured, with the rows that the network also sees."""


class Refine(Fast):
    """Interpolation as `fast`, with the network's corrections; see `film.engine.Interpolator`.

    Args:
        options: `weights` may name another .onnx file.

    Raises:
        WeightsError: the weights cannot be read or belong to another network.
    """

    working_memory_bytes = WORKING_MEMORY_BYTES + _NETWORK_BYTES

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(options)
        self._network = open_model(require_weights(CARD, options.weights), _CONTRACT)

    @classmethod
    def estimate_working_memory(cls, height: int, width: int, options: EngineOptions) -> int:
        """Return the memory for a band of the finest grid, in bytes."""
        scale = choose_scale(height, width, options)
        cells, columns = ceil(height * width * scale**2), ceil(width * scale)
        band = min(cells, _BAND_CELLS + 2 * _CONTEXT_ROWS * columns)
        return WORKING_MEMORY_BYTES + _FIXED_NETWORK_BYTES + _BYTES_PER_BAND_CELL * band

    def render_frame(
        self, first: Picture, second: Picture, pair: tuple[View, View], time: float
    ) -> tuple[Picture, ErrorMap]:
        """Render the frame at a time, with its error estimate, from the result of `analyse`."""
        refined = self.refine_candidates(pair, time)
        frame = blend_candidates(first, second, refined.candidates, time, refined.residual)
        return frame, scale_network_error(refined.error)

    def refine_candidates(self, pair: tuple[View, View], time: float) -> Refinement:
        """Return the candidates at a time after the network's corrections."""
        candidates = build_candidates(*pair, time)
        rows, columns = candidates[0].motion.shape[:2]
        corrections = np.empty((len(candidates), OUTPUT_PLANES, rows, columns), np.float32)
        residual_and_error = np.empty((4, rows, columns), np.float32)
        height = max(_BAND_CELLS // columns // SIZE_MULTIPLE * SIZE_MULTIPLE, SIZE_MULTIPLE)
        for top in range(0, rows, height):
            begin, end = max(0, top - _CONTEXT_ROWS), min(rows, top + height + _CONTEXT_ROWS)
            output = self._run_band(pair, candidates, time, begin, end)
            inner = slice(top - begin, min(top + height, rows) - begin)
            corrections[..., top : top + height, :] = output[0][..., inner, :]
            residual_and_error[..., top : top + height, :] = output[1][..., inner, :]
        return apply_network_output(
            candidates, corrections, residual_and_error[:3], residual_and_error[3]
        )

    def _run_band(
        self,
        pair: tuple[View, View],
        candidates: list[Candidate],
        time: float,
        begin: int,
        end: int,
    ) -> tuple[Field, Field]:
        """Return the corrections for some rows; and residual and log error, (4, rows, w)."""
        rows = [Candidate(each.motion[begin:end], each.weights[begin:end]) for each in candidates]
        planes = build_network_input(pair[0].planes, pair[1].planes, rows, time, begin)
        height, width = planes.shape[2:]
        padded = pad_to_multiple(planes)
        sides = padded.shape[2:]
        corrections, residual, error = self._network(
            {_INPUT: padded[None]},
            [(1, len(padded), OUTPUT_PLANES, *sides), (1, 3, *sides), (1, 1, *sides)],
        )
        return (
            corrections[0, ..., :height, :width],
            np.concatenate([residual[0], error[0]])[:, :height, :width],
        )


REFINE = Engine(
    name="refine",
    summary=CARD.summary,
    rank=15,
    build=Refine,
    missing=explain_unusable_weights,
    min_memory_bytes=Refine.working_memory_bytes,
    estimate_memory=Refine.estimate_memory,
    weights=lambda options: find_weights_file(CARD, options),
)
