"""Decomposition of composite nodes of a graph, so that each part is calibrated.

Attention becomes matrix products and a softmax, a layer norm a normalisation and an affine map, and
a gated linear unit the product of its first half and the sigmoid of its second half.
"""

from __future__ import annotations

import math
from typing import Any

from kinoloom.tiny.front.reader import get_argument, unsupported


def decompose(graph: Any) -> None:
    """Decompose the composite nodes of a torch.fx graph in place.

    Raises:
        UsageError: Attention has a mask, dropout, causality or grouped queries.
    """
    rules = {
        "aten.scaled_dot_product_attention.default": _attention,
        "aten.layer_norm.default": _layer_norm,
        "aten.glu.default": _glu,
    }
    for node in list(graph.nodes):
        rule = rules.get(str(node.target))
        if rule is not None:
            with graph.inserting_before(node):
                new = rule(_NodeFactory(graph, node), node)
            if new is not node:
                node.replace_all_uses_with(new)
                graph.erase_node(node)


class _NodeFactory:
    """Creates nodes with the metadata of the node that they replace."""

    def __init__(self, graph: Any, node: Any) -> None:
        self.graph, self.node = graph, node

    def __call__(self, target: Any, *args: Any) -> Any:
        import torch

        new = self.graph.call_function(target, args)
        values = torch.fx.node.map_arg(args, lambda n: n.meta["val"])
        new.meta = {**self.node.meta, "val": target(*values)}
        return new


def _attention(make: _NodeFactory, node: Any) -> Any:
    from torch import ops

    query, key, value = node.args[:3]
    if any(
        get_argument(node, position, name)
        for position, name in ((3, "attn_mask"), (4, "dropout_p"))
    ):
        raise unsupported(node, "attention must have no mask and no dropout")
    if get_argument(node, 5, "is_causal", False) or node.kwargs.get("enable_gqa", False):
        raise unsupported(node, "attention must be neither causal nor with grouped queries")
    scale = get_argument(node, 6, "scale") or 1 / math.sqrt(query.meta["val"].shape[-1])
    aten = ops.aten
    scores = make(aten.matmul.default, query, make(aten.transpose.int, key, -2, -1))
    probabilities = make(aten.softmax.int, make(aten.mul.Tensor, scores, scale), -1)
    return make(aten.matmul.default, probabilities, value)


def _layer_norm(make: _NodeFactory, node: Any) -> Any:
    from torch import ops

    x, shape = node.args[:2]
    weight, bias = get_argument(node, 2, "weight"), get_argument(node, 3, "bias")
    if weight is None:
        return node
    eps = get_argument(node, 4, "eps", 1e-5)
    normalised = make(ops.aten.layer_norm.default, x, shape, None, None, eps)
    if bias is None:
        return make(ops.aten.mul.Tensor, normalised, weight)
    return make(ops.aten.addcmul.default, bias, normalised, weight)


def _glu(make: _NodeFactory, node: Any) -> Any:
    from torch import ops

    x, axis = node.args[0], get_argument(node, 1, "dim", -1)
    half = x.meta["val"].shape[axis] // 2
    value, gate = (make(ops.aten.narrow.default, x, axis, i * half, half) for i in range(2))
    return make(ops.aten.mul.Tensor, value, make(ops.aten.sigmoid.default, gate))
