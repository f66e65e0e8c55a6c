"""Jobs and models in the environment of XGBoost, as `sagemaker.xgboost`."""

from kinoloom.sagemaker.xgboost.estimator import XGBoost
from kinoloom.sagemaker.xgboost.model import XGBoostModel
from kinoloom.sagemaker.xgboost.processing import XGBoostProcessor

__all__ = ["XGBoost", "XGBoostModel", "XGBoostProcessor"]
