"""Pipelines."""

from kinoloom.pipelines.builder.pipeline import Pipeline

__all__ = ["Pipeline"]
