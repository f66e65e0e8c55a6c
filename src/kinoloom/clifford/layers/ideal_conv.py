"""Convolutions in coordinates of ideals: in, one plain convolution, and out, a part at a time.

A batch on a CPU goes through in parts, forward and back: what is made on the way is small, so it
stays in the caches and the allocator keeps it, and a training step holds nothing but the fields
that it is given. Going back, coordinates are made again from the fields, which is cheaper than to
hold them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  torch's own convention
from torch import Tensor
from torch.autograd import forward_ad

from kinoloom.clifford.layers.ideal import IdealCoordinates
from kinoloom.clifford.layers.linear_map import is_traced
from kinoloom.clifford.memory import freed_memory_is_kept

CONVOLVE = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
"""Plain convolutions by axes of space."""
_PART = 1 << 17
"""How many numbers of fields each thread is given at a time."""

Sizes = tuple[int, ...]
Given = tuple[Tensor, Tensor, Tensor | None]
"""Fields, kernel and bias."""


class Plan(NamedTuple):
    """What a convolution is beside its weights.

    Attributes:
        ideals: of the algebra.
        stride, padding, dilation: of each axis of space.
        groups: into how many blocks channels are split.
    """

    ideals: IdealCoordinates
    stride: Sizes
    padding: Sizes
    dilation: Sizes
    groups: int


def convolved(x: Tensor, kernel: Tensor, bias: Tensor | None, plan: Plan) -> Tensor:
    """Convolve fields (B, C, I, *space).

    Args:
        x: the fields.
        kernel, bias: as `IdealCoordinates.kernel` and `IdealCoordinates.bias` make them.
        plan: see there.
    """
    given = [each for each in (x, kernel, bias) if each is not None]
    if x.device.type != "cpu" or not all(map(_is_plain, given)):
        return _at_once(x, kernel, bias, plan)
    made: Tensor = _InParts.apply(x, kernel, bias, plan)  # type: ignore[no-untyped-call]
    return made


def _is_plain(x: Tensor) -> bool:
    """Whether x is numbers in memory and no more, of which one derivative at most is made."""
    if torch.is_autocast_enabled(x.device.type) or is_traced(x):
        return False
    dual = forward_ad.unpack_dual(x)  # type: ignore[no-untyped-call]
    return dual.tangent is None


def _at_once(x: Tensor, kernel: Tensor, bias: Tensor | None, plan: Plan) -> Tensor:
    return plan.ideals.leave(
        _inside(plan.ideals.enter(x, plan.groups), kernel, bias, plan), plan.groups
    )


def _inside(images: Tensor, kernel: Tensor, bias: Tensor | None, plan: Plan) -> Tensor:
    groups = plan.ideals.count * plan.groups
    convolve = CONVOLVE[len(plan.stride)]
    return convolve(images, kernel, bias, plan.stride, plan.padding, plan.dilation, groups)


class _InParts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, bias: Tensor | None, plan: Plan) -> Tensor:
        ctx.save_for_backward(x, kernel, bias)
        ctx.plan = plan
        size = _fields_at_once(x)
        room = _room(x, size)
        made: Tensor | None = None
        for part in _parts(x, size):
            y = _inside(plan.ideals.enter(x[part], plan.groups, room), kernel, bias, plan)
            if made is None:
                blades = x.shape[2]
                made = y.new_empty(len(x), y.shape[1] // blades, blades, *y.shape[2:])
            plan.ideals.leave(y, plan.groups, made[part])
        assert made is not None
        return made

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,), plan, needed = gradients, ctx.plan, ctx.needs_input_grad
        x, kernel, bias = ctx.saved_tensors
        if torch.is_grad_enabled() or is_traced(gradient):
            return _derived(gradient, (x, kernel, bias), plan, needed)
        size = _fields_at_once(x)
        rooms = _room(x, size), _room(gradient, size)
        of_x = torch.empty_like(x, memory_format=torch.contiguous_format) if needed[0] else None
        of_weights: list[Tensor | None] = [None, None]
        for part in _parts(x, size):
            entered, pulled = (
                plan.ideals.enter(each[part], plan.groups, room)
                for each, room in zip((x, gradient), rooms, strict=True)
            )
            of_entered, *more = _gradients(pulled, entered, kernel, plan, needed[:3])
            if of_x is not None:
                plan.ideals.leave(of_entered, plan.groups, of_x[part])
            of_weights = [_added(one, other) for one, other in zip(of_weights, more, strict=True)]
        return of_x, *of_weights, None


def _derived(
    gradient: Tensor, given: Given, plan: Plan, needed: tuple[bool, ...]
) -> tuple[Tensor | None, ...]:
    """As `_InParts.backward`, where that is itself derived, or `vmap` runs over gradients."""
    goes_on = torch.is_grad_enabled()
    wanted = [each for each, its in zip(given, needed, strict=False) if its and each is not None]
    with torch.enable_grad():
        made = _at_once(*given, plan)
    found = iter(torch.autograd.grad(made, wanted, gradient, create_graph=goes_on))
    return tuple(next(found) if its else None for its in needed)


def _gradients(
    pulled: Tensor, images: Tensor, kernel: Tensor, plan: Plan, needed: tuple[bool, bool, bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """Of images, kernel and bias, those that are needed."""
    sizes = (plan.stride, plan.padding, plan.dilation, False, (0,) * len(plan.stride))
    groups = plan.ideals.count * plan.groups
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.convolution_backward(
        pulled, images, kernel, [len(kernel)], *sizes, groups, needed
    )
    return found


def _added(total: Tensor | None, more: Tensor | None) -> Tensor | None:
    return more if total is None or more is None else total.add_(more)


def _parts(x: Tensor, size: int) -> list[slice]:
    """The batch in parts of some fields each; one part of none where it is empty."""
    return [slice(first, min(first + size, len(x))) for first in range(0, max(1, len(x)), size)]


def _room(x: Tensor, size: int) -> Tensor:
    """Memory for what is made of a part of x."""
    return x.new_empty(min(size, len(x)), *x.shape[1:])


def _fields_at_once(x: Tensor) -> int:
    """Into parts of how many fields a batch is split.

    Narrow fields go through in parts that the caches hold, with all that is made on the way. Wide
    ones, of which one is too large for that, go one by one only where the allocator would give what
    is freed back to the system, and get it again for every operation.
    """
    part, each = _PART * torch.get_num_threads(), max(1, x[:1].numel())
    if each > part and freed_memory_is_kept():
        return max(1, len(x))
    return max(1, part // each)
