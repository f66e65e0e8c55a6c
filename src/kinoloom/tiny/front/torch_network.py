"""The network in real numbers as torch code, the float32 reference of training on the device.

It has the same layers and parameters as the quantised network, with batch normalisation folded, and
is trained by plain SGD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from kinoloom.base.need import need
from kinoloom.tiny.front import float_network as r
from kinoloom.tiny.ir.program import Array, Geometry

if TYPE_CHECKING:
    from torch import Tensor

    from kinoloom.tiny.training.options import Loss

Values = dict[str, Any]


class TorchNetwork:
    """A float32 network with the interface of a device: `forward` and `train_step`.

    Args:
        network: the network in real numbers.
        loss: "cross-entropy" or "mse".

    Attributes:
        leaves: trained parameters by name.
    """

    def __init__(self, network: r.FloatNetwork, loss: Loss = "cross-entropy") -> None:
        need("torch", extra="train")
        import torch

        self.network, self.loss = network, loss
        self.leaves: dict[str, Tensor] = {}
        for layer in network.layers:
            for name, part_map in list_maps(layer).items():
                for part in ("weight", "bias"):
                    values = np.asarray(getattr(part_map, part), np.float32)
                    self.leaves[f"{name}.{part}"] = torch.tensor(values, requires_grad=True)

    def forward(self, x: Array) -> Array:
        """Return the output for one real input of the network's input shape."""
        import torch

        with torch.no_grad(), limit_threads():
            return self._run(x).numpy()

    def trace(self, x: Array) -> dict[str, Array]:
        """Return the input and the output of each layer for one real input, by name."""
        import torch

        with torch.no_grad(), limit_threads():
            values = self._run_layers(x)
        return {name: value.numpy() for name, value in values.items()}

    def train_step(self, x: Array, label: Any, lr: float) -> float:
        """Take one SGD step on one example and return the loss before it."""
        with limit_threads():
            return self._step(x, label, lr)

    def _step(self, x: Array, label: Any, lr: float) -> float:
        import torch
        from torch.nn import functional as f

        output = self._run(x).reshape(-1)
        if self.loss == "cross-entropy":
            loss = f.cross_entropy(output[None], torch.tensor([int(label)]))
        else:
            target = torch.from_numpy(np.array(label, np.float32)).reshape(-1)
            loss = f.mse_loss(output, target)
        leaves = list(self.leaves.values())
        for leaf, gradient in zip(leaves, torch.autograd.grad(loss, leaves), strict=True):
            leaf.data.sub_(gradient, alpha=lr)
        return float(loss.detach())

    def _run(self, x: Array) -> Tensor:
        output: Tensor = self._run_layers(x)[self.network.output]
        return output

    def _run_layers(self, x: Array) -> Values:
        import torch

        network = self.network
        real = torch.from_numpy(np.array(x, np.float32)).reshape(network.input_shape)
        values: Values = {
            name: torch.from_numpy(constant.astype(np.float32))
            for name, constant in network.constants.items()
        }
        values[network.input] = real
        for layer in network.layers:
            result = RULES[type(layer)](self, layer, values).reshape(layer.shape)
            values[layer.name] = (
                result.clamp(layer.low, layer.high) if _has_clamp(layer) else result
            )
        return values

    def affine(self, name: str, x: Tensor, geometry: Geometry) -> Tensor:
        """Apply the convolution with the parameters of that name."""
        from torch.nn import functional as f

        g, leaves = geometry, self.leaves
        result = f.conv2d(
            pad_input(x, g)[None], leaves[f"{name}.weight"], leaves[f"{name}.bias"],
            (g.sy, g.sx), 0, (g.dy, g.dx), g.groups,
        )  # fmt: skip
        return result[0, :, : g.oh, : g.ow]


