"""Linear maps of a batch with a hand-written transpose, as differentiable functions.

The change to ideal coordinates and circular padding are additions and copies into memory that is
allocated once. Automatic differentiation of them makes many copies, while their transpose is as
simple a function. From both, this module provides derivatives of every order in both modes, and
support of `torch.func` (grad, vmap, jvp and their compositions).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]


def linear_map(x: Tensor, function: Map, transpose: Map) -> Tensor:
    """Apply a linear function, differentiably.

    Args:
        x: (B, ...).
        function: linear function that maps each member of the batch independently and equally;
            its result shares no memory with x. It need not be differentiable by torch.
        transpose: the transpose of `function`.
    """
    result: Tensor = _LinearMap.apply(x, function, transpose)  # type: ignore[no-untyped-call]
    return result


def is_traced(x: Tensor) -> bool:
    """Return whether x is a tracer of a compiler or of `torch.func`, without memory of its own."""
    if torch.compiler.is_compiling():
        return True
    return torch.func.debug_unwrap(x, recurse=False) is not x


class _LinearMap(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, function: Map, transpose: Map) -> Tensor:
        return function(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Map, Map], output: Tensor) -> None:
        _, ctx.function, ctx.transpose = inputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return linear_map(gradients[0], ctx.transpose, ctx.function), None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor) -> Tensor:
        return linear_map(tangents[0], ctx.function, ctx.transpose)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int, None, None], x: Tensor, function: Map, transpose: Map
    ) -> tuple[Tensor, int]:
        flat = x.movedim(in_dims[0], 0).flatten(0, 1)
        result = linear_map(flat, function, transpose)
        return result.reshape(info.batch_size, -1, *result.shape[1:]), 0
