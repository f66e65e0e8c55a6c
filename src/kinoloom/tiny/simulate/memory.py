"""What a simulated program holds: work tensors, constants, trained tensors."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kinoloom.tiny.ir.program import Array, Geometry, Program, Weights

_NUMPY = {
    "int8": np.int8,
    "uint8": np.uint8,
    "int16": np.int16,
    "int32": np.int32,
    "float32": np.float32,
    "bits": np.bool_,
}


@dataclass
class Memory:
    """Arrays by name; what is stored is checked against the tensor's type and brought to shape.

    Attributes:
        program: whose memory it is.
        params: the trained tensors, which outlast a step.
        work: the work tensors of the step under way.
        seed, step, lr: of the updates.
    """

    program: Program
    params: dict[str, Array]
    work: dict[str, Array] = field(default_factory=dict)
    seed: int = 0
    step: int = 0
    lr: np.float32 = field(default_factory=lambda: np.float32(0))

    def __getitem__(self, name: str) -> Array:
        for place in (self.params, self.program.constants, self.work):
            if name in place:
                return place[name]
        raise KeyError(name)

    def __setitem__(self, name: str, value: Array | np.generic) -> None:
        tensor = self.program.tensors[name]
        array = np.asarray(value)
        if array.dtype != _NUMPY[tensor.dtype]:
            raise TypeError(f"{name} is {tensor.dtype}, not {array.dtype}")
        place = self.params if tensor.role == "param" else self.work
        place[name] = array.reshape(tensor.shape)

    def view(self, name: str, shape: tuple[int, ...]) -> Array:
        """An array in another shape of the same size."""
        return self[name].reshape(shape)

    def join_weights(self, weights: Weights, g: Geometry) -> Array:
        """The whole weights (cout, cin / groups, kh, kw), both parts together."""
        shape = (g.cout, g.cin // g.groups, g.kh, g.kw)
        if not (weights.frozen and weights.trained):
            return self.view(weights.frozen or weights.trained, shape)
        whole = np.empty(shape, np.int8)
        kept = np.isin(np.arange(shape[1]), weights.updated)
        whole[:, ~kept] = self[weights.frozen]
        whole[:, kept] = self[weights.trained]
        return whole
