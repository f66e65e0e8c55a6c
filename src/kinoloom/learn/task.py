"""Task: the network, data and losses that a subject passes to the training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray
from torch import Tensor, nn

from kinoloom.learn.schedules import Piecewise

Losses = Callable[[nn.Module, Any, Mapping[str, float]], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Task:
    """A network, its batches, and its objective.

    Attributes:
        net: the network, trained in place.
        batch: (step, share, shares) -> the share-th of `shares` equal shares of the step's batch: a
            tree of dicts, tuples or lists of arrays or tensors. It must depend on its arguments
            alone (see `seeds`), because it is called ahead of time, out of order, in threads or
            other processes, and again after a resume. It runs on the CPU; build what belongs on the
            GPU in `losses`.
        losses: (net, batch, weights) -> loss terms by name, each a scalar tensor, the mean over the
            batch. `weights` has the non-zero weights of this step; return exactly these terms.
        weights: of each term, by name: a number, or a function of the step.
        validate: (net) -> metrics by name. The network is in evaluation mode, without gradients,
            with averaged weights if they are enabled. Also called before the first step.
        best: the metric that selects the best weights; "" keeps none.
        higher_is_better: whether a higher `best` is better.
        samples: (net) -> named images (H, W, 3) uint8, written at each validation.
        groups: (net) -> parameter groups for the optimiser; each may have a "weight_decay" and a
            "rate", a factor of the learning rate. None is one group of all trainable parameters.
        record: everything else that affects the result (data, preset, size), as plain values;
            stored with the weights. A run resumes only with an equal record.
        has_unused_parameters: whether some parameters may receive no gradient in a step.
    """

    net: nn.Module
    batch: Callable[[int, int, int], Any]
    losses: Losses
    weights: Mapping[str, float | Piecewise]
    validate: Callable[[nn.Module], Mapping[str, float]] | None = None
    best: str = ""
    higher_is_better: bool = True
    samples: Callable[[nn.Module], Mapping[str, NDArray[Any]]] | None = None
    groups: Callable[[nn.Module], Iterable[dict[str, Any]]] | None = None
    record: Mapping[str, Any] = field(default_factory=dict)
    has_unused_parameters: bool = False

    def weights_at(self, step: int) -> dict[str, float]:
        """Return the non-zero weights of the terms at a step."""
        weights = {
            name: weight.at(step) if isinstance(weight, Piecewise) else weight
            for name, weight in self.weights.items()
        }
        return {name: weight for name, weight in weights.items() if weight != 0}
