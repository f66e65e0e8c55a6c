"""Reading of torch modules: export, folding of batch normalisation, calibration."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kinoloom.base.need import need
from kinoloom.errors import ArrayError, UnreadableMediaError, UsageError, describe_cause
from kinoloom.tiny.front.archives import load_archive
from kinoloom.tiny.front.decompose import decompose
from kinoloom.tiny.front.float_network import FloatNetwork, fold_clamps
from kinoloom.tiny.front.names import rename_layers
from kinoloom.tiny.front.reader import Reader
from kinoloom.tiny.front.rules import read_node
from kinoloom.tiny.ir.program import Array

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram


def read_module(model: nn.Module, example: Array, data: Iterable[Array]) -> FloatNetwork:
    """Read and calibrate a torch module.

    Args:
        model: in eval mode.
        example: one input with a batch size of one: (1, C, H, W), (1, C, T) or (1, F).
        data: calibration inputs of the same shape.

    Returns:
        The network with the calibrated range of each value.

    Raises:
        UsageError: The module is in training mode, cannot be exported with static shapes, or has an
            unsupported operator.
        ArrayError: The batch size is not one, or calibration inputs are missing or not finite.
    """
    need("torch", extra="train")
    if model.training:
        raise UsageError("The model is in training mode.", hint="Call model.eval() first.")
    if example.shape[0] != 1:
        raise ArrayError(f"The example has a batch size of {example.shape[0]}: expected 1.")
    return read_exported(_export(model, example), data)


def read_archive(path: Path, data: Iterable[Array]) -> FloatNetwork:
    """Read and calibrate a file that `torch.export.save` wrote; see `read_module`.

    Raises:
        UnreadableMediaError: The file is not an exported program.
        UsageError, ArrayError: As in `read_module`.
    """
    need("torch", extra="train")
    hint = "Write it with torch.export.save."
    if not zipfile.is_zipfile(path):
        raise UnreadableMediaError(f"{path.name} is not a torch.export archive.", hint=hint)
    try:
        exported = load_archive(path.read_bytes())
    except Exception as error:
        message = f"{path.name} is not a torch.export archive: {describe_cause(error)}."
        raise UnreadableMediaError(message, hint=hint) from error
    return read_exported(exported, data)


def read_exported(exported: ExportedProgram, data: Iterable[Array]) -> FloatNetwork:
    """Read and calibrate an exported program; see `read_module`.

    Raises:
        UsageError, ArrayError: As in `read_module`.
    """
    graph = exported.graph
    decompose(graph)
    reader = Reader(_state(exported))
    for node in graph.nodes:
        _read_node(reader, node)
    network = reader.build_network()
    calibrated = replace(fold_clamps(network), ranges=_calibrate(reader, graph, data))
    return rename_layers(calibrated)


def run_module(model: nn.Module, inputs: Iterable[Array]) -> list[Array]:
    """Return the outputs of the torch module itself for inputs with a batch axis."""
    import torch

    with torch.no_grad():
        return [model(torch.from_numpy(np.array(x, np.float32))).numpy() for x in inputs]


def _export(model: nn.Module, example: Array) -> ExportedProgram:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.export warns about its own internals
            return torch.export.export(
                model, (torch.from_numpy(np.asarray(example, np.float32)),), strict=False
            )
    except Exception as error:
        raise UsageError(
            f"torch.export failed: {describe_cause(error)}.",
            hint="Use static shapes and no control flow that depends on values.",
        ) from error


def _state(exported: ExportedProgram) -> dict[str, Any]:
    """Return parameters, buffers and constants by the name of their node."""
    signature = exported.graph_signature
    names = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    state = {**exported.state_dict, **exported.constants}
    return {node: state[name].detach() for node, name in names.items()}


def _read_node(reader: Reader, node: Any) -> None:
    if node.op == "placeholder":
        if node.name not in reader.values:
            reader.add_input(node)
    elif node.op == "output":
        outputs = [n for n in node.args[0] if n is not None]
        if len(outputs) != 1:
            raise UsageError(f"The model has {len(outputs)} outputs: expected 1.")
        reader.output = reader.materialise(outputs[0])
    elif node.op == "call_function":
        read_node(reader, node)


def _calibrate(reader: Reader, graph: Any, data: Iterable[Array]) -> dict[str, tuple[float, float]]:
    """Return the minimum and maximum of each node over the calibration inputs."""
    import torch

    ranges: dict[str, tuple[float, float]] = {}
    expected = tuple(reader.input.meta["val"].shape)
    for number, x in enumerate(data):
        if tuple(x.shape) != expected:
            raise ArrayError(
                f"Calibration input {number} has the shape {tuple(x.shape)}: expected {expected}."
            )
        values: dict[Any, Any] = {}
        for node in graph.nodes:
            if node.name in reader.values:
                values[node] = reader.values[node.name]
                continue
            if node.op == "placeholder":
                values[node] = torch.from_numpy(np.array(x, np.float32))
            elif node.op == "call_function":
                args = torch.fx.node.map_arg(node.args, values.__getitem__)
                keywords = torch.fx.node.map_arg(node.kwargs, values.__getitem__)
                with torch.no_grad():
                    values[node] = node.target(*args, **keywords)
            if isinstance(values.get(node), torch.Tensor):
                _widen_range(ranges, node.name, values[node], number)
    if not ranges:
        raise ArrayError("Calibration needs at least one input.")
    return ranges


def _widen_range(
    ranges: dict[str, tuple[float, float]], name: str, value: Any, number: int
) -> None:
    low, high = float(value.min()), float(value.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ArrayError(f"Calibration input {number} gives infinite values or NaN in {name}.")
    before = ranges.get(name, (low, high))
    ranges[name] = (min(low, before[0]), max(high, before[1]))
