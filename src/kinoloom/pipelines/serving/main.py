"""Applies a model to the files of a transform job.

Inputs: `transform/config.json` and `transform/input/` in the folder that replaces /opt/ml.
Output: `transform/output/<file>.out` for each file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kinoloom.base.printable import printable_line
from kinoloom.pipelines.serving import filters
from kinoloom.pipelines.serving.chain import start_chain
from kinoloom.pipelines.serving.records import batch_records, build_body, read_records
from kinoloom.pipelines.serving.script import Handler, load_handler

_ML = "/opt/ml"


def main() -> None:
    """Run the job that the environment describes."""
    ml = Path(os.environ.get("KINOLOOM_ML_ROOT", "/opt/ml"))
    config = json.loads((ml / "transform" / "config.json").read_text())
    containers = [_locate(one, ml) for one in config.get("containers", ())]
    handler = start_chain(containers) if containers else load_handler(ml / "model")
    source, target = ml / "transform" / "input", ml / "transform" / "output"
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        result = target / f"{file.relative_to(source)}.out"
        result.parent.mkdir(parents=True, exist_ok=True)
        with result.open("wb") as output:
            for part in transform(file, config, handler):
                output.write(part)
        sys.stdout.write(f"transformed {printable_line(file.name)}\n")


def _locate(container: Mapping[str, Any], ml: Path) -> dict[str, Any]:
    """Return a container with the folder `ml` in place of /opt/ml."""
    text = json.dumps(container).replace(_ML, json.dumps(str(ml))[1:-1])
    located: dict[str, Any] = json.loads(text)
    return located


def transform(file: Path, config: Mapping[str, Any], handler: Handler) -> Iterator[bytes]:
    """Yield the parts of a file's result.

    Args:
        file: The file.
        config: content_type, accept, split, strategy, max_bytes, assemble, compression,
            input_filter, output_filter, join.
        handler: Handles one request.

    Raises:
        ValueError: A record exceeds the maximum payload, or the number of results is wrong.
    """
    split, strategy = config["split"], config["strategy"]
    content_type = config["content_type"]
    accept = config["accept"] or content_type
    defaults = {"input_filter": "$", "output_filter": "$", "join": "None"}
    is_plain = all(config[name] == value for name, value in defaults.items())
    end = b"\n" if config["assemble"] == "Line" else b""
    records = read_records(file, split, config["compression"])
    for batch in batch_records(records, split, strategy, config["max_bytes"]):
        if is_plain:
            result = handler(build_body(batch, split), content_type, accept)
            yield result.rstrip(b"\n") + end if end else result
        else:
            yield from (line + end for line in _filter_and_join(batch, config, handler))


def _filter_and_join(
    batch: list[bytes], config: Mapping[str, Any], handler: Handler
) -> Iterator[bytes]:
    """Yield the results of a batch with both filters and the join applied."""
    content_type = config["content_type"]
    accept = config["accept"] or content_type
    values = [filters.parse(record, content_type) for record in batch]
    selected = [filters.select(value, config["input_filter"]) for value in values]
    records = [filters.serialize(value, content_type) for value in selected]
    result = handler(build_body(records, config["split"]), content_type, accept)
    lines = [result] if config["split"] == "None" else result.splitlines()
    if len(lines) != len(batch):
        raise ValueError(
            f"The script returned {len(lines)} lines for {len(batch)} records; filters and joins "
            "need one line per record. BatchStrategy SingleRecord sends each record on its own."
        )
    for value, line in zip(values, lines, strict=True):
        output = filters.parse(line, accept)
        if config["join"] == "Input":
            output = filters.join(value, output, content_type)
        yield filters.serialize(filters.select(output, config["output_filter"]), accept)


if __name__ == "__main__":
    main()
