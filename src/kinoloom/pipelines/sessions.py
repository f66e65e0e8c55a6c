"""Sessions by a word, as the command line names them."""

from __future__ import annotations

import re
from pathlib import Path

from kinoloom.errors import UsageError
from kinoloom.pipelines.aws.session import SageMakerSession
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.options import SESSIONS

_ADDRESS = re.compile(r"auto|(ray://)?[\w.-]+:\d+")


def session_of(text: str, root: Path, *, strict: bool = False) -> LocalSession | SageMakerSession:
    """The session that a word names.

    Args:
        text: "local"; "ray" for a Ray cluster begun on this machine, "auto" for the one that runs
            on it, "ray://host:port" or "host:port" for any; "sagemaker:ROLE" for the service, with
            the ARN of the pipeline's role.
        root: the folder of all but the last.
        strict: as for a `LocalSession`.

    Raises:
        UsageError: it names none.
        KinoloomError: as the session's class.
    """
    if text == "local":
        return LocalSession(root, strict=strict)
    if text == "ray" or _ADDRESS.fullmatch(text):
        from kinoloom.pipelines.cluster.session import RaySession

        return RaySession(None if text == "ray" else text, root, strict=strict)
    if _is_service(text):
        return SageMakerSession(role=text.partition(":")[2] or None)
    raise UsageError(f"'{text}' is no session.", hint=f"Sessions are {SESSIONS}.")


def local_session_of(text: str, root: Path, *, strict: bool = False) -> LocalSession:
    """The session that a word names, if its state lies in a folder here.

    Raises:
        UsageError: it does not.
        KinoloomError: as `session_of`.
    """
    if not _is_service(text):
        session = session_of(text, root, strict=strict)
        if isinstance(session, LocalSession):
            return session
    raise UsageError(f"This cannot be done with --session {text}.", hint="`pipeline run` can.")


def _is_service(text: str) -> bool:
    return text.partition(":")[0] == "sagemaker"
