"""Small ncnn networks, as the content of their two files."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

FLOAT16_TAG = (0x01306B47).to_bytes(4, "little")
INPUT = "Input in 0 1 data"


def param(*lines: str) -> bytes:
    """A .param file of layers after one input, which is called data."""
    layers = [INPUT, *lines]
    return "\n".join(["7767517", f"{len(layers)} 99", *layers, ""]).encode()


def plain(array: Array) -> bytes:
    """An array of float32 without a tag."""
    return array.astype("<f4").tobytes()


def single(array: Array) -> bytes:
    """A tagged array of float32."""
    return bytes(4) + plain(array)


def half(array: Array) -> bytes:
    """A tagged array of float16, padded to four bytes."""
    stored = array.astype("<f2").tobytes()
    return FLOAT16_TAG + stored + bytes(-len(stored) % 4)


def convolve(
    image: Array,
    kernel: Array,
    bias: Array | float = 0,
    *,
    pads: Sequence[int] = (0, 0, 0, 0),
    strides: Sequence[int] = (1, 1),
    dilations: Sequence[int] = (1, 1),
) -> Array:
    """A convolution in float64, one kernel position after the other.

    Args:
        image: (c, h, w).
        kernel: (n, c, kh, kw).
        bias: (n,).
        pads: top, left, bottom, right.
        strides, dilations: rows, columns.
    """
    top, left, bottom, right = pads
    padded = np.pad(image.astype(np.float64), ((0, 0), (top, bottom), (left, right)))
    height, width = (
        (side - step * (size - 1) - 1) // stride + 1
        for side, size, step, stride in zip(
            padded.shape[1:], kernel.shape[2:], dilations, strides, strict=True
        )
    )
    result = np.zeros((len(kernel), height, width))
    for row in range(kernel.shape[2]):
        for column in range(kernel.shape[3]):
            part = padded[:, row * dilations[0] :, column * dilations[1] :]
            part = part[:, :: strides[0], :: strides[1]][:, :height, :width]
            result += np.tensordot(kernel[:, :, row, column], part, 1)
    return result + np.reshape(bias, (-1, 1, 1))
