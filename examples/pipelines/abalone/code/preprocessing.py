"""Abalone rows as numbers: medians and "missing" for gaps, scaled, one-hot; the label first."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

BASE = Path("/opt/ml/processing")
NUMBERS = [
    "length", "diameter", "height", "whole_weight", "shucked_weight", "viscera_weight",
    "shell_weight",
]  # fmt: skip
SEED = 42


def main() -> None:
    """Read input/*.csv; write train, validation and test, 70, 15 and 15 in a hundred."""
    frame = pd.read_csv(
        BASE / "input" / "abalone-dataset.csv", header=None, names=["sex", *NUMBERS, "rings"]
    )
    numeric = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    words = Pipeline(
        [
            ("impute", SimpleImputer(strategy="constant", fill_value="missing")),
            ("onehot", OneHotEncoder(handle_unknown="ignore")),
        ]
    )
    columns = ColumnTransformer([("num", numeric, NUMBERS), ("cat", words, ["sex"])])
    features = columns.fit_transform(frame.drop(columns="rings"))
    rows = np.column_stack([frame["rings"].to_numpy(), features])
    np.random.default_rng(SEED).shuffle(rows)
    train, validation, test = np.split(rows, [int(0.7 * len(rows)), int(0.85 * len(rows))])
    for name, part in {"train": train, "validation": validation, "test": test}.items():
        pd.DataFrame(part).to_csv(BASE / name / f"{name}.csv", header=False, index=False)
        print(f"{name}: {len(part)} rows")


if __name__ == "__main__":
    main()
