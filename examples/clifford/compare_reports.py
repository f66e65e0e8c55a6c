"""Summarise the training reports of compare_nets: mean and standard deviation over seeds.

    python compare_reports.py REPORTS TABLE.json

REPORTS has a folder named form-seed with a report.json for each training.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path


def main(reports: Path, table: Path) -> None:
    """Write the table."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for path in sorted(reports.glob("*/report.json")):
        form = path.parent.name.rpartition("-")[0]
        report = json.loads(path.read_text(encoding="utf-8"))
        found[form, "one step"].append(report["one_step_smse"])
        found[form, "rollout"].append(sum(report["rollout_smse"]))
        found[form, "no change"].append(sum(report["no_change_smse"]))
    rows = [
        {
            "form": form,
            "what": what,
            "seeds": len(values),
            "mean": statistics.fmean(values),
            "deviation": statistics.stdev(values) if len(values) > 1 else 0.0,
        }
        for (form, what), values in found.items()
    ]
    table.write_text(json.dumps(rows, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
