"""The rules that convert ATen operators, the nodes of torch's graph, to layers.

Stored shapes are (C, H, W) without the batch axis: (1, C, T) becomes (C, 1, T), (1, F) becomes
(F, 1, 1), and the output of a layer with features last, (1, T, F), is stored as (F, 1, T).
Operators that only move elements become views (`views`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kinoloom.errors import UsageError
from kinoloom.tiny.front import convolutions, elementwise, pooling, sequences
from kinoloom.tiny.front.reader import Reader, describe_location, unsupported
from kinoloom.tiny.ir.program import Array

RULES: dict[str, Callable[[Reader, Any], None]] = {
    "conv1d.default": convolutions.read_conv,
    "conv1d.padding": convolutions.read_conv,
    "conv2d.default": convolutions.read_conv,
    "conv2d.padding": convolutions.read_conv,
    "linear.default": convolutions.read_linear,
    "batch_norm.default": convolutions.read_batch_norm,
    "pad.default": convolutions.read_pad,
    "constant_pad_nd.default": convolutions.read_pad,
    "addcmul.default": convolutions.read_affine_features,
    "relu.default": elementwise.clamp_rule(0, None),
    "relu6.default": elementwise.clamp_rule(0, 6),
    "hardtanh.default": elementwise.bounded_clamp_rule(("min_val", -1), ("max_val", 1)),
    "clamp.default": elementwise.bounded_clamp_rule(("min", None), ("max", None)),
    "clamp_min.default": elementwise.bounded_clamp_rule(("min", None), ("none", None)),
    "sigmoid.default": elementwise.activation_rule("sigmoid"),
    "tanh.default": elementwise.activation_rule("tanh"),
    "silu.default": elementwise.activation_rule("silu"),
    "gelu.default": elementwise.activation_rule("gelu"),
    "hardswish.default": elementwise.activation_rule("hardswish"),
    "hardsigmoid.default": elementwise.activation_rule("hardsigmoid"),
    "leaky_relu.default": elementwise.activation_rule("leaky_relu", "negative_slope", 0.01),
    "elu.default": elementwise.activation_rule("elu", "alpha", 1.0),
    "softplus.default": elementwise.activation_rule("softplus"),
    "add.Tensor": elementwise.add_rule(1),
    "sub.Tensor": elementwise.add_rule(-1),
    "rsub.Scalar": elementwise.read_rsub,
    "mul.Tensor": elementwise.scale_rule(1),
    "div.Tensor": elementwise.scale_rule(-1),
    "neg.default": elementwise.read_neg,
    "cat.default": elementwise.read_cat,
    "avg_pool1d.default": pooling.read_average_pool,
    "avg_pool2d.default": pooling.read_average_pool,
    "max_pool1d.default": pooling.read_max_pool,
    "max_pool2d.default": pooling.read_max_pool,
    "adaptive_avg_pool1d.default": pooling.adaptive_rule("average"),
    "adaptive_avg_pool2d.default": pooling.adaptive_rule("average"),
    "adaptive_max_pool1d.default": pooling.adaptive_rule("max"),
    "adaptive_max_pool2d.default": pooling.adaptive_rule("max"),
    "mean.dim": pooling.reduction_rule("average"),
    "mean.default": pooling.reduction_rule("average"),
    "amax.default": pooling.reduction_rule("max"),
    "gru.input": sequences.read_gru,
    "layer_norm.default": sequences.read_layer_norm,
    "matmul.default": sequences.read_matmul,
    "bmm.default": sequences.read_matmul,
    "softmax.int": sequences.read_softmax,
}
"""Rules by name of the operator; in-place operators use the rule of the plain one."""

# fmt: off
VIEW_OPERATORS = frozenset({
    "view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "transpose", "swapaxes",
    "permute", "movedim", "t", "numpy_T", "contiguous", "clone", "alias", "detach", "dropout",
    "feature_dropout", "select", "slice", "narrow", "chunk", "split", "split_with_sizes",
    "unbind", "flip", "view_as", "expand_as",
})
# fmt: on
"""Operators that only move elements in eval mode."""

CASTS = frozenset({"to", "_to_copy"})

ALTERNATIVES = {
    "lstm": "nn.GRU",
    "rnn_tanh": "nn.GRU",
    "rnn_relu": "nn.GRU",
    "gru_cell": "nn.GRU over the source sequence",
    "lstm_cell": "nn.GRU over the source sequence",
    "conv3d": "nn.Conv2d",
    "conv_transpose1d": "nn.Conv1d",
    "conv_transpose2d": "nn.Conv2d at the larger size",
    "group_norm": "nn.BatchNorm2d, or nn.LayerNorm with features last",
    "instance_norm": "nn.BatchNorm2d",
    "rms_norm": "nn.LayerNorm",
    "prelu": "nn.LeakyReLU",
    "log_softmax": "no layer: the cross-entropy loss has its own softmax",
    "mish": "nn.SiLU",
    "selu": "nn.ELU",
    "celu": "nn.ELU",
    "embedding": "numbers as inputs: one-hot vectors into nn.Linear",
    "einsum": "torch.matmul",
    "baddbmm": "torch.matmul",
    "addmm": "nn.Linear",
    "mm": "nn.Linear, or torch.matmul of values with a batch axis",
    "upsample_nearest2d": "layers that keep the size",
    "upsample_bilinear2d": "layers that keep the size",
    "pow": "x * x for a square",
    "square": "x * x",
    "exp": "nn.Softplus, or another activation function",
    "sqrt": "nn.Sigmoid, or another activation function",
    "abs": "nn.ReLU, or another activation function",
    "sin": "nn.Tanh, or another activation function",
    "cos": "nn.Tanh, or another activation function",
    "sum": "a mean",
    "max": "torch.amax",
}
"""Replacements for unsupported operators."""


def read_node(reader: Reader, node: Any) -> None:
    """Read a node that calls a function.

    Raises:
        UsageError: The operator is unsupported; the message names its location and a replacement.
    """
    inputs = node.all_input_nodes
    name, _, overload = str(node.target).removeprefix("aten.").partition(".")
    base = name.removesuffix("_")
    if node.target is operator.getitem:
        _select_output(reader, node)
    elif all(n.name in reader.values for n in inputs):
        _fold_constant(reader, node)
    elif base in VIEW_OPERATORS and not any(n.name in reader.pads for n in inputs):
        _apply_view(reader, node)
    elif name in CASTS and node.meta["val"].is_floating_point():
        reader.views[node.name] = reader.view(node.args[0])
    else:
        rule = RULES.get(f"{base}.{overload}")
        if rule is None:
            raise UsageError(
                f"The operator {node.target} in {describe_location(node)} is not supported.",
                hint=_suggest(base),
            )
        rule(reader, node)
    if name != base and inputs[0].name in reader.views:
        reader.views[inputs[0].name] = reader.views[node.name]


def _suggest(name: str) -> str:
    if name in ALTERNATIVES:
        return f"Use {ALTERNATIVES[name]}."
    known = sorted({key.partition(".")[0] for key in RULES})
    return f"Supported operators: {', '.join(known)}, and views."


def _select_output(reader: Reader, node: Any) -> None:
    source, number = node.args
    if source.name in reader.values:
        reader.values[node.name] = reader.values[source.name][number]
        return
    view = reader.parts.get((source.name, number))
    if view is not None:
        reader.views[node.name] = view
    elif node.users:
        raise unsupported(source, f"its output {number} is not available")


def _fold_constant(reader: Reader, node: Any) -> None:
    """Compute a value that depends on parameters only, such as a normalised weight."""
    import torch

    if torch.Tag.nondeterministic_seeded in node.target.tags:
        raise unsupported(node, "it is random, and a compiled network is deterministic")
    args = torch.fx.node.map_arg(node.args, lambda n: reader.values[n.name])
    keywords = torch.fx.node.map_arg(node.kwargs, lambda n: reader.values[n.name])
    with torch.no_grad():
        reader.values[node.name] = node.target(*args, **keywords)


def _apply_view(reader: Reader, node: Any) -> None:
    """Apply an operator that moves elements to the index of the view."""
    import torch

    x = node.args[0]
    view = reader.view(x)
    if str(node.target) == "aten.slice.Tensor" and convolutions.trim_convolution(reader, node):
        return
    args = torch.fx.node.map_arg(node.args, lambda n: torch.from_numpy(reader.view(n).index))
    results = node.target(*args, **node.kwargs)
    is_sequence = isinstance(results, tuple | list)
    for number, part in enumerate(results if is_sequence else [results]):
        index: Array = np.asarray(part)
        if index.size == 0:
            raise unsupported(node, "its result is empty")
        if is_sequence:
            reader.parts[node.name, number] = replace(view, index=index)
        else:
            reader.views[node.name] = replace(view, index=index)
