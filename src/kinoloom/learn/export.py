"""Export of networks to ONNX, for any image size.

It uses torch's tracing exporter: the newer one, based on torch.export, propagates symbolic sizes
through every tensor, and takes minutes instead of seconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor, nn

from kinoloom.base.need import need

_OPSET = 18


def export_onnx(
    net: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    heights: Mapping[str, int],
    file: Path,
    properties: Mapping[str, str] | None = None,
) -> None:
    """Export a network.

    Args:
        net: in any mode; it is left in evaluation mode.
        inputs: examples, by name.
        outputs: names.
        heights: the axis of the height of each input of variable size, by name; the next axis is
            the width.
        file: output file, not written atomically.
        properties: texts by name that are stored with the model.

    Raises:
        MissingError: onnx is not installed.
    """
    need("onnx", extra="train")
    net.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns about its own internals
        torch.onnx.export(
            net,
            tuple(inputs.values()),
            str(file),
            input_names=list(inputs),
            output_names=list(outputs),
            opset_version=_OPSET,
            dynamo=False,
            do_constant_folding=False,  # keeps the parameter names, for `initial_weights`
            dynamic_axes={
                name: {axis: f"{name}_height", axis + 1: f"{name}_width"}
                for name, axis in heights.items()
            },
        )
    _replace_metadata(file, properties or {})


def _replace_metadata(file: Path, properties: Mapping[str, str]) -> None:
    """Remove source files and line numbers from the nodes of a model, and store properties."""
    onnx = need("onnx", extra="train")
    model = onnx.load(file)
    values = (model.graph.input, model.graph.output, model.graph.value_info)
    for part in (model, model.graph, *model.graph.node, *chain(*values), *model.functions):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    onnx.helper.set_model_props(model, dict(properties))
    onnx.save(model, file)
