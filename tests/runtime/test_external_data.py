"""ONNX files with external data: only files of the model's own folder are opened."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinoloom.errors import WeightsError
from kinoloom.runtime.external_data import check_external_data, external_locations
from kinoloom.runtime.onnx import OnnxModel

onnx = pytest.importorskip("onnx")
helper = onnx.helper
FLOAT = onnx.TensorProto.FLOAT
SHIPPED = sorted((Path(__file__).parents[2] / "src/kinoloom/film/weights").glob("*.onnx"))


def external(location: str, name: str = "w") -> Any:
    """A tensor of two numbers that is stored in another file."""
    tensor = onnx.TensorProto(name=name, data_type=FLOAT, dims=[2])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "8")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def value(name: str) -> Any:
    return helper.make_tensor_value_info(name, FLOAT, [2])


def model(graph: Any, **more: Any) -> Any:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], **more)


def adding(location: str) -> Any:
    """y = x + w, where w is external."""
    node = helper.make_node("Add", ["x", "w"], ["y"])
    return model(helper.make_graph([node], "add", [value("x")], [value("y")], [external(location)]))


def constant(location: str) -> Any:
    node = helper.make_node("Constant", [], ["y"], value=external(location))
    return helper.make_graph([node], "constant", [], [value("y")])


def branching(location: str) -> Any:
    """The tensor is in a branch of a branch."""
    inner = helper.make_node(
        "If", ["c"], ["y"], then_branch=constant(location), else_branch=constant(location)
    )
    branch = helper.make_graph([inner], "inner", [], [value("y")])
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    return model(helper.make_graph([node], "outer", [], [value("y")]))


def function(location: str) -> Any:
    nodes = constant(location).node
    body = helper.make_function("own", "f", [], ["y"], nodes, [helper.make_opsetid("", 17)])
    graph = helper.make_graph([helper.make_node("f", [], ["y"], domain="own")], "g", [], [])
    return model(graph, functions=[body])


def sparse(location: str) -> Any:
    graph = helper.make_graph([], "g", [], [])
    tensor = onnx.SparseTensorProto(dims=[9])
    tensor.values.CopyFrom(external(location))
    graph.sparse_initializer.append(tensor)
    return model(graph)


def tensors(location: str) -> Any:
    node = helper.make_node("Any", [], ["y"])
    attribute = onnx.AttributeProto(name="many", type=onnx.AttributeProto.TENSORS)
    attribute.tensors.append(external(location))
    node.attribute.append(attribute)
    return model(helper.make_graph([node], "g", [], []))


def training(location: str) -> Any:
    made = model(helper.make_graph([], "g", [], []))
    made.training_info.add().initialization.initializer.append(external(location))
    return made


PLACES: list[Callable[[str], Any]] = [
    *(adding, branching, function, sparse, tensors, training),
    lambda location: model(constant(location)),
]


def save(made: Any, path: Path) -> Path:
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the model, with its data, and a file outside it that is not for it."""
    inside = tmp_path / "model"
    (inside / "sub").mkdir(parents=True)
    content = np.array([1, 2], np.float32).tobytes()
    for path in (inside / "data.bin", inside / "sub" / "data.bin", tmp_path / "secret.bin"):
        path.write_bytes(content)
    (inside / "link.bin").symlink_to(tmp_path / "secret.bin")
    (inside / "out").symlink_to(tmp_path)
    (inside / "inner.bin").symlink_to(inside / "data.bin")
    return inside


@pytest.mark.parametrize("location", ["data.bin", "sub/data.bin", "inner.bin"])
def test_data_inside_the_folder_is_read(folder: Path, location: str) -> None:
    network = OnnxModel(save(adding(location), folder / "net.onnx"))
    assert network({"x": np.array([3, 4], np.float32)})[0].tolist() == [4, 6]


@pytest.mark.parametrize(
    "location",
    [
        "../secret.bin",
        "sub/../../secret.bin",
        "sub/../data.bin",
        "..\\secret.bin",
        "C:\\secret.bin",
        "\\secret.bin",
        "link.bin",
        "out/secret.bin",
        "absent.bin",
        "sub",
        "",
        "*/_ORT_MEM_ADDR_/*",
    ],
)
@pytest.mark.parametrize("place", PLACES)
def test_other_files_are_refused_wherever_the_model_names_them(
    folder: Path, location: str, place: Callable[[str], Any]
) -> None:
    path = save(place(location), folder / "net.onnx")
    assert external_locations(path) == [location]
    with pytest.raises(WeightsError, match="external data outside its folder") as caught:
        OnnxModel(path)
    assert repr(location)[1:-1].replace("\\\\", "\\") in str(caught.value)


@pytest.mark.parametrize("place", PLACES)
def test_absolute_paths_are_refused(folder: Path, place: Callable[[str], Any]) -> None:
    path = save(place(str(folder / "data.bin")), folder / "net.onnx")
    with pytest.raises(WeightsError, match="external data outside its folder"):
        check_external_data(path)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_networks_have_no_external_data(path: Path) -> None:
    assert external_locations(path) == []
    check_external_data(path)


def test_all_paths_are_found_once_in_order(tmp_path: Path) -> None:
    made = adding("one.bin")
    made.graph.initializer.extend([external("two.bin", "v"), external("one.bin", "u")])
    assert external_locations(save(made, tmp_path / "net.onnx")) == ["one.bin", "two.bin"]


@pytest.mark.parametrize("kept", [1, 0.3, 0.9, -1])
def test_truncated_files_are_refused(tmp_path: Path, kept: float) -> None:
    content = adding("data.bin").SerializeToString()
    end = int(kept * len(content)) if 0 < kept < 1 else int(kept)
    (tmp_path / "net.onnx").write_bytes(content[:end])
    with pytest.raises(WeightsError, match=r"net\.onnx cannot be read as an ONNX model"):
        OnnxModel(tmp_path / "net.onnx")


@pytest.mark.parametrize(
    "content",
    [
        b"<!doctype html>",
        b"\x89PNG\r\n\x1a\n",
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x3b\x3c",
        b"\xba\x80\x80\x80\x80\x80\x00",
        b"\x00\x00",
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(WeightsError, match=r"net\.onnx cannot be read as an ONNX model"):
        OnnxModel(tmp_path / "net.onnx")


def test_missing_and_empty_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    for name in ("empty.onnx", "none.onnx"):
        with pytest.raises(WeightsError, match=f"{name} is missing or empty"):
            OnnxModel(tmp_path / name)


def test_deeply_nested_graphs_are_refused(tmp_path: Path) -> None:
    graph = constant("data.bin").SerializeToString()

    def field(number: int, content: bytes) -> bytes:
        size, length = bytearray(), len(content)
        while length > 127:
            size.append(length & 127 | 128)
            length >>= 7
        return bytes([number << 3 | 2, *size, length]) + content

    for _ in range(200):
        graph = field(1, field(5, field(6, graph)))
    (tmp_path / "net.onnx").write_bytes(field(7, graph))
    with pytest.raises(WeightsError, match="nested more than 100 deep"):
        OnnxModel(tmp_path / "net.onnx")
