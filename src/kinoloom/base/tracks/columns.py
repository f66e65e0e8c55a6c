"""Columns: the arrays of a `Tier`, checked and normalised.

Column types are bool, int64, float64 and text; other integers and floats are converted. A column
as JSON is its type, its shape and its values in one flat list, with null for NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kinoloom.errors import ArrayError

SHAPES: Mapping[str, tuple[int | str, ...]] = {
    "text": (),
    "box": (4,),
    "points": ("J", "P"),
    "position": ("D",),
    "velocity": ("D",),
    "covariance": ("D", "D"),
    "heading": (),
    "class_probability": ("K",),
}
"""What follows the axis of rows, by the name of the column; equal letters are equal lengths.

text: a word, a caption. box: x0, y0, x1, y1 in pixels. points: J points, NaN where absent.
position, velocity, covariance (of the position): on the ground or in space, in metres and seconds.
heading: in radians. class_probability: one for each of the tier's K classes.
"""

_TYPES: Mapping[str, Any] = {
    "bool": np.bool_,
    "int": np.int64,
    "float": np.float64,
    "text": np.str_,
}
_TYPE_OF = {"b": "bool", "i": "int", "u": "int", "f": "float", "U": "text"}


def check_column(name: str, values: ArrayLike, rows: int, type_: str = "") -> NDArray[Any]:
    """Return a read-only copy of a column in one of the four column types.

    Args:
        name: of the column, for messages.
        values: whose first axis has length `rows`.
        rows: how many there must be.
        type_: "int" or "float" where only that type is allowed; integers count as floats.

    Raises:
        ArrayError: another length, another type, or infinite numbers.
    """
    array = np.asarray(values)
    if array.ndim == 0 or len(array) != rows:
        raise ArrayError(
            f"The column '{name}' has shape {array.shape}; expected {rows} rows, ({rows}, ...)."
        )
    found = _TYPE_OF.get(array.dtype.kind, "")
    if type_ and (not array.size or (found, type_) == ("int", "float")):
        found = type_
    if not found or found != (type_ or found):
        raise ArrayError(
            f"The column '{name}' has dtype {array.dtype}; expected {type_ or ', '.join(_TYPES)}."
        )
    if found == "float" and np.isinf(array).any():
        raise ArrayError(
            f"The column '{name}' has infinite values.", hint="Mark unknown numbers with NaN."
        )
    column = array.astype(_TYPES[found])
    column.flags.writeable = False
    return column


def check_probability(name: str, column: NDArray[np.float64]) -> None:
    """Check that all known values of a column are in 0..1.

    Raises:
        ArrayError: one is not.
    """
    if ((column < 0) | (column > 1)).any():
        raise ArrayError(
            f"The column '{name}' has values from {np.nanmin(column):g} to {np.nanmax(column):g}; "
            "expected 0..1."
        )


def are_equal(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two columns have the same type, shape and values; NaN equals NaN."""
    floats = a.dtype.kind == "f"
    return a.dtype.kind == b.dtype.kind and np.array_equal(a, b, equal_nan=floats)


def check_shapes(columns: Mapping[str, NDArray[Any]], lengths: Mapping[str, int]) -> None:
    """Check the shapes of those columns that are named in `SHAPES`.

    Args:
        columns: by name.
        lengths: the lengths of axes that are known beforehand, by letter.

    Raises:
        ArrayError: a shape that differs from `SHAPES`, or from that of another column.
    """
    known = dict(lengths)
    for name, axes in SHAPES.items():
        if name not in columns:
            continue
        shape = columns[name].shape
        if len(shape) == 1 + len(axes):
            for axis, length in zip(axes, shape[1:], strict=True):
                if isinstance(axis, str):
                    known.setdefault(axis, length)
        expected = tuple(known.get(axis, axis) for axis in axes)  # type: ignore[arg-type]
        if shape[1:] != expected:
            raise ArrayError(
                f"The column '{name}' has shape {shape}; expected "
                f"({', '.join(map(str, (shape[0], *expected)))})."
            )


def to_json(column: NDArray[Any]) -> dict[str, Any]:
    """Return a column as plain JSON values; see `from_json`."""
    flat = column.ravel().tolist()
    if column.dtype.kind == "f":
        flat = [None if value != value else value for value in flat]
    return {"type": _TYPE_OF[column.dtype.kind], "shape": list(column.shape), "values": flat}


def from_json(data: Mapping[str, Any]) -> NDArray[Any]:
    """Restore a column from `to_json`.

    Raises:
        KeyError, TypeError, ValueError: malformed data.
    """
    values = data["values"]
    if data["type"] == "float":
        values = [np.nan if value is None else value for value in values]
    return np.array(values, _TYPES[data["type"]]).reshape(data["shape"])
