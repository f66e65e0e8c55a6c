"""How near the quantised network is to the real one that it was made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kinoloom.errors import ArrayError
from kinoloom.tiny.ir.program import Array, Program
from kinoloom.tiny.simulate.simulator import Simulator


@dataclass(frozen=True)
class Fidelity:
    """A quantised network beside the real one, on the same inputs.

    Attributes:
        inputs: how many there were.
        noise_db: power of the real outputs over that of the differences, in dB.
        largest: the largest difference, as a part of the range of the real outputs.
        same: the fraction of inputs whose largest output is the same one.
        real, quantised: accuracy on labels; None without labels.
    """

    inputs: int
    sqnr_db: float
    max_error: float
    top1_agreement: float
    float_accuracy: float | None = None
    int8_accuracy: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The figures by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def measure_fidelity(
    inference: Program, inputs: Sequence[Array], wanted: Sequence[Array], labels: Any = None
) -> Fidelity:
    """Run the quantised network on inputs and compare it with what the real one gave.

    Args:
        inference: the quantised network, before training.
        inputs: real inputs, each with or without a batch axis of one.
        wanted: outputs of the real network for each.
        labels: the right class of each, for accuracy; None for none.

    Raises:
        ArrayError: there are no inputs, or their count is not that of outputs or labels.
    """
    if not len(inputs) or len(inputs) != len(wanted):
        raise ArrayError(f"There are {len(inputs)} inputs and {len(wanted)} outputs to compare.")
    if labels is not None and len(labels) != len(inputs):
        raise ArrayError(f"There are {len(inputs)} inputs and {len(labels)} labels.")
    device = Simulator(inference)
    real = np.array([np.asarray(y, np.float64).ravel() for y in wanted])
    ours = np.array([device.forward(device.quantise(x)).ravel() for x in inputs], np.float64)
    error = ours - real
    power, noise = float((real**2).mean()), float((error**2).mean())
    spread = float(real.max() - real.min())
    best, found = real.argmax(1), ours.argmax(1)
    scores: list[float] = []
    if labels is not None:
        scores = [float((guess == np.asarray(labels)).mean()) for guess in (best, found)]
    return Fidelity(
        len(inputs),
        10 * math.log10(power / noise) if power and noise else math.inf,
        float(np.abs(error).max()) / spread if spread else 0.0,
        float((best == found).mean()),
        *scores,
    )
