"""Export of the networks for frame interpolation to ONNX."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from kinoloom.base.need import need
from kinoloom.base.outputs import atomic_output
from kinoloom.film.nets.flow_net import SIZE_MULTIPLE, FlowNet
from kinoloom.film.nets.fusion_net import FusionNet
from kinoloom.film.synthesis import fusion
from kinoloom.learn.export import export_onnx

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
        export_onnx(net, inputs, ["motion", "mask"], {"first": 2, "second": 2}, temporary)
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
        export_onnx(net, inputs, ["weights"], dict.fromkeys(inputs, 2), temporary)


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
