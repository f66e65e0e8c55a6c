"""Fidelity of a quantised network to its float32 original."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kinoloom.errors import ArrayError
from kinoloom.tiny.evaluation.statistics import accuracy_interval
from kinoloom.tiny.ir.program import Array, Program
from kinoloom.tiny.simulate.simulator import Simulator


@dataclass(frozen=True)
class Fidelity:
    """Comparison of a quantised network with its float32 original on the same inputs.

    Attributes:
        inputs: number of inputs.
        sqnr_db: signal-to-quantisation-noise ratio of the outputs in dB.
        max_error: largest absolute difference, as a fraction of the range of the float outputs.
        top1_agreement: fraction of inputs for which both have the same largest output, 0..1.
        float_accuracy, int8_accuracy: accuracy on labels, 0..1; None without labels.
    """

    inputs: int
    sqnr_db: float
    max_error: float
    top1_agreement: float
    float_accuracy: float | None = None
    int8_accuracy: float | None = None

    @property
    def accuracies(self) -> dict[str, float]:
        """Accuracy by method; empty without labels."""
        values = {"float32": self.float_accuracy, "int8": self.int8_accuracy}
        return {name: value for name, value in values.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return the figures that were measured, by name, with intervals of the accuracies."""
        figures = {name: value for name, value in asdict(self).items() if value is not None}
        for name, accuracy in self.accuracies.items():
            figures[f"{name.removesuffix('32')}_accuracy_interval"] = list(
                accuracy_interval(accuracy, self.inputs)
            )
        return figures


def measure_fidelity(
    inference: Program, inputs: Sequence[Array], references: Sequence[Array], labels: Any = None
) -> Fidelity:
    """Run the quantised network and compare its outputs with those of the original.

    Args:
        inference: the quantised network.
        inputs: real inputs, with or without a batch axis.
        references: outputs of the original for each input.
        labels: class of each input; None to skip accuracy.

    Raises:
        ArrayError: There are no inputs, or inputs, references and labels differ in number.
    """
    if not len(inputs) or len(inputs) != len(references):
        raise ArrayError(
            f"{len(inputs)} inputs and {len(references)} outputs: expected equal numbers, at least "
            "one."
        )
    if labels is not None and len(labels) != len(inputs):
        raise ArrayError(f"{len(inputs)} inputs and {len(labels)} labels: expected equal numbers.")
    device = Simulator(inference)
    expected = np.array([np.asarray(y, np.float64).ravel() for y in references])
    outputs = np.array([device.forward(device.quantise(x)).ravel() for x in inputs], np.float64)
    error = outputs - expected
    power, noise = float((expected**2).mean()), float((error**2).mean())
    spread = float(expected.max() - expected.min())
    expected_class, int8_class = expected.argmax(1), outputs.argmax(1)
    scores: list[float] = []
    if labels is not None:
        scores = [
            float((classes == np.asarray(labels)).mean())
            for classes in (expected_class, int8_class)
        ]
    return Fidelity(
        len(inputs),
        10 * math.log10(power / noise) if power and noise else math.inf,
        float(np.abs(error).max()) / spread if spread else 0.0,
        float((expected_class == int8_class).mean()),
        *scores,
    )
