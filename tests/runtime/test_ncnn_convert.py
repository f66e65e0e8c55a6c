"""Whole ncnn networks: conversion, conformance with ncnn, damaged and unsupported files."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ncnn_networks import FLOAT16_TAG, half, param, plain, single

from kinoloom.errors import WeightsError
from kinoloom.runtime.ncnn import convert_ncnn, convert_ncnn_file
from kinoloom.runtime.onnx import Contract, OnnxModel

RNG = np.random.default_rng(3)
LINES = [
    "Split split 1 2 data a b",
    "Convolution first 1 1 a c 0=8 1=3 4=1 5=1 6=216",
    "PReLU bend 1 1 c d 0=8",
    "Convolution last 1 1 d e 0=12 1=3 4=1 5=1 6=864",
    "PixelShuffle shuffle 1 1 e f 0=2",
    "Interp enlarge 1 1 b g 0=1 1=2 2=2",
    "BinaryOp add 2 1 f g output",
]
PARAM = param(*LINES)
WEIGHTS = b"".join(
    [
        half(RNG.normal(size=216)),
        plain(RNG.normal(size=8)),
        plain(RNG.normal(size=8)),
        half(RNG.normal(size=864)),
        plain(RNG.normal(size=12)),
    ]
)


def fail(param: bytes, weights: bytes = b"") -> str:
    with pytest.raises(WeightsError) as caught:
        convert_ncnn(param, weights, "net")
    return caught.value.message


def test_a_network_becomes_a_valid_model_of_any_size(tmp_path: Path) -> None:
    for file, content in (("net.param", PARAM), ("net.bin", WEIGHTS)):
        (tmp_path / file).write_bytes(content)
    for file in ("net.param", "net.bin"):
        assert convert_ncnn_file(tmp_path / file) == convert_ncnn(PARAM, WEIGHTS, "net")
    file = tmp_path / "net.onnx"
    file.write_bytes(convert_ncnn(PARAM, WEIGHTS, "net"))
    onnx.checker.check_model(str(file), full_check=True)
    model = OnnxModel(file)
    side = (1, 3, None, None)
    model.check(Contract((("input", side),), (side,)))
    for size in ((5, 7), (16, 2)):
        x = np.zeros((2, 3, *size), np.float32)
        model({"input": x}, [(2, 3, 2 * size[0], 2 * size[1])])
    assert file.stat().st_size < len(WEIGHTS) + 2000  # float16 stays float16


def test_an_input_of_unknown_channels_accepts_any(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(convert_ncnn(param("Sigmoid s 1 1 data output"), b"", "net"))
    for channels in (1, 4):
        OnnxModel(file)({"input": np.zeros((1, channels, 2, 2), np.float32)})


def test_names_may_be_those_of_other_values(tmp_path: Path) -> None:
    lines = [
        "Sigmoid input 1 1 data input",
        "Swish sigmoid 1 1 input conv",
        "ReLU output 1 1 conv r",
    ]
    file = tmp_path / "net.onnx"
    file.write_bytes(convert_ncnn(param(*lines), b"", "net"))
    (y,) = OnnxModel(file)({"input": np.zeros((1, 1, 1, 1), np.float32)})
    assert y.item() == pytest.approx(0.5 / (1 + np.exp(-0.5)))


@pytest.mark.parametrize("name", ["general_x4v3", "general_wdn_x4v3"])
def test_converted_networks_equal_the_conformance_vectors(
    name: str, tmp_path: Path, shared_data: Path
) -> None:
    folder = shared_data / "enhance"
    vectors = np.load(folder / "conformance.npz")
    part = "WDN_" if "wdn" in name else ""
    file = tmp_path / "net.onnx"
    source = folder / "weights" / f"RealESRGAN_General_{part}x4_v3.param"
    file.write_bytes(convert_ncnn_file(source))
    x = np.float32(vectors["input_u8"] / np.float32(255)).transpose(2, 0, 1)[None]
    (y,) = OnnxModel(file)({"input": x})
    np.testing.assert_allclose(y[0], vectors[name], atol=1e-5)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "begins with ''; expected the magic number 7767517"),
        (b"\x85\x84\x76\x00binary", "expected the magic number 7767517"),
        (b"7767517\n", "the second line of the .param file is ''"),
        (b"7767517\n0 0\n", "expected the numbers of layers"),
        (b"7767517\n1 x\nInput in 0 1 data\n", "'x' is not a number"),
        (PARAM[: PARAM.index(b"PixelShuffle")], "has 5 layers; it declares 8"),
        (param("Sigmoid s 1 1 nowhere output"), "no earlier layer writes the blob 'nowhere'"),
        (
            param("ReLU s 1 1 data a", "ReLU t 1 1 a a", "ReLU u 1 1 a b"),
            "two layers write the blob 'a'",
        ),
        (param("Sigmoid s 1"), "is not a layer"),
        (param(f"Sigmoid {'s' * 256} 1 1 data output"), "has a word of over 255 characters"),
        (param("Sigmoid s 1 1 data"), "names fewer than 1 inputs and 1 outputs"),
        (param("Sigmoid s 1 1 data output 0"), "'0' is not a parameter of the form key=value"),
        (param("Sigmoid s 1 1 data output 0=nan"), "not a finite number"),
        (param("Sigmoid s 1 1 data output 0=1,2"), "has 2 values; expected one"),
        (param("Sigmoid s 1 1 data output -23301=3,1"), "has 1 values, not 3"),
        (param("Sigmoid s 1 2 data output more"), "has 1 inputs and 2 outputs"),
        (param("Concat s 0 1 output"), "has 0 inputs and 1 outputs"),
        (param("BinaryOp s 1 1 data output"), "has 1 inputs"),
        (param("Attention s 1 1 data output"), "the type 'Attention', which is not supported"),
        (param("Input more 0 1 other"), "has 2 inputs; expected one"),
        (param("Sigmoid s 1 1 data a", "Input2 t 0 1 b"), "has 2 outputs; expected one"),
        (param("BinaryOp s 1 1 data output 0=99 1=1"), "expected a whole number from 0 to 8"),
        (param("ReLU s 1 1 data output -23300=1,2"), "is an array; expected a number"),
        (param("Eltwise s 1 1 data output"), "has 1 inputs"),
        (param("Interp s 1 1 data output 0=2 3=20 4=20"), "resizes to a fixed size"),
        (param("Interp s 1 1 data output 0=2 1=1e9 2=1"), "expected 1/64 to 64"),
        (param("PixelShuffle s 1 1 data output 0=0"), "from 1 to 64"),
        (param("Convolution c 1 1 data output 0=4 1=3 6=107"), "which do not fit 4 outputs"),
        (param("Convolution c 1 1 data output 0=4 1=3 6=108 8=1"), "has int8 weights"),
        (param("Convolution c 1 1 data output 0=4 1=3 4=-233 6=108"), "parameter 4 of layer 'c'"),
        (param("Convolution c 1 1 data output 0=4 1=3 6=108 18=1"), "pads with 1.0"),
        (param("MemoryData m 0 1 output 0=3 1=2", "Noop n 1 1 data o"), "one or three axes"),
    ],
)
def test_an_unusable_param_file_is_rejected_with_the_reason(content: bytes, expected: str) -> None:
    message = fail(content)
    assert message.startswith("The ncnn network net cannot be read: ")
    assert expected in message


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (
            WEIGHTS[:-1],
            f"layer 'last' needs bytes {len(WEIGHTS) - 48} to {len(WEIGHTS)}, but it has",
        ),
        (b"", "layer 'first' needs bytes 0 to 4, but it has 0"),
        (WEIGHTS + bytes(3), f"has {len(WEIGHTS) + 3} bytes, 3 more than the layers need"),
        (bytes([0x38, 0x4B, 0x0D, 0]) + WEIGHTS[4:], "have the tag 0x000D4B38; expected float32"),
        (FLOAT16_TAG + b"\0\x7e" + WEIGHTS[6:], "layer 'first' contain NaN or infinite"),
        (WEIGHTS[:440] + plain(np.array([np.inf])) + WEIGHTS[444:], "contain NaN or infinite"),
    ],
)
def test_an_unusable_bin_file_is_rejected_with_the_reason(weights: bytes, expected: str) -> None:
    assert expected in fail(PARAM, weights)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "net.param").write_bytes(PARAM)
    with pytest.raises(WeightsError, match=r"net\.bin does not exist"):
        convert_ncnn_file(tmp_path / "net.param")


TOKENS = [b"-1", b"0", b"1", b"9", b"=", b",", b" ", b"\n", b"Concat", b"data", b"\xff", b"1e30"]
EDITS = st.lists(
    st.tuples(st.integers(0, len(PARAM)), st.integers(0, 12), st.sampled_from(TOKENS)), max_size=4
)


@settings(max_examples=150, deadline=None)
@given(EDITS, st.integers(0, len(WEIGHTS) + 8), st.booleans())
@example([], len(WEIGHTS), False)
def test_damaged_files_raise_only_weights_errors(
    tmp_path_factory: pytest.TempPathFactory,
    edits: list[tuple[int, int, bytes]],
    length: int,
    is_whole: bool,
) -> None:
    content = PARAM
    for place, removed, token in edits:
        content = content[:place] + token + content[place + removed :]
    weights = WEIGHTS if is_whole else (WEIGHTS + bytes(8))[:length]
    try:
        model = convert_ncnn(content, weights, "net")
    except WeightsError:
        return
    file = tmp_path_factory.mktemp("damaged") / "net.onnx"
    file.write_bytes(model)
    try:
        OnnxModel(file, 64 << 20)
    except WeightsError:
        return


def test_single_precision_is_kept() -> None:
    kernel = RNG.normal(size=(1, 3, 1, 1))
    line = "Convolution c 1 1 data output 0=1 1=1 6=3"
    model = onnx.load_from_string(convert_ncnn(param(line), single(kernel), "net"))
    (stored,) = (onnx.numpy_helper.to_array(each) for each in model.graph.initializer)
    np.testing.assert_array_equal(stored, kernel.astype(np.float32))
