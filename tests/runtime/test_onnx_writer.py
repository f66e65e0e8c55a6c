"""ONNX files written without the onnx package are those that the onnx package reads."""

from pathlib import Path

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.runtime.onnx import OnnxModel
from kinoloom.runtime.onnx_messages import read_varint
from kinoloom.runtime.onnx_writer import Graph, Node, encode_model, encode_varint

GRAPH = Graph(
    nodes=[
        Node("Cast", ("slope_half",), ("slope",), {"to": 1}),
        Node("PRelu", ("x", "slope"), ("bent",)),
        Node("LeakyRelu", ("bent",), ("leaky",), {"alpha": 0.25}),
        Node("DepthToSpace", ("leaky",), ("wide",), {"blocksize": 2, "mode": "CRD"}),
        Node("Concat", ("wide", "wide"), ("both",), {"axis": -1}),
        Node("MaxPool", ("both",), ("y",), {"kernel_shape": (1, 2), "strides": (1, 2)}),
    ],
    constants={
        "slope_half": np.array([[[0.5]], [[0.25]], [[0.0]], [[-1.0]]], np.float16),
        "unused": np.array([1, -2, 1 << 40], np.int64),
    },
    inputs={"x": (1, 4, "height", "width")},
    outputs={"y": (1, 1, "rows", "columns")},
)


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_a_varint_is_read_as_it_was_written(value: int) -> None:
    encoded = encode_varint(value)
    assert read_varint(encoded, 0) == (value % (1 << 64), len(encoded))


def test_the_onnx_package_reads_every_part() -> None:
    model = onnx.load_from_string(encode_model(GRAPH))
    onnx.checker.check_model(model, full_check=True)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 18)]
    read = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    assert read.keys() == GRAPH.constants.keys()
    for name, array in GRAPH.constants.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)
    for node, written in zip(model.graph.node, GRAPH.nodes, strict=True):
        assert (node.op_type, *node.input) == (written.op, *written.inputs)
        assert tuple(node.output) == written.outputs
        values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        values = {k: v.decode() if isinstance(v, bytes) else v for k, v in values.items()}
        assert values == {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in written.attributes.items()
        }
    (value,) = model.graph.input
    sides = [side.dim_value or side.dim_param for side in value.type.tensor_type.shape.dim]
    assert (value.name, sides) == ("x", [1, 4, "height", "width"])


def test_the_network_runs(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(encode_model(GRAPH))
    x = np.random.default_rng(0).normal(size=(1, 4, 3, 5)).astype(np.float32)
    bent = np.where(x < 0, x * np.array([0.5, 0.25, 0, -1], np.float32)[:, None, None], x)
    leaky = np.where(bent < 0, 0.25 * bent, bent)
    wide = leaky.reshape(2, 2, 3, 5).transpose(2, 0, 3, 1).reshape(6, 10)
    both = np.concatenate([wide, wide], 1).reshape(6, 10, 2).max(2)
    (y,) = OnnxModel(file)({"x": x})
    np.testing.assert_allclose(y[0, 0], both, rtol=1e-6)


def test_equal_graphs_give_equal_bytes() -> None:
    assert encode_model(GRAPH) == encode_model(GRAPH)
    assert encode_model(GRAPH, opset=19) != encode_model(GRAPH)
