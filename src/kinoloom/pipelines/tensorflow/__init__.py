"""The environment of TensorFlow; names are those of `sagemaker.tensorflow`."""

from kinoloom.pipelines.tensorflow.estimator import TensorFlow
from kinoloom.pipelines.tensorflow.model import TensorFlowModel
from kinoloom.pipelines.tensorflow.processing import TensorFlowProcessor

__all__ = ["TensorFlow", "TensorFlowModel", "TensorFlowProcessor"]
