"""Jobs that run XGBoost scripts."""

from kinoloom.pipelines.xgboost.estimator import XGBoost

__all__ = ["XGBoost"]
