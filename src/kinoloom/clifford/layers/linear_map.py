"""Linear maps of a batch that torch need not derive: a function and its transpose.

The way to coordinates of ideals and the rims of periodic fields are additions and copies into
memory that is taken once. torch would derive such a map through many copies, where its transpose is
as simple a function. Given both, derivatives of every order, in both directions, and `torch.func`
(grad, vmap, jvp and what is made of them) work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]


def linear_map(x: Tensor, there: Map, back: Map) -> Tensor:
    """there(x), with derivatives.

    Args:
        x: (B, ...).
        there: a linear function that treats the members of a batch alike and apart; its result
            shares no memory with x. It need not be one that torch can derive.
        back: its transpose.
    """
    made: Tensor = _LinearMap.apply(x, there, back)  # type: ignore[no-untyped-call]
    return made


def is_traced(x: Tensor) -> bool:
    """Whether x stands for others, in a compiler or in `torch.func`, and has no memory to keep."""
    if torch.compiler.is_compiling():
        return True
    return torch.func.debug_unwrap(x, recurse=False) is not x


class _LinearMap(torch.autograd.Function):
    @staticmethod
    def forward(x: Tensor, there: Map, back: Map) -> Tensor:
        return there(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Map, Map], output: Tensor) -> None:
        _, ctx.there, ctx.back = inputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return linear_map(gradients[0], ctx.back, ctx.there), None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor) -> Tensor:
        return linear_map(tangents[0], ctx.there, ctx.back)

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int, None, None], x: Tensor, there: Map, back: Map
    ) -> tuple[Tensor, int]:
        every = x.movedim(in_dims[0], 0).flatten(0, 1)
        made = linear_map(every, there, back)
        return made.reshape(info.batch_size, -1, *made.shape[1:]), 0
