"""Export of networks to ONNX, for any image size, without training-only outputs.

It uses torch's tracing exporter: the newer one, based on torch.export, propagates symbolic sizes
through every tensor, and takes minutes instead of seconds.
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
from kinoloom.base.outputs import atomic_output
from kinoloom.film.nets import flow_net, lite_net
from kinoloom.film.nets.flow_net import FlowNet
from kinoloom.film.nets.lite_net import LiteNet
from kinoloom.film.nets.refine_net import RefineNet
from kinoloom.film.synthesis.refine import INPUT_PLANES, SIZE_MULTIPLE

_OPSET = 18
_EXAMPLE_PX = 10 * SIZE_MULTIPLE
_MIN_HALVED_VALUES = 256
"""Smaller tensors stay in 32 bits."""
HALF_SUFFIX = ".half"
"""Suffix of the names of tensors stored in 16 bits."""
WRAPPER_PREFIX = "net."
"""Prefix of parameter names of a network that is exported through `_InferenceOutputs`."""
TRAINING_ONLY_PREFIX = "judged."
"""Prefix of the names of training-only parameters, which are not exported."""


class _InferenceOutputs(nn.Module):
    """A refinement network without its training-only output."""

    def __init__(self, net: RefineNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        corrections, residual, error, _ = self.net(planes)
        return corrections, residual, error


def export_refine(net: RefineNet, file: Path, *, overwrite: bool = False) -> None:
    """Export the refinement network; its input is `seen`, batch 1, sides multiples of 4.

    Raises:
        MissingError: onnx is not installed.
        OutputExistsError, OutputError: as `atomic_output`.
    """
    shape = (1, net.size.candidates, INPUT_PLANES, _EXAMPLE_PX, _EXAMPLE_PX + SIZE_MULTIPLE)
    with atomic_output(file, overwrite=overwrite) as temporary:
        _export(
            _InferenceOutputs(net),
            {"seen": torch.zeros(shape)},
            ["answers", "light", "error"],
            {"seen": 3},
            temporary,
        )


def export_flow(net: FlowNet, file: Path, *, overwrite: bool = False) -> None:
    """Export the flow network with weights stored in 16 bits and computation in 32.

    Its inputs are `first` and `second`, batch 1, sides multiples of 16 from 32 on.

    Raises:
        MissingError: onnx is not installed.
        OutputExistsError, OutputError: as `atomic_output`.
    """
    outputs = ["motion", "mask"]
    _export_for_pairs(net, outputs, flow_net.SIZE_MULTIPLE, {}, file, overwrite=overwrite)


def export_lite(net: LiteNet, file: Path, *, overwrite: bool = False) -> None:
    """Export LiteNet with weights stored in 16 bits and computation in 32.

    Its inputs are `first` and `second`, batch 1, sides multiples of 32 from 64 on, and `time`,
    (1, 1, 1, 1); its outputs are those of `lite_net.LiteOutput`.

    Raises:
        MissingError: onnx is not installed.
        OutputExistsError, OutputError: as `atomic_output`.
    """
    _export_for_pairs(
        net,
        ["motion", "mask", "light"],
        lite_net.SIZE_MULTIPLE,
        {"time": torch.full((1, 1, 1, 1), 0.5)},
        file,
        overwrite=overwrite,
    )


def _export_for_pairs(
    net: nn.Module,
    outputs: list[str],
    multiple: int,
    more: Mapping[str, Tensor],
    file: Path,
    *,
    overwrite: bool,
) -> None:
    """Export a network whose inputs are a pair of images and then `more`, of fixed shapes."""
    onnx = need("onnx", extra="train")
    shape = (1, 3, 4 * multiple, 5 * multiple)
    with atomic_output(file, overwrite=overwrite) as temporary:
        _export(
            net,
            {"first": torch.zeros(shape), "second": torch.ones(shape), **more},
            outputs,
            {"first": 2, "second": 2},
            temporary,
        )
        model = onnx.load(temporary)
        _store_in_half(onnx, model.graph)
        onnx.save(model, temporary)


def _strip_metadata(file: Path) -> None:
    """Remove source files and line numbers from the nodes of a model."""
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
    """Export a network.

    Args:
        net: in any mode; it is left in evaluation mode.
        inputs: examples, by name.
        outputs: names.
        heights: the axis of the height of each input of variable size, by name; the next axis is
            the width.
        file: output file.
    """
    net.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns about its own internals
        torch.onnx.export(
            net,
            tuple(inputs.values()),
            str(file),
            input_names=list(inputs),
            output_names=outputs,
            opset_version=_OPSET,
            dynamo=False,
            do_constant_folding=False,  # keeps the parameter names, for `initial_weights`
            dynamic_axes={
                name: {axis: "height", axis + 1: "width"} for name, axis in heights.items()
            },
        )
    _strip_metadata(file)


def _store_in_half(onnx: ModuleType, graph: Any) -> None:
    """Store large tensors of a graph in 16 bits, with a cast to 32 bits before each use."""
    casts = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _MIN_HALVED_VALUES:
            continue
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), name + HALF_SUFFIX))
        casts.append(
            onnx.helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
