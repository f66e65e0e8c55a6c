"""`kinoloom.interpolate`: the op for Python, on arrays, files and clips."""

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
from kinoloom.base.clip import Clip
from kinoloom.errors import ArrayError, UsageError
from kinoloom.film import ops
from kinoloom.film.choose import allowed_by, choose
from kinoloom.film.options import InterpolateOptions

Source = Clip | str | Path | Sequence[str | Path] | Sequence[Picture]


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
    """Weave new frames between pictures.

    On arrays:
        >>> import numpy as np, kinoloom
        >>> a = np.zeros((48, 64, 3), np.uint8)
        >>> b = np.full((48, 64, 3), 100, np.uint8)
        >>> kinoloom.interpolate([a, b], times=[0.5], engine="blend").shape
        (1, 48, 64, 3)

    On files, and on a clip, the result is a lazy `Clip`; write it with `kinoloom.write`:
        kinoloom.write(kinoloom.interpolate("in.mp4", fps="60000/1001"), "out.mp4")

    Args:
        source: two or more arrays (H, W, 3) or (H, W, 4) of one shape and dtype (uint8, uint16,
            or float32 in 0..1); or the path of a video; or the paths of photos; or a `Clip`.
        times: for arrays, the moments wanted: 0 is the first array, 1 the second, 2 the third,
            in increasing order, whole numbers give the array itself; or a whole number n for
            the n-1 even moments inside each pair (default 2: the middle). For videos, as
            `--times`.
        **options: as the command's flags, with _ for -: `engine`, `fps`, `slow`, `seconds`,
            `memory`, `flow_scale`, ... For arrays: `engine`, `memory`, `flow_scale`, `weights`.

    Returns:
        For arrays, (T, H, W, C) in their dtype, T the number of moments; else a `Clip`.

    Raises:
        ArrayError: arrays that are no pictures, hold NaN, or differ in shape or dtype.
        UsageError: fewer than two pictures, or an option that is wrong.
        MediaError: a file is missing or cannot be read.
    """
    if isinstance(source, (str, Path)):
        source = [source]
    if not isinstance(source, Clip) and any(isinstance(item, np.ndarray) for item in source):
        return _between_arrays([check_picture(item) for item in source], times, options)
    if times is not None and not isinstance(times, int):
        raise UsageError("Moments as a list are for arrays; for a video, times is a whole number.")
    if not isinstance(source, Clip):
        from kinoloom.media.files import read

        source = read([Path(str(item)) for item in source])
    clip: Clip = ops.interpolate(source, times=times, **options)
    return clip


def _between_arrays(
    pictures: list[Picture], times: Sequence[float] | int | None, options: dict[str, Any]
) -> NDArray[Any]:
    if len(pictures) < 2:
        raise UsageError("Two or more pictures are needed to weave between; one was given.")
    kinds = {(picture.shape, picture.dtype.name) for picture in pictures}
    if len(kinds) > 1:
        raise ArrayError(f"All pictures must have one shape and dtype; these have {kinds}.")
    moments = _moments(times, len(pictures))
    settings = _array_options(options)
    allowed = allowed_by(settings)
    engine = choose(settings.engine, allowed).make(allowed)
    made: list[Picture] = []
    for pair, group in groupby(moments, key=floor):
        inside = [float(moment - pair) for moment in group]
        if inside[0] == 0:
            made.append(pictures[pair])
            inside = inside[1:]
        if inside:
            made.extend(engine.between(pictures[pair], pictures[pair + 1], inside))
    return np.stack(made)


def _moments(times: Sequence[float] | int | None, count: int) -> list[Fraction]:
    if times is None or isinstance(times, int):
        parts = 2 if times is None else times
        if parts < 2:
            raise UsageError(f"times must be at least 2 for arrays, not {parts}.")
        pairs = range(count - 1)
        return [pair + Fraction(m, parts) for pair in pairs for m in range(1, parts)]
    moments = [Fraction(float(time)) for time in times if np.isfinite(time)]
    in_range = all(0 <= moment <= count - 1 for moment in moments)
    if len(moments) < len(times) or not moments or not in_range or moments != sorted(moments):
        raise UsageError(
            f"times must be increasing numbers from 0 to {count - 1}, not {list(times)}."
        )
    return moments


def _array_options(options: dict[str, Any]) -> InterpolateOptions:
    from kinoloom.base.options import build

    known = ("engine", "memory", "flow_scale", "weights")
    wrong = [name for name in options if name not in known]
    if wrong:
        raise UsageError(
            f"The option '{wrong[0]}' is not for arrays.", hint=f"Those are: {', '.join(known)}."
        )
    built: InterpolateOptions = build(InterpolateOptions, options)
    return built
