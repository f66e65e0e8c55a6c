"""Errors of the model on the test part, in rings."""

import json
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost as xgb

BASE = Path("/opt/ml/processing")


def main() -> None:
    """Write evaluation.json. As in the tutorial, its "mse" is the root of the mean square."""
    with tarfile.open(BASE / "model" / "model.tar.gz") as tar:
        tar.extractall(BASE / "model", filter="data")
    with (BASE / "model" / "xgboost-model").open("rb") as file:
        model = pickle.load(file)  # noqa: S301  the model that this pipeline trained
    frame = pd.read_csv(BASE / "test" / "test.csv", header=None)
    label = frame.iloc[:, 0].to_numpy()
    error = label - model.predict(xgb.DMatrix(frame.iloc[:, 1:].to_numpy()))
    mean_square = float(np.mean(error**2))
    spread = float(np.std(error))
    root = mean_square**0.5
    report = {
        "regression_metrics": {
            "mse": {"value": root, "standard_deviation": spread},
            "rmse": {"value": root, "standard_deviation": spread},
            "true_mse": {"value": mean_square},
        }
    }
    (BASE / "evaluation" / "evaluation.json").write_text(json.dumps(report))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
