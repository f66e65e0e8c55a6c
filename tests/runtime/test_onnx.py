"""ONNX files that are damaged, hostile, or belong to another engine."""

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from kinoloom.errors import ChecksumError, WeightsError
from kinoloom.motion import flow_network
from kinoloom.runtime.initializers import check_initializers
from kinoloom.runtime.onnx import Contract, OnnxModel, open_model

NAMES = ("first", "second")
X_TO_Y = Contract(inputs=(("x", (2,)),), outputs=((2,),))


def value(name: str, shape: list[int] | None = None, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def save(file: Path, nodes: list[Any], weights: list[Any], x: Any, outputs: list[Any]) -> Path:
    graph = helper.make_graph(nodes, "test", [x], outputs, weights)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), file)
    return file


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    """A model that adds its input x to itself."""
    nodes = [helper.make_node("Add", ["x", "x"], ["y"])]
    return save(tmp_path / "d.onnx", nodes, [], value("x", [2]), [value("y", [2])])


def adding(file: Path, weight: Any, *, kind: int = TensorProto.FLOAT) -> Path:
    """A model that adds a weight, cast to float, to its input."""
    nodes = [
        helper.make_node("Cast", [weight.name], ["w"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["x", "w"], ["y"]),
    ]
    return save(file, nodes, [weight], value("x", [2]), [value("y", [2])])


@pytest.mark.parametrize("keep", [0, 40])
def test_a_damaged_file_is_rejected(doubling: Path, keep: int) -> None:
    doubling.write_bytes(doubling.read_bytes()[:keep] + b"\xff\xff")
    with pytest.raises(WeightsError, match=r"d\.onnx cannot be read as an ONNX model"):
        OnnxModel(doubling)


def test_a_model_with_other_inputs_is_rejected(doubling: Path) -> None:
    other = Contract(inputs=(("x0", (2,)), ("x1", (2,))), outputs=((2,),))
    with pytest.raises(WeightsError, match=r"d\.onnx .* inputs are x; expected x0, x1"):
        open_model(doubling, other)
    assert open_model(doubling, X_TO_Y).inputs == ("x",)


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        (Contract((("x", (3,)),), ((2,),)), "'x' is tensor.float. of shape 2; expected .* shape 3"),
        (Contract((("x", (2, None)),), ((2,),)), r"'x' is .* of shape 2; expected .* shape 2x\?"),
        (Contract((("x", (2,)),), ((5,),)), "'y' is .* of shape 2; expected .* shape 5"),
        (Contract((("x", (2,)),), ((2,), (2,))), "has 1 outputs; expected 2"),
    ],
)
def test_a_model_with_other_shapes_is_rejected(
    doubling: Path, contract: Contract, message: str
) -> None:
    with pytest.raises(WeightsError, match=f"another network: .*{message}"):
        open_model(doubling, contract)


def test_a_model_of_another_type_is_rejected(tmp_path: Path) -> None:
    nodes = [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.INT64)]
    y = value("y", [2], TensorProto.INT64)
    file = save(tmp_path / "int.onnx", nodes, [], value("x", [2]), [y])
    with pytest.raises(WeightsError, match=r"'y' is tensor\(int64\)"):
        open_model(file, X_TO_Y)


def raw(values: Any) -> Any:
    return numpy_helper.from_array(np.asarray(values), "weight")


def listed(kind: int, values: list[float]) -> Any:
    return helper.make_tensor("weight", kind, [2], values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.0])
@pytest.mark.parametrize(
    "make",
    [
        lambda bad: raw(np.float32([1, bad])),
        lambda bad: raw(np.float16([1, bad])),
        lambda bad: raw(np.float64([1, bad])),
        lambda bad: listed(TensorProto.FLOAT, [1, bad]),
        lambda bad: listed(TensorProto.FLOAT16, [1, bad]),
        lambda bad: listed(TensorProto.BFLOAT16, [1, bad]),
        lambda bad: listed(TensorProto.DOUBLE, [1, bad]),
    ],
)
def test_weights_must_be_finite(tmp_path: Path, make: Callable[[float], Any], bad: float) -> None:
    file = adding(tmp_path / "w.onnx", make(bad))
    if np.isfinite(bad):
        check_initializers(file)
        return
    with pytest.raises(WeightsError, match=r"w\.onnx is damaged: its weight 'weight' contains NaN"):
        OnnxModel(file)


@pytest.mark.parametrize(("second", "length"), [(np.nan, 8), (1.0, 80), (1.0, 8)])
def test_external_weights_must_be_finite_and_complete(
    tmp_path: Path, second: float, length: int
) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(16) + np.float32([1, second]).tobytes())
    weight = TensorProto(name="weight", data_type=TensorProto.FLOAT, dims=[2])
    weight.data_location = TensorProto.EXTERNAL
    for key, text in (("location", "w.bin"), ("offset", "16"), ("length", str(length))):
        weight.external_data.add(key=key, value=text)
    file = adding(tmp_path / "w.onnx", weight)
    if length == 8 and np.isfinite(second):
        (y,) = OnnxModel(file)({"x": np.zeros(2, np.float32)})
        assert y.tolist() == [1, 1]
        return
    with pytest.raises(WeightsError, match=r"contains NaN|is not in w\.bin"):
        OnnxModel(file)


