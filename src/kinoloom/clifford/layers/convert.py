"""Weights of the published library `cliffordlayers` (0.1.1) in the layers here.

    net.load_state_dict(convert(net, torch.load("published.pt")))

The names of submodules must agree; what each holds is rearranged. Fields then go in with the blades
in the third axis instead of the last: `layout.blades_first`. What is converted gives the published
output to rounding:

    CliffordLinear, CliffordConv1d/2d/3d     every signature, groups=1
    CliffordConv2d with rotation             as CliffordRotationConv2d
    CliffordSpectralConv2d                   signature (1, 1)
    CliffordBatchNorm1d/2d/3d                in evaluation, with running statistics

The rest is refused, because the published layer computes something else than it says: convolutions
with groups mix all groups; the spectral layer in 3-d takes one octant of modes from the wrong place
and the dual of e2 with the wrong sign, in 2-d it does not follow the signature; whitening solves
with the transposed factor, so that the result is not white (in evaluation the learned matrix can
undo that, in training and in group norms it cannot); group norms swap the meaning of num_groups.
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
    regularize_covariance,
)
from kinoloom.clifford.layers.product import ProductLayer
from kinoloom.clifford.layers.rotation import CliffordRotationConv2d
from kinoloom.clifford.layers.spectral import CliffordSpectralConv
from kinoloom.errors import UsageError, WeightsError

State = dict[str, Tensor]


def convert(module: nn.Module, published: Mapping[str, Tensor]) -> State:
    """A state dict for `module` of one of a published module of the same submodule names.

    Args:
        module: a Clifford layer, or a network of them and of plain torch layers.
        published: its state dict; tensors of plain layers are passed on as they are.

    Returns:
        What `module.load_state_dict` takes.

    Raises:
        UsageError: a layer whose published form is not what it says, see the module's head.
        WeightsError: a tensor that a layer needs is absent, or has another shape.
    """
    converted: State = {}
    taken: set[str] = set()
    for name, layer in module.named_modules():
        rule = next((rule for kind, rule in _RULES if isinstance(layer, kind)), None)
        if rule is None:
            continue
        prefix = f"{name}." if name else ""
        own = {k.removeprefix(prefix): v for k, v in published.items() if k.startswith(prefix)}
        made = rule(layer, _Tensors(own, name or type(layer).__name__))
        converted |= {prefix + key: value for key, value in made.items()}
        taken |= {prefix + key for key in own}
    return converted | {key: value for key, value in published.items() if key not in taken}


class _Tensors:
    """The tensors of one published layer, with errors that name it."""

    def __init__(self, tensors: State, layer: str) -> None:
        self.tensors, self.layer = tensors, layer

    def take(self, key: str, like: Tensor | None = None) -> Tensor:
        """The tensor of that name, of the shape of `like`."""
        if key not in self.tensors:
            raise WeightsError(
                f"The layer {self.layer} needs a tensor '{key}', which is not there.",
                hint=f"It was given {', '.join(sorted(self.tensors)) or 'none'}.",
            )
        found = self.tensors[key]
        if like is not None and found.shape != like.shape:
            raise WeightsError(
                f"The layer {self.layer} needs '{key}' of shape {tuple(like.shape)}, not "
                f"{tuple(found.shape)}."
            )
        return found


def _bias(layer: ProductLayer, tensors: _Tensors) -> State:
    if layer.bias is None:
        return {}
    return {"bias": tensors.take("bias", layer.bias.T).T.contiguous()}


def _linear(layer: CliffordLinear, tensors: _Tensors) -> State:
    _all_blades(layer)
    return {"weight": tensors.take("weight", layer.weight)} | _bias(layer, tensors)


def _conv(layer: CliffordConv, tensors: _Tensors) -> State:
    _all_blades(layer)
    if layer.groups != 1:
        raise UsageError(
            "A published convolution with groups mixes all groups and cannot be converted.",
            hint="Train it anew; groups are separate here.",
        )
    blades = range(layer.algebra.n_blades)
    made = {"weight": torch.stack([tensors.take(f"weight.{k}", layer.weight[0]) for k in blades])}
    if isinstance(layer, CliffordRotationConv2d):
        made["scale"] = tensors.take(f"weight.{layer.algebra.n_blades}", layer.scale)
    return made | _bias(layer, tensors)


def _spectral(layer: CliffordSpectralConv, tensors: _Tensors) -> State:
    if layer.algebra.metric != (1, 1):
        raise UsageError(
            f"A published spectral layer of {layer.algebra} is not a Clifford Fourier layer and "
            "cannot be converted.",
            hint="Only that of signature (1, 1) is right; train others anew.",
        )
    return {"weight": tensors.take("weights", layer.weight)} if layer.multiply else {}


def _batch_norm(layer: CliffordBatchNorm, tensors: _Tensors) -> State:
    if layer.running_mean is None or layer.running_cov is None or layer.weight is None:
        raise UsageError(
            "A published batch norm can be converted only with running statistics and weights."
        )
    cov = tensors.take("running_cov", layer.running_cov.movedim(0, -1)).movedim(-1, 0)
    size = cov.shape[-1]
    theirs = torch.linalg.cholesky(cov + layer.eps * torch.eye(size).to(cov))
    right = torch.linalg.solve_triangular(
        theirs.mT, torch.linalg.cholesky(regularize_covariance(cov, layer.eps)), upper=True
    )
    weight = tensors.take("weight", layer.weight.movedim(0, -1)).movedim(-1, 0)
    mean = tensors.take("running_mean", layer.running_mean.T)
    return {
        "weight": weight @ right,
        "bias": tensors.take("bias", mean).reshape(mean.T.shape),  # as it is read there
        "running_mean": mean.T.contiguous(),
        "running_cov": cov.contiguous(),
        "num_batches_tracked": tensors.take("num_batches_tracked"),
    }


def _group_norm(layer: CliffordGroupNorm, tensors: _Tensors) -> State:
    raise UsageError(
        "A published group norm does not whiten its groups and cannot be converted.",
        hint="Train it anew.",
    )


def _all_blades(layer: ProductLayer) -> None:
    if not len(layer.weight_blades) == len(layer.in_blades) == layer.algebra.n_blades:
        raise UsageError("A published layer has all grades; it was to go into one that has not.")


_RULES: tuple[tuple[type[nn.Module], Callable[[Any, _Tensors], State]], ...] = (
    (CliffordLinear, _linear),
    (CliffordConv, _conv),
    (CliffordSpectralConv, _spectral),
    (CliffordBatchNorm, _batch_norm),
    (CliffordGroupNorm, _group_norm),
)
