"""What is trained: for each layer, its bias or not, and which of its weights."""

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
    """What is trained of one layer.

    Attributes:
        bias: whether its bias is.
        ratio: the fraction of input channels (of a grouped layer: output channels) whose weights
            are, 0..1; those of the largest weights are taken.
    """

    bias: bool = True
    ratio: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.ratio <= 1:
            raise UsageError(f"The ratio of trained channels must be in 0..1, not {self.ratio}.")


Scheme = Mapping[str, Update]
"""By layer name; layers that are not named are frozen."""


def collect_convs(program: Program) -> list[Conv]:
    """The layers that have weights, in order; a recurrent cell is two, input and state."""
    return [conv for op in program.ops[: program.inference] for conv in expand_convs(op)]


def expand_convs(op: Op) -> tuple[Conv, ...]:
    """The layers that an operation of the forward pass consists of."""
    if isinstance(op, Gru):
        return (op.input_gates, op.state_gates)
    return (op,) if isinstance(op, Conv) else ()


def full_update(program: Program) -> dict[str, Update]:
    """Everything is trained."""
    return {op.layer: Update(ratio=1.0) for op in collect_convs(program)}


def last_layers(program: Program, count: int, ratio: float = 1.0) -> dict[str, Update]:
    """The last `count` layers are trained."""
    return {op.layer: Update(ratio=ratio) for op in collect_convs(program)[-count:]}


def check_scheme(program: Program, scheme: Scheme) -> None:
    """See that a scheme fits a program.

    Raises:
        UsageError: it names a layer that there is not, or trains nothing.
    """
    known = [op.layer for op in collect_convs(program)]
    for name in scheme:
        if name not in known:
            raise UsageError(
                f"The scheme names a layer '{name}' that {program.name} does not have.",
                hint=f"Its layers are: {', '.join(known)}.",
            )
    if not any(update.bias or update.ratio for update in scheme.values()):
        raise UsageError("The scheme trains nothing.", hint="Name at least one layer.")


def select_channels(program: Program, op: Conv, ratio: float) -> tuple[int, ...]:
    """The channels of the largest weights (L2 norm of real weights), ascending."""
    if not ratio:
        return ()
    norms = _channel_norms(program, op)
    count = max(1, int(np.floor(ratio * norms.size + 0.5)))
    chosen = np.argsort(-norms, kind="stable")[:count]
    return tuple(sorted(int(c) for c in chosen))


def _channel_norms(program: Program, op: Conv) -> Array:
    weight = program.constants[op.weights.frozen].astype(np.float64)
    scales = program.constants[f"{op.layer}_scales"].astype(np.float64)
    real = weight * scales[:, None, None, None]
    axes = (0, 2, 3) if op.geometry.groups == 1 else (1, 2, 3)
    return np.asarray(np.sqrt((real**2).sum(axis=axes)))


def format_scheme(scheme: Scheme) -> Iterator[str]:
    """The scheme as text, one layer a line: "name bias ratio"."""
    for name, update in scheme.items():
        yield f"{name} {'bias' if update.bias else '-'} {update.ratio:g}"


def parse_scheme(text: str) -> dict[str, Update]:
    """The scheme of a text as `lines` makes it; # begins a comment.

    Raises:
        UsageError: a line that is not one, or a layer that is named twice.
    """
    scheme: dict[str, Update] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            name, bias, ratio = words
            known = {"bias": True, "-": False}
            update = Update(known[bias], float(ratio))
        except (ValueError, KeyError) as error:
            raise UsageError(
                f"Line {number} of the scheme is not one: '{line}'.",
                hint="Write: LAYER bias|- RATIO.",
            ) from error
        if name in scheme:
            raise UsageError(f"Line {number} of the scheme names '{name}' again.")
        scheme[name] = update
    return scheme
