"""Sessions by name, as the command line names them."""

from __future__ import annotations

import re
from pathlib import Path

from kinoloom.errors import UsageError
from kinoloom.pipelines.aws.session import SageMakerSession
from kinoloom.pipelines.local.jobs.step_log import LOG_LIMIT_BYTES
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.options import SESSIONS

_ADDRESS = re.compile(r"auto|(ray://)?[\w.-]+:\d+")


def open_session(
    name: str, root: Path, *, strict: bool = False, log_limit_bytes: int = LOG_LIMIT_BYTES
) -> LocalSession | SageMakerSession:
    """Return the session with a name.

    Args:
        name: "local"; "ray" for a new Ray cluster on this machine, "auto" for the one that is
            running on it, "ray://host:port" or "host:port" for any; "sagemaker:ROLE" for the
            service, with the ARN of the pipelines' role.
        root: The workspace folder of all but the last.
        strict, log_limit_bytes: See `LocalSession`.

    Raises:
        UsageError: The name is unknown.
        KinoloomError: See the session's class.
    """
    if name == "local":
        return LocalSession(root, strict=strict, log_limit_bytes=log_limit_bytes)
    if name == "ray" or _ADDRESS.fullmatch(name):
        from kinoloom.pipelines.cluster.session import RaySession

        address = None if name == "ray" else name
        return RaySession(address, root, strict=strict, log_limit_bytes=log_limit_bytes)
    if _is_service(name):
        return SageMakerSession(role=name.partition(":")[2] or None)
    raise UsageError(f"Unknown session '{name}': expected {SESSIONS}.")


def open_local_session(
    name: str, root: Path, *, strict: bool = False, log_limit_bytes: int = LOG_LIMIT_BYTES
) -> LocalSession:
    """Return the session with a name if its workspace is on this machine.

    Raises:
        UsageError: The name is unknown, or names the service.
        KinoloomError: See `open_session`.
    """
    if not _is_service(name):
        session = open_session(name, root, strict=strict, log_limit_bytes=log_limit_bytes)
        if isinstance(session, LocalSession):
            return session
    raise UsageError(
        f"This command does not support --session {name}.", hint="`pipeline run` does."
    )


def _is_service(name: str) -> bool:
    return name.partition(":")[0] == "sagemaker"
