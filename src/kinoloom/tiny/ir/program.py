"""The intermediate representation: tensors, constants and a sequence of operations.

A program is in static single assignment form: one operation writes each work tensor, all shapes are
static, and the batch size is one. Images are (C, H, W), time series (C, 1, T), features (C, 1, 1).

Data types
- int8: activations with an affine quantisation, `scale * (q - zero)` (`Quant`).
- float32: logits, the loss and gradients. A gradient is dL/d(real value), so the scales of
  activations do not appear in the backward pass.
- bits: clamp masks. Bit i is set where element i was not clamped; low bits first.

Trained tensors (role "param") are the state of the program and are stored outside the arena, as are
the label and the loss, which the caller owns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal

from numpy.typing import NDArray

from kinoloom.errors import UsageError

Array = NDArray[Any]
Shape = tuple[int, ...]
DType = Literal["int8", "uint8", "int16", "int32", "float32", "bits"]
Role = Literal["input", "param", "work", "caller", "constant"]

ITEM_BITS: dict[str, int] = {
    "int8": 8,
    "uint8": 8,
    "int16": 16,
    "int32": 32,
    "float32": 32,
    "bits": 1,
}


@dataclass(frozen=True)
class Quant:
    """An affine quantisation of int8 values: `scale * (q - zero)`.

    Attributes:
        scale: positive and finite.
        zero: zero point, -128..127.
    """

    scale: float
    zero: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0 and -128 <= self.zero <= 127):
            raise UsageError(
                f"Invalid quantisation: scale {self.scale}, zero point {self.zero}; expected a "
                "positive finite scale and a zero point in -128..127."
            )


@dataclass(frozen=True)
class Tensor:
    """A named array of static shape; only int8 activations have a `quant`."""

    name: str
    shape: Shape
    dtype: DType
    role: Role = "work"
    quant: Quant | None = None

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Size in bytes; bits are packed eight to a byte."""
        return (self.size * ITEM_BITS[self.dtype] + 7) // 8


@dataclass(frozen=True)
class Geometry:
    """The geometry of a convolution or a pooling window.

    Attributes:
        cin, ih, iw: input channels, height and width.
        cout, oh, ow: output channels, height and width.
        kh, kw: kernel size.
        sy, sx: strides.
        py, px: padding at the top and the left; that at the bottom and the right follows from the
            output size.
        dy, dx: dilations.
        groups: each group maps cin / groups channels to cout / groups.
    """

    cin: int
    ih: int
    iw: int
    cout: int
    oh: int
    ow: int
    kh: int
    kw: int
    sy: int = 1
    sx: int = 1
    py: int = 0
    px: int = 0
    dy: int = 1
    dx: int = 1
    groups: int = 1

    @property
    def fan_in(self) -> int:
        """Number of products in the sum of one output element."""
        return self.cin // self.groups * self.kh * self.kw

    @property
    def is_depthwise(self) -> bool:
        """Whether each output channel depends on one input channel only."""
        return self.groups == self.cin == self.cout and self.groups > 1

    @property
    def is_pointwise(self) -> bool:
        """Whether each output pixel depends on one input pixel only."""
        return (self.kh, self.kw, self.sy, self.sx, self.py, self.px) == (1, 1, 1, 1, 0, 0)

    @property
    def has_empty_window(self) -> bool:
        """Whether some window contains padding only."""
        rows = (self.oh, self.kh, self.sy, self.py, self.dy, self.ih)
        columns = (self.ow, self.kw, self.sx, self.px, self.dx, self.iw)
        return any(
            not any(0 <= o * stride - padding + tap * step < inputs for tap in range(taps))
            for outputs, taps, stride, padding, step, inputs in (rows, columns)
            for o in range(outputs)
        )

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one pass, including those on padding."""
        return self.cout * self.oh * self.ow * self.fan_in


@dataclass(frozen=True)
class Weights:
    """The weights of a convolution: a frozen part, a trained part, or both.

    A dense convolution may train some input channels (`updated`): their weights are the tensor
    `trained` (cout, len(updated), kh, kw), the others the constant `frozen`. The weights of a
    grouped convolution are one tensor, of which the output channels `updated` are trained.

    Attributes:
        frozen: name of the constant; "" if all weights are in the trained tensor.
        trained: name of the param; "" if all weights are frozen.
        updated: trained channels, ascending.
    """

    frozen: str
    trained: str = ""
    updated: tuple[int, ...] = ()


@dataclass(frozen=True)
class Op:
    """An operation.

    Fields declared by `input_field` and `output_field` hold names of tensors, "" for none.
    """

    def inputs(self) -> tuple[str, ...]:
        """Return the names of the work tensors and params that it reads."""
        return tuple(self._named("inputs"))

    def outputs(self) -> tuple[str, ...]:
        """Return the names of the work tensors that it writes."""
        return tuple(self._named("outputs"))

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return pairs (output, input) that may share memory if nothing reads the input later."""
        return ()

    def scratch_bytes(self) -> int:
        """Return the bytes of scratch memory that it needs in the arena while it runs."""
        return 0

    def fused_ops(self) -> tuple[Op, ...]:
        """Return the operations that it fuses, in the order of unfused execution."""
        return (self,)

    def layers(self) -> tuple[str, ...]:
        """Return the names of its layers."""
        names = (getattr(op, "layer", "") for op in self.fused_ops())
        return tuple(dict.fromkeys(name for name in names if name))

    def _named(self, mark: str) -> Iterator[str]:
        for item in fields(self):
            if item.metadata.get(mark):
                value = getattr(self, item.name)
                yield from (n for n in ((value,) if isinstance(value, str) else value) if n)


