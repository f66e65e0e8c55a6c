"""Ranges of hyper-parameters, as `sagemaker.parameter`."""

from kinoloom.sagemaker.tuner import CategoricalParameter, ContinuousParameter, IntegerParameter

__all__ = ["CategoricalParameter", "ContinuousParameter", "IntegerParameter"]
