"""The environment of XGBoost; names are those of `sagemaker.xgboost`."""

from kinoloom.pipelines.xgboost.estimator import XGBoost
from kinoloom.pipelines.xgboost.model import XGBoostModel
from kinoloom.pipelines.xgboost.processing import XGBoostProcessor

__all__ = ["XGBoost", "XGBoostModel", "XGBoostProcessor"]
