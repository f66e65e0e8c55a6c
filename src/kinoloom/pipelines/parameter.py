"""Ranges of hyper-parameters, where the SDK has them."""

from kinoloom.pipelines.tuner import CategoricalParameter, ContinuousParameter, IntegerParameter

__all__ = ["CategoricalParameter", "ContinuousParameter", "IntegerParameter"]
