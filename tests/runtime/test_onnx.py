"""ONNX files that are damaged, or belong to another engine."""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from kinoloom.errors import WeightsError
from kinoloom.runtime.onnx import OnnxModel, open_model


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    """A model that adds its input x to itself."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", [x], [y])
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), tmp_path / "d.onnx")
    return tmp_path / "d.onnx"


@pytest.mark.parametrize("keep", [0, 40])
def test_a_damaged_file_is_rejected(doubling: Path, keep: int) -> None:
    doubling.write_bytes(doubling.read_bytes()[:keep] + b"\xff\xff")
    with pytest.raises(WeightsError, match=r"d\.onnx cannot be read as an ONNX model"):
        OnnxModel(doubling)


def test_a_model_with_other_inputs_is_rejected(doubling: Path) -> None:
    with pytest.raises(WeightsError, match=r"d\.onnx .* inputs are x; expected x0, x1"):
        open_model(doubling, ("x0", "x1"))
    assert open_model(doubling, ("x",)).inputs == ("x",)
