"""The engine `lite`: a small network that estimates motion, occlusion and colour residual.

The network (`nets.lite_net`, as ONNX, run without torch) sees a pair and a time, and then the
reversed pair. The mean of both outputs is blended at full size by `film.synthesis.blending`, as
the candidates of other engines are. Images above the network's pixel limit are reduced for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.cards import LITE as CARD
from kinoloom.film.engine import (
    Engine,
    EngineOptions,
    ErrorMap,
    explain_unusable_weights,
    find_weights_file,
)
from kinoloom.film.engines.fast import resize_colors
from kinoloom.film.quality.error_estimate import LITE_FIT_FACTOR, estimate_error
from kinoloom.film.synthesis.blending import blend_candidates
from kinoloom.film.synthesis.candidates import Candidate, measure_fit
from kinoloom.film.synthesis.preprocess import interpolate_pair
from kinoloom.motion.flow import Field, Flow, resize_flow
from kinoloom.runtime.models import require_weights
from kinoloom.runtime.onnx import Contract, open_model

_SIZE_MULTIPLE = CARD.size_multiple
_MIN_SIDE_PX = 2 * _SIZE_MULTIPLE
_MAX_PIXELS = 1_000_000
"""The network runs on no more pixels than this."""
_BYTES_PER_PIXEL = 480
_WORKING_BYTES = 60_000_000
"""Memory of the network's weights, and of a band of rows."""
_MIN_MEMORY_BYTES = 120_000_000
_INPUTS = ("first", "second", "time")
_IMAGE = (1, 3, None, None)
_CONTRACT = Contract(
    inputs=tuple(zip(_INPUTS, (_IMAGE, _IMAGE, (1, 1, 1, 1)), strict=True)),
    outputs=((1, 4, None, None), (1, 1, None, None), (1, 3, None, None)),
)


class LiteOutput(NamedTuple):
    """The network's output at a time, on the grid of its input.

    Attributes:
        before, after: (h, w, 2), the whole motion from first to second, according to either.
        share: (h, w) in 0..1, the weight of the first image.
        residual: (h, w, 3), added to the colours.
    """

    before: Flow
    after: Flow
    share: Field
    residual: Field


class Lite:
    """Interpolation by one network; see `film.engine.Interpolator`.

    Args:
        options: `weights` names an .onnx file, or is None for the shipped one.

    Raises:
        WeightsError: the weights cannot be read or belong to another network.
    """

    def __init__(self, options: EngineOptions) -> None:
        self.options = options
        self._network = open_model(require_weights(CARD, options.weights), _CONTRACT)

    def interpolate(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[Picture]:
        """Yield one frame per time; identical images are returned as they are.

        Raises:
            ArrayError: the images differ in shape or dtype.
        """
        return (frame for frame, _ in self.interpolate_with_errors(first, second, times))

    def interpolate_with_errors(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[tuple[Picture, ErrorMap]]:
        """Interpolate with an error estimate per frame."""
        return interpolate_pair(first, second, times, self._render_frames)

    def _render_frames(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[tuple[Picture, ErrorMap]]:
        size = self._choose_grid(first)
        small1, small2 = (resize_colors(image, *size) for image in (first, second))
        planes1, planes2 = _to_network_input(small1), _to_network_input(small2)
        for time in times:
            output = self._run(planes1, planes2, size, time)
            reverse = _reverse_time(self._run(planes2, planes1, size, 1 - time))
            candidates = [one for each in (output, reverse) for one in _build_candidates(each)]
            fit = measure_fit(small1, small2, [one.motion for one in candidates], time)
            residual = np.float32(0.5) * (output.residual + reverse.residual)
            frame = blend_candidates(first, second, candidates, time, residual)
            yield frame, estimate_error(fit, LITE_FIT_FACTOR)

    def estimate_flow(self, first: Picture, second: Picture) -> None:
        """Return None: the network estimates the motion of new frames, not that of the inputs."""

    def _run(self, first: Field, second: Field, size: tuple[int, int], time: float) -> LiteOutput:
        rows, columns = size
        time_plane = np.full((1, 1, 1, 1), time, np.float32)
        inputs = dict(zip(_INPUTS, (first, second, time_plane), strict=True))
        height, width = first.shape[2:]
        motion, mask, residual = self._network(
            inputs,
            [(1, 4, height // 2, width // 2), (1, 1, height, width), (1, 3, height, width)],
        )
        ways = np.moveaxis(motion[0, :, : rows // 2, : columns // 2], 0, 2)
        before, after = (
            resize_flow(np.ascontiguousarray(way), rows, columns)
            for way in (ways[..., :2], ways[..., 2:])
        )
        share = np.asarray(1 / (1 + np.exp(-mask[0, 0, :rows, :columns])), np.float32)
        added = np.ascontiguousarray(np.moveaxis(residual[0, :, :rows, :columns], 0, 2))
        return LiteOutput(before, after, share, added)

    def _choose_grid(self, image: Picture) -> tuple[int, int]:
        """Return the rows and columns of the network's input, both even."""
        height, width = image.shape[:2]
        free = self.options.memory_bytes - 3 * image.nbytes - _WORKING_BYTES
        max_pixels = min(_MAX_PIXELS, max(free / _BYTES_PER_PIXEL, _MIN_SIDE_PX**2))
        scale = min(1.0, sqrt(max_pixels / (height * width)))
        rows, columns = (max(2, 2 * round(side * scale / 2)) for side in (height, width))
        return rows, columns


def _reverse_time(output: LiteOutput) -> LiteOutput:
    """Convert the output for the reversed pair to the original order."""
    return LiteOutput(-output.after, -output.before, 1 - output.share, output.residual)


def _build_candidates(output: LiteOutput) -> list[Candidate]:
    """Return both motions as candidates whose weights sum to one half."""
    half, none = output.share / 2, np.zeros_like(output.share)
    return [
        Candidate(output.before, np.dstack([half, none])),
        Candidate(output.after, np.dstack([none, np.float32(0.5) - half])),
    ]


def _to_network_input(small: Field) -> Field:
    """Convert to (1, 3, H, W) in 0..1, padded to sides that the network accepts."""
    padding = [(0, max(-side % _SIZE_MULTIPLE, _MIN_SIDE_PX - side)) for side in small.shape[:2]]
    padded = np.pad(small / np.float32(255), [*padding, (0, 0)], mode="edge")
    return np.ascontiguousarray(np.moveaxis(padded, 2, 0)[None])


LITE = Engine(
    name="lite",
    summary=CARD.summary,
    rank=12,
    build=Lite,
    missing=explain_unusable_weights,
    min_memory_bytes=_MIN_MEMORY_BYTES,
    estimate_memory=lambda pictures, options: _MIN_MEMORY_BYTES + 3 * pictures.nbytes,
    weights=lambda options: find_weights_file(CARD, options),
)
