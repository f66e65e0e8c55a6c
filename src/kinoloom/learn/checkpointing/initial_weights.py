"""Initial weights of a training run, from another run of the same network."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from kinoloom.base.need import need
from kinoloom.errors import WeightsError
from kinoloom.learn.checkpointing.weights import read_weights
from kinoloom.runtime.external_data import check_external_data


def load_initial_weights(net: nn.Module, file: Path) -> None:
    """Load the initial weights of a network.

    Args:
        net: changed in place.
        file: a file that `learn.checkpointing.weights.read_weights` reads, or one that
            `learn.export` wrote, such as the shipped fusion.onnx.

    Raises:
        WeightsError: the file does not exist or contains another network.
        MissingError: onnx is not installed, for an .onnx file.
    """
    found = _read_onnx(file) if file.suffix == ".onnx" else read_weights(file)[0]
    wanted = net.state_dict()
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


def _read_onnx(file: Path) -> dict[str, Tensor]:
    """Return the initializers of an ONNX file by name.

    Raises:
        WeightsError: it does not exist, is not an ONNX file, or names external data.
    """
    onnx = need("onnx", extra="train")
    check_external_data(file)
    try:
        graph = onnx.load(file).graph
    except Exception as error:  # of protobuf, whose classes depend on its implementation
        raise WeightsError(f"{file.name} cannot be read as an ONNX model.") from error
    return {
        each.name: torch.from_numpy(onnx.numpy_helper.to_array(each).copy())
        for each in graph.initializer
    }
