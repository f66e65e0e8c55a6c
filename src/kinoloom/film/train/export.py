"""Writes networks as ONNX, for any size, without what only training needs."""

from __future__ import annotations

import logging
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
from kinoloom.film.refine import MULTIPLE, PLANES

_OPSET = 18
_EXAMPLE = 10 * MULTIPLE
_LEAST_HALVED = 256
"""Tensors of fewer values stay in 32 bits."""


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
        MissingError: onnxscript is not installed.
        OutputExistsError, OutputError: as `whole_file`.
    """
    seen = torch.zeros(1, net.size.guesses, PLANES, _EXAMPLE, _EXAMPLE + MULTIPLE)
    sides = _sides(MULTIPLE, least=1)
    with whole_file(file, overwrite=overwrite) as temporary:
        _export(
            _Answers(net),
            {"seen": seen},
            ["answers", "light", "error"],
            {"seen": {3: sides[0], 4: sides[1]}},
            temporary,
        )


def export_flow(net: FlowNet, file: Path, *, overwrite: bool = False) -> None:
    """Write the flow network with weights of 16 bits, which are computed with in 32.

    Its inputs are `first` and `second`, one pair, sides multiples of 16 from 32 on.

    Raises:
        MissingError: onnxscript or onnx is not installed.
        OutputExistsError, OutputError: as `whole_file`.
    """
    _export_of_pairs(net, ["motion", "mask"], FLOW_MULTIPLE, {}, file, overwrite=overwrite)


def export_lite(net: LiteNet, file: Path, *, overwrite: bool = False) -> None:
    """Write LiteNet with weights of 16 bits, which are computed with in 32.

    Its inputs are `first` and `second`, one pair, sides multiples of 32 from 64 on, and `time`,
    (1, 1, 1, 1); its outputs those of `lite_net.Answers`.

    Raises:
        MissingError: onnxscript or onnx is not installed.
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
    sides = _sides(multiple, least=2)
    shape = (1, 3, 10 * multiple, 11 * multiple)
    dynamic = {2: sides[0], 3: sides[1]}
    with whole_file(file, overwrite=overwrite) as temporary:
        _export(
            net,
            {"first": torch.zeros(shape), "second": torch.ones(shape), **more},
            outputs,
            {"first": dynamic, "second": dynamic, **dict.fromkeys(more)},
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
    dynamic: dict[str, Any],
    file: Path,
) -> None:
    need("onnxscript", extra="train")
    net.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporter about its own parts
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            net,
            tuple(inputs.values()),
            str(file),
            input_names=list(inputs),
            output_names=outputs,
            opset_version=_OPSET,
            dynamo=True,
            external_data=False,
            dynamic_shapes=dynamic,
            verbose=False,
        )
    _forget_origins(file)


def _sides(multiple: int, least: int) -> list[Any]:
    """Height and width, as torch.export wants them."""
    return [multiple * torch.export.Dim(f"{side}s", min=least) for side in ("height", "width")]


def _halve(onnx: ModuleType, graph: Any) -> None:
    """Store large tensors of a graph in 16 bits; a node before each use makes 32 of them."""
    casts = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _LEAST_HALVED:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(
            onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
