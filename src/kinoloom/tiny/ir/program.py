"""The intermediate representation: tensors, constants, and a straight line of operations.

A program is in single-assignment form: every work tensor is written by one operation, every shape
is static, the batch is one. Pictures are (C, H, W); series are (C, 1, T); features are (C, 1, 1).

Quantities
- int8 tensors stand for real values `scale * (q - zero)` (`Quant`).
- float32 tensors are logits, the loss, and gradients. The gradient of a tensor is dL/d(real value),
  so scales of activations never appear in the backward pass.
- bit tensors are clamp masks: bit i tells that element i was not clamped, low bits first.

Trained tensors (`role` "param") live outside the arena: they are the state of the program. So does
what the caller holds: the label and the loss.
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
    """An affine map from int8 to reals: `scale * (q - zero)`; scale > 0, zero in -128..127."""

    scale: float
    zero: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0 and -128 <= self.zero <= 127):
            raise UsageError(f"Not a quantisation: scale {self.scale}, zero point {self.zero}.")


@dataclass(frozen=True)
class Tensor:
    """A named array of static shape; `quant` is set for int8 activations only."""

    name: str
    shape: Shape
    dtype: DType
    role: Role = "work"
    quant: Quant | None = None

    @property
    def size(self) -> int:
        """How many elements it has."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """How many bytes it takes; bits are packed."""
        return (self.size * ITEM_BITS[self.dtype] + 7) // 8


@dataclass(frozen=True)
class Geometry:
    """The sizes of a convolution or pooling window; padding is at the top and left.

    What is padded at the bottom and right follows from the output's size. `cin`, `cout` are whole
    channel counts; each group maps cin / groups channels to cout / groups.
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
        """Products that are summed for one output element."""
        return self.cin // self.groups * self.kh * self.kw

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel goes its own way."""
        return self.groups == self.cin == self.cout and self.groups > 1

    @property
    def is_pointwise(self) -> bool:
        """Whether pixels do not see their neighbours."""
        return (self.kh, self.kw, self.sy, self.sx, self.py, self.px) == (1, 1, 1, 1, 0, 0)

    @property
    def has_empty_window(self) -> bool:
        """Whether some window lies in the padding as a whole."""
        rows = (self.oh, self.kh, self.sy, self.py, self.dy, self.ih)
        columns = (self.ow, self.kw, self.sx, self.px, self.dx, self.iw)
        return any(
            not any(0 <= o * stride - padding + tap * step < inputs for tap in range(taps))
            for outputs, taps, stride, padding, step, inputs in (rows, columns)
            for o in range(outputs)
        )

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one pass, with those on padding."""
        return self.cout * self.oh * self.ow * self.fan_in


@dataclass(frozen=True)
class Weights:
    """The weights of a convolution, in one or two parts.

    A dense convolution may train some of its input channels: those are `kept`, their weights are
    the tensor `trained` (cout, len(kept), kh, kw), and the rest are the constant `frozen`. A
    grouped one is trained as a whole tensor, of which only the output channels `kept` are changed.

    Attributes:
        frozen: name of the constant, or "" if all are in the trained tensor.
        trained: name of the param, or "" if all are frozen.
        kept: channels that are updated, ascending.
    """

    frozen: str
    trained: str = ""
    updated: tuple[int, ...] = ()


@dataclass(frozen=True)
class Op:
    """One operation. Fields marked by `reads` and `writes` hold tensor names ("" for none)."""

    def inputs(self) -> tuple[str, ...]:
        """Names of the work tensors and params that it reads."""
        return tuple(self._named("inputs"))

    def outputs(self) -> tuple[str, ...]:
        """Names of the work tensors that it makes."""
        return tuple(self._named("outputs"))

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Pairs (written, read) that may share memory when the read one is not needed later."""
        return ()

    def scratch_bytes(self) -> int:
        """Bytes that it needs in the arena while it runs, beside its tensors."""
        return 0

    def fused_ops(self) -> tuple[Op, ...]:
        """The operations that it runs as one, in the order in which they would stand alone."""
        return (self,)

    def layers(self) -> tuple[str, ...]:
        """The names of the layers that it works on."""
        names = (getattr(one, "layer", "") for one in self.fused_ops())
        return tuple(dict.fromkeys(name for name in names if name))

    def _named(self, mark: str) -> Iterator[str]:
        for item in fields(self):
            if item.metadata.get(mark):
                value = getattr(self, item.name)
                yield from (n for n in ((value,) if isinstance(value, str) else value) if n)


def input_field() -> Any:
    """A field that names a tensor, or a tuple of tensors, that the operation reads."""
    return field(metadata={"inputs": True})


def output_field() -> Any:
    """A field that names a tensor that the operation makes."""
    return field(metadata={"outputs": True})


@dataclass(frozen=True)
class Program:
    """A network as a straight line of operations, for inference or for one training step.

    Attributes:
        name: a C identifier; prefix of all that is generated.
        tensors: by name.
        constants: arrays by name; they end in flash.
        initial: the first values of the params, by name.
        ops: in order; the first `inference` of them make the output from the input.
        inference: see `ops`.
        input, output: names of tensors.
        label: name of the label or target, "" for inference only.
        loss: name of the float32 scalar, "" for inference only.
        rounding: how updates of int8 weights round: "stochastic" or "residual".
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
        """The quantisation of an int8 tensor.

        Raises:
            UsageError: it has none.
        """
        found = self.tensors[name].quant
        if found is None:
            raise UsageError(f"The tensor '{name}' of {self.name} is not quantised.")
        return found

    @property
    def unfused_ops(self) -> list[Op]:
        """All operations one by one, those that run joined among them."""
        return [one for op in self.ops for one in op.fused_ops()]

    @property
    def params(self) -> list[Tensor]:
        """The trained tensors, in the order of their making."""
        return [t for t in self.tensors.values() if t.role == "param"]

    @property
    def param_bytes(self) -> int:
        """Bytes of all trained tensors."""
        return sum(t.bytes for t in self.params)

    @property
    def constant_bytes(self) -> int:
        """Bytes of all constants."""
        return sum(array.nbytes for array in self.constants.values())


def prune_constants(program: Program) -> Program:
    """The same program without constants that no operation names."""
    named: set[str] = set()
    for op in program.ops:
        named |= _strings(op)
    kept = {name: array for name, array in program.constants.items() if name in named}
    return replace(program, constants=kept)


def _strings(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, tuple):
        return set().union(*(_strings(item) for item in value))
    if is_dataclass(value):
        return set().union(*(_strings(getattr(value, i.name)) for i in fields(value)))
    return set()
