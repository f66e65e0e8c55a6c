"""Conversion of an ncnn network of one picture to ONNX.

The input is called `input` and the output `output`, (batch, channels, height, width) float32, with
values in the range of the ncnn network.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from kinoloom.errors import WeightsError
from kinoloom.runtime.ncnn.layers import Builder, convert_layer
from kinoloom.runtime.ncnn.param import Layer, read_param
from kinoloom.runtime.ncnn.weights import WeightReader
from kinoloom.runtime.onnx_writer import Graph, Node, Side, encode_model

T = TypeVar("T")

INPUT, OUTPUT = "input", "output"
_HINT = "Use the .param and .bin files of one network as published, or its ONNX file."
_KEEPS_CHANNELS = ("BinaryOp", "Clip", "Interp", "MemoryData", "Noop", "ReLU", "Split")
_SUFFIXES = (".param", ".bin")


def convert_ncnn_file(path: Path) -> bytes:
    """Convert the two files of an ncnn network to ONNX.

    Args:
        path: the .param or the .bin file; the other has the same name.

    Returns:
        The content of an .onnx file.

    Raises:
        WeightsError: a file is missing, or as `convert_ncnn`.
    """
    files = [path.with_suffix(suffix) for suffix in _SUFFIXES]
    for file in files:
        if not file.is_file():
            raise WeightsError(f"{file} does not exist or is not a file.", hint=_HINT)
    return convert_ncnn(files[0].read_bytes(), files[1].read_bytes(), path.stem)


def convert_ncnn(param: bytes, weights: bytes, name: str) -> bytes:
    """Convert an ncnn network to ONNX; equal networks give equal bytes.

    Args:
        param: content of the .param file.
        weights: content of the .bin file, float32 or float16.
        name: of the network, for errors.

    Returns:
        The content of an .onnx file, operators of version 18.

    Raises:
        WeightsError: a file is damaged, the two do not belong together, or the network has layers
            that are not supported, or not one input and one output.
    """
    try:
        return encode_model(_build_graph(read_param(param), WeightReader(weights)))
    except ValueError as error:
        raise WeightsError(
            f"The ncnn network {name} cannot be read: {error}.", hint=_HINT
        ) from error


def _build_graph(layers: Sequence[Layer], weights: WeightReader) -> Graph:
    (entry,) = _require_one([each for each in layers if each.kind == "Input"], "inputs")
    result = _find_output(layers)
    builder = Builder(weights)
    builder.define(_single_output(entry), builder.name(INPUT))
    for layer in layers:
        if layer is not entry:
            convert_layer(builder, layer)
    weights.finish()
    nodes = [*builder.nodes, Node("Identity", (builder.value(result),), (OUTPUT,))]
    sizes: tuple[Side, ...] = ("height", "width")
    return Graph(
        nodes,
        builder.constants,
        {INPUT: ("batch", _find_channels(entry, layers), *sizes)},
        {OUTPUT: ("batch", "output_channels", "output_height", "output_width")},
    )


def _single_output(entry: Layer) -> str:
    if len(entry.outputs) != 1 or entry.inputs:
        raise ValueError(f"the layer '{entry.name}' (Input) does not have one output")
    return entry.outputs[0]


def _find_output(layers: Sequence[Layer]) -> str:
    """Return the blob that no layer reads; of several, the one called "output"."""
    read = {blob for layer in layers for blob in layer.inputs}
    unread = [blob for layer in layers for blob in layer.outputs if blob not in read]
    return OUTPUT if OUTPUT in unread else _require_one(unread, "outputs")[0]


def _require_one(found: list[T], what: str) -> list[T]:
    if len(found) != 1:
        raise ValueError(f"the network has {len(found)} {what}; expected one")
    return found


def _find_channels(entry: Layer, layers: Sequence[Layer]) -> Side:
    """Return the number of channels of the input, or a name if the layers do not say it."""
    declared = entry.whole(2)
    if declared:
        return declared
    for layer in layers:
        if layer.kind == "Convolution":
            width = layer.whole(1)
            return layer.whole(6) // (layer.whole(0) * width * layer.whole(11, width))
        if layer.kind not in (*_KEEPS_CHANNELS, "Input"):
            break
    return "channels"
