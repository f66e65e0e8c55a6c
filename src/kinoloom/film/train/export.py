"""Writes networks as ONNX, for any size, without what only training needs.

By torch's exporter that traces: the newer one, by torch.export, computes with formulas for the
sides of every tensor, and takes minutes for what is traced in seconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kinoloom.base.need import need
from kinoloom.base.outputs import whole_file
from kinoloom.film.nets.flow_net import MULTIPLE as FLOW_MULTIPLE
from kinoloom.film.nets.flow_net import FlowNet
from kinoloom.film.nets.lite_net import MULTIPLE as LITE_MULTIPLE
from kinoloom.film.nets.lite_net import LiteNet
from kinoloom.film.nets.refine_net import RefineNet
from kinoloom.film.synthesis.refine import MULTIPLE, PLANES

_OPSET = 18
_EXAMPLE = 10 * MULTIPLE
_LEAST_HALVED = 256
"""Tensors of fewer values stay in 32 bits."""
HALF = ".half"
"""What ends the names of those that are stored in 16 bits."""
INSIDE = "net."
"""What begins the names of parameters of a network of which only a part is written."""
LEFT_OUT = "judged."
"""What begins the names of those that only training needs, which are not written."""


class _Answers(nn.Module):
    def __init__(self, net: RefineNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        answers, light, error, _ = self.net(seen)
        return answers, light, error


def export_refine(net: RefineNet, file: Path, *, overwrite: bool = False) -> None:
    """Write the network; its input is `seen`, one picture, sides multiples of 4.

    Raises:
        MissingError: onnx is not installed.
        OutputExistsError, OutputError: as `whole_file`.
    """
    seen = torch.zeros(1, net.size.guesses, PLANES, _EXAMPLE, _EXAMPLE + MULTIPLE)
    with whole_file(file, overwrite=overwrite) as temporary:
        _export(
            _Answers(net),
            {"seen": seen},
            ["answers", "light", "error"],
            {"seen": 3},
            temporary,
        )


def export_flow(net: FlowNet, file: Path, *, overwrite: bool = False) -> None:
    """Write the flow network with weights of 16 bits, which are computed with in 32.

    Its inputs are `first` and `second`, one pair, sides multiples of 16 from 32 on.

    Raises:
        MissingError: onnx is not installed.
        OutputExistsError, OutputError: as `whole_file`.
    """
    _export_of_pairs(net, ["motion", "mask"], FLOW_MULTIPLE, {}, file, overwrite=overwrite)


def export_lite(net: LiteNet, file: Path, *, overwrite: bool = False) -> None:
    """Write LiteNet with weights of 16 bits, which are computed with in 32.

    Its inputs are `first` and `second`, one pair, sides multiples of 32 from 64 on, and `time`,
    (1, 1, 1, 1); its outputs those of `lite_net.Answers`.

    Raises:
        MissingError: onnx is not installed.
        OutputExistsError, OutputError: as `whole_file`.
    """
    _export_of_pairs(
        net,
        ["motion", "mask", "light"],
        LITE_MULTIPLE,
        {"time": torch.full((1, 1, 1, 1), 0.5)},
        file,
        overwrite=overwrite,
    )


def _export_of_pairs(
    net: nn.Module,
    outputs: list[str],
    multiple: int,
    more: Mapping[str, Tensor],
    file: Path,
    *,
    overwrite: bool,
) -> None:
    """Write a network whose inputs are a pair of pictures and then `more`, of fixed shapes."""
    onnx = need("onnx", extra="train")
    shape = (1, 3, 4 * multiple, 5 * multiple)
    with whole_file(file, overwrite=overwrite) as temporary:
        _export(
            net,
            {"first": torch.zeros(shape), "second": torch.ones(shape), **more},
            outputs,
            {"first": 2, "second": 2},
            temporary,
        )
        model = onnx.load(temporary)
        _halve(onnx, model.graph)
        onnx.save(model, temporary)


def _forget_origins(file: Path) -> None:
    """Take out of a model from which lines of which files its nodes come."""
    onnx = need("onnx", extra="train")
    model = onnx.load(file)
    values = (model.graph.input, model.graph.output, model.graph.value_info)
    for part in (model, model.graph, *model.graph.node, *chain(*values), *model.functions):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    onnx.save(model, file)


def _export(
    net: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: list[str],
    heights: Mapping[str, int],
    file: Path,
) -> None:
    """Write a network.

    Args:
        net: in any mode; it is left in evaluation mode.
        inputs: examples, by name.
        outputs: names.
        heights: by the names of inputs of any size, the axis of their height; the next is their
            width.
        file: to be written.
    """
    net.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporter about its own parts
        torch.onnx.export(
            net,
            tuple(inputs.values()),
            str(file),
            input_names=list(inputs),
            output_names=outputs,
            opset_version=_OPSET,
            dynamo=False,
            do_constant_folding=False,  # parameters keep their names, for `starting`
            dynamic_axes={
                name: {axis: "height", axis + 1: "width"} for name, axis in heights.items()
            },
        )
    _forget_origins(file)


def _halve(onnx: ModuleType, graph: Any) -> None:
    """Store large tensors of a graph in 16 bits; a node before each use makes 32 of them."""
    casts = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _LEAST_HALVED:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), name + HALF))
        casts.append(
            onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