@contextmanager
def limit_threads() -> Iterator[None]:
    """Limit torch to one thread, which is fastest for networks of this size."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def list_maps(layer: r.Layer) -> dict[str, Any]:
    """Return the parts of a layer that have weights and biases, by name."""
    if isinstance(layer, r.FloatGru):
        return {f"{layer.name}_in": layer.input_gates, f"{layer.name}_state": layer.state_gates}
    return {layer.name: layer} if isinstance(layer, r.FloatConv) else {}


def _has_clamp(layer: r.Layer) -> bool:
    return layer.low is not None or layer.high is not None


def pad_input(x: Tensor, g: Geometry, value: float = 0.0) -> Tensor:
    """Pad x to (cin, H, W), the area that the windows cover."""
    from torch.nn import functional as f

    bottom = max(0, (g.oh - 1) * g.sy + (g.kh - 1) * g.dy + 1 - g.ih - g.py)
    right = max(0, (g.ow - 1) * g.sx + (g.kw - 1) * g.dx + 1 - g.iw - g.px)
    return f.pad(x.reshape(g.cin, g.ih, g.iw), (g.px, right, g.py, bottom), value=value)


def _pool(_: TorchNetwork, layer: r.FloatPool, values: Values) -> Tensor:
    from torch.nn import functional as f

    g, x = layer.geometry, values[layer.x]
    if layer.kind == "max":
        filled = pad_input(x, g, -np.inf)[None]
        result: Tensor = f.max_pool2d(filled, (g.kh, g.kw), (g.sy, g.sx), 0, (g.dy, g.dx))
    else:
        result = f.avg_pool2d(pad_input(x, g)[None], (g.kh, g.kw), (g.sy, g.sx))
        result = result * (g.kh * g.kw / layer.divisor)
    return result[0, :, : g.oh, : g.ow]


def _lookup(_: TorchNetwork, layer: r.FloatLookup, values: Values) -> Tensor:
    import torch
    from torch.nn import functional as f

    functions: dict[str, Callable[[Tensor, float], Tensor]] = {
        "sigmoid": lambda x, _: torch.sigmoid(x),
        "tanh": lambda x, _: torch.tanh(x),
        "silu": lambda x, _: f.silu(x),
        "gelu": lambda x, _: f.gelu(x),
        "gelu_tanh": lambda x, _: f.gelu(x, approximate="tanh"),
        "hardswish": lambda x, _: f.hardswish(x),
        "hardsigmoid": lambda x, _: f.hardsigmoid(x),
        "leaky_relu": f.leaky_relu,
        "elu": f.elu,
        "softplus": lambda x, _: f.softplus(x),
    }
    return functions[layer.kind](values[layer.x], layer.parameter)


def _gather(x: Tensor, counts: Sequence[int], strides: Sequence[int], start: int) -> Tensor:
    """Return the elements at start + strides * indices."""
    import torch

    index = torch.tensor(start)
    for count, stride in zip(counts, strides, strict=True):
        index = index[..., None] + torch.arange(count) * stride
    return x.reshape(-1)[index]


def _copy(_: TorchNetwork, layer: r.FloatCopy, values: Values) -> Tensor:
    counts, strides = zip(*layer.loops, strict=True) if layer.loops else ((), ())
    return _gather(values[layer.x], counts, strides, layer.start)


def _matmul(_: TorchNetwork, layer: r.FloatMatMul, values: Values) -> Tensor:
    heads, n, m = layer.shape
    (a_at, *a_steps), (b_at, *b_steps) = layer.a_layout, layer.b_layout
    a = _gather(values[layer.a], (heads, m, layer.inner), a_steps, a_at)
    b = _gather(values[layer.b], (heads, layer.inner, n), b_steps, b_at)
    return (a @ b).transpose(1, 2)


def _softmax(_: TorchNetwork, layer: r.FloatSoftmax, values: Values) -> Tensor:
    import torch

    rows = layer.gain * values[layer.x].reshape(-1, layer.count, layer.inner)
    return torch.softmax(rows, 1)


def _normalise(_: TorchNetwork, layer: r.FloatNormalise, values: Values) -> Tensor:
    from torch.nn import functional as f

    count = layer.shape[0]
    return f.layer_norm(values[layer.x].reshape(count, -1).T, (count,), eps=layer.eps).T


def _gru(net: TorchNetwork, layer: r.FloatGru, values: Values) -> Tensor:
    import torch

    inputs = net.affine(f"{layer.name}_in", values[layer.x], layer.input_gates.geometry)[:, 0]
    weight = net.leaves[f"{layer.name}_state.weight"][..., 0, 0]
    bias, states = net.leaves[f"{layer.name}_state.bias"], []
    state = torch.zeros(layer.shape[0])
    for step in inputs.T:
        parts = zip(step.chunk(3), (weight @ state + bias).chunk(3), strict=True)
        (in_r, of_r), (in_u, of_u), (in_n, of_n) = parts
        new = torch.tanh(in_n + torch.sigmoid(in_r + of_r) * of_n)
        state = new + torch.sigmoid(in_u + of_u) * (state - new)
        states.append(state)
    return torch.stack(states, 1)


RULES: dict[type[r.Layer], Callable[[TorchNetwork, Any, Values], Tensor]] = {
    r.FloatConv: lambda net, layer, v: net.affine(layer.name, v[layer.x], layer.geometry),
    r.FloatAdd: lambda _, layer, v: v[layer.a] + v[layer.b].reshape(v[layer.a].shape),
    r.FloatClamp: lambda _, layer, v: v[layer.x],
    r.FloatAffine: lambda _, layer, v: layer.gain * v[layer.x] + layer.offset,
    r.FloatConcat: lambda _, layer, v: _concat([v[x] for x in layer.xs]),
    r.FloatPool: _pool,
    r.FloatLookup: _lookup,
    r.FloatCopy: _copy,
    r.FloatMatMul: _matmul,
    r.FloatSoftmax: _softmax,
    r.FloatNormalise: _normalise,
    r.FloatGru: _gru,
}


def _concat(parts: list[Tensor]) -> Tensor:
    import torch

    return torch.cat([part.reshape(-1) for part in parts])
