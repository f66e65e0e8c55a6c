"""Reading of labelled examples, checked against the network that trains on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinoloom.errors import ArrayError, InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.runtime.array_files import read_arrays
from kinoloom.tiny.ir.program import Array, Program

TRAIN, HELD_OUT = ("x", "y"), ("x_test", "y_test")
HINT = "Write numpy.savez(path, x=..., y=..., x_test=..., y_test=...)."


@dataclass(frozen=True)
class Examples:
    """Training examples and held-out examples.

    Attributes:
        x, x_test: (N, ...) real inputs; x may be empty.
        y, y_test: (N,) classes, or (N, ...) real targets for the mean squared error.
        classes: whether the labels are classes.
    """

    x: Array
    y: Array
    x_test: Array
    y_test: Array
    classes: bool = True


def read_examples(path: Path, program: Program, loss: str) -> Examples:
    """Read a .npz of examples: x_test and y_test, and optionally x and y for training.

    Args:
        path: the file.
        program: the inference program.
        loss: "cross-entropy" for classes, "mse" for targets.

    Raises:
        InputNotFoundError: The file does not exist.
        UnreadableMediaError: The file is not a .npz or lacks an array.
        ArrayError: The arrays do not fit the network or have values that are not finite.
        UsageError: A class is out of range.
    """
    arrays = _read_arrays(path)
    for inputs, labels in (TRAIN, HELD_OUT):
        x, y = arrays[inputs], arrays[labels]
        if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
            raise ArrayError(
                f"{path.name}: {inputs} {x.shape} and {labels} {y.shape} differ in length."
            )
        _check_inputs(f"{inputs} of {path.name}", x, program)
        _check_labels(f"{labels} of {path.name}", y, program, loss)
    if not len(arrays["x_test"]):
        raise ArrayError(f"x_test of {path.name} is empty.")
    x, y, x_test, y_test = (arrays[name] for name in (*TRAIN, *HELD_OUT))
    return Examples(x, y, x_test, y_test, classes=loss != "mse")


def _read_arrays(path: Path) -> dict[str, Array]:
    """Read the four arrays; x and y are empty if the file has neither."""
    if not path.is_file():
        raise InputNotFoundError(f"The file {path} does not exist.")
    try:
        arrays = read_arrays(path)
    except (ValueError, OSError) as error:
        raise UnreadableMediaError(f"{path.name} is not a .npz of arrays.", hint=HINT) from error
    needed = (*TRAIN, *HELD_OUT) if arrays.keys() & set(TRAIN) else HELD_OUT
    missing = [name for name in needed if name not in arrays]
    if missing:
        raise UnreadableMediaError(f"{path.name} lacks {', '.join(missing)}.", hint=HINT)
    held_out = (np.atleast_1d(arrays[name]) for name in HELD_OUT)
    empty = {name: array[:0] for name, array in zip(TRAIN, held_out, strict=True)}
    return {**empty, **arrays}


def _check_inputs(name: str, x: Array, program: Program) -> None:
    expected = program.tensors[program.input]
    if math.prod(x.shape[1:]) != expected.size:
        raise ArrayError(f"{name} has inputs of shape {x.shape[1:]}: expected {expected.shape}.")
    _check_finite(name, x)


def _check_labels(name: str, y: Array, program: Program, loss: str) -> None:
    outputs = program.tensors[program.output]
    if loss == "mse":
        if math.prod(y.shape[1:]) != outputs.size:
            raise ArrayError(
                f"{name} has targets of shape {y.shape[1:]}: expected {outputs.shape}."
            )
        _check_finite(name, y)
        return
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise ArrayError(f"{name} is {y.dtype} {y.shape}: expected one integer per input.")
    invalid = np.flatnonzero((y < 0) | (y >= outputs.size))
    if invalid.size:
        raise UsageError(
            f"{name} has the label {y[invalid[0]]} at index {invalid[0]}: expected 0 to "
            f"{outputs.size - 1}."
        )


def _check_finite(name: str, values: Array) -> None:
    if values.dtype.kind not in "biuf":
        raise ArrayError(f"{name} is {values.dtype}: expected numbers.")
    invalid = np.argwhere(~np.isfinite(values))
    if len(invalid):
        raise ArrayError(f"{name} is infinite or NaN at index {invalid[0, 0]}.")
