"""`kinoloom.interpolate`: frame interpolation for Python, on arrays, files and clips."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from math import floor
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, check_picture
from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip
from kinoloom.base.units import parse_bytes
from kinoloom.errors import ArrayError, UsageError
from kinoloom.film import ops
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.selection import choose_engine, derive_engine_options

Source = Clip | str | Path | Sequence[str | Path] | Sequence[Picture]

_READ_OPTIONS = ("order", "deinterlace")
_ARRAY_OPTIONS = ("engine", "memory", "flow_scale", "weights")


@overload
def interpolate(
    source: Sequence[Picture], /, times: Sequence[float] | int | None = None, **options: Any
) -> NDArray[Any]: ...


@overload
def interpolate(
    source: Clip | str | Path | Sequence[str | Path],
    /,
    times: int | None = None,
    **options: Any,
) -> Clip: ...


def interpolate(
    source: Source, /, times: Sequence[float] | int | None = None, **options: Any
) -> Clip | NDArray[Any]:
    """Interpolate new frames between images.

    On arrays:
        >>> import numpy as np, kinoloom
        >>> a = np.zeros((48, 64, 3), np.uint8)
        >>> b = np.full((48, 64, 3), 100, np.uint8)
        >>> kinoloom.interpolate([a, b], times=[0.5], engine="fast").shape
        (1, 48, 64, 3)

    On files or a clip the result is a lazy `Clip`; write it with `kinoloom.write`:
        kinoloom.write(kinoloom.interpolate("in.mp4", fps="60000/1001"), "out.mp4")

    Args:
        source: two or more arrays (H, W, 3) or (H, W, 4) of one shape and dtype (uint8, uint16,
            or float32 in 0..1); the path of a video; the paths of photos; or a `Clip`.
        times: for arrays, increasing times of the output frames, where 0 is the first array, 1
            the second, 2 the third; whole numbers return the array itself. An integer n gives
            the n - 1 evenly spaced frames inside each pair (default 2: the midpoint). For
            videos, the same as `--times`.
        **options: options of the command, with _ for -: `engine`, `fps`, `slow`, `seconds`,
            `memory`, `flow_scale`, ... Files also accept those of `kinoloom.read`. Arrays accept
            `engine`, `memory`, `flow_scale` and `weights`.

    Returns:
        For arrays, (T, H, W, C) in their dtype, one frame per time; otherwise a `Clip`.

    Raises:
        ArrayError: an array is not an image, contains NaN, or differs in shape or dtype.
        UsageError: fewer than two images, or an invalid option.
        MediaError: a file is missing or cannot be read.
    """
    if isinstance(source, (str, Path)):
        source = [source]
    if not isinstance(source, Clip) and any(isinstance(item, np.ndarray) for item in source):
        return _interpolate_arrays([check_picture(item) for item in source], times, options)
    if times is not None and not isinstance(times, int):
        raise UsageError(
            "A list of times is only supported for arrays; for a video, times is an integer."
        )
    if not isinstance(source, Clip):
        from kinoloom.media.files import read

        memory = options.get("memory")
        budget = None if memory is None else Budget(parse_bytes(memory))
        reading = {name: options.pop(name) for name in _READ_OPTIONS if name in options}
        source = read([Path(str(item)) for item in source], budget, **reading)
    clip: Clip = ops.interpolate(source, times=times, **options)
    return clip


def _interpolate_arrays(
    images: list[Picture], times: Sequence[float] | int | None, options: dict[str, Any]
) -> NDArray[Any]:
    if len(images) < 2:
        raise UsageError("Interpolation needs at least two images, not one.")
    formats = {(image.shape, image.dtype.name) for image in images}
    if len(formats) > 1:
        raise ArrayError(f"All images must have the same shape and dtype, not {formats}.")
    exact_times = _parse_times(times, len(images))
    settings = _build_array_options(options)
    engine_options = derive_engine_options(settings)
    engine = choose_engine(settings.engine, engine_options).build(engine_options)
    frames: list[Picture] = []
    for pair, group in groupby(exact_times, key=floor):
        inside = [float(time - pair) for time in group]
        if inside[0] == 0:
            frames.append(images[pair])
            inside = inside[1:]
        if inside:
            new = engine.interpolate(images[pair], images[pair + 1], inside)
            frames.extend(frame for frame, _ in new)
    return np.stack(frames)


def _parse_times(times: Sequence[float] | int | None, count: int) -> list[Fraction]:
    """Return the exact output times for `count` images."""
    if times is None or isinstance(times, int):
        parts = 2 if times is None else times
        if parts < 2:
            raise UsageError(f"times must be at least 2 for arrays, not {parts}.")
        pairs = range(count - 1)
        return [pair + Fraction(m, parts) for pair in pairs for m in range(1, parts)]
    exact = [Fraction(float(time)) for time in times if np.isfinite(time)]
    in_range = all(0 <= time <= count - 1 for time in exact)
    if len(exact) < len(times) or not exact or not in_range or exact != sorted(exact):
        raise UsageError(
            f"times must be increasing numbers from 0 to {count - 1}, not {list(times)}."
        )
    return exact


def _build_array_options(options: dict[str, Any]) -> InterpolateOptions:
    from kinoloom.base.options import build

    unsupported = [name for name in options if name not in _ARRAY_OPTIONS]
    if unsupported:
        raise UsageError(
            f"The option '{unsupported[0]}' is not supported for arrays.",
            hint=f"Supported options: {', '.join(_ARRAY_OPTIONS)}.",
        )
    built: InterpolateOptions = build(InterpolateOptions, options)
    return built
