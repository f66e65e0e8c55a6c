"""Requests: a job as plain JSON values, for a process of its own.

    {"op": "interpolate", "inputs": ["/films/a.png", "/films/b.png"], "output": "/films/ab.mp4",
     "options": {"fps": "60"}, "report": null, "confirmed": {}}

The options of the op, of reading and of writing are in one object, as on the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinoloom.base import registry
from kinoloom.base.op import Op
from kinoloom.base.provenance import sha256
from kinoloom.errors import InputChangedError
from kinoloom.jobs.job import Job
from kinoloom.jobs.option_sets import OptionSets


@dataclass(frozen=True)
class JobRequest:
    """A job as plain values.

    Attributes:
        op: name of the op.
        inputs: absolute paths.
        output: absolute path, or None.
        options: values by name; those of reading and writing, too.
        report: absolute path of the report, or None.
        confirmed: SHA-256 digests of files whose code a person allowed to run, by path.
    """

    op: str
    inputs: tuple[str, ...] = ()
    output: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    report: str | None = None
    confirmed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> JobRequest:
        """Build a request from the values of `to_dict`."""
        return cls(**{**values, "inputs": tuple(values["inputs"])})

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "op": self.op,
            "inputs": list(self.inputs),
            "output": self.output,
            "options": dict(self.options),
            "report": self.report,
            "confirmed": dict(self.confirmed),
        }

    def build_job(self) -> Job:
        """Return the job.

        Raises:
            RegistryError: an unknown op.
            UsageError: an unknown option, or an invalid value.
        """
        op: Op = registry.load("ops", self.op)
        sets = OptionSets.of(op)
        options, read, write, distributed = sets.split(sets.parse(self.options))
        return Job(
            op,
            tuple(map(Path, self.inputs)),
            None if self.output is None else Path(self.output),
            options,
            read,
            write,
            distributed,
            None if self.report is None else Path(self.report),
        )

    def check_confirmed(self) -> None:
        """Check that files with code are the ones that a person confirmed.

        Raises:
            InputChangedError: one has changed.
        """
        for path, digest in self.confirmed.items():
            if sha256(Path(path)) != digest:
                raise InputChangedError(
                    f"{path} was changed after it was confirmed.",
                    hint="Start the job again and confirm the new content.",
                )
