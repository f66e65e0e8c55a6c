"""The engine `film`: FILM, the published network, with weights that the user brings.

On the CPU it runs in single precision (`nets.film_cpu`), on a GPU in half (`nets.film_gpu`).
Pictures are padded to a multiple of 64 pixels by repeating their edge; those too large for the
memory allowed are worked on in tiles. FILM sees hundreds of pixels far, further than tiles
overlap: unlike that of a local filter, a tiled result differs from the whole one, most where
things move further than `_CONTEXT` between both pictures.

With alpha, colour is multiplied by it, and both go through the network, alpha as grey, so that
hidden colours do not bleed in; an alpha that is the same everywhere is kept without that.

A flow scale of 1/2, 1/4, ... (others are rounded to these) estimates motion on pictures halved
once, twice, ...: the network then follows motion twice, four times as far, in less time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import isqrt, log2, sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.need import install_line, need
from kinoloom.base.units import format_bytes
from kinoloom.errors import ArrayError, BudgetError, WeightsError
from kinoloom.film.cards import FILM as CARD
from kinoloom.film.cards import FILM_WEIGHTS_URL
from kinoloom.film.engine import Engine, EngineOptions, ErrorMap, Interpolator
from kinoloom.film.engines.fast import colours
from kinoloom.film.quality.error_estimate import error_of_fit
from kinoloom.film.synthesis.candidates import guesses_and_fit, views
from kinoloom.motion.flow import Flow, resize_flow
from kinoloom.runtime.tiles import Tiling, largest_tile, plan_spans, run_tiled
from kinoloom.runtime.weights import find_weights, weights_folders

Floats = NDArray[np.float32]

_CONTEXT = 64
"""Pixels at the inner border of a tile that are not used, in tiles that are large enough."""
_LEAST_TILE = 256
_JUDGED_CELLS = 80_000
"""Errors are told on a grid of at most so many cells."""
_FRAMES_SHARE = 4
"""Frames that are made of tiles together may take this part of the memory: one in so many."""


class Runner(Protocol):
    """FILM on some device; pictures are (H, W, 3) float32 in 0..1."""

    def analyse(self, first: Floats, second: Floats, halvings: int = 0) -> Any:
        """What does not depend on the time.

        Args:
            first, second: of one shape, sides multiples of 64 << halvings.
            halvings: how many times to halve the pictures before motion is estimated.
        """

    def frame_at(self, pair: Any, t: float) -> Floats:
        """The frame at t, (H, W, 3), not clipped, of what `analyse` found."""

    def flows(self, pair: Any) -> Floats:
        """The motion from the first to the second picture, and back, (2, H, W, 2)."""

    def tile_pixels(self, memory_bytes: int) -> int:
        """How many pixels a picture may have to be worked on in so much memory."""


@dataclass(frozen=True)
class Film:
    """FILM between two pictures of any size; see `film.engine.Interpolator`.

    Attributes:
        runner: the network.
        memory_bytes: see `film.engine.EngineOptions`.
        flow_scale: likewise; see the head of this module.
    """

    runner: Runner
    memory_bytes: int
    flow_scale: float = 1.0

    def between(self, first: Picture, second: Picture, times: Sequence[float]) -> Iterator[Picture]:
        """One picture for each time; several together where they are made of tiles.

        Raises:
            ArrayError: the pictures differ in shape or dtype.
            BudgetError: not even a tile fits the memory allowed.
        """
        _check_alike(first, second)
        tiling, together = self._plan(first)
        if tiling.count == 1:
            _, frame_at = self._begin(first, second)
            yield from (from_float(frame_at(time), first.dtype) for time in times)
            return
        for start in range(0, len(times), together):
            yield from self._by_tiles(tiling, first, second, times[start : start + together])

    def between_with_errors(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[tuple[Picture, ErrorMap]] | None:
        """As `between`, each picture with its expected error; None for pictures made of tiles.

        The error is that of the guesses that `fast` would make of the network's flow.

        Raises:
            ArrayError, BudgetError: as `between`.
        """
        _check_alike(first, second)
        if self._plan(first)[0].count > 1:
            return None
        return self._judged(first, second, times)

    def _judged(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[tuple[Picture, ErrorMap]]:
        pair, frame_at = self._begin(first, second)
        height, width = first.shape[:2]
        scale = min(1.0, sqrt(_JUDGED_CELLS / (height * width)))
        rows, columns = (max(1, round(side * scale)) for side in (height, width))
        small1, small2 = (colours(picture, rows, columns) for picture in (first, second))
        forward, backward = (
            resize_flow(np.ascontiguousarray(flow), rows, columns)
            for flow in self.runner.flows(pair)[:, :height, :width]
        )
        seen = views(small1, small2, forward, backward)
        for time in times:
            fit = guesses_and_fit(*seen, time)[1]
            yield from_float(frame_at(time), first.dtype), error_of_fit(fit)

    def flows(self, first: Picture, second: Picture) -> tuple[Flow, Flow]:
        """The motion of the colour from first to second, and back.

        Raises:
            ArrayError, BudgetError: as `between`.
        """
        _check_alike(first, second)
        tiling, _ = self._plan(first)
        flows = [np.empty((*first.shape[:2], 2), np.float32) for _ in range(2)]

        def work(rows: slice, columns: slice) -> Sequence[Floats]:
            pair = self._analyse(*(_colour(p[rows, columns]) for p in (first, second)))
            height, width = first[rows, columns].shape[:2]
            return [*self.runner.flows(pair)[:, :height, :width]]

        run_tiled(tiling, flows, work)
        return flows[0], flows[1]

    @property
    def halvings(self) -> int:
        """How many times pictures are halved before motion is estimated."""
        return round(-log2(self.flow_scale))

    def _by_tiles(
        self, tiling: Tiling, first: Picture, second: Picture, times: Sequence[float]
    ) -> list[Picture]:
        pictures = [np.empty_like(first) for _ in times]

        def work(rows: slice, columns: slice) -> Sequence[Floats]:
            _, frame_at = self._begin(first[rows, columns], second[rows, columns])
            return [frame_at(time) for time in times]

        run_tiled(tiling, pictures, work, lambda rows: from_float(rows, first.dtype))
        return pictures

    def _begin(self, first: Picture, second: Picture) -> tuple[Any, Callable[[float], Floats]]:
        """What the runner found in the colour of a pair, and what makes its frame at a time."""
        height, width, channels = first.shape
        colour = self._analyse(_colour(first), _colour(second))
        alpha = None
        if channels == 4 and not _same_alpha(first, second):
            alpha = self._analyse(*(_grey(to_float(p[..., 3:])) for p in (first, second)))

        def frame_at(time: float) -> Floats:
            made = self.runner.frame_at(colour, time)[:height, :width]
            if channels == 3:
                return made
            if alpha is None:
                return _with_alpha(made, to_float(first[..., 3:]))
            grey = self.runner.frame_at(alpha, time)[:height, :width]
            return _with_alpha(made, np.clip(grey.mean(2, keepdims=True), 0, 1))

        return colour, frame_at

    def _analyse(self, first: Floats, second: Floats) -> Any:
        """Analyse a pair of any size, its edge repeated to what the network takes."""
        multiple = CARD.size_multiple << self.halvings
        height, width, _ = first.shape
        edges = ((0, -height % multiple), (0, -width % multiple), (0, 0))
        first, second = (np.pad(picture, edges, mode="edge") for picture in (first, second))
        return self.runner.analyse(first, second, self.halvings)

    def _plan(self, picture: Picture) -> tuple[Tiling, int]:
        """The tiles, and how many frames are made of them together.

        Raises:
            BudgetError: not even the smallest tile fits beside one frame.
        """
        height, width, channels = picture.shape
        runs = 1 if channels == 3 else 2
        multiple = CARD.size_multiple << self.halvings
        whole = -(-height // multiple) * -(-width // multiple) * multiple**2
        if runs * whole <= self.runner.tile_pixels(self.memory_bytes):
            return _tiling(height, width, height, width), 1
        together, left = self._frames_together(picture)
        pixels = self.runner.tile_pixels(left) // runs
        tile = largest_tile(height, width, pixels, multiple=multiple, least=_LEAST_TILE)
        if tile is None:
            raise BudgetError(
                f"FILM cannot make a frame of {width}x{height} within "
                f"{format_bytes(self.memory_bytes)}, not even in tiles.",
                hint="Allow more with --memory, or use --engine fast.",
            )
        return _tiling(height, width, *tile), together

    def _frames_together(self, picture: Picture) -> tuple[int, int]:
        """How many frames to hold while they are made of tiles, and the memory then left."""
        height, width, channels = picture.shape
        tile = max(self.runner.tile_pixels(self.memory_bytes), 0)
        strip = min(max(tile, isqrt(tile) * width), height * width)  # a row of tiles, in pixels
        frame = picture.nbytes + 2 * strip * channels * np.dtype(np.float32).itemsize
        together = max(self.memory_bytes // _FRAMES_SHARE // frame, 1)
        return together, self.memory_bytes - together * frame


def _tiling(height: int, width: int, tile_height: int, tile_width: int) -> Tiling:
    rows, columns = (
        plan_spans(length, side, context=context, feather=context)
        for length, side in ((height, tile_height), (width, tile_width))
        for context in (min(_CONTEXT, side // 8),)
    )
    return Tiling(rows, columns)


def _check_alike(first: Picture, second: Picture) -> None:
    if first.shape != second.shape or first.dtype != second.dtype:
        raise ArrayError(
            "Two pictures of one shape and dtype are needed, not "
            f"{first.shape} {first.dtype} and {second.shape} {second.dtype}."
        )


def _colour(picture: Picture) -> Floats:
    """(H, W, 3) float32, multiplied by alpha where there is one."""
    planes = to_float(picture)
    return planes if planes.shape[2] == 3 else planes[..., :3] * planes[..., 3:]


def _grey(plane: Floats) -> Floats:
    return np.repeat(plane, 3, axis=2)


def _same_alpha(first: Picture, second: Picture) -> bool:
    value = first[0, 0, 3]
    return bool((first[..., 3] == value).all() and (second[..., 3] == value).all())


def _with_alpha(colour: Floats, alpha: Floats) -> Floats:
    """Undo the multiplication: (H, W, 3) and (H, W, 1) to (H, W, 4), clipped to 0..1."""
    straight = np.divide(colour, alpha, out=np.zeros_like(colour), where=alpha > 0)
    return np.concatenate([np.clip(straight, 0, 1), alpha], axis=2)


def make(options: EngineOptions) -> Interpolator:
    """Load the weights and build the interpolator, on a GPU if torch sees one.

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: there are no weights, or the file is not the right one.
    """
    torch = need("torch", extra="train")
    from kinoloom.film.nets.film_cpu import FilmCpu
    from kinoloom.film.nets.film_gpu import FilmGpu
    from kinoloom.film.nets.film_weights import load_film

    path = find_weights(CARD.name, options.weights)
    if path is None:
        raise WeightsError(f"The engine '{CARD.name}' cannot run: {missing(options)}")
    net = load_film(path)
    runner = FilmGpu(net) if torch.cuda.is_available() else FilmCpu(net)
    return Film(runner, options.memory_bytes, options.flow_scale)


def missing(options: EngineOptions) -> str:
    """What is absent, torch or weights, and the exact way to get it; "" if nothing is."""
    if find_spec("torch") is None:
        return f"torch is not installed. Get it with: {install_line('train')}"
    if find_weights(CARD.name, options.weights) is not None:
        return ""
    if options.weights is not None:
        return f"there is no file of weights {options.weights}."
    file = weights_folders()[0] / f"{CARD.name}.pt"
    return (
        "its weights are not here. Give yours with --weights, or get them with: "
        f"curl -L --create-dirs -o '{file}' {FILM_WEIGHTS_URL}"
    )


FILM = Engine(
    name=CARD.name,
    summary=CARD.summary,
    rank=30,
    make=make,
    missing=missing,
    least_bytes=620_000_000,
    weights=lambda options: find_weights(CARD.name, options.weights),
)
