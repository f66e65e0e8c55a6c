"""Jobs and models in the environment of TensorFlow, as `sagemaker.tensorflow`."""

from kinoloom.sagemaker.tensorflow.estimator import TensorFlow
from kinoloom.sagemaker.tensorflow.model import TensorFlowModel
from kinoloom.sagemaker.tensorflow.processing import TensorFlowProcessor

__all__ = ["TensorFlow", "TensorFlowModel", "TensorFlowProcessor"]
