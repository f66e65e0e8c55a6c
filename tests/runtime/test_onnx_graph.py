"""The outline of an ONNX file: its operators, and the shapes of its weights."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from kinoloom.errors import WeightsError
from kinoloom.runtime.onnx_graph import Operator, parse_outline, read_outline
from kinoloom.runtime.onnx_writer import Graph, Node, encode_model

GRAPH = Graph(
    nodes=[
        Node("Cast", ("half",), ("kernel",), {"to": 1}),
        Node("Conv", ("x", "kernel"), ("a",)),
        Node("Conv", ("a", "single", "bias"), ("b",)),
        Node("Conv", ("b", "a"), ("c",)),
        Node("Sigmoid", ("c",), ("y",)),
    ],
    constants={
        "half": np.zeros((300, 2, 3, 1), np.float16),
        "single": np.zeros((4, 300, 1, 1), np.float32),
        "bias": np.zeros(4, np.float32),
        "number": np.zeros((), np.float32),
    },
    inputs={"x": (1, 2, "height", "width")},
    outputs={"y": (1, 4, "height", "width")},
)


def test_operators_are_listed_in_order(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(encode_model(GRAPH))
    found = read_outline(file)
    assert found == parse_outline(file.read_bytes())
    assert [each.name for each in found.operators] == [each.op for each in GRAPH.nodes]
    assert found.operators[2] == Operator("Conv", ("a", "single", "bias"), ("b",))
    assert found.shapes == {name: array.shape for name, array in GRAPH.constants.items()}
    assert found.count("Conv", "Sigmoid") == 4


def test_shapes_of_weights_are_found_through_casts() -> None:
    found = parse_outline(encode_model(GRAPH)).weight_shapes("Conv")
    assert found == [(300, 2, 3, 1), (4, 300, 1, 1), ()]


def test_files_of_the_onnx_package_have_the_same_outline() -> None:
    model = onnx.load_from_string(encode_model(GRAPH))
    expected = parse_outline(encode_model(GRAPH))
    assert parse_outline(model.SerializeToString()) == expected


def test_another_file_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(encode_model(GRAPH)[:-200])
    with pytest.raises(WeightsError, match="cannot be read as an ONNX model"):
        read_outline(file)
