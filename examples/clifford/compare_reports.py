"""Step of compare_nets: mean and standard deviation of training reports over seeds.

    python compare_reports.py REPORTS TABLE.json

REPORTS contains a folder for each training run, named ARCHITECTURE-SEED, with its report.json.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path


def main(reports: Path, table: Path) -> None:
    """Write the table of means and standard deviations."""
    errors: dict[tuple[str, str], list[float]] = defaultdict(list)
    for path in sorted(reports.glob("*/report.json")):
        architecture = path.parent.name.rpartition("-")[0]
        report = json.loads(path.read_text(encoding="utf-8"))
        errors[architecture, "one step"].append(report["one_step_smse"])
        errors[architecture, "rollout"].append(sum(report["rollout_smse"]))
        errors[architecture, "persistence"].append(sum(report["no_change_smse"]))
    rows = [
        {
            "architecture": architecture,
            "error": error,
            "seeds": len(values),
            "mean": statistics.fmean(values),
            "deviation": statistics.stdev(values) if len(values) > 1 else 0.0,
        }
        for (architecture, error), values in errors.items()
    ]
    table.write_text(json.dumps(rows, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
