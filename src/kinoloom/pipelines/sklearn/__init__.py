"""Jobs that run scikit-learn scripts."""

from kinoloom.pipelines.sklearn.processing import SKLearnProcessor

__all__ = ["SKLearnProcessor"]
