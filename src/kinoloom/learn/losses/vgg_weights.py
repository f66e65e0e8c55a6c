"""Readers of VGG weights in the file formats in which they are published; see `vgg`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from kinoloom.base.need import need
from kinoloom.errors import WeightsError
from kinoloom.learn.cards import VGG16_ST, VGG19
from kinoloom.learn.losses.vgg import (
    CAFFE,
    FILM_LAYERS,
    IMAGENET,
    Pooling,
    VggFeatures,
    layer_shapes,
)
from kinoloom.runtime.models import find_weights, require_weights

_HINT = (
    "Name an imagenet-vgg-verydeep-19.mat or a torchvision VGG-16 or VGG-19, or use the default: "
    f"kinoloom models get {VGG16_ST.name}"
)
_DEPTHS: tuple[Literal[16, 19], ...] = (16, 19)

Convolutions = list[tuple[Tensor, Tensor]]


def load_vgg(path: Path | None = None, layers: tuple[str, ...] = FILM_LAYERS) -> VggFeatures:
    """Load VGG features from a file, or from the best weights on this machine.

    Args:
        path: .mat, .pt, .pth or .safetensors; None uses user-supplied weights of the model vgg19
            if there are any, else the model vgg16-st (see `runtime.models`).
        layers: names of the layers whose outputs are the features.

    Raises:
        WeightsError: there are no weights, or the file does not contain VGG.
        MissingExtraError: a .mat file needs scipy.
    """
    if path is None:
        user = find_weights(VGG19)
        path = user.path if user is not None else require_weights(VGG16_ST)
    if not path.is_file():
        raise WeightsError(f"{path} does not exist.", hint=_HINT)
    if path.suffix == ".mat":
        convolutions, description = _read_mat(path), "VGG-19 of MatConvNet, average pooling"
        return VggFeatures(
            _find_depth(convolutions, path.name),
            convolutions,
            CAFFE,
            "average",
            description,
            layers,
        )
    return build_vgg(read_state(path), path.name, layers)


def build_vgg(tensors: Mapping[str, Tensor], name: str, layers: tuple[str, ...]) -> VggFeatures:
    """Build VGG features from tensors named as in torchvision or ST-LPIPS.

    Args:
        tensors: by name.
        name: of the file, for messages.
        layers: names of the layers whose outputs are the features.

    Raises:
        WeightsError: the tensors are not those of VGG-16 or VGG-19.
    """
    convolutions = _sort_convolutions(tensors)
    depth = _find_depth(convolutions, name)
    pooling: Pooling = "blurred" if any(key.endswith(".filt") for key in tensors) else "average"
    kind = "ST-LPIPS (blurred pooling)" if pooling == "blurred" else "torchvision, average pooling"
    return VggFeatures(depth, convolutions, IMAGENET, pooling, f"VGG-{depth} of {kind}", layers)


def _read_mat(path: Path) -> Convolutions:
    reader = need("scipy.io", extra="train")
    try:
        layers: list[dict[str, Any]] = list(reader.loadmat(path, simplify_cells=True)["layers"])
        pairs = [layer["weights"] for layer in layers if str(layer["name"]).startswith("conv")]
        arrays = [(np.asarray(w, np.float32), np.asarray(b, np.float32)) for w, b in pairs]
        return [
            (torch.from_numpy(w.transpose(3, 2, 0, 1).copy()), torch.from_numpy(b.ravel().copy()))
            for w, b in arrays
        ]
    except MemoryError:
        raise
    except Exception as error:  # a damaged file raises any error
        raise WeightsError(
            f"{path.name} cannot be read as a MatConvNet network.", hint=_HINT
        ) from error


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the named tensors of a torch or safetensors file.

    Raises:
        WeightsError: the file is damaged, or contains anything else.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle raises any error
        raise WeightsError(
            f"{path.name} is damaged, or contains more than named tensors.", hint=_HINT
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(t, Tensor) for t in state.values()):
        raise WeightsError(f"{path.name} contains no named tensors, or more.", hint=_HINT)
    return {str(name): tensor for name, tensor in state.items()}


def _sort_convolutions(tensors: Mapping[str, Tensor]) -> Convolutions:
    """Return the 3x3 convolutions in the order of the last number in their names."""
    names = [
        name
        for name, tensor in tensors.items()
        if re.search(r"\d.*\.weight$", name) and tensor.shape[2:] == (3, 3)
    ]
    names.sort(key=lambda name: int(re.findall(r"\d+", name)[-1]))
    stems = [name.removesuffix(".weight") for name in names]
    return [(tensors[f"{s}.weight"], tensors[f"{s}.bias"]) for s in stems if f"{s}.bias" in tensors]


def _find_depth(convolutions: Convolutions, name: str) -> Literal[16, 19]:
    shapes = [tuple(weight.shape) for weight, _ in convolutions]
    fit = all(bias.shape == weight.shape[:1] for weight, bias in convolutions)
    for depth in _DEPTHS:
        if fit and shapes == layer_shapes(depth):
            return depth
    raise WeightsError(
        f"{name} contains {len(shapes)} convolutions, which are not those of VGG-16 or VGG-19.",
        hint=_HINT,
    )
