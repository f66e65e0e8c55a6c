"""ONNX networks of one or two layers, with known results, for the tests of benchmarks."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save_upscaler(file: Path, *, channels: int = 3, scale: int = 2, gain: float = 1.0) -> Path:
    """Save a network that repeats each pixel `scale` times in both directions, times `gain`."""
    weights = np.zeros((channels * scale**2, channels, 1, 1), np.float32)
    for k in range(channels * scale**2):
        weights[k, k // scale**2] = gain
    nodes = [
        helper.make_node("Conv", ["low", "weights"], ["deep"]),
        helper.make_node("DepthToSpace", ["deep"], ["high"], blocksize=scale, mode="CRD"),
    ]
    return _save(file, nodes, {"low": channels}, ("high", channels), weights)


def save_denoiser(file: Path, *, with_noise: bool = True) -> Path:
    """Save a network that returns the picture, plus the noise if it has that input."""
    inputs = {"image": 3, "noise": 1} if with_noise else {"image": 3}
    node = helper.make_node("Add", ["image", "noise" if with_noise else "weights"], ["clean"])
    return _save(file, [node], inputs, ("clean", 3), np.zeros((1, 3, 1, 1), np.float32))


def _save(
    file: Path,
    nodes: list[onnx.NodeProto],
    inputs: dict[str, int],
    output: tuple[str, int],
    weights: np.ndarray,
) -> Path:
    def declare(name: str, channels: int) -> onnx.ValueInfoProto:
        sides = ["height", "width"] if name in inputs else ["tall", "wide"]
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, *sides])

    graph = helper.make_graph(
        nodes,
        "tiny",
        [declare(name, channels) for name, channels in inputs.items()],
        [declare(*output)],
        [numpy_helper.from_array(weights, "weights")],
    )
    opset = helper.make_opsetid("", 18)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), file)
    return file
