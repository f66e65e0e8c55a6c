"""Clipping: the share of values that exceed the calibrated range of their tensor."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kinoloom.tiny.front.float_network import FloatNetwork
from kinoloom.tiny.front.torch_network import TorchNetwork
from kinoloom.tiny.ir.program import Array, Program, Quant

MAX_INPUTS = 512
"""Number of inputs that are measured; more do not change a share of 1 % noticeably."""


def measure_clipping(
    inference: Program, network: FloatNetwork | None, inputs: Array
) -> dict[str, float]:
    """Measure the share of clipped values of each quantised tensor, before training.

    A bound of the layer itself, such as ReLU, is not clipping.

    Args:
        inference: the quantised network.
        network: the same network in real numbers; None measures the inputs alone.
        inputs: (N, ...) real inputs.

    Returns:
        Share of the values beyond the int8 range by tensor, 0..1, in order of execution.
    """
    reference = TorchNetwork(network) if network is not None else None
    steps = np.unique(np.linspace(0, len(inputs) - 1, min(len(inputs), MAX_INPUTS)).astype(int))
    shares: dict[str, list[float]] = {}
    for x in inputs[steps]:
        values: Mapping[str, Array] = {inference.input: np.asarray(x, np.float64)}
        if reference is not None:
            values = reference.trace(x)
        for name, array in values.items():
            quant = inference.tensors[name].quant if name in inference.tensors else None
            if quant is not None and name not in inference.constants:
                shares.setdefault(name, []).append(_measure_share(array, quant))
    return {name: float(np.mean(parts)) for name, parts in shares.items()}


def _measure_share(values: Array, quant: Quant) -> float:
    """Return the share of the values that are more than one step outside the int8 range."""
    low, high = (quant.scale * (q - quant.zero) for q in (-129, 128))
    return float(((values < low) | (values > high)).mean())
