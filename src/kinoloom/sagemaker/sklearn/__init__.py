"""Jobs and models in the environment of scikit-learn, as `sagemaker.sklearn`."""

from kinoloom.sagemaker.sklearn.estimator import SKLearn
from kinoloom.sagemaker.sklearn.model import SKLearnModel
from kinoloom.sagemaker.sklearn.processing import SKLearnProcessor

__all__ = ["SKLearn", "SKLearnModel", "SKLearnProcessor"]
