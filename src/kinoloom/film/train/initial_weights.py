"""Initial weights of a training run, from another run of the same network."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from kinoloom.errors import WeightsError
from kinoloom.learn.checkpointing.weights import read_weights


def load_initial_weights(net: nn.Module, file: Path) -> None:
    """Load the initial weights of a network.

    Args:
        net: changed in place.
        file: a file that `learn.checkpointing.weights.read_weights` reads.

    Raises:
        WeightsError: the file does not exist or contains another network.
    """
    found, wanted = read_weights(file)[0], net.state_dict()
    mismatched = [
        name
        for name, value in wanted.items()
        if name not in found or found[name].shape != value.shape
    ]
    if mismatched:
        raise WeightsError(
            f"{file.name} contains another network: it lacks '{mismatched[0]}' of shape "
            f"{tuple(wanted[mismatched[0]].shape)}."
        )
    net.load_state_dict({name: found[name] for name in wanted})
