"""Each type of ncnn layer, converted and run, gives what its definition says."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ncnn_networks import Array, convolve, half, param, plain, single

from kinoloom.runtime.ncnn import convert_ncnn
from kinoloom.runtime.onnx import OnnxModel

RNG = np.random.default_rng(16)
IMAGE = RNG.normal(size=(4, 6, 9)).astype(np.float32)
SLOPES = np.array([0.1, -0.3, 0.5, 0.0])
CONSTANT = RNG.normal(size=(4, 6, 9)).astype(np.float32)
Check = tuple[list[str], bytes, Callable[[Array], Array]]


def run(folder: Path, lines: list[str], weights: bytes, image: Array = IMAGE) -> Array:
    """Convert and run a network."""
    file = folder / "net.onnx"
    file.write_bytes(convert_ncnn(param(*lines), weights, "net"))
    (output,) = OnnxModel(file)({"input": image[None].astype(np.float32)})
    return output[0]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def one(line: str, expected: Callable[[Array], Array], weights: bytes = b"") -> Check:
    """A network of one layer."""
    kind, _, parameters = line.partition(" ")
    return [f"{kind} layer 1 1 data output {parameters}"], weights, expected


def two(line: str, expected: Callable[[Array, Array], Array]) -> Check:
    """A layer of two inputs: the image, and its sigmoid."""
    kind, _, parameters = line.partition(" ")
    before = ["Split split 1 2 data a b", "Sigmoid gate 1 1 b c"]
    return (
        [*before, f"{kind} layer 2 1 a c output {parameters}"],
        b"",
        lambda x: expected(x, sigmoid(x)),
    )


def constant(line: str, weights: bytes, expected: Callable[[Array], Array]) -> Check:
    """The image times a constant."""
    lines = [f"MemoryData memory 0 1 m {line}", "BinaryOp layer 2 1 data m output 0=2"]
    return lines, weights, expected


CHECKS: dict[str, Check] = {
    "prelu": one(
        "PReLU 0=4", lambda x: np.where(x < 0, x * SLOPES[:, None, None], x), plain(SLOPES)
    ),
    "prelu of one slope": one(
        "PReLU 0=1", lambda x: np.where(x < 0, 0.25 * x, x), plain(np.array([0.25]))
    ),
    "relu": one("ReLU", lambda x: np.maximum(x, 0)),
    "leaky relu": one("ReLU 0=0.25", lambda x: np.where(x < 0, 0.25 * x, x)),
    "sigmoid": one("Sigmoid", sigmoid),
    "swish": one("Swish", lambda x: x * sigmoid(x)),
    "clip": one("Clip 0=-0.3 1=0.6", lambda x: np.clip(x, -0.3, 0.6)),
    "noop": one("Noop", lambda x: x),
    "add a number": one("BinaryOp 0=0 1=1 2=1.5", lambda x: x + 1.5),
    "subtract a number": one("BinaryOp 0=1 1=1 2=5.000000e-01", lambda x: x - 0.5),
    "multiply by a number": one("BinaryOp 0=2 1=1 2=255", lambda x: x * 255),
    "subtract from a number": one("BinaryOp 0=7 1=1 2=1.5", lambda x: 1.5 - x),
    "divide a number": one("BinaryOp 0=8 1=1 2=1.5", lambda x: 1.5 / x),
    "add": two("BinaryOp 0=0", lambda x, y: x + y),
    "subtract": two("BinaryOp 0=1", lambda x, y: x - y),
    "multiply": two("BinaryOp 0=2", lambda x, y: x * y),
    "divide": two("BinaryOp 0=3", lambda x, y: x / y),
    "maximum": two("BinaryOp 0=4", np.maximum),
    "minimum": two("BinaryOp 0=5", np.minimum),
    "subtract reversed": two("BinaryOp 0=7", lambda x, y: y - x),
    "divide reversed": two("BinaryOp 0=8", lambda x, y: y / x),
    "eltwise product": two("Eltwise 0=0", lambda x, y: x * y),
    "eltwise sum": two("Eltwise 0=1", lambda x, y: x + y),
    "eltwise weighted sum": two("Eltwise 0=1 -23301=2,0.2,1.0", lambda x, y: 0.2 * x + y),
    "eltwise maximum": two("Eltwise 0=2", np.maximum),
    "concat channels": two("Concat", lambda x, y: np.concatenate([x, y], 0)),
    "concat rows": two("Concat 0=1", lambda x, y: np.concatenate([x, y], 1)),
    "concat columns": two("Concat 0=-1", lambda x, y: np.concatenate([x, y], 2)),
    "constant": constant("0=9 1=6 2=4", plain(CONSTANT), lambda x: x * CONSTANT),
    "constant in float16": constant(
        "0=9 1=6 2=4 21=0", half(CONSTANT), lambda x: x * CONSTANT.astype(np.float16)
    ),
    "constant of channels": constant("0=4", plain(SLOPES), lambda x: x * SLOPES[:, None, None]),
}


@pytest.mark.parametrize("name", CHECKS)
def test_a_layer_computes_its_definition(name: str, tmp_path: Path) -> None:
    lines, weights, expected = CHECKS[name]
    found, wanted = run(tmp_path, lines, weights), expected(IMAGE.astype(np.float64))
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "order"), [("", (0, 3, 1, 4, 2)), ("1=0", (0, 3, 1, 4, 2)), ("1=1", (2, 3, 0, 4, 1))]
)
def test_a_pixel_shuffle_takes_channels_in_its_order(
    mode: str, order: tuple[int, ...], tmp_path: Path
) -> None:
    image = RNG.normal(size=(12, 3, 5)).astype(np.float32)
    found = run(tmp_path, [f"PixelShuffle p 1 1 data output 0=2 {mode}"], b"", image)
    split = image.reshape((2, 2, 3, 3, 5) if mode == "1=1" else (3, 2, 2, 3, 5))
    np.testing.assert_array_equal(found, split.transpose(order).reshape(3, 6, 10))


def test_an_odd_number_of_float16_weights_is_padded(tmp_path: Path) -> None:
    kernel, bias = np.array([0.5, -1, 2]).reshape(1, 3, 1, 1), np.array([0.25])
    line = "Convolution c 1 1 data output 0=1 1=1 5=1 6=3"
    found = run(tmp_path, [line], half(kernel) + plain(bias), IMAGE[:3])
    np.testing.assert_allclose(found, convolve(IMAGE[:3], kernel, bias), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "scale", "method"),
    [
        (1, 2, cv2.INTER_NEAREST),
        (1, 4, cv2.INTER_NEAREST),
        (2, 2, cv2.INTER_LINEAR),
        (2, 3, cv2.INTER_LINEAR),
        (2, 0.5, cv2.INTER_LINEAR),
        (3, 2, cv2.INTER_CUBIC),
        (3, 4, cv2.INTER_CUBIC),
        (3, 0.5, cv2.INTER_CUBIC),
    ],
)
def test_interpolation_is_that_of_opencv(
    kind: int, scale: float, method: int, tmp_path: Path
) -> None:
    image = IMAGE[:, :, :8]
    found = run(tmp_path, [f"Interp i 1 1 data output 0={kind} 1={scale} 2={scale}"], b"", image)
    size = (round(8 * scale), round(6 * scale))
    wanted = [cv2.resize(plane, size, interpolation=method) for plane in image]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        (1, "", lambda x: np.maximum(x, 0)),
        (2, "-23310=1,0.2", lambda x: np.where(x < 0, 0.2 * x, x)),
        (3, "-23310=2,-0.1,0.4", lambda x: np.clip(x, -0.1, 0.4)),
        (4, "", sigmoid),
    ],
)
def test_a_convolution_applies_its_activation(
    key: int, values: str, expected: Callable[[Array], Array], tmp_path: Path
) -> None:
    kernel, bias = RNG.normal(size=(5, 4, 1, 1)), RNG.normal(size=5)
    line = f"Convolution c 1 1 data output 0=5 1=1 5=1 6=20 9={key} {values}"
    found = run(tmp_path, [line], single(kernel) + plain(bias))
    np.testing.assert_allclose(found, expected(convolve(IMAGE, kernel, bias)), atol=1e-5)


def test_a_depthwise_convolution_has_one_kernel_for_each_channel(tmp_path: Path) -> None:
    kernel = RNG.normal(size=(4, 1, 3, 3))
    line = "ConvolutionDepthWise c 1 1 data output 0=4 1=3 4=1 5=0 6=36 7=4"
    found = run(tmp_path, [line], single(kernel))
    wanted = [convolve(IMAGE[k : k + 1], kernel[k : k + 1], pads=(1,) * 4)[0] for k in range(4)]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


SIDES = st.integers(1, 4)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    channels=SIDES,
    outputs=SIDES,
    kernel=st.tuples(SIDES, SIDES),
    strides=st.tuples(SIDES, SIDES),
    dilations=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.tuples(*[st.integers(0, 3)] * 4),
    has_bias=st.booleans(),
    is_half=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_a_convolution_of_any_geometry(
    tmp_path: Path,
    channels: int,
    outputs: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int],
    pads: tuple[int, int, int, int],
    has_bias: bool,
    is_half: bool,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(channels, 9, 8)).astype(np.float32)
    values = rng.normal(size=(outputs, channels, *kernel)).astype(np.float16)
    bias = rng.normal(size=outputs).astype(np.float32)
    (height, width), (top, left, bottom, right) = kernel, pads
    line = (
        f"Convolution c 1 1 data output 0={outputs} 1={width} 11={height} 2={dilations[1]} "
        f"12={dilations[0]} 3={strides[1]} 13={strides[0]} 4={left} 14={top} 15={right} "
        f"16={bottom} 5={int(has_bias)} 6={values.size}"
    )
    weights = (half if is_half else single)(values) + (plain(bias) if has_bias else b"")
    found = run(tmp_path, [line], weights, image)
    wanted = convolve(
        image,
        values,
        bias if has_bias else 0,
        pads=pads,
        strides=strides,
        dilations=dilations,
    )
    np.testing.assert_allclose(found, wanted, atol=1e-4)
