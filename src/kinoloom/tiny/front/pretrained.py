"""Published int8 networks: MCUNet, MobileNetV2 and ProxylessNAS of mit-han-lab/tiny-training.

An archive (.npz) contains for each convolution `<name>.params.weight` (int8), `.bias` (int32) and
`.w_scales` (float32), and in `__meta__`, as JSON, sizes, scales and zero points. Names: first_conv,
blocks.<n>.pointwise1, .depthwise, .pointwise2, .residual, classifier. The clamp to -128..127
implements ReLU where the zero point is -128.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.errors import (
    InputNotFoundError,
    KinoloomError,
    UnreadableMediaError,
    UsageError,
)
from kinoloom.runtime.array_files import read_arrays
from kinoloom.tiny.ir.program import Array, Geometry, Program, Quant
from kinoloom.tiny.quantisation.lower import Builder, ConvValues, OutputSpec
from kinoloom.tiny.training.scheme import Update, collect_convs


def read_pretrained(path: Path, name: str, classes: int | None = None, seed: int = 0) -> Program:
    """Read the inference program of an archive.

    Args:
        path: the .npz file.
        name: prefix of the C names.
        classes: number of classes of a new head with small random weights, from 2 up; None keeps
            the head for ImageNet.
        seed: seed of the new head.

    Raises:
        InputNotFoundError: The file does not exist.
        UnreadableMediaError: The file is not such an archive.
        UsageError: There are fewer than two classes.
    """
    if not path.is_file():
        raise InputNotFoundError(f"The file {path} does not exist.")
    if classes is not None and classes < 2:
        raise UsageError(f"Invalid number of classes {classes}: expected at least 2.")
    try:
        arrays = read_arrays(path)
        meta = json.loads(bytes(arrays.pop("__meta__")))
        return _Reader(Builder(name), arrays, meta).run(classes, seed)
    except (KinoloomError, MemoryError):
        raise
    except Exception as error:  # a damaged archive raises any error
        missing = f" Missing: {error}." if isinstance(error, KeyError) else ""
        raise UnreadableMediaError(
            f"{path.name} is not an int8 network of mit-han-lab/tiny-training.{missing}"
        ) from error


@dataclass(frozen=True)
class _Reader:
    builder: Builder
    arrays: dict[str, Array]
    meta: dict[str, Any]

    def run(self, classes: int | None, seed: int) -> Program:
        builder, meta = self.builder, self.meta
        side = meta["first_conv.in_shape"]
        channels = meta["first_conv.in_channel"]
        builder.add_input("image", (channels, side, side), self._quant("first_conv", "x"))
        x = self._conv("first_conv", "image")
        blocks = sorted({int(key.split(".")[1]) for key in meta if key.startswith("blocks.")})
        for number in blocks:
            x = self._block(f"blocks.{number}", x)
        c, h, w = builder.tensors[x].shape
        quant = self._quant("classifier", "x")
        window = Geometry(c, h, w, c, 1, 1, h, w)
        builder.add_average_pool("features", x, window, h * w, OutputSpec(quant))
        self._head(c, classes, seed)
        return builder.build("image", "classifier")

    def _block(self, name: str, x: str) -> str:
        source = x
        for part in ("pointwise1", "depthwise", "pointwise2"):
            if f"{name}.{part}.in_channel" in self.meta:
                x = self._conv(f"{name}.{part}", x)
        if f"{name}.residual.in_channel" not in self.meta:
            return x
        identifier = _make_identifier(f"{name}.sum")
        self.builder.add_sum(
            identifier, x, source, OutputSpec(self._quant(f"{name}.residual", "y"))
        )
        return identifier

    def _conv(self, name: str, x: str) -> str:
        meta, values = self.meta, self._values(name)
        cout, _, kh, kw = values.weight.shape
        cin, ih, iw = self.builder.tensors[x].shape
        stride = meta[f"{name}.stride"]
        oh, ow = (-(-n // stride) for n in (ih, iw))
        geometry = Geometry(
            cin, ih, iw, cout, oh, ow, kh, kw, stride, stride, kh // 2, kw // 2,
            groups=meta[f"{name}.groups"],
        )  # fmt: skip
        if values.weight.shape[1] * geometry.groups != cin or cout % geometry.groups:
            raise ValueError(f"the weights of {name} have shape {values.weight.shape}")
        identifier = _make_identifier(name)
        self.builder.add_conv(identifier, x, geometry, values, OutputSpec(self._quant(name, "y")))
        return identifier

    def _head(self, channels: int, classes: int | None, seed: int) -> None:
        if classes is None:
            values = self._values("classifier")
        else:
            random = np.random.default_rng(seed)
            weight = random.integers(-127, 128, (classes, channels, 1, 1))
            scales = np.full(classes, channels**-0.5 / 127)
            values = ConvValues(weight, np.zeros(classes), scales)
        geometry = Geometry(channels, 1, 1, values.weight.shape[0], 1, 1, 1, 1)
        self.builder.add_conv("classifier", "features", geometry, values, None)

    def _values(self, name: str) -> ConvValues:
        """Return the values of a convolution.

        Raises:
            KeyError, ValueError: they are missing, empty, of different lengths or not finite.
        """
        weight, bias, scales = (
            self.arrays[f"{name}.params.{part}"] for part in ("weight", "bias", "w_scales")
        )
        fits = weight.ndim == 4 and weight.size and bias.shape == scales.shape == weight.shape[:1]
        if not fits or not np.isfinite(scales).all() or not (scales > 0).all():
            raise ValueError(f"the values of {name} do not fit each other")
        return ConvValues(weight, bias, scales)

    def _quant(self, name: str, side: str) -> Quant:
        scale, zero = (self.meta[f"{name}.params.{side}_{word}"] for word in ("scale", "zero"))
        return Quant(float(np.float32(scale)), int(zero))


def _make_identifier(name: str) -> str:
    return name.replace(".", "_").replace("blocks_", "block")


@dataclass(frozen=True)
class Preset:
    """A published sparse-update scheme.

    Attributes:
        model: name of the network.
        biases: number of convolutions with a trained bias, counted from the head backwards.
        ratios: ratio of trained weights by number of the convolution, in order from 0.
    """

    model: str
    biases: int
    ratios: dict[int, float]


PRESETS = {
    "mcunet-49kb": Preset("mcunet-5fps", 20, {23: 0, 24: 0.25, 27: 0.5, 30: 0.5, 33: 0, 39: 0}),
    "mcunet-99kb": Preset("mcunet-5fps", 22, {21: 1, 24: 1, 27: 1, 30: 1, 36: 0.125, 39: 0.25}),
    "mcunet-148kb": Preset("mcunet-5fps", 23, {21: 1, 24: 1, 27: 1, 30: 1, 36: 1, 39: 0.5}),
    "mbv2-138kb": Preset("mbv2-w0.35", 34, dict.fromkeys(range(27, 49, 3), 1)),
    "proxyless-148kb": Preset("proxyless-w0.3", 45, dict.fromkeys(range(36, 58, 3), 1)),
}
"""Schemes of mit-han-lab/tiny-training by name."""


def preset_scheme(program: Program, name: str) -> dict[str, Update]:
    """Return a published scheme for a program; all weights of the head are trained.

    Raises:
        UsageError: The scheme is unknown, or the program has too few convolutions.
    """
    if name not in PRESETS:
        raise UsageError(f"Unknown scheme '{name}': expected {', '.join(PRESETS)}.")
    preset, layers = PRESETS[name], [op.layer for op in collect_convs(program)]
    if len(layers) < preset.biases or max(preset.ratios) >= len(layers):
        raise UsageError(
            f"The scheme '{name}' is for {preset.model}; {program.name} has only {len(layers)} "
            "layers."
        )
    first = len(layers) - preset.biases
    scheme = {
        layer: Update(True, preset.ratios.get(i, 0)) for i, layer in enumerate(layers) if i >= first
    }
    return {**scheme, layers[-1]: Update(True, 1.0)}
