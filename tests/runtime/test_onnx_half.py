"""Networks in float16: the conversion, and the second run in float32."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from kinoloom.errors import WeightsError
from kinoloom.motion.flow_network import FLOW_WEIGHTS
from kinoloom.runtime.onnx import OnnxModel
from kinoloom.runtime.onnx_half import convert_to_half
from kinoloom.runtime.onnx_writer import Graph, Node, encode_model

LINE = {"x": ("n",)}, {"y": ("n",)}


def encode(nodes: list[Node], **constants: Any) -> bytes:
    return encode_model(Graph(nodes, constants, *LINE))


def overflowing() -> bytes:
    """The input times 300, times 300, divided by 90000: above 65504 in between."""
    nodes = [
        Node("Mul", ("x", "factor"), ("a",)),
        Node("Mul", ("a", "factor"), ("b",)),
        Node("Div", ("b", "product"), ("y",)),
    ]
    return encode(nodes, factor=np.float32([300]), product=np.float32([9e4]).reshape(1))


def squaring() -> bytes:
    """The square of the input times 200, minus its mean, divided by its standard deviation.

    On the CPU only LayerNormalization reads float16; simpler operators compute in float32.
    """
    nodes = [
        Node("Mul", ("x", "factor"), ("a",)),
        Node("Mul", ("a", "x"), ("b",)),
        Node("LayerNormalization", ("b", "ones"), ("y",), {"axis": -1, "epsilon": 1e-5}),
    ]
    constants = {"factor": np.float32([200]), "ones": np.ones(4, np.float32)}
    return encode_model(Graph(nodes, constants, {"x": (4,)}, {"y": (4,)}))


def normalize(x: Any) -> Any:
    squares = 200 * x.astype(np.float64) ** 2
    return (squares - squares.mean()) / squares.std()


def save(folder: Path, content: bytes) -> Path:
    file = folder / "net.onnx"
    file.write_bytes(content)
    return file


def load(content: bytes) -> Any:
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    return model


def upscaler() -> bytes:
    """A Compact network of two convolutions with random weights, twice as large."""
    rng = np.random.default_rng(0)
    nodes = [
        Node("Conv", ("x", "first", "bias"), ("a",), {"pads": (1, 1, 1, 1)}),
        Node("Cast", ("stored",), ("slope",), {"to": 1}),
        Node("PRelu", ("a", "slope"), ("b",)),
        Node("Conv", ("b", "second"), ("c",), {"pads": (1, 1, 1, 1)}),
        Node("DepthToSpace", ("c",), ("d",), {"blocksize": 2, "mode": "CRD"}),
        Node("Resize", ("x", "", "factors"), ("e",), {"mode": "nearest"}),
        Node("Add", ("d", "e"), ("y",)),
    ]
    constants = {
        "first": rng.normal(0, 0.2, (8, 3, 3, 3)).astype(np.float32),
        "bias": rng.normal(0, 0.1, 8).astype(np.float32),
        "stored": np.full((8, 1, 1), 0.25, np.float16),
        "second": rng.normal(0, 0.1, (12, 8, 3, 3)).astype(np.float32),
        "factors": np.float32([1, 1, 2, 2]),
    }
    shapes = {"x": (1, 3, "h", "w")}, {"y": (1, 3, "H", "W")}
    return encode_model(Graph(nodes, constants, *shapes))


def test_weights_and_nodes_become_float16() -> None:
    model = load(convert_to_half(squaring()))
    weights = model.graph.initializer
    assert [weight.data_type for weight in weights] == [TensorProto.FLOAT16] * 2
    assert numpy_helper.to_array(weights[0]).tolist() == [200]
    operators = [node.op_type for node in model.graph.node]
    assert operators == ["Cast", "Mul", "Mul", "LayerNormalization", "Cast"]
    declared = [*model.graph.input, *model.graph.output]
    assert [value.type.tensor_type.elem_type for value in declared] == [TensorProto.FLOAT] * 2
    assert [value.name for value in declared] == ["x", "y"]


def test_half_is_close_to_float32_but_not_equal(tmp_path: Path) -> None:
    x = np.float32([0.3, 0.7, 0.9, 1.1])
    model = OnnxModel(save(tmp_path, squaring()), precision="float16")
    (y,) = model({"x": x})
    assert y.dtype == np.float32
    assert 1e-5 < np.abs(y - normalize(x)).max() < 2e-3
    assert not list(model.notes)


def test_an_overflow_is_computed_again_in_float32(tmp_path: Path) -> None:
    model = OnnxModel(save(tmp_path, squaring()), precision="float16")
    large = np.float32([30, 1, 2, 3])  # 200 * 30 * 30 = 180000
    (first,) = model({"x": large})
    (second,) = model({"x": large})
    assert np.array_equal(first, second)
    assert np.abs(first - normalize(large)).max() < 1e-5
    (note,) = model.notes
    assert note.kind == "float32"
    assert "net.onnx returns NaN or infinite values in float16" in note.message


def test_a_result_that_is_nan_in_float32_too_is_rejected(tmp_path: Path) -> None:
    model = OnnxModel(save(tmp_path, squaring()), precision="float16")
    with pytest.raises(WeightsError, match="returned values that are NaN or infinite"):
        model({"x": np.full(4, np.nan, np.float32)})


def test_weights_beyond_float16_run_in_float32(tmp_path: Path) -> None:
    model = OnnxModel(save(tmp_path, overflowing()), precision="float16")
    (y,) = model({"x": np.float32([2])})
    assert y.tolist() == [2]
    (note,) = model.notes
    assert "runs in float32, not in float16: its weight 'product' is beyond the range" in (
        note.message
    )


def test_a_network_that_needs_float32_runs_in_float32(tmp_path: Path) -> None:
    """The operator Range of the flow network accepts no float16."""
    pictures = {name: np.full((1, 3, 32, 32), 0.5, np.float32) for name in ("first", "second")}
    model = OnnxModel(FLOW_WEIGHTS, precision="float16")
    for half, full in zip(model(pictures), OnnxModel(FLOW_WEIGHTS)(pictures), strict=True):
        assert np.array_equal(half, full)
    assert "runs in float32" in next(iter(model.notes)).message


def test_external_weights_run_in_float32(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(np.float32([1, 2]).tobytes())
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="w.bin")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    graph = helper.make_graph(nodes, "test", values[:1], values[1:], [weight])
    opset = helper.make_opsetid("", 17)
    file = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), file)
    model = OnnxModel(file, precision="float16")
    assert model({"x": np.zeros(2, np.float32)})[0].tolist() == [1, 2]
    assert "its weights are in another file" in next(iter(model.notes)).message


@pytest.mark.parametrize("is_listed", [True, False])
def test_constants_and_casts_are_converted(tmp_path: Path, is_listed: bool) -> None:
    """A constant node, a Cast to float32, and a weight that is stored as a list of numbers."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1], [0.1], raw=False)
    if not is_listed:
        weight = numpy_helper.from_array(np.float32([0.1]), "w")
    constant = numpy_helper.from_array(np.float16([0.5]), "c")
    nodes = [
        helper.make_node("Constant", [], ["c"], value=constant),
        helper.make_node("Cast", ["c"], ["d"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["x", "d"], ["e"]),
        helper.make_node("Add", ["e", "w"], ["y"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xye"]
    graph = helper.make_graph(nodes, "test", values[:1], values[1:2], [weight])
    graph.value_info.append(values[2])
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    half = load(convert_to_half(model.SerializeToString()))
    assert not half.graph.value_info
    network = OnnxModel(save(tmp_path, model.SerializeToString()), precision="float16")
    (y,) = network({"x": np.float32([1])})
    assert abs(y[0] - 1.6) < 2e-3
    assert half.graph.node[2].attribute[0].i == TensorProto.FLOAT16  # after the cast of the input
    assert not list(network.notes)


def test_factors_of_resize_stay_float32(tmp_path: Path) -> None:
    shape = {"x": (1, 1, "h", "w")}, {"y": (1, 1, "H", "W")}
    node = Node("Resize", ("x", "", "factors"), ("y",), {"mode": "nearest"})
    graph = Graph([node], {"factors": np.float32([1, 1, 2, 2])}, *shape)
    file = save(tmp_path, encode_model(graph))
    (weight,) = load(convert_to_half(file.read_bytes())).graph.initializer
    assert weight.data_type == TensorProto.FLOAT
    model = OnnxModel(file, precision="float16")
    assert model({"x": np.ones((1, 1, 2, 3), np.float32)})[0].shape == (1, 1, 4, 6)
    assert not list(model.notes)


def test_an_upscaler_runs_in_half(tmp_path: Path) -> None:
    file = save(tmp_path, upscaler())
    image = np.random.default_rng(1).random((1, 3, 6, 5), np.float32)
    model = OnnxModel(file, precision="float16")
    (half,), (full,) = model({"x": image}), OnnxModel(file)({"x": image})
    assert not list(model.notes)
    assert half.shape == full.shape == (1, 3, 12, 10)
    assert 1e-5 < np.abs(half - full).max() < 4e-3 * np.abs(full).max()


@settings(deadline=None, max_examples=30)
@given(arrays.arrays(np.float32, st.integers(0, 40), elements=st.floats(-6e4, 6e4, width=32)))
def test_weights_are_rounded_to_the_nearest(values: Any) -> None:
    content = encode([Node("Add", ("x", "w"), ("y",))], w=values)
    (weight,) = onnx.load_from_string(convert_to_half(content)).graph.initializer
    assert np.array_equal(numpy_helper.to_array(weight), values.astype(np.float16))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_damaged_content_raises_only_the_declared_errors(place: int, damage: bytes) -> None:
    content = bytearray(squaring())
    place %= len(content)
    content[place : place + len(damage)] = damage
    with suppress(ValueError, IndexError):
        convert_to_half(bytes(content))
