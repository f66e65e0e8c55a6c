"""Serves the model: for each row the rings, and what each feature adds to them."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb


def model_fn(model_dir: str) -> xgb.Booster:
    """The model that training left."""
    with (Path(model_dir) / "xgboost-model").open("rb") as file:
        return pickle.load(file)  # noqa: S301  the model that this pipeline trained


def input_fn(request_body: str, request_content_type: str) -> xgb.DMatrix:
    """Rows of text/csv; their first column is the label, which is left out."""
    if request_content_type != "text/csv":
        raise ValueError(f"Content type {request_content_type} is not supported.")
    rows = np.loadtxt(io.StringIO(request_body), delimiter=",", ndmin=2)
    return xgb.DMatrix(rows[:, 1:])


def predict_fn(input_data: xgb.DMatrix, model: xgb.Booster) -> Any:
    """A prediction and the contribution of each feature (SHAP) for every row."""
    prediction = model.predict(input_data)
    contributions = model.predict(input_data, pred_contribs=True, validate_features=False)
    return np.hstack([prediction[:, np.newaxis], contributions])


def output_fn(predictions: Any, content_type: str) -> str:
    """A line of CSV for every row."""
    if content_type != "text/csv":
        raise ValueError(f"Content type {content_type} is not supported.")
    return "\n".join(",".join(str(x) for x in row) for row in predictions) + "\n"
