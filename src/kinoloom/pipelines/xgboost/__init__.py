"""Jobs that run XGBoost scripts."""

from kinoloom.pipelines.xgboost.estimator import XGBoost
from kinoloom.pipelines.xgboost.model import XGBoostModel

__all__ = ["XGBoost", "XGBoostModel"]
