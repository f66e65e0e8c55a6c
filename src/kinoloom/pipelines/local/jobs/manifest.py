"""Manifests: JSON files that list the files of an input.

    [{"prefix": "s3://bucket/folder/"}, "a.csv", "sub/b.csv"]

Without a prefix the list has whole addresses. A file's path in the job is its path in the list.

Source: the documentation of `S3DataSource` in the service's API.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.language.shapes import format_value
from kinoloom.pipelines.local.jobs.job import Input, Job
from kinoloom.pipelines.local.storage.objects import Objects


def expand_manifests(job: Job, objects: Objects) -> Job:
    """Return a job whose inputs are the files that its manifests list.

    Raises:
        UsageError: A manifest does not exist or is invalid.
    """
    if not any(one.manifest for one in job.inputs):
        return job
    inputs: list[Input] = []
    for one in job.inputs:
        inputs += _read_manifest(one, objects) if one.manifest else [one]
    return replace(job, inputs=tuple(inputs))


def _read_manifest(one: Input, objects: Objects) -> list[Input]:
    path = objects.path(one.uri)
    if not path.is_file():
        raise UsageError(f"Manifest {one.uri} does not exist.")
    try:
        listed = json.loads(path.read_bytes())
    except ValueError as error:
        raise UsageError(f"Manifest {one.uri} is not JSON: {error}.") from error
    items = listed if isinstance(listed, list) else [listed]
    prefix = ""
    if items and isinstance(items[0], dict) and isinstance(items[0].get("prefix"), str):
        prefix, items = items[0]["prefix"], items[1:]
    if not items:
        raise UsageError(f"Manifest {one.uri} lists no files.")
    return [_build_input(one, prefix, item) for item in items]


def _build_input(one: Input, prefix: str, item: Any) -> Input:
    """Return the input of one file of a manifest."""
    if not isinstance(item, str) or not item or ".." in PurePosixPath(item).parts:
        raise UsageError(
            f"Manifest {one.uri} must list paths, after an optional prefix, not "
            f"{format_value(item)}."
        )
    folder = PurePosixPath(one.place)
    if prefix:
        folder = folder.joinpath(item.lstrip("/")).parent
    return replace(one, uri=prefix + item, place=str(folder), manifest=False, listed=True)
