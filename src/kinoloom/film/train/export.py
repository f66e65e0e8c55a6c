"""Export of networks to ONNX, for any image size.

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
from kinoloom.film.nets.flow_net import SIZE_MULTIPLE, FlowNet
from kinoloom.film.nets.fusion_net import FusionNet
from kinoloom.film.synthesis import fusion

_OPSET = 18
_MIN_HALVED_VALUES = 256
"""Smaller tensors stay in 32 bits."""
HALF_SUFFIX = ".half"
"""Suffix of the names of tensors stored in 16 bits."""


def export_flow(net: FlowNet, file: Path, *, overwrite: bool = False) -> None:
    """Export the flow network with weights stored in 16 bits and computation in 32.

    Its inputs are `first` and `second`, batch 1, sides multiples of 16 from 32 on.

    Raises:
        MissingError: onnx is not installed.
        OutputExistsError, OutputError: as `atomic_output`.
    """
    onnx = need("onnx", extra="train")
    shape = (1, 3, 4 * SIZE_MULTIPLE, 5 * SIZE_MULTIPLE)
    with atomic_output(file, overwrite=overwrite) as temporary:
        inputs = {"first": torch.zeros(shape), "second": torch.ones(shape)}
        _export(net, inputs, ["motion", "mask"], {"first": 2, "second": 2}, temporary)
        model = onnx.load(temporary)
        _store_in_half(onnx, model.graph)
        onnx.save(model, temporary)


def export_fusion(net: FusionNet, file: Path, *, overwrite: bool = False) -> None:
    """Export the fusion network for one frame; its inputs are those of `FusionInput`.

    Raises:
        MissingError: onnx is not installed.
        OutputExistsError, OutputError: as `atomic_output`.
    """
    sources, (rows, columns) = net.size.sources, (8 * fusion.SIZE_MULTIPLE, 64)
    inputs = {
        "sides": torch.zeros(2, 2 * sources, rows, columns),
        "common": torch.zeros(1, 1 + sources, rows, columns),
        "speeds": torch.zeros(1, sources, rows // 2, columns // 2),
    }
    with atomic_output(file, overwrite=overwrite) as temporary:
        _export(net, inputs, ["weights"], dict.fromkeys(inputs, 2), temporary)


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
                name: {axis: f"{name}_height", axis + 1: f"{name}_width"}
                for name, axis in heights.items()
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
