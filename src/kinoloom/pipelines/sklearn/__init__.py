"""The environment of scikit-learn; names are those of `sagemaker.sklearn`."""

from kinoloom.pipelines.sklearn.estimator import SKLearn
from kinoloom.pipelines.sklearn.model import SKLearnModel
from kinoloom.pipelines.sklearn.processing import SKLearnProcessor

__all__ = ["SKLearn", "SKLearnModel", "SKLearnProcessor"]
