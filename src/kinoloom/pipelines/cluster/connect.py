"""Connections to a Ray cluster: a running one by its address, or a new one on this machine."""

from __future__ import annotations

import os
import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

from kinoloom.base.need import need
from kinoloom.errors import ExecutionError, UsageError

_MAX_STARTS = 3
_DELAY_S = 2.0
_LAST_LINES = 15
_LOCAL = ("local", "")

_connected: str | None = None


def connect(address: str | None) -> ModuleType:
    """Connect to a cluster and return Ray's module; a process has one cluster at a time.

    Args:
        address: "ray://host:port" (Ray's client, from any machine), "host:port" (from a machine of
            the cluster), "auto" (the cluster of this machine), or None or "local" to start one
            here. None and "auto" use an existing connection of this process.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: This process is connected to another cluster.
        ExecutionError: The cluster cannot be reached or started; the message has the end of Ray's
            log.
    """
    global _connected
    if address is not None and address.startswith("ray://"):
        _enable_token()
    ray = need("ray", extra="ray")
    if ray.is_initialized():
        if address not in (_connected, None, "auto"):
            raise UsageError(
                f"This process is already connected to a Ray cluster other than '{address}'.",
                hint="Call ray.shutdown() first.",
            )
        return ray
    is_local = address is None or address in _LOCAL
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if is_local:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        settings |= {"address": "local", "include_dashboard": False}
    else:
        settings["address"] = address
    _start(ray, settings, _MAX_STARTS if is_local else 1)
    _connected = address
    return ray


def _enable_token() -> None:
    """Make Ray's client send the clusters' token if there is one.

    Clusters of Ray 2.60 and later require it, but the client sends it only if this variable is set
    before Ray is imported.
    """
    given = os.environ.keys() & {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}
    if given or (Path.home() / ".ray" / "auth_token").is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _start(ray: ModuleType, settings: dict[str, Any], tries: int) -> None:
    """Call ray.init; a loaded machine may exceed a time limit within Ray, so it is retried."""
    for remaining in reversed(range(tries)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # failures are reported below
                ray.init(**settings)
            return
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            ray.shutdown()
            if not remaining:
                raise _connection_error(settings["address"], tries, error) from error
        time.sleep(_DELAY_S)


def _connection_error(address: str, tries: int, error: Exception) -> ExecutionError:
    if address != "local":
        return ExecutionError(
            f"The Ray cluster at '{address}' cannot be reached: {str(error).rstrip('.')}.",
            hint="`ray status` on a machine of the cluster shows whether it is running.",
        )
    message = f"Ray could not be started in {tries} attempts: {error}"
    lines = read_last_lines(Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray")
    return ExecutionError(f"{message}\nEnd of the raylet's log:\n{lines}" if lines else message)


def read_last_lines(folder: Path) -> str:
    """Return the end of the latest session's raylet log; "" if there is none.

    Args:
        folder: The folder of Ray's sessions.
    """
    logs = folder / "session_latest" / "logs"
    found = [logs / name for name in ("raylet.err", "raylet.out", "gcs_server.out")]
    texts = [file.read_text(errors="replace") for file in found if file.is_file()]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-_LAST_LINES:])
