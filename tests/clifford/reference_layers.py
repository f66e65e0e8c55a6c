"""Reference implementations of linear Clifford layers by products of the oracle."""

import itertools

import numpy as np
from cayley import product

from kinoloom.clifford.layers.conv import (
    CliffordConv1d,
    CliffordConv2d,
    CliffordConv3d,
    CliffordConvTranspose1d,
    CliffordConvTranspose2d,
    CliffordConvTranspose3d,
)
from kinoloom.clifford.layers.product import ProductLayer

CONVS = {1: CliffordConv1d, 2: CliffordConv2d, 3: CliffordConv3d}
TRANSPOSED = {1: CliffordConvTranspose1d, 2: CliffordConvTranspose2d, 3: CliffordConvTranspose3d}


def full_weight(layer: ProductLayer) -> np.ndarray:
    """Return the weights of a layer for every blade, (I, ...)."""
    full = np.zeros((layer.algebra.n_blades, *layer.weight.shape[1:]))
    full[list(layer.weight_blades)] = layer.weight.detach().numpy()
    return full


def multiply(layer: ProductLayer, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the output blades (K,) of the product of x (J,) and w (I,)."""
    left = np.zeros(layer.algebra.n_blades)
    left[list(layer.in_blades)] = x
    return product(left, w, layer.algebra.metric)[list(layer.out_blades)]


def convolve(layer: ProductLayer, x: np.ndarray, padding: int, mode: str) -> np.ndarray:
    """Convolve with dilation, groups and stride 1 over 1 to 3 axes, by loops."""
    space = x.ndim - 3
    pads = [(0, 0)] * 3 + [(padding, padding)] * space
    names = {"zeros": "constant", "circular": "wrap", "reflect": "reflect", "replicate": "edge"}
    padded = np.pad(x, pads, mode=names[mode])
    weight, step = full_weight(layer), layer.dilation[0]
    offsets = list(itertools.product(*map(range, weight.shape[3:])))
    sizes = [padded.shape[3 + a] - step * (weight.shape[3 + a] - 1) for a in range(space)]
    out = np.zeros((len(x), layer.out_channels, len(layer.out_blades), *sizes))
    per_in = layer.in_channels // layer.groups
    per_out = layer.out_channels // layer.groups
    for b, o, c in itertools.product(range(len(x)), range(layer.out_channels), range(per_in)):
        source = padded[b, o // per_out * per_in + c]
        for place, offset in itertools.product(np.ndindex(*sizes), offsets):
            at = tuple(p + step * d for p, d in zip(place, offset, strict=True))
            x, w = source[(slice(None), *at)], weight[(slice(None), o, c, *offset)]
            out[(b, o, slice(None), *place)] += multiply(layer, x, w)
    if layer.bias is not None:
        bias = layer.bias.detach().numpy()
        out += bias.reshape(1, *bias.shape, *[1] * space)
    return out
