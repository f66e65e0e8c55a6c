"""The engine `film`: the published FILM network, with user-supplied weights.

It runs in single precision on a CPU (`nets.film_cpu`) and in half precision on a GPU
(`nets.film_gpu`). Images are padded to a multiple of 64 pixels by repeating their edge; those that
exceed the memory limit are processed in tiles. FILM's receptive field spans hundreds of pixels,
more than the overlap of tiles, so a tiled frame differs from an untiled one, mostly where motion
exceeds `_CONTEXT_PX`.

With alpha, premultiplied colour and alpha (as grey) go through the network separately, so that
hidden colours do not bleed; a constant alpha is copied instead.

A flow scale of 1/2, 1/4, ... (other values are rounded) estimates motion on images halved once,
twice, ...: the reach of the network doubles each time, in less time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import ceil, isqrt, log2, sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.need import install_line, need
from kinoloom.base.units import format_bytes
from kinoloom.errors import BudgetError, WeightsError
from kinoloom.film.cards import FILM as CARD
from kinoloom.film.engine import (
    Engine,
    EngineOptions,
    Interpolator,
    NewFrames,
    PictureFormat,
    find_weights_file,
)
from kinoloom.film.engines.fast import resize_colors
from kinoloom.film.quality.error_estimate import estimate_error
from kinoloom.film.synthesis.candidates import build_candidates, build_views
from kinoloom.film.synthesis.pixels import check_same_format
from kinoloom.motion.flow import Flow, resize_flow
from kinoloom.runtime.models import find_weights, require_weights
from kinoloom.runtime.models.find import format_hint
from kinoloom.runtime.tiles import Tiling, largest_tile, plan_spans, run_tiled

Floats = NDArray[np.float32]

_CONTEXT_PX = 64
"""Pixels at the inner border of a tile that are discarded, for tiles that are large enough."""
_MIN_TILE_PX = 256
_MAX_ERROR_CELLS = 80_000
"""Upper limit of the cells of an error map."""
_FRAMES_MEMORY_DIVISOR = 4
"""Frames rendered together from tiles may use this fraction (1/4) of the memory limit."""


class Runner(Protocol):
    """FILM on a device; images are (H, W, 3) float32 in 0..1."""

    def analyse(self, first: Floats, second: Floats, halvings: int = 0) -> Any:
        """Compute everything that does not depend on the time.

        Args:
            first, second: of one shape, sides multiples of 64 << halvings.
            halvings: how often the images are halved before motion is estimated.
        """

    def render_frame(self, pair: Any, t: float) -> Floats:
        """Return the frame at t, (H, W, 3), not clipped, from the result of `analyse`."""

    def read_flow(self, pair: Any) -> Floats:
        """Return the flow from first to second and the flow back, (2, H, W, 2)."""

    def max_tile_pixels(self, memory_bytes: int) -> int:
        """Return how many pixels an image may have to fit in that memory."""


@dataclass(frozen=True)
class Film:
    """FILM between two images of any size; see `film.engine.Interpolator`.

    Attributes:
        runner: the network.
        memory_bytes: see `film.engine.EngineOptions`.
        flow_scale: likewise; see the module docstring.
    """

    runner: Runner
    memory_bytes: int
    flow_scale: float = 1.0

    def interpolate(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        """Yield one frame per time; with tiles, several are rendered together.

        The error estimate is that of the candidates that `fast` would build from the network's
        flow; with tiles there is none.

        Raises:
            ArrayError: the images differ in shape or dtype.
            BudgetError: even the smallest tile exceeds the memory limit.
        """
        check_same_format(first, second)
        tiling, batch = self._plan(first)
        if tiling.count == 1:
            yield from self._render_whole(first, second, times)
            return
        for start in range(0, len(times), batch):
            frames = self._render_tiled(tiling, first, second, times[start : start + batch])
            yield from ((frame, None) for frame in frames)

    def _render_whole(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        pair, render = self._start(first, second)
        height, width = first.shape[:2]
        scale = min(1.0, sqrt(_MAX_ERROR_CELLS / (height * width)))
        rows, columns = (max(1, round(side * scale)) for side in (height, width))
        small1, small2 = (resize_colors(image, rows, columns) for image in (first, second))
        forward, backward = (
            resize_flow(np.ascontiguousarray(flow), rows, columns)
            for flow in _check_finite(self.runner.read_flow(pair)[:, :height, :width])
        )
        views = build_views(small1, small2, forward, backward)
        for time in times:
            fit = build_candidates(*views, time)[1]
            yield from_float(render(time), first.dtype), estimate_error(fit)

    def estimate_flow(self, first: Picture, second: Picture) -> tuple[Flow, Flow]:
        """Return the flow from first to second and the flow back, of the colours.

        Raises:
            ArrayError, BudgetError: as `interpolate`.
        """
        check_same_format(first, second)
        tiling, _ = self._plan(first)
        flows = [np.empty((*first.shape[:2], 2), np.float32) for _ in range(2)]

        def run_tile(rows: slice, columns: slice) -> Sequence[Floats]:
            pair = self._analyse(*(_premultiply_color(p[rows, columns]) for p in (first, second)))
            height, width = first[rows, columns].shape[:2]
            return [*_check_finite(self.runner.read_flow(pair)[:, :height, :width])]

        run_tiled(tiling, flows, run_tile)
        return flows[0], flows[1]

    @property
    def halvings(self) -> int:
        """How often the images are halved before motion is estimated."""
        return round(-log2(self.flow_scale))

    def _render_tiled(
        self, tiling: Tiling, first: Picture, second: Picture, times: Sequence[float]
    ) -> list[Picture]:
        frames = [np.empty_like(first) for _ in times]

        def run_tile(rows: slice, columns: slice) -> Sequence[Floats]:
            _, render = self._start(first[rows, columns], second[rows, columns])
            return [render(time) for time in times]

        run_tiled(tiling, frames, run_tile, lambda rows: from_float(rows, first.dtype))
        return frames

    def _start(self, first: Picture, second: Picture) -> tuple[Any, Callable[[float], Floats]]:
        """Return the analysis of a pair's colour, and a function that renders the frame at t."""
        height, width, channels = first.shape
        color = self._analyse(_premultiply_color(first), _premultiply_color(second))
        alpha = None
        if channels == 4 and not _has_constant_alpha(first, second):
            alpha = self._analyse(*(_repeat_grey(to_float(p[..., 3:])) for p in (first, second)))

        def render(time: float) -> Floats:
            frame = _check_finite(self.runner.render_frame(color, time)[:height, :width])
            if channels == 3:
                return frame
            if alpha is None:
                return _attach_alpha(frame, to_float(first[..., 3:]))
            grey = _check_finite(self.runner.render_frame(alpha, time)[:height, :width])
            return _attach_alpha(frame, np.clip(grey.mean(2, keepdims=True), 0, 1))

        return color, render

    def _analyse(self, first: Floats, second: Floats) -> Any:
        """Pad a pair to the network's size multiple and analyse it."""
        multiple = CARD.size_multiple << self.halvings
        height, width, _ = first.shape
        edges = ((0, -height % multiple), (0, -width % multiple), (0, 0))
        first, second = (np.pad(image, edges, mode="edge") for image in (first, second))
        return self.runner.analyse(first, second, self.halvings)

    def _plan(self, image: Picture) -> tuple[Tiling, int]:
        """Return the tiles, and how many frames to render from them together.

        Raises:
            BudgetError: even the smallest tile and one frame exceed the memory limit.
        """
        height, width, channels = image.shape
        passes = 1 if channels == 3 else 2
        multiple = CARD.size_multiple << self.halvings
        padded = -(-height // multiple) * -(-width // multiple) * multiple**2
        if passes * padded <= self.runner.max_tile_pixels(self.memory_bytes):
            return _build_tiling(height, width, height, width), 1
        batch, remaining = self._choose_batch(image)
        pixels = self.runner.max_tile_pixels(remaining) // passes
        tile = largest_tile(height, width, pixels, multiple=multiple, least=_MIN_TILE_PX)
        if tile is None:
            raise BudgetError(
                f"The engine film cannot render a frame of {width}x{height} within "
                f"{format_bytes(self.memory_bytes)}, even in tiles.",
                hint="Raise --memory, or use --engine fast.",
            )
        return _build_tiling(height, width, *tile), batch

    def _choose_batch(self, image: Picture) -> tuple[int, int]:
        """Return how many frames to hold while tiles are rendered, and the memory left."""
        height, width, channels = image.shape
        tile = max(self.runner.max_tile_pixels(self.memory_bytes), 0)
        strip = min(max(tile, isqrt(tile) * width), height * width)  # a row of tiles, in pixels
        frame = image.nbytes + 2 * strip * channels * np.dtype(np.float32).itemsize
        batch = max(self.memory_bytes // _FRAMES_MEMORY_DIVISOR // frame, 1)
        return batch, self.memory_bytes - batch * frame


def _build_tiling(height: int, width: int, tile_height: int, tile_width: int) -> Tiling:
    rows, columns = (
        plan_spans(length, side, context=context, feather=context)
        for length, side in ((height, tile_height), (width, tile_width))
        for context in (min(_CONTEXT_PX, side // 8),)
    )
    return Tiling(rows, columns)


def _premultiply_color(image: Picture) -> Floats:
    """Return (H, W, 3) float32, multiplied by alpha if there is one."""
    planes = to_float(image)
    return planes if planes.shape[2] == 3 else planes[..., :3] * planes[..., 3:]


def _repeat_grey(plane: Floats) -> Floats:
    return np.repeat(plane, 3, axis=2)


def _check_finite(output: Floats) -> Floats:
    """Return an output of the network.

    Raises:
        WeightsError: it contains NaN or infinite values, which would become black pixels.
    """
    if not np.isfinite(output).all():
        raise WeightsError(
            "The network film returned values that are NaN or infinite.",
            hint="Its weights are damaged, or of another network: name other weights with "
            "--weights, or use another --engine.",
        )
    return output


def _has_constant_alpha(first: Picture, second: Picture) -> bool:
    value = first[0, 0, 3]
    return bool((first[..., 3] == value).all() and (second[..., 3] == value).all())


def _attach_alpha(color: Floats, alpha: Floats) -> Floats:
    """Undo the premultiplication: (H, W, 3) and (H, W, 1) to (H, W, 4), clipped to 0..1."""
    straight = np.divide(color, alpha, out=np.zeros_like(color), where=alpha > 0)
    return np.concatenate([np.clip(straight, 0, 1), alpha], axis=2)


def build_film(options: EngineOptions) -> Interpolator:
    """Load the weights and build the interpolator, on a GPU if torch finds one.

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: there are no weights, or the file does not contain FILM.
    """
    torch = need("torch", extra="train")
    from kinoloom.film.nets.film_cpu import FilmCpu
    from kinoloom.film.nets.film_gpu import FilmGpu
    from kinoloom.film.nets.film_weights import load_film

    net = load_film(require_weights(CARD, options.weights))
    runner = FilmGpu(net) if torch.cuda.is_available() else FilmCpu(net)
    return Film(runner, options.memory_bytes, options.flow_scale)


def estimate_memory(pictures: PictureFormat, options: EngineOptions) -> int:
    """Return the memory for the smallest tile and one frame, in bytes."""
    from kinoloom.film.nets.film_cpu import BYTES_PER_PIXEL, estimate_fixed_memory

    multiple = CARD.size_multiple << round(-log2(options.flow_scale))
    tile = -(-_MIN_TILE_PX // multiple) * multiple
    height, width = (-(-side // multiple) * multiple for side in pictures[:2])
    passes = 1 if pictures.channels == 3 else 2
    pixels = passes * min(tile, height) * min(tile, width)
    network = estimate_fixed_memory() + BYTES_PER_PIXEL * (pixels + 1)
    strip = 2 * tile * width * pictures.channels * np.dtype(np.float32).itemsize
    most_frames = ceil(network * _FRAMES_MEMORY_DIVISOR / (_FRAMES_MEMORY_DIVISOR - 1))
    return max(most_frames, network + pictures.nbytes + strip)


def explain_missing(options: EngineOptions) -> str:
    """Return what is missing, torch or the weights, and how to get it; "" if nothing is."""
    if find_spec("torch") is None:
        return f"torch is not installed. Install it with: {install_line('train')}"
    if find_weights(CARD, options.weights) is not None:
        return ""
    if options.weights is not None:
        return f"the weight file {options.weights} does not exist."
    return f"its weights are missing. {format_hint(CARD)}"


FILM = Engine(
    name=CARD.name,
    summary=CARD.summary,
    rank=30,
    build=build_film,
    missing=explain_missing,
    min_memory_bytes=620_000_000,
    estimate_memory=estimate_memory,
    weights=lambda options: find_weights_file(CARD, options),
)
