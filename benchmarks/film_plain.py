"""Reference implementation of FILM in plain torch operations, with all pyramids in memory.

`benchmarks.film_speed` compares its speed, and the tests compare the results of `film_net` and
`film_cpu` with it. It follows the published graph stage by stage, shares no code with the package,
and takes a state dict in the names of the published checkpoints.

Source: github.com/google-research/frame-interpolation (Apache-2.0), models/film_net.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as fn

State = dict[str, Tensor]
_LEVELS, _FUSION_LEVELS, _SUB_LEVELS, _OWN_PREDICTORS = 7, 5, 4, 3


def plain_film(state: State, x0: Tensor, x1: Tensor, t: float = 0.5) -> Tensor:
    """Return the frame at t, (B, 3, H, W), of x0 and x1 (B, 3, H, W), sides multiples of 64."""
    images = [_build_image_pyramid(x0), _build_image_pyramid(x1)]
    features = [_extract_features(state, pyramid) for pyramid in images]
    forward = _estimate_flows(state, features[0], features[1])
    backward = _estimate_flows(state, features[1], features[0])
    to_first = [flow * t for flow in backward]
    to_second = [flow * (1 - t) for flow in forward]
    aligned = []
    for i in range(_FUSION_LEVELS):
        maps = [torch.cat([images[k][i], features[k][i]], 1) for k in range(2)]
        warped = [_warp(maps[0], to_first[i]), _warp(maps[1], to_second[i])]
        aligned.append(torch.cat([*warped, to_first[i], to_second[i]], 1))
    return _fuse(state, aligned)


def _build_image_pyramid(image: Tensor) -> list[Tensor]:
    pyramid = [image]
    while len(pyramid) < _LEVELS:
        pyramid.append(fn.avg_pool2d(pyramid[-1], 2))
    return pyramid


def _extract_features(state: State, images: Sequence[Tensor]) -> list[Tensor]:
    trees = []
    for i, image in enumerate(images):
        tree, net = [], image
        for j in range(min(_SUB_LEVELS, _LEVELS - i)):
            net = fn.avg_pool2d(net, 2) if j else net
            net = _conv(state, f"extract.extract_sublevels.convs.{j}.0.0", net)
            net = _conv(state, f"extract.extract_sublevels.convs.{j}.1.0", net)
            tree.append(net)
        trees.append(tree)
    return [
        torch.cat([trees[i - j][j] for j in range(min(i + 1, _SUB_LEVELS))], 1)
        for i in range(_LEVELS)
    ]


def _estimate_flows(state: State, here: Sequence[Tensor], there: Sequence[Tensor]) -> list[Tensor]:
    flows = [_predict_flow(state, _LEVELS - 1, here[-1], there[-1])]
    for i in reversed(range(_LEVELS - 1)):
        size = here[i].shape[-2:]
        flow = fn.interpolate(2 * flows[0], size, mode="bilinear", align_corners=False)
        flows.insert(0, flow + _predict_flow(state, i, here[i], _warp(there[i], flow)))
    return flows


def _predict_flow(state: State, level: int, here: Tensor, there: Tensor) -> Tensor:
    own = _OWN_PREDICTORS - 1 - level
    name = f"predict_flow._predictors.{own}" if own >= 0 else "predict_flow._predictor"
    net = torch.cat([here, there], 1)
    for k in range(5):
        net = _conv(state, f"{name}._convs.{k}.0", net, linear=k == 4)
    return net


def _fuse(state: State, aligned: Sequence[Tensor]) -> Tensor:
    net = aligned[-1]
    for stage, level in enumerate(reversed(aligned[:-1])):
        net = fn.interpolate(net, level.shape[-2:], mode="nearest")
        net = _conv(state, f"fuse.convs.{stage}.0.0", net, linear=True)
        net = torch.cat([level, net], 1)
        net = _conv(state, f"fuse.convs.{stage}.1.0", net)
        net = _conv(state, f"fuse.convs.{stage}.2.0", net)
    return _conv(state, "fuse.output_conv", net, linear=True)


def _conv(state: State, name: str, net: Tensor, *, linear: bool = False) -> Tensor:
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    kernel = weight.shape[-1]
    before, after = (kernel - 1) // 2, kernel // 2
    net = fn.conv2d(fn.pad(net, (before, after, before, after)), weight, bias)
    return net if linear else fn.leaky_relu(net, 0.2)


def _warp(image: Tensor, flow: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    positions = torch.stack([x + flow[:, 0], y + flow[:, 1]], -1)
    grid = 2 * positions / torch.tensor([max(width - 1, 1), max(height - 1, 1)]) - 1
    return fn.grid_sample(image, grid, padding_mode="border", align_corners=True)
