"""Networks in users' files, stored as ONNX for `kinoloom models add`."""

from __future__ import annotations

from math import prod
from pathlib import Path

from kinoloom.base.model import ModelCard
from kinoloom.enhance.nets.families import TITLES, Family, load_network, recognize_file
from kinoloom.errors import WeightsError
from kinoloom.runtime.external_data import external_locations
from kinoloom.runtime.ncnn import convert_ncnn_file
from kinoloom.runtime.onnx_graph import Outline, parse_outline

_EXAMPLE_PX = (32, 64)
_ENLARGES = ("compact", "span")
_COLOURS = 3
_SIZED = ("Pad", "Reshape", "Resize", "Slice")
"""Operators whose further inputs are sizes."""


def store_network(file: Path, target: Path) -> ModelCard:
    """Write the network of a file as ONNX, in its form for inference.

    Args:
        file: .onnx, .param or .bin of ncnn, .safetensors, or a file of torch.
        target: .onnx file to create.

    Returns:
        A card without name and SHA-256.

    Raises:
        WeightsError: as `families.recognize_file`; or an ONNX file keeps weights in other files, or
            the network is for grey pictures.
        MissingExtraError: torch, which reads its own files, is not installed.
    """
    family = recognize_file(file)
    if family.colours != _COLOURS:
        raise WeightsError(
            f"{file.name} contains {TITLES[family.name]} for grey pictures.",
            hint="Use a network for colour pictures.",
        )
    if file.suffix == ".onnx":
        if external_locations(file):
            raise WeightsError(
                f"{file.name} keeps weights in other files.",
                hint="Save the model as one file: onnx.save(onnx.load(FILE), OUTPUT)",
            )
        target.write_bytes(file.read_bytes())
    elif file.suffix == ".param" or (file.suffix == ".bin" and file.with_suffix(".param").exists()):
        target.write_bytes(convert_ncnn_file(file))
    else:
        _export(file, family, target)
    return _describe(file, family, target)


def _export(file: Path, family: Family, target: Path) -> None:
    import torch

    from kinoloom.enhance.nets.ffdnet import SIZE_MULTIPLE
    from kinoloom.learn.export import export_onnx

    inputs = {"image": torch.rand(1, family.colours, *_EXAMPLE_PX)}
    if family.takes_noise:
        inputs["noise"] = torch.rand(1, 1, *_EXAMPLE_PX)
    network = load_network(file)
    multiple = SIZE_MULTIPLE if family.name == "ffdnet" else getattr(network, "size_multiple", 1)
    properties = {
        "kind": "upscale" if family.name in _ENLARGES else "denoise",
        "scale": str(family.scale),
        "size_multiple": str(multiple),
    }
    if network.reach_px is not None:
        properties["reach_px"] = str(network.reach_px)
    export_onnx(network, inputs, ["result"], dict.fromkeys(inputs, 2), target, properties)


def _describe(file: Path, family: Family, target: Path) -> ModelCard:
    does = "enlarges" if family.name in _ENLARGES else "denoises"
    title, times = TITLES[family.name], f" {family.scale} times" if family.scale > 1 else ""
    return ModelCard(
        name="",
        task="enhance",
        summary=f"{title}, {family.channels} channels: {does} pictures{times}; added by the user",
        source=f"the user's file {file.name}",
        licence="NOASSERTION",
        parameters=_count_parameters(parse_outline(target.read_bytes())),
        family=title,
        scale=family.scale,
    )


def _count_parameters(outline: Outline) -> int:
    """Count the values of all weights; sizes and factors of pictures are constants too."""
    others = {name for node in outline.operators if node.name in _SIZED for name in node.inputs[1:]}
    return sum(prod(shape) for name, shape in outline.shapes.items() if name not in others)
