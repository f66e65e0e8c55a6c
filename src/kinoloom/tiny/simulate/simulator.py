"""The simulator: runs a program as the device does, bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kinoloom.errors import ArrayError, UsageError
from kinoloom.tiny.image import decode_image, encode_image
from kinoloom.tiny.ir import backward_ops as b
from kinoloom.tiny.ir import forward_ops as f
from kinoloom.tiny.ir import sequence_ops as s
from kinoloom.tiny.ir.program import Array, Op, Program
from kinoloom.tiny.simulate import backward, forward, sequence
from kinoloom.tiny.simulate.memory import Memory

RULES: dict[type[Op], Callable[[Memory, Any], None]] = {
    f.Conv: forward.run_conv,
    f.Add: forward.run_add,
    f.Rescale: forward.run_rescale,
    f.Concat: forward.run_concat,
    f.AveragePool: forward.run_average_pool,
    f.MaxPool: forward.run_max_pool,
    f.Dequantise: forward.run_dequantise,
    f.SoftmaxLoss: forward.run_softmax_loss,
    f.MseLoss: forward.run_mse_loss,
    b.MaskGrad: backward.run_mask_grad,
    b.ConvGradX: backward.run_conv_grad_x,
    b.WeightGrad: backward.run_weight_grad,
    b.BiasGrad: backward.run_bias_grad,
    b.Step: backward.run_step,
    b.WeightStep: backward.run_weight_step,
    b.BiasStep: backward.run_bias_step,
    b.Accumulate: backward.run_accumulate,
    b.AveragePoolGrad: backward.run_average_pool_grad,
    b.MaxPoolGrad: backward.run_max_pool_grad,
    b.SliceGrad: backward.run_slice_grad,
    f.Lookup: forward.run_lookup,
    f.Copy: forward.run_copy,
    b.ScaleGrad: backward.run_scale_grad,
    b.LookupGrad: backward.run_lookup_grad,
    b.CopyGrad: backward.run_copy_grad,
    s.Gru: sequence.run_gru,
    s.GruGrad: sequence.run_gru_grad,
    s.MatMul: sequence.run_matmul,
    s.MatMulGrad: sequence.run_matmul_grad,
    s.Softmax: sequence.run_softmax,
    s.SoftmaxGrad: sequence.run_softmax_grad,
    s.Normalise: sequence.run_normalise,
    s.NormaliseGrad: sequence.run_normalise_grad,
}


def _run(memory: Memory, ops: tuple[Op, ...]) -> None:
    """Run operations; fused operations run one by one."""
    for op in ops:
        for one in op.fused_ops():
            RULES[type(one)](memory, one)


class Simulator:
    """A simulated device: the program, its trained tensors and the number of steps taken.

    Args:
        program: the program to run.
        seed: seed of stochastic rounding.

    Attributes:
        memory: all tensors, including the work tensors of the last run.

    Example:
        >>> device = Simulator(program)
        >>> loss = device.train_step(device.quantise(x), label, lr=0.05)
    """

    def __init__(self, program: Program, seed: int = 1) -> None:
        self.program = program
        self.init(seed)

    def init(self, seed: int) -> None:
        """Reset the device to its initial state.

        Args:
            seed: seed of stochastic rounding.
        """
        params = {name: array.copy() for name, array in self.program.initial.items()}
        self.memory = Memory(self.program, params, seed=seed)

    def quantise(self, x: Array) -> Array:
        """Quantise a real input to the int8 input of the device, in its shape."""
        quant = self.program.quant(self.program.input)
        scaled = np.rint(np.asarray(x, np.float64) / quant.scale) + quant.zero
        shape = self.program.tensors[self.program.input].shape
        quantised: Array = np.clip(scaled, -128, 127).astype(np.int8).reshape(shape)
        return quantised

    def forward(self, x: Array) -> Array:
        """Return the output for one int8 input.

        Raises:
            ArrayError: The input is not int8, or has the wrong size.
        """
        self._begin(x)
        _run(self.memory, self.program.ops[: self.program.inference])
        return self.memory[self.program.output].copy()

    def train_step(self, x: Array, label: Any, lr: float) -> float:
        """Take one SGD step on one example and return the loss before it.

        Args:
            x: int8 input.
            label: class, or target of the size of the output.
            lr: learning rate, at least 0.

        Raises:
            ArrayError: The input or target has the wrong type or size.
            UsageError: The program is for inference only, the label is out of range, or the
                learning rate is negative or not finite.
        """
        if not self.program.label:
            raise UsageError("The program is for inference only.", hint="Compile it with a loss.")
        if not (np.isfinite(lr) and lr >= 0):
            raise UsageError(f"Invalid learning rate {lr}: expected a finite number of at least 0.")
        target = self._target(label)
        self._begin(x)
        self.memory[self.program.label] = target
        self.memory.lr = np.float32(lr)
        _run(self.memory, self.program.ops)
        self.memory.step += 1
        return float(self.memory[self.program.loss].ravel()[0])

    def export(self) -> bytes:
        """Return the trained tensors, seed and step as an image; see `tiny.image`."""
        memory = self.memory
        return encode_image(self.program, memory.params, memory.seed, memory.step)

    def load(self, image: bytes) -> None:
        """Load the trained tensors, seed and step from an image; see `tiny.image`.

        Raises:
            UsageError: The image is damaged or belongs to another program.
        """
        content = decode_image(self.program, image)
        self.memory.params = content.params
        if content.randomness is not None:
            self.memory.seed, self.memory.step = content.randomness

    def _target(self, label: Any) -> Array:
        tensor = self.program.tensors[self.program.label]
        if tensor.dtype == "int32":
            classes = self.program.tensors[self.program.output].size
            if not 0 <= int(label) < classes:
                raise UsageError(f"Invalid label {label}: expected 0 to {classes - 1}.")
            return np.array([label], np.int32)
        target = np.asarray(label, np.float32)
        if target.size != tensor.size:
            raise ArrayError(f"The target has {target.size} values: expected {tensor.size}.")
        return target.reshape(tensor.shape)

    def _begin(self, x: Array) -> None:
        tensor = self.program.tensors[self.program.input]
        if x.dtype != np.int8 or x.size != tensor.size:
            raise ArrayError(
                f"The input is {x.dtype} of shape {x.shape}: expected int8 of {tensor.shape}.",
                hint="Convert real values with quantise().",
            )
        self.memory.work = {self.program.input: x.reshape(tensor.shape)}
