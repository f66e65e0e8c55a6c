"""The memory of a simulated program: work tensors, constants and trained tensors."""

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
    """Arrays by name; a stored array is checked for its type and reshaped to that of its tensor.

    Attributes:
        program: the program.
        params: trained tensors, which persist between steps.
        work: work tensors of the current step.
        seed, step, lr: random seed, step number and learning rate of updates.
    """

    program: Program
    params: dict[str, Array]
    work: dict[str, Array] = field(default_factory=dict)
    seed: int = 0
    step: int = 0
    lr: np.float32 = field(default_factory=lambda: np.float32(0))

    def __getitem__(self, name: str) -> Array:
        for store in (self.params, self.program.constants, self.work):
            if name in store:
                return store[name]
        raise KeyError(name)

    def __setitem__(self, name: str, value: Array | np.generic) -> None:
        tensor = self.program.tensors[name]
        array = np.asarray(value)
        if array.dtype != _NUMPY[tensor.dtype]:
            raise TypeError(f"{name} is {tensor.dtype}, not {array.dtype}")
        store = self.params if tensor.role == "param" else self.work
        store[name] = array.reshape(tensor.shape)

    def view(self, name: str, shape: tuple[int, ...]) -> Array:
        """Return an array reshaped."""
        return self[name].reshape(shape)

    def join_weights(self, weights: Weights, g: Geometry) -> Array:
        """Return the weights (cout, cin / groups, kh, kw), both parts combined."""
        shape = (g.cout, g.cin // g.groups, g.kh, g.kw)
        if not (weights.frozen and weights.trained):
            return self.view(weights.frozen or weights.trained, shape)
        combined = np.empty(shape, np.int8)
        is_trained = np.isin(np.arange(shape[1]), weights.updated)
        combined[:, ~is_trained] = self[weights.frozen]
        combined[:, is_trained] = self[weights.trained]
        return combined
