"""The way to a Ray cluster: one that runs, by its address, or one begun on this machine."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from kinoloom.base.need import need
from kinoloom.errors import ExecutionError, UsageError

_MOST_STARTS = 3
_PAUSE_S = 2.0
_LAST_LINES = 15
_LOCAL = ("local", "")

_connected: str | None = None


def connect(address: str | None) -> ModuleType:
    """Ray, connected to a cluster; a process has one cluster at a time.

    Args:
        address: "ray://host:port" (Ray's client, from any machine), "host:port" (from a machine of
            the cluster), "auto" (the cluster of this machine), or None or "local" to begin one
            here. A connection that the program has made itself is used for None and "auto".

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: this process is connected to another cluster.
        ExecutionError: the cluster cannot be reached or begun; the message has the end of Ray's
            own log.
    """
    global _connected
    if address is not None and address.startswith("ray://"):
        _believe_the_token()
    ray = need("ray", extra="ray")
    if ray.is_initialized():
        mine = address in (_connected, None, "auto")
        if not mine:
            raise UsageError(
                f"This process is connected to a Ray cluster already, not to '{address}'.",
                hint="Call ray.shutdown() first.",
            )
        return ray
    local = address is None or address in _LOCAL
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if local:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        settings |= {"address": "local", "include_dashboard": False}
    else:
        settings["address"] = address
    _begin(ray, settings, _MOST_STARTS if local else 1)
    _connected = address
    return ray


def _believe_the_token() -> None:
    """Let Ray show the token of its clusters, if there is one.

    Clusters of Ray 2.60 and later ask for it, but its client, unlike all else of Ray, shows it only
    when told to before it is imported.
    """
    given = os.environ.keys() & {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}
    if given or (Path.home() / ".ray" / "auth_token").is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _begin(ray: ModuleType, settings: dict[str, Any], tries: int) -> None:
    """Call ray.init; a loaded machine may miss a time limit inside Ray, so a start is repeated."""
    for left in reversed(range(tries)):
        try:
            ray.init(**settings)
            return
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            ray.shutdown()
            if not left:
                raise _refusal(settings["address"], tries, error) from error
        time.sleep(_PAUSE_S)


def _refusal(address: str, tries: int, error: Exception) -> ExecutionError:
    if address != "local":
        return ExecutionError(
            f"The Ray cluster at '{address}' cannot be reached: {error}",
            hint="`ray status` on a machine of the cluster tells whether it runs.",
        )
    words = f"Ray could not be started, {tries} times: {error}"
    lines = last_lines(Path(os.environ.get("RAY_TMPDIR", "/tmp")) / "ray")
    return ExecutionError(f"{words}\nThe end of the raylet's log:\n{lines}" if lines else words)


def last_lines(folder: Path) -> str:
    """The end of what the raylet of the latest session wrote; "" where there is none.

    Args:
        folder: that Ray keeps its sessions in.
    """
    logs = folder / "session_latest" / "logs"
    found = [logs / name for name in ("raylet.err", "raylet.out", "gcs_server.out")]
    texts = [file.read_text(errors="replace") for file in found if file.is_file()]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-_LAST_LINES:])
