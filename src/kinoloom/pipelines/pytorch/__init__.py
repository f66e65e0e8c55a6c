"""The environment of PyTorch; names are those of `sagemaker.pytorch`."""

from kinoloom.pipelines.pytorch.estimator import PyTorch
from kinoloom.pipelines.pytorch.model import PyTorchModel
from kinoloom.pipelines.pytorch.processing import PyTorchProcessor

__all__ = ["PyTorch", "PyTorchModel", "PyTorchProcessor"]
