"""Jobs and models in the environment of PyTorch, as `sagemaker.pytorch`."""

from kinoloom.sagemaker.pytorch.estimator import PyTorch
from kinoloom.sagemaker.pytorch.model import PyTorchModel
from kinoloom.sagemaker.pytorch.processing import PyTorchProcessor

__all__ = ["PyTorch", "PyTorchModel", "PyTorchProcessor"]
