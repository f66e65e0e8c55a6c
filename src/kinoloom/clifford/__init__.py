"""Multivector fields: Clifford algebras, layers and networks, solvers for training data.

    from kinoloom.clifford import Algebra, CliffordConv2d

Each name loads what it needs when it is first used; layers and networks need torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinoloom import lazy

if TYPE_CHECKING:
    from kinoloom.clifford.algebra import Algebra
    from kinoloom.clifford.fields.dataset import Fields
    from kinoloom.clifford.layers.conv import CliffordConv1d, CliffordConv2d, CliffordConv3d
    from kinoloom.clifford.layers.equivariant import (
        GradeLinear,
        GradeProduct,
        InvariantGate,
        SteerableConv2d,
        SteerableConv3d,
    )
    from kinoloom.clifford.layers.gate import MultivectorGate
    from kinoloom.clifford.layers.linear import CliffordLinear
    from kinoloom.clifford.layers.norm import CliffordBatchNorm, CliffordGroupNorm
    from kinoloom.clifford.layers.rotation import CliffordRotationConv2d
    from kinoloom.clifford.layers.spectral import CliffordSpectralConv2d, CliffordSpectralConv3d
    from kinoloom.clifford.layers.symmetry import equivariance_error
    from kinoloom.clifford.nets.fno import FNO
    from kinoloom.clifford.nets.resnet import ResNet
    from kinoloom.clifford.nets.unet import UNet

__all__ = [
    "FNO",
    "Algebra",
    "CliffordBatchNorm",
    "CliffordConv1d",
    "CliffordConv2d",
    "CliffordConv3d",
    "CliffordGroupNorm",
    "CliffordLinear",
    "CliffordRotationConv2d",
    "CliffordSpectralConv2d",
    "CliffordSpectralConv3d",
    "Fields",
    "GradeLinear",
    "GradeProduct",
    "InvariantGate",
    "MultivectorGate",
    "ResNet",
    "SteerableConv2d",
    "SteerableConv3d",
    "UNet",
    "equivariance_error",
]
__getattr__, __dir__ = lazy.attach(
    __name__,
    {
        "Algebra": "kinoloom.clifford.algebra",
        "CliffordBatchNorm": "kinoloom.clifford.layers.norm",
        "CliffordConv1d": "kinoloom.clifford.layers.conv",
        "CliffordConv2d": "kinoloom.clifford.layers.conv",
        "CliffordConv3d": "kinoloom.clifford.layers.conv",
        "CliffordGroupNorm": "kinoloom.clifford.layers.norm",
        "CliffordLinear": "kinoloom.clifford.layers.linear",
        "CliffordRotationConv2d": "kinoloom.clifford.layers.rotation",
        "CliffordSpectralConv2d": "kinoloom.clifford.layers.spectral",
        "CliffordSpectralConv3d": "kinoloom.clifford.layers.spectral",
        "FNO": "kinoloom.clifford.nets.fno",
        "Fields": "kinoloom.clifford.fields.dataset",
        "GradeLinear": "kinoloom.clifford.layers.equivariant",
        "GradeProduct": "kinoloom.clifford.layers.equivariant",
        "InvariantGate": "kinoloom.clifford.layers.equivariant",
        "MultivectorGate": "kinoloom.clifford.layers.gate",
        "ResNet": "kinoloom.clifford.nets.resnet",
        "SteerableConv2d": "kinoloom.clifford.layers.equivariant",
        "SteerableConv3d": "kinoloom.clifford.layers.equivariant",
        "UNet": "kinoloom.clifford.nets.unet",
        "equivariance_error": "kinoloom.clifford.layers.symmetry",
    },
    __all__,
)
