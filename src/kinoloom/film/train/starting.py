"""Weights that a training begins with: of another training, of a network it stored, or shipped."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn

from kinoloom.base.need import need
from kinoloom.errors import WeightsError
from kinoloom.film.cards import LITE, REFINE
from kinoloom.film.train.export import HALF, INSIDE, LEFT_OUT
from kinoloom.learn.checkpointing.weights import read_weights

_SHIPPED = {card.name: card.file for card in (LITE, REFINE) if card.file is not None}


def begin_with(net: nn.Module, given: Path) -> None:
    """Give a network its first weights.

    Args:
        net: changed in place.
        given: what `learn.checkpointing.weights.read_weights` reads; a network as
        `film.train.export` stores it
            (.onnx); or the name of a shipped one.

    Raises:
        MissingError: it is ONNX, and onnx is not installed.
        WeightsError: there is no such file, or it is of another network.
    """
    file = given if given.exists() else _SHIPPED.get(str(given), given)
    wanted = net.state_dict()
    if file.suffix == ".onnx":
        found = _of_onnx(file)
        wanted = {name: value for name, value in wanted.items() if not name.startswith(LEFT_OUT)}
    else:
        found = read_weights(file)[0]
    wrong = [
        name
        for name, value in wanted.items()
        if name not in found or found[name].shape != value.shape
    ]
    if wrong:
        raise WeightsError(
            f"{file.name} is of another network: it has no '{wrong[0]}' of shape "
            f"{tuple(wanted[wrong[0]].shape)}."
        )
    net.load_state_dict({name: found[name] for name in wanted}, strict=False)


def _of_onnx(file: Path) -> dict[str, Tensor]:
    """Parameters by their name in the network; constants of the graph are among them."""
    onnx = need("onnx", extra="train")
    if not file.is_file():
        raise WeightsError(f"There is no file {file}.")
    try:
        graph = onnx.load(file).graph
    except import_module("google.protobuf.message").DecodeError as error:
        raise WeightsError(f"{file.name} is no ONNX file, or a damaged one.") from error
    return {
        each.name.removeprefix(INSIDE).removesuffix(HALF): torch.from_numpy(
            onnx.numpy_helper.to_array(each).copy()
        )
        for each in graph.initializer
    }