def input_field() -> Any:
    """Declare a field that names a tensor, or a tuple of tensors, that the operation reads."""
    return field(metadata={"inputs": True})


def output_field() -> Any:
    """Declare a field that names a tensor, or a tuple of tensors, that the operation writes."""
    return field(metadata={"outputs": True})


@dataclass(frozen=True)
class Program:
    """A network as a sequence of operations, for inference or for one training step.

    Attributes:
        name: a C identifier, the prefix of all generated names.
        tensors: by name.
        constants: arrays by name; they are stored in flash.
        initial: initial values of the params, by name.
        ops: operations in order of execution.
        inference: number of operations of the forward pass, the first of `ops`.
        input: name of the input tensor.
        output: name of the output tensor.
        label: name of the label or target; "" for inference only.
        loss: name of the float32 scalar; "" for inference only.
        rounding: rounding of int8 weight updates.
    """

    name: str
    tensors: dict[str, Tensor]
    constants: dict[str, Array]
    initial: dict[str, Array]
    ops: tuple[Op, ...]
    inference: int
    input: str
    output: str
    label: str = ""
    loss: str = ""
    rounding: Literal["stochastic", "residual"] = "stochastic"

    def quant(self, name: str) -> Quant:
        """Return the quantisation of an int8 tensor.

        Raises:
            UsageError: The tensor is not quantised.
        """
        quant = self.tensors[name].quant
        if quant is None:
            raise UsageError(f"The tensor '{name}' of {self.name} is not quantised.")
        return quant

    @property
    def unfused_ops(self) -> list[Op]:
        """All operations, with fused ones expanded."""
        return [part for op in self.ops for part in op.fused_ops()]

    @property
    def params(self) -> list[Tensor]:
        """The trained tensors, in order of creation."""
        return [t for t in self.tensors.values() if t.role == "param"]

    @property
    def param_bytes(self) -> int:
        """Total size of the trained tensors in bytes."""
        return sum(t.bytes for t in self.params)

    @property
    def constant_bytes(self) -> int:
        """Total size of the constants in bytes."""
        return sum(array.nbytes for array in self.constants.values())


def prune_constants(program: Program) -> Program:
    """Return the program without constants that no operation refers to."""
    used: set[str] = set()
    for op in program.ops:
        used |= _strings(op)
    constants = {name: array for name, array in program.constants.items() if name in used}
    return replace(program, constants=constants)


def _strings(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, tuple):
        return set().union(*(_strings(item) for item in value))
    if is_dataclass(value):
        return set().union(*(_strings(getattr(value, i.name)) for i in fields(value)))
    return set()
