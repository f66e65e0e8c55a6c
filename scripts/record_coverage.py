"""Record the coverage of the suite in benchmarks/results/coverage.json; see `make coverage`.

python -m pytest --cov --cov-report=json:coverage.json
python scripts/record_coverage.py coverage.json
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "coverage.json"
COUNTS = ("num_statements", "covered_lines", "num_branches", "covered_branches")


def main() -> None:
    """Write the figures of the report that the command line names."""
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    record = {
        "title": "Coverage of the test suite",
        "command": "make coverage",
        "commit": commit.stdout.strip() or "unknown",
        "date": datetime.now(UTC).date().isoformat(),
        "python": ".".join(map(str, sys.version_info[:3])),
        **summarise(report["files"]),
    }
    RESULT.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def summarise(files: Mapping[str, Any]) -> dict[str, Any]:
    """Summarise a coverage report.

    Args:
        files: the `files` of coverage's JSON report, by path.

    Returns:
        Percentages of lines and branches: of the whole package, and of each folder in it.
    """
    folders: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    for path, entry in files.items():
        inside = Path(path).as_posix().rpartition("src/kinoloom/")[2]
        package = inside.partition("/")[0] if "/" in inside else "root"
        for folder in ("", package):
            for name in COUNTS:
                folders[folder][name] += entry["summary"][name]
    whole = percentages(folders.pop(""))
    return {**whole, "packages": {name: percentages(folders[name]) for name in sorted(folders)}}


def percentages(counts: Mapping[str, int]) -> dict[str, float]:
    """Percentages of covered lines and branches, to one digit after the point."""
    return {
        "lines_percent": ratio(counts["covered_lines"], counts["num_statements"]),
        "branches_percent": ratio(counts["covered_branches"], counts["num_branches"]),
    }


def ratio(part: int, whole: int) -> float:
    """Per cent of a whole; all of nothing is 100."""
    return round(100 * part / whole, 1) if whole else 100.0


if __name__ == "__main__":
    main()
