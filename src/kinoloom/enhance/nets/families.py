"""Recognition of the network in a user's file, from the names and shapes of its tensors.

Families: Compact, SPAN, FFDNet, DnCNN and NAFNet, in any size. Files of torch (.pth, .pt) and
.safetensors have names, by which a network is built and compared in full; they are read without
running any code. ONNX files, and the ncnn files that are converted to it, keep only the order of
operators and the shapes of their weights. Other networks are rejected, those well known by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kinoloom.base.need import need
from kinoloom.errors import WeightsError
from kinoloom.runtime.ncnn import convert_ncnn_file
from kinoloom.runtime.onnx_graph import Outline, parse_outline, read_outline

if TYPE_CHECKING:
    from torch import Tensor, nn

Shape = tuple[int, ...]
Name = Literal["compact", "span", "ffdnet", "dncnn", "nafnet"]

TITLES: dict[Name, str] = {
    "compact": "Compact (SRVGG)",
    "span": "SPAN",
    "ffdnet": "FFDNet",
    "dncnn": "DnCNN",
    "nafnet": "NAFNet",
}
"""Supported families, and how people call them."""

_OTHERS = {
    "ESRGAN (RRDB)": r"body\.0\.rdb1\.|RRDB_trunk\.|model\.1\.sub\.0\.RDB1",
    "SwinIR or HAT": r"layers\.0\.residual_group\.",
    "DAT": r"layers\.0\.blocks\.0\.attn\.",
    "Restormer": r"encoder_level1\.0\.",
    "EDSR": r"^head\.0\.weight$|body\.0\.body\.0\.weight$",
    "SCUNet": r"m_head\.0\.weight$",
    "DRUNet": r"m_head\.weight$",
    "SRResNet": r"body\.0\.conv1\.weight$",
    "FILM": r"extract\.extract_sublevels\.",
    "RIFE": r"block0\.conv0\.0\.0\.weight$",
}
"""Patterns of names of tensors in other well-known networks."""

_WRAPPERS = ("params_ema", "params", "state_dict", "model")
_PREFIX = "module."
_COLOURS = 3
_SQUARE = 4
"""Pixels that FFDNet turns into channels."""
_SPAN_BLOCKS = 6
_MOST_LEVELS = 8
"""Of NAFNet; each doubles the channels."""


@dataclass(frozen=True)
class Family:
    """A recognised network.

    Attributes:
        name: of its family.
        channels: of its hidden layers; in NAFNet of the first level.
        blocks: in Compact the hidden layers, in SPAN the blocks, in FFDNet and DnCNN the
            convolutions; in NAFNet the blocks of each level, the middle included.
        scale: factor of both sides.
        colours: channels of the image.
        is_folded: whether it has the form for inference.
    """

    name: Name
    channels: int
    blocks: tuple[int, ...]
    scale: int = 1
    colours: int = _COLOURS
    is_folded: bool = True

    @property
    def takes_noise(self) -> bool:
        """Whether a map of the noise is its second input."""
        return self.name == "ffdnet"


def recognize_file(path: Path) -> Family:
    """Recognize the network of a file.

    Args:
        path: .onnx, .param or .bin of ncnn, .safetensors, or a file of torch.

    Raises:
        WeightsError: it is missing, damaged, or contains another network.
        MissingExtraError: torch, which reads its own files, is not installed.
    """
    if path.suffix == ".onnx":
        return recognize_outline(read_outline(path), path.name)
    if path.suffix == ".param" or (path.suffix == ".bin" and _is_ncnn(path)):
        return recognize_outline(parse_outline(convert_ncnn_file(path)), path.name)
    return recognize_tensors(_shapes(_read_state(path)), path.name)


def load_network(path: Path) -> nn.Module:
    """Load the network of a file of torch or .safetensors, in the form for inference.

    Returns:
        The network in float32 and evaluation mode.

    Raises:
        WeightsError: as `recognize_file`, or a weight is not finite.
        MissingExtraError: torch is not installed.
    """
    state = _read_state(path)
    from kinoloom.enhance.nets.folding import Foldable

    family = recognize_tensors(_shapes(state), path.name)
    network = build_network(family)
    expected = network.state_dict()
    own = {name: tensor.float() for name, tensor in state.items() if name in expected}
    damaged = [name for name, tensor in own.items() if not bool(tensor.isfinite().all())]
    if damaged:
        raise WeightsError(f"{path.name}: {damaged[0]} contains NaN or infinite values.")
    network.load_state_dict(own)
    network.eval()
    return network.fold() if isinstance(network, Foldable) and not family.is_folded else network


def build_network(family: Family) -> nn.Module:
    """Build the network of a family with random weights."""
    from kinoloom.enhance.nets.compact import Compact
    from kinoloom.enhance.nets.dncnn import DnCNN
    from kinoloom.enhance.nets.ffdnet import FFDNet
    from kinoloom.enhance.nets.nafnet import NAFNet
    from kinoloom.enhance.nets.span import Span

    channels, blocks = family.channels, family.blocks
    if family.name == "compact":
        return Compact(channels, blocks[0], family.scale)
    if family.name == "span":
        return Span(channels, family.scale, family.is_folded)
    if family.name == "ffdnet":
        return FFDNet(channels, blocks[0])
    if family.name == "dncnn":
        return DnCNN(channels, blocks[0], family.colours, family.is_folded)
    levels = len(blocks) // 2
    return NAFNet(channels, blocks[:levels], blocks[levels], blocks[levels + 1 :])


def recognize_tensors(shapes: Mapping[str, Shape], file: str) -> Family:
    """Recognize a network by the names and shapes of its tensors.

    Args:
        shapes: by name, as in a state dict.
        file: name of the file, for errors.

    Raises:
        WeightsError: it is not of a supported family, or tensors are missing or unknown.
        MissingExtraError: torch is not installed.
    """
    try:
        family = _guess(shapes)
    except (KeyError, IndexError, ValueError):
        family = None
    if family is None:
        title = next((t for t, p in _OTHERS.items() if _has(shapes, p)), "")
        raise _reject(file, title)
    _compare(shapes, family, file)
    return family


def recognize_outline(outline: Outline, file: str) -> Family:
    """Recognize a network by its operators and the shapes of its convolutions.

    Args:
        outline: of an ONNX model.
        file: name of the file, for errors.

    Raises:
        WeightsError: it is not of a supported family.
    """
    kernels = outline.weight_shapes("Conv")
    if len(kernels) < 2 or any(len(shape) != _SQUARE for shape in kernels):
        raise _reject(file, "")
    if any(shape[1] == 1 and shape[0] > 1 and shape[2] > 1 for shape in kernels[1:]):
        family = _guess_nafnet_graph(outline, kernels)
    elif outline.count("DepthToSpace"):
        family = _guess_enlarger(outline, kernels)
    else:
        family = _guess_dncnn_graph(outline, kernels)
    if family is None:
        title = "ESRGAN (RRDB)" if _is_dense(kernels) else ""
        raise _reject(file, title)
    if family.name == "compact" and outline.count("Resize") > 1:
        raise _reject(file, f"{TITLES[family.name]} with a resized result")
    return family


def _guess(shapes: Mapping[str, Shape]) -> Family | None:
    """Return what the names of a state dict suggest.

    Raises:
        KeyError, IndexError, ValueError: tensors that the suggested family has are missing.
    """
    if "block_6.c3_r.conv.1.weight" in shapes or "block_6.c3_r.eval_conv.weight" in shapes:
        is_folded = "conv_1.sk.weight" not in shapes
        out, channels = shapes["upsampler.0.weight"][:2]
        return Family("span", channels, (_SPAN_BLOCKS,), _scale(out), is_folded=is_folded)
    if "encoders.0.0.sca.1.weight" in shapes:
        return _guess_nafnet(shapes)
    for name, pattern in (("compact", r"body\.(\d+)\.weight"), ("plain", r"model\.(\d+)\.weight")):
        kernels = _kernels(shapes, pattern)
        if len(kernels) >= 2:
            return _guess_compact(kernels) if name == "compact" else _guess_plain(shapes, kernels)
    return None


def _guess_nafnet(shapes: Mapping[str, Shape]) -> Family:
    levels = _count(shapes, r"encoders\.(\d+)\.")
    if levels > _MOST_LEVELS:
        raise ValueError(f"{levels} levels")
    groups = [
        *(rf"encoders\.{level}\.(\d+)\." for level in range(levels)),
        r"middle_blks\.(\d+)\.",
        *(rf"decoders\.{level}\.(\d+)\." for level in range(levels)),
    ]
    blocks = tuple(_count(shapes, group) for group in groups)
    return Family("nafnet", shapes["intro.weight"][0], blocks)


def _guess_compact(kernels: Sequence[Shape]) -> Family | None:
    first, last = kernels[0], kernels[-1]
    if first[1:] != (_COLOURS, 3, 3):
        return None
    return Family("compact", first[0], (len(kernels) - 2,), _scale(last[0]))


def _guess_plain(shapes: Mapping[str, Shape], kernels: Sequence[Shape]) -> Family | None:
    """Tell FFDNet from DnCNN, whose tensors have the same names."""
    (channels, inputs), outputs = kernels[0][:2], kernels[-1][0]
    if (inputs, outputs) == (_SQUARE * _COLOURS + 1, _SQUARE * _COLOURS):
        return Family("ffdnet", channels, (len(kernels),))
    if inputs != outputs or inputs not in (1, _COLOURS):
        return None
    is_folded = not _has(shapes, r"model\.\d+\.running_mean$")
    return Family("dncnn", channels, (len(kernels),), 1, inputs, is_folded)


def _guess_enlarger(outline: Outline, kernels: Sequence[Shape]) -> Family | None:
    """Tell Compact, SPAN and FFDNet apart, which end with a pixel shuffle."""
    channels, inputs = kernels[0][:2]
    outputs = kernels[-1][0]
    small = [shape for shape in kernels if shape[2:] == (1, 1)]
    if len(small) == 1 and len(kernels) == 3 * _SPAN_BLOCKS + 4 and outline.count("Sigmoid"):
        is_span = small[0][:2] == (channels, 4 * channels) and inputs == _COLOURS
        return Family("span", channels, (_SPAN_BLOCKS,), _scale(outputs)) if is_span else None
    if not _is_chain(kernels):
        return None
    if (inputs, outputs) == (_SQUARE * _COLOURS + 1, _SQUARE * _COLOURS):
        return Family("ffdnet", channels, (len(kernels),))
    if inputs != _COLOURS or outline.count("PRelu") != len(kernels) - 1:
        return None
    return Family("compact", channels, (len(kernels) - 2,), _scale(outputs))


def _guess_dncnn_graph(outline: Outline, kernels: Sequence[Shape]) -> Family | None:
    channels, inputs = kernels[0][:2]
    is_plain = _is_chain(kernels) and outline.count("Relu") == len(kernels) - 1
    if not is_plain or kernels[-1][0] != inputs or inputs not in (1, _COLOURS):
        return None
    return Family("dncnn", channels, (len(kernels),), 1, inputs) if outline.count("Sub") else None


def _guess_nafnet_graph(outline: Outline, kernels: Sequence[Shape]) -> Family | None:
    channels = kernels[0][0]
    widths = [shape[0] // 2 for shape in kernels if shape[1:] == (1, 3, 3)]
    runs = [(width, len(list(run))) for width, run in groupby(widths)]
    levels = len(runs) // 2
    if levels > _MOST_LEVELS:
        return None
    expected = [channels << min(k, 2 * levels - k) for k in range(2 * levels + 1)]
    if [width for width, _ in runs] != expected or kernels[-1][:2] != (_COLOURS, channels):
        return None
    return Family("nafnet", channels, tuple(count for _, count in runs))


def _is_chain(kernels: Sequence[Shape]) -> bool:
    """Whether 3x3 convolutions follow each other with one number of hidden channels."""
    hidden = {shape[0] for shape in kernels[:-1]} | {shape[1] for shape in kernels[1:]}
    return len(hidden) == 1 and all(shape[2:] == (3, 3) for shape in kernels)


def _is_dense(kernels: Sequence[Shape]) -> bool:
    """Whether convolutions read all features before them, as in a residual dense block."""
    inputs = [shape[1] for shape in kernels[1:6]]
    steps = {after - before for before, after in pairwise(inputs)}
    return len(inputs) == 5 and len(steps) == 1 and steps.pop() > 0


def _scale(channels: int) -> int:
    """Return the scale of a pixel shuffle to three colours.

    Raises:
        ValueError: there is none.
    """
    scale = isqrt(channels // _COLOURS)
    if scale < 1 or _COLOURS * scale**2 != channels:
        raise ValueError(f"{channels} channels are not those of a pixel shuffle")
    return scale


def _kernels(shapes: Mapping[str, Shape], pattern: str) -> list[Shape]:
    """Return the shapes of convolutions whose names are numbered, in order."""
    found = [(re.fullmatch(pattern, name), shape) for name, shape in shapes.items()]
    numbered = [(int(m[1]), shape) for m, shape in found if m and len(shape) == _SQUARE]
    return [shape for _, shape in sorted(numbered)]


def _count(shapes: Mapping[str, Shape], pattern: str) -> int:
    return len({m[1] for name in shapes if (m := re.match(pattern, name))})


def _has(shapes: Mapping[str, Shape], pattern: str) -> bool:
    return any(re.search(pattern, name) for name in shapes)


def _compare(shapes: Mapping[str, Shape], family: Family, file: str) -> None:
    """Check that a state dict is that of its family.

    Raises:
        WeightsError: tensors are missing, unknown, or have other shapes.
    """
    torch = need("torch", extra="train")
    with torch.device("meta"):
        expected = _shapes(build_network(family).state_dict())
    title = TITLES[family.name]
    unknown = [name for name in shapes if name not in expected and "eval_conv" not in name]
    faults = [f"{name} is missing" for name in expected if name not in shapes]
    faults += [f"{name} is unknown" for name in unknown]
    faults += [
        f"{name} has shape {shapes[name]}, expected {shape}"
        for name, shape in expected.items()
        if name in shapes and shapes[name] != shape
    ]
    if faults:
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise WeightsError(f"{file} resembles {title}, but differs: {faults[0]}{more}.")


def _reject(file: str, title: str) -> WeightsError:
    supported = ", ".join(TITLES.values())
    found = f"contains {title}" if title else "contains an unknown network"
    return WeightsError(f"{file} {found}; supported are {supported}.")


def _read_state(path: Path) -> dict[str, Tensor]:
    need("torch", extra="train")
    from kinoloom.learn.checkpointing.tensor_files import read_tensors

    state = read_tensors(path, wrappers=_WRAPPERS)
    size, declared = path.stat().st_size, sum(each.nbytes for each in state.values())
    if declared > size:  # strides of 0 let a small file declare any size
        raise WeightsError(f"{path.name} declares weights of {declared} bytes in {size} bytes.")
    return {name.removeprefix(_PREFIX): tensor for name, tensor in state.items()}


def _shapes(state: Mapping[str, Tensor]) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _is_ncnn(path: Path) -> bool:
    return path.with_suffix(".param").is_file()
