"""Labelled examples from a file, checked against the network that is to learn from them."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinoloom.errors import ArrayError, InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.tiny.ir.program import Array, Program

TRAIN, HELD_OUT = ("x", "y"), ("x_test", "y_test")
HINT = "Write numpy.savez(path, x=..., y=..., x_test=..., y_test=...)."


@dataclass(frozen=True)
class Examples:
    """Examples to learn from and others to score on.

    Attributes:
        x, x_test: (N, ...) real inputs; x may have none.
        y, y_test: (N,) classes, or (N, ...) real targets for the squared error.
        classes: whether they are classes.
    """

    x: Array
    y: Array
    x_test: Array
    y_test: Array
    classes: bool = True


def read_examples(path: Path, program: Program, loss: str) -> Examples:
    """The examples of an .npz with x_test and y_test, and x and y if there are some to learn from.

    Args:
        path: the file.
        program: the inference program that they are for.
        loss: "cross-entropy" for classes, "square" for targets.

    Raises:
        InputNotFoundError: there is no such file.
        UnreadableMediaError: it does not hold these arrays.
        ArrayError: they do not fit the network, or hold what is not a number.
        UsageError: a class is out of range.
    """
    found = _arrays(path)
    for inputs, labels in (TRAIN, HELD_OUT):
        x, y = found[inputs], found[labels]
        if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
            raise ArrayError(
                f"{path.name}: {inputs} {x.shape} and {labels} {y.shape} are not of one length."
            )
        _check_inputs(f"{inputs} of {path.name}", x, program)
        _check_labels(f"{labels} of {path.name}", y, program, loss)
    if not len(found["x_test"]):
        raise ArrayError(f"x_test of {path.name} is empty.")
    x, y, x_test, y_test = (found[name] for name in (*TRAIN, *HELD_OUT))
    return Examples(x, y, x_test, y_test, classes=loss != "mse")


def _arrays(path: Path) -> dict[str, Array]:
    """The four arrays; x and y of length 0 where the file has neither."""
    if not path.is_file():
        raise InputNotFoundError(f"There is no file {path}.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise UnreadableMediaError(f"{path.name} is no .npz of arrays.", hint=HINT) from error
    needed = (*TRAIN, *HELD_OUT) if found.keys() & set(TRAIN) else HELD_OUT
    lacking = [name for name in needed if name not in found]
    if lacking:
        raise UnreadableMediaError(f"{path.name} lacks {', '.join(lacking)}.", hint=HINT)
    none = {name: found[other][:0] for name, other in zip(TRAIN, HELD_OUT, strict=True)}
    return {**none, **found}


def _check_inputs(what: str, x: Array, program: Program) -> None:
    wanted = program.tensors[program.input]
    if math.prod(x.shape[1:]) != wanted.size:
        raise ArrayError(f"{what} holds inputs of shape {x.shape[1:]}, not of {wanted.shape}.")
    _check_finite(what, x)


def _check_labels(what: str, y: Array, program: Program, loss: str) -> None:
    outputs = program.tensors[program.output]
    if loss == "mse":
        if math.prod(y.shape[1:]) != outputs.size:
            raise ArrayError(f"{what} holds targets of shape {y.shape[1:]}, not {outputs.shape}.")
        _check_finite(what, y)
        return
    if y.ndim != 1 or y.dtype.kind not in "iu":
        raise ArrayError(f"{what} must be a whole number for each input, not {y.dtype} {y.shape}.")
    wrong = np.flatnonzero((y < 0) | (y >= outputs.size))
    if wrong.size:
        raise UsageError(
            f"{what} has the label {y[wrong[0]]} at {wrong[0]}; the network has the classes 0 to "
            f"{outputs.size - 1}."
        )


def _check_finite(what: str, values: Array) -> None:
    if values.dtype.kind not in "biuf":
        raise ArrayError(f"{what} holds no numbers, but {values.dtype}.")
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        raise ArrayError(f"{what} is infinite or not a number at {wrong[0, 0]}.")
