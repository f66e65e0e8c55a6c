"""Models in the environment of XGBoost."""

from __future__ import annotations

from kinoloom.sagemaker._frameworks import VersionedModel


class XGBoostModel(VersionedModel):
    """A model in the environment of XGBoost; see `VersionedModel`."""

    framework = "xgboost"
