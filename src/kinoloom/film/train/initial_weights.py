"""Initial weights of a training run: from another run, an exported network, or a shipped one."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn

from kinoloom.base.need import need
from kinoloom.errors import WeightsError
from kinoloom.film.cards import LITE, REFINE
from kinoloom.film.train.export import HALF_SUFFIX, TRAINING_ONLY_PREFIX, WRAPPER_PREFIX
from kinoloom.learn.checkpointing.weights import read_weights

_SHIPPED = {card.name: card.file for card in (LITE, REFINE) if card.file is not None}


def load_initial_weights(net: nn.Module, given: Path) -> None:
    """Load the initial weights of a network.

    Args:
        net: changed in place.
        given: a file that `learn.checkpointing.weights.read_weights` reads; an .onnx file written
            by `film.train.export`; or the name of a shipped network.

    Raises:
        MissingError: the file is ONNX, and onnx is not installed.
        WeightsError: the file does not exist or contains another network.
    """
    file = given if given.exists() else _SHIPPED.get(str(given), given)
    wanted = net.state_dict()
    if file.suffix == ".onnx":
        found = _read_onnx(file)
        wanted = {
            name: value
            for name, value in wanted.items()
            if not name.startswith(TRAINING_ONLY_PREFIX)
        }
    else:
        found = read_weights(file)[0]
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
    net.load_state_dict({name: found[name] for name in wanted}, strict=False)


def _read_onnx(file: Path) -> dict[str, Tensor]:
    """Return the initializers by parameter name, including constants of the graph."""
    onnx = need("onnx", extra="train")
    if not file.is_file():
        raise WeightsError(f"The weight file {file} does not exist.")
    try:
        graph = onnx.load(file).graph
    except import_module("google.protobuf.message").DecodeError as error:
        raise WeightsError(f"{file.name} is not an ONNX file, or is damaged.") from error
    return {
        each.name.removeprefix(WRAPPER_PREFIX).removesuffix(HALF_SUFFIX): torch.from_numpy(
            onnx.numpy_helper.to_array(each).copy()
        )
        for each in graph.initializer
    }
