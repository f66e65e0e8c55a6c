"""Sparse-update schemes: which biases and which weights of each layer are trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from kinoloom.errors import UsageError
from kinoloom.tiny.ir.forward_ops import Conv
from kinoloom.tiny.ir.program import Array, Op, Program
from kinoloom.tiny.ir.sequence_ops import Gru


@dataclass(frozen=True)
class Update:
    """The update of one layer.

    Attributes:
        bias: whether the bias is trained.
        ratio: fraction of the input channels (of a grouped layer, output channels) whose weights
            are trained, 0..1; channels with the largest weights are selected.

    Example:
        >>> scheme = {"features_3": Update(ratio=0.5), "head": Update(ratio=1.0)}
    """

    bias: bool = True
    ratio: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1:
            raise UsageError(f"Invalid ratio of trained channels {self.ratio}: expected 0..1.")


Scheme = Mapping[str, Update]
"""Updates by layer name; the other layers are frozen."""


def collect_convs(program: Program) -> list[Conv]:
    """Return the layers with weights, in order; a recurrent cell has two, input and state."""
    return [conv for op in program.ops[: program.inference] for conv in expand_convs(op)]


def expand_convs(op: Op) -> tuple[Conv, ...]:
    """Return the layers with weights of one operation of the forward pass."""
    if isinstance(op, Gru):
        return (op.input_gates, op.state_gates)
    return (op,) if isinstance(op, Conv) else ()


def full_update(program: Program) -> dict[str, Update]:
    """Return the scheme that trains all layers.

    Example:
        >>> tiny.compile(model, example, data=data, scheme=tiny.full_update)
    """
    return {op.layer: Update(ratio=1.0) for op in collect_convs(program)}


def last_layers(program: Program, count: int, ratio: float = 1.0) -> dict[str, Update]:
    """Return the scheme that trains the last `count` layers.

    Args:
        program: the inference program.
        count: number of layers, from 1 up.
        ratio: fraction of trained channels per layer, 0..1.

    Example:
        >>> tiny.compile(model, example, data=data, scheme=lambda p: tiny.last_layers(p, 2))
    """
    return {op.layer: Update(ratio=ratio) for op in collect_convs(program)[-count:]}


def check_scheme(program: Program, scheme: Scheme) -> None:
    """Check that a scheme fits a program.

    Raises:
        UsageError: A layer of the scheme does not exist, or the scheme trains nothing.
    """
    layers = [op.layer for op in collect_convs(program)]
    for name in scheme:
        if name not in layers:
            raise UsageError(
                f"Unknown layer '{name}' in the scheme for {program.name}.",
                hint=f"Layers: {', '.join(layers)}.",
            )
    if not any(update.bias or update.ratio for update in scheme.values()):
        raise UsageError(
            "The scheme trains nothing.", hint="Train the bias or weights of at least one layer."
        )


def select_channels(program: Program, op: Conv, ratio: float) -> tuple[int, ...]:
    """Return the channels with the largest L2 norm of the real weights, ascending."""
    if not ratio:
        return ()
    norms = _channel_norms(program, op)
    count = max(1, int(np.floor(ratio * norms.size + 0.5)))
    selected = np.argsort(-norms, kind="stable")[:count]
    return tuple(sorted(int(c) for c in selected))


def _channel_norms(program: Program, op: Conv) -> Array:
    weight = program.constants[op.weights.frozen].astype(np.float64)
    scales = program.constants[f"{op.layer}_scales"].astype(np.float64)
    real = weight * scales[:, None, None, None]
    axes = (0, 2, 3) if op.geometry.groups == 1 else (1, 2, 3)
    return np.asarray(np.sqrt((real**2).sum(axis=axes)))


def format_scheme(scheme: Scheme) -> Iterator[str]:
    """Yield a scheme as text, one layer per line: "LAYER bias|- RATIO"."""
    for name, update in scheme.items():
        yield f"{name} {'bias' if update.bias else '-'} {update.ratio:g}"


def parse_scheme(text: str) -> dict[str, Update]:
    """Parse a scheme from text in the form of `format_scheme`; # starts a comment.

    Raises:
        UsageError: A line is malformed, or a layer occurs twice.
    """
    scheme: dict[str, Update] = {}
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.partition("#")[0].split()
        if not parts:
            continue
        try:
            name, bias, ratio = parts
            flags = {"bias": True, "-": False}
            update = Update(flags[bias], float(ratio))
        except (ValueError, KeyError) as error:
            raise UsageError(
                f"Malformed line {number} of the scheme: '{line}'.",
                hint="Expected: LAYER bias|- RATIO, with a ratio of 0..1.",
            ) from error
        if name in scheme:
            raise UsageError(f"Duplicate layer '{name}' in line {number} of the scheme.")
        scheme[name] = update
    return scheme
