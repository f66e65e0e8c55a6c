"""Trains a tree ensemble; the label is the first column of the CSV files."""

import argparse
import os
import pickle
from pathlib import Path

import pandas as pd
import xgboost as xgb


def matrix(folder: str) -> xgb.DMatrix:
    """All CSV files of a folder."""
    frame = pd.concat([pd.read_csv(file, header=None) for file in sorted(Path(folder).glob("*"))])
    return xgb.DMatrix(frame.iloc[:, 1:].to_numpy(), frame.iloc[:, 0].to_numpy())


def main() -> None:
    """Train, and write the model to SM_MODEL_DIR."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--max_depth", type=int, default=5)
    parser.add_argument("--learning_rate", type=float, default=0.2)
    parser.add_argument("--gamma", type=float, default=4)
    parser.add_argument("--min_child_weight", type=float, default=6)
    parser.add_argument("--subsample", type=float, default=0.7)
    parser.add_argument("--objective", default="reg:squarederror")
    parser.add_argument("--num_round", type=int, default=50)
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", default=os.environ.get("SM_CHANNEL_VALIDATION"))
    parser.add_argument("--model_dir", default=os.environ.get("SM_MODEL_DIR"))
    options = parser.parse_args()
    train, validation = matrix(options.train), matrix(options.validation)
    parameters = {
        "max_depth": options.max_depth,
        "learning_rate": options.learning_rate,
        "gamma": options.gamma,
        "min_child_weight": options.min_child_weight,
        "subsample": options.subsample,
        "objective": options.objective,
        "eval_metric": "rmse",
        "seed": 0,
    }
    watched = [(train, "train"), (validation, "validation")]
    model = xgb.train(parameters, train, options.num_round, watched)
    with (Path(options.model_dir) / "xgboost-model").open("wb") as file:
        pickle.dump(model, file)


if __name__ == "__main__":
    main()
