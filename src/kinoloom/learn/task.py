"""Task: what a subject brings to the training loop."""

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
    """A network, where its samples come from, and what it is to get better at.

    Attributes:
        net: what is trained, in place.
        batch: (step, share, shares) -> the share-th of `shares` equal parts of the step's batch,
            as arrays or tensors in dicts, tuples or lists. It must depend on its arguments alone
            (see `seeds`): it is called ahead, out of order, in threads or other processes, and
            again after a resume. It runs on the CPU; what is made on the GPU is made in `losses`.
        losses: (net, batch, weights) -> named terms, each a scalar tensor, the mean over the
            batch. `weights` holds the weights of this step that are not 0; a term for each of
            these names must be returned, and no other.
        weights: of each term, by name: a number, or one that depends on the step.
        validate: (net) -> named figures; the network is in evaluation mode, without gradients,
            with the mean weights when there are such. Called before the first step too.
        best: the figure by which the best weights are kept, or "" to keep none.
        higher_is_better: whether a higher `best` is better.
        samples: (net) -> named pictures (H, W, 3) uint8, made at each validation.
        groups: (net) -> parameter groups for the optimiser, each of which may have a
            "weight_decay" and a "rate" that multiplies the learning rate; None for one group of
            all parameters that need a gradient.
        record: what else decides the result (data, preset, size), as plain values; kept with the
            weights, and a training goes on only with the same.
        skips_parameters: whether some parameters may get no gradient in some step.
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
    skips_parameters: bool = False

    def weights_at(self, step: int) -> dict[str, float]:
        """The weight of each term at a step, those that are 0 left out."""
        at = {
            name: weight.at(step) if isinstance(weight, Piecewise) else weight
            for name, weight in self.weights.items()
        }
        return {name: weight for name, weight in at.items() if weight != 0}
