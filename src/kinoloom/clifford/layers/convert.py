"""Conversion of weights of the library `cliffordlayers` (0.1.1).

    state = torch.load("published.pt", weights_only=True)
    net.load_state_dict(convert_weights(net, state))

The names of submodules must agree; the tensors of each layer are rearranged. The blades of the
input are then on axis 2 instead of the last axis, see `layout.blades_first`. Converted layers
reproduce the published output to rounding:

    CliffordLinear, CliffordConv1d/2d/3d     every signature, groups=1
    CliffordConv2d with rotation             as CliffordRotationConv2d
    CliffordSpectralConv2d                   signature (1, 1)
    CliffordBatchNorm1d/2d/3d                in evaluation, with running statistics

Other layers are refused because the published implementation deviates from its definition:
convolutions with groups mix all groups; the 3-d spectral layer reads one octant of modes from the
wrong slice and has the wrong sign for the dual of e2; the 2-d spectral layer ignores the signature;
whitening solves with the transposed factor, so the result is not white (the learned matrix can
compensate for that in evaluation, but not in training or in group norms); group norms interpret
num_groups as the number of channels of each group.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from kinoloom.clifford.layers.conv import CliffordConv
from kinoloom.clifford.layers.linear import CliffordLinear
from kinoloom.clifford.layers.norm import (
    CliffordBatchNorm,
    CliffordGroupNorm,
    regularise_covariance,
)
from kinoloom.clifford.layers.product import ProductLayer
from kinoloom.clifford.layers.rotation import CliffordRotationConv2d
from kinoloom.clifford.layers.spectral import CliffordSpectralConv
from kinoloom.errors import UsageError, WeightsError

State = dict[str, Tensor]


def convert_weights(module: nn.Module, published: Mapping[str, Tensor]) -> State:
    """Convert a published state dict to one of `module`.

    Args:
        module: a Clifford layer, or a network of Clifford and plain torch layers.
        published: state dict of the published module with the same names of submodules; tensors
            of plain layers are returned unchanged.

    Returns:
        A state dict for `module.load_state_dict`.

    Raises:
        UsageError: the published form of a layer deviates from its definition, see above.
        WeightsError: a tensor of a layer is missing or has another shape.
    """
    converted: State = {}
    used: set[str] = set()
    for name, layer in module.named_modules():
        rule = next((rule for kind, rule in _RULES if isinstance(layer, kind)), None)
        if rule is None:
            continue
        prefix = f"{name}." if name else ""
        own = {k.removeprefix(prefix): v for k, v in published.items() if k.startswith(prefix)}
        state = rule(layer, _Tensors(own, name or type(layer).__name__))
        converted |= {prefix + key: value for key, value in state.items()}
        used |= {prefix + key for key in own}
    return converted | {key: value for key, value in published.items() if key not in used}


class _Tensors:
    """Tensors of a published layer, with checked access."""

    def __init__(self, tensors: State, layer: str) -> None:
        self.tensors, self.layer = tensors, layer

    def get(self, key: str, like: Tensor | None = None) -> Tensor:
        """Return a tensor, which must have the shape of `like`."""
        if key not in self.tensors:
            raise WeightsError(
                f"The tensor '{key}' of layer {self.layer} is missing.",
                hint=f"The state dict has {', '.join(sorted(self.tensors)) or 'none'}.",
            )
        tensor = self.tensors[key]
        if like is not None and tensor.shape != like.shape:
            raise WeightsError(
                f"The tensor '{key}' of layer {self.layer} has shape {tuple(tensor.shape)}: "
                f"expected {tuple(like.shape)}."
            )
        return tensor


def _convert_bias(layer: ProductLayer, tensors: _Tensors) -> State:
    if layer.bias is None:
        return {}
    return {"bias": tensors.get("bias", layer.bias.T).T.contiguous()}


def _convert_linear(layer: CliffordLinear, tensors: _Tensors) -> State:
    _check_all_grades(layer)
    return {"weight": tensors.get("weight", layer.weight)} | _convert_bias(layer, tensors)


def _convert_conv(layer: CliffordConv, tensors: _Tensors) -> State:
    _check_all_grades(layer)
    if layer.groups != 1:
        raise UsageError(
            f"A convolution with groups={layer.groups} cannot be converted: the published one "
            "mixes all groups.",
            hint="Retrain the network.",
        )
    blades = range(layer.algebra.n_blades)
    state = {"weight": torch.stack([tensors.get(f"weight.{k}", layer.weight[0]) for k in blades])}
    if isinstance(layer, CliffordRotationConv2d):
        state["scale"] = tensors.get(f"weight.{layer.algebra.n_blades}", layer.scale)
    return state | _convert_bias(layer, tensors)


def _convert_spectral(layer: CliffordSpectralConv, tensors: _Tensors) -> State:
    if layer.algebra.metric != (1, 1):
        raise UsageError(
            f"A spectral layer of {layer.algebra} cannot be converted: the published one is not "
            "a Clifford Fourier layer, except for signature (1, 1).",
            hint="Retrain the network.",
        )
    return {"weight": tensors.get("weights", layer.weight)} if layer.multiply else {}


def _convert_batch_norm(layer: CliffordBatchNorm, tensors: _Tensors) -> State:
    if layer.running_mean is None or layer.running_cov is None or layer.weight is None:
        raise UsageError(
            "A batch norm without running statistics or weights cannot be converted.",
            hint="Construct it with track_running_stats=True and affine=True.",
        )
    cov = tensors.get("running_cov", layer.running_cov.movedim(0, -1)).movedim(-1, 0)
    size = cov.shape[-1]
    published = torch.linalg.cholesky(cov + layer.eps * torch.eye(size).to(cov))
    right = torch.linalg.solve_triangular(
        published.mT, torch.linalg.cholesky(regularise_covariance(cov, layer.eps)), upper=True
    )
    weight = tensors.get("weight", layer.weight.movedim(0, -1)).movedim(-1, 0)
    mean = tensors.get("running_mean", layer.running_mean.T)
    return {
        "weight": weight @ right,
        # The published layer reads its bias in another memory order than it stores it.
        "bias": tensors.get("bias", mean).reshape(mean.T.shape),
        "running_mean": mean.T.contiguous(),
        "running_cov": cov.contiguous(),
        "num_batches_tracked": tensors.get("num_batches_tracked"),
    }


def _convert_group_norm(layer: CliffordGroupNorm, tensors: _Tensors) -> State:
    raise UsageError(
        "A group norm cannot be converted: the published one does not whiten its groups.",
        hint="Retrain the network.",
    )


def _check_all_grades(layer: ProductLayer) -> None:
    if not len(layer.weight_blades) == len(layer.in_blades) == layer.algebra.n_blades:
        raise UsageError(
            f"A layer with {len(layer.in_blades)} input and {len(layer.out_blades)} output blades "
            "cannot be converted: published layers have all grades."
        )


_RULES: tuple[tuple[type[nn.Module], Callable[[Any, _Tensors], State]], ...] = (
    (CliffordLinear, _convert_linear),
    (CliffordConv, _convert_conv),
    (CliffordSpectralConv, _convert_spectral),
    (CliffordBatchNorm, _convert_batch_norm),
    (CliffordGroupNorm, _convert_group_norm),
)
