"""Options of the `pipeline` commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kinoloom.base.options import option
from kinoloom.pipelines.local.jobs.step_log import LOG_LIMIT_BYTES

SESSIONS = "local, ray, auto, ray://HOST:PORT, HOST:PORT or sagemaker:ROLE"

_ROOT = "workspace folder: state, contents, s3 files and run logs"
_SESSION = f"where the steps run: {SESSIONS}"
_NAME = "pipeline name (default: from the file)"
_SET = "parameters: NAME=VALUE,NAME=VALUE or a JSON object"
_PARALLEL = "maximum number of concurrent steps (default: what the cores allow)"
_STRICT = "cache only the steps that request it, as SageMaker does"
_LOG_LIMIT = "maximum size of a step's log; the rest but its end is left out"
_EXECUTION = "execution ID or a unique prefix of it (default: the latest execution)"


@dataclass(frozen=True)
class ValidateOptions:
    """Options of `pipeline validate`."""

    target: Literal["local", "sagemaker"] = option(
        "local", "where the pipeline must be able to run; any Ray cluster runs what local runs"
    )


@dataclass(frozen=True)
class RunOptions:
    """Options of `pipeline run`."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    session: str = option("local", _SESSION, metavar="SESSION")
    name: str | None = option(None, _NAME)
    set: str = option("", _SET, metavar="NAME=VALUE")
    resume: str | None = option(
        None, "resume this execution instead of starting a new one", metavar="ID"
    )
    parallel: int | None = option(None, _PARALLEL, low=1)
    strict: bool = option(False, _STRICT)
    log_limit: int = option(LOG_LIMIT_BYTES, _LOG_LIMIT, unit="bytes", low=0, metavar="SIZE")


@dataclass(frozen=True)
class StartOptions:
    """Options of `pipeline start`."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    session: str = option("local", _SESSION, metavar="SESSION")
    name: str | None = option(None, _NAME)
    set: str = option("", _SET, metavar="NAME=VALUE")
    parallel: int | None = option(None, _PARALLEL, low=1)
    strict: bool = option(False, _STRICT)
    log_limit: int = option(LOG_LIMIT_BYTES, _LOG_LIMIT, unit="bytes", low=0, metavar="SIZE")


@dataclass(frozen=True)
class ExecutionOptions:
    """Options of the commands that take one execution."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    execution: str | None = option(None, _EXECUTION, metavar="ID")


@dataclass(frozen=True)
class ResumeOptions:
    """Options of `pipeline resume`."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    session: str = option("local", _SESSION, metavar="SESSION")
    execution: str | None = option(None, _EXECUTION, metavar="ID")
    log_limit: int = option(LOG_LIMIT_BYTES, _LOG_LIMIT, unit="bytes", low=0, metavar="SIZE")


@dataclass(frozen=True)
class StatusOptions:
    """Options of `pipeline status`."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    execution: str | None = option(
        None, "execution ID or a unique prefix of it (default: list all)", metavar="ID"
    )
    name: str | None = option(None, "list only the executions of this pipeline")
    last: int = option(20, "maximum number of executions listed", low=1)


@dataclass(frozen=True)
class LogsOptions:
    """Options of `pipeline logs`."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    execution: str | None = option(None, _EXECUTION, metavar="ID")
    step: str | None = option(None, "print only the log of this step")


@dataclass(frozen=True)
class ExplainOptions:
    """Options of `pipeline explain`."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    name: str | None = option(None, _NAME)
    set: str = option("", _SET, metavar="NAME=VALUE")
    strict: bool = option(False, _STRICT)


@dataclass(frozen=True)
class ExportOptions:
    """Options of `pipeline export`."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    name: str | None = option(None, _NAME)


@dataclass(frozen=True)
class ModelsOptions:
    """Options of `pipeline models`."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    model: str | None = option(
        None, "model version, or a group (default: all)", metavar="GROUP:VERSION"
    )


@dataclass(frozen=True)
class ApproveOptions:
    """Options of `pipeline approve`."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    model: str = option("", "model version", metavar="GROUP:VERSION")
    status: Literal["Approved", "Rejected", "PendingManualApproval"] = option(
        "Approved", "new approval status"
    )
    reason: str = option("", "reason, kept in the history", metavar="TEXT")


@dataclass(frozen=True)
class AnswerOptions:
    """Options of `pipeline answer`."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    token: str | None = option(
        None, "token of the callback (default: list the open callbacks)", metavar="TOKEN"
    )
    set: str = option("", "outputs: NAME=VALUE,NAME=VALUE or a JSON object", metavar="NAME=VALUE")
    fail: str | None = option(None, "fail the step with this reason", metavar="TEXT")


@dataclass(frozen=True)
class GcOptions:
    """Options of `pipeline gc`."""

    root: Path = option(Path(".kinoloom"), _ROOT, metavar="DIR")
    keep: int = option(10, "number of latest executions kept for each pipeline", low=0)
    dry_run: bool = option(False, "only report what would be removed")