def test_integer_weights_may_have_any_bits(tmp_path: Path) -> None:
    check_initializers(adding(tmp_path / "w.onnx", raw(np.int32([0x7FC00000, -1]))))


@pytest.mark.parametrize(
    ("x", "shapes", "message"),
    [
        ([np.inf, 0], [(2,)], "returned values that are NaN or infinite"),
        ([1, 0], [(3,)], "outputs have the shapes 2; expected 3"),
        ([1, 0, 0], [(2,)], "failed on inputs of shape 3"),
    ],
)
def test_every_output_is_checked(
    doubling: Path, x: list[float], shapes: list[tuple[int, ...]], message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        OnnxModel(doubling)({"x": np.float32(x)}, shapes)


@pytest.mark.parametrize("fault", ["weights", "outputs"])
def test_a_broken_model_never_gives_an_output(tmp_path: Path, fault: str) -> None:
    model = onnx.load(flow_network.FLOW_WEIGHTS)
    if fault == "weights":
        tensor = next(each for each in model.graph.initializer if len(each.raw_data) > 64)
        values = numpy_helper.to_array(tensor).copy()
        values[...] = np.nan
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    else:  # the last output becomes the logarithm of zero
        last = model.graph.output[-1].name
        for node in model.graph.node:
            node.output[:] = [name if name != last else "before" for name in node.output]
            node.input[:] = [name if name != last else "before" for name in node.input]
        model.graph.node.append(helper.make_node("Sub", ["before", "before"], ["zero"]))
        model.graph.node.append(helper.make_node("Log", ["zero"], [last]))
    onnx.save(model, tmp_path / "broken.onnx")
    shape = (1, 3, 64, 64)
    pair = {name: np.random.default_rng(0).random(shape, np.float32) for name in NAMES}
    with pytest.raises(WeightsError, match=r"broken\.onnx.* NaN or infinite"):
        OnnxModel(tmp_path / "broken.onnx")(pair)


def test_shipped_weights_are_compared_with_their_sha256(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray(flow_network.FLOW_WEIGHTS.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = tmp_path / "net.onnx"
    damaged.write_bytes(content)
    monkeypatch.setattr(flow_network, "FLOW_WEIGHTS", damaged)
    with pytest.raises(ChecksumError, match=r"net\.onnx is damaged: it has SHA-256"):
        flow_network.FlowNetwork()


def looping(file: Path) -> Path:
    """A model whose loop ends after 2**62 passes."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["more"], ["more_out"]),
            helper.make_node("Mul", ["state", "state"], ["state_out"]),
        ],
        "body",
        [value("i", [], TensorProto.INT64), value("more", [], TensorProto.BOOL), value("state")],
        [value("more_out", [], TensorProto.BOOL), value("state_out")],
    )
    weights = [
        numpy_helper.from_array(np.array(2**62, np.int64), "passes"),
        numpy_helper.from_array(np.array(True), "always"),
    ]
    nodes = [helper.make_node("Loop", ["passes", "always", "x"], ["y"], body=body)]
    return save(file, nodes, weights, value("x", [2]), [value("y", [2])])


def test_control_flow_is_rejected_before_it_runs(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="control flow, the operator 'Loop'"):
        OnnxModel(looping(tmp_path / "loop.onnx"))


def test_operators_of_other_domains_are_rejected(tmp_path: Path) -> None:
    nodes = [helper.make_node("FusedGemm", ["x", "x"], ["y"], domain="com.microsoft")]
    file = save(tmp_path / "d.onnx", nodes, [], value("x", [2]), [value("y", [2])])
    with pytest.raises(WeightsError, match=r"the operator 'FusedGemm' of 'com\.microsoft'"):
        OnnxModel(file)


def test_functions_of_the_model_are_rejected(tmp_path: Path, doubling: Path) -> None:
    model = onnx.load(doubling)
    node = helper.make_node("Add", ["a", "a"], ["b"])
    opsets = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "F", ["a"], ["b"], [node], opsets))
    onnx.save(model, doubling)
    with pytest.raises(WeightsError, match="functions of its own"):
        OnnxModel(doubling)


BOUNDED = """
import sys
from pathlib import Path
import numpy as np
from kinoloom.base.machine import peak_memory_bytes
from kinoloom.errors import BudgetError
from kinoloom.runtime import onnx
before = peak_memory_bytes()
try:
    onnx.OnnxModel(Path(sys.argv[1]), 32 << 20)({"x": np.zeros(2, np.float32)})
except BudgetError as error:
    print(error)
assert peak_memory_bytes() - before < 128 << 20
"""


def test_memory_of_a_network_is_bounded(tmp_path: Path) -> None:
    """Each of 60 nodes doubles the size of its input."""
    names = ["x", *(f"y{k}" for k in range(59)), "y"]
    nodes = [helper.make_node("Concat", [a, a], [b], axis=0) for a, b in pairwise(names)]
    file = save(tmp_path / "d.onnx", nodes, [], value("x", [2]), [value("y", ["n"])])
    line = [sys.executable, "-c", BOUNDED, str(file)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert "needs more memory than is available" in done.stdout
    assert done.stderr == ""
