"""Callbacks of Callback steps, answered from the command line or from Python.

Callbacks are stored in the state, so an answer is not lost if no engine is running.
"""

from __future__ import annotations

import secrets
import select
from collections.abc import Mapping
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.local.storage.state import State, now

_POLL_S = 0.2


class Callbacks:
    """The callbacks of a workspace.

    Args:
        state: The workspace's state.
    """

    def __init__(self, state: State) -> None:
        self.state = state

    def open(self, execution: str, step: str, queue: str, arguments: Mapping[str, Any]) -> str:
        """Open a callback and return its token; a repeated step gets its first callback."""
        row = {
            "token": secrets.token_hex(5),
            "execution": execution,
            "step": step,
            "queue": queue,
            "arguments": dict(arguments),
            "answer": None,
            "created": now(),
        }
        self.state.execute(
            (
                "INSERT OR IGNORE INTO callbacks VALUES (:token, :execution, :step, :queue, "
                ":arguments, 'Open', :answer, :created)",
                row,
            )
        )
        query = "SELECT token FROM callbacks WHERE execution = ? AND step = ?"
        return str(self.state.query(query, execution, step)[0]["token"])

    def wait(self, token: str, stop_fd: int) -> dict[str, Any] | None:
        """Wait for an answer and return the callback's row; None if `stop_fd` becomes readable."""
        while (row := self._row(token))["status"] == "Open":
            if select.select([stop_fd], [], [], _POLL_S)[0]:
                return None
        return row

    def list_open(self) -> list[dict[str, Any]]:
        """Return the callbacks without an answer, oldest first."""
        return self.state.query("SELECT * FROM callbacks WHERE status = 'Open' ORDER BY created")

    def answer(self, token: str, outputs: Mapping[str, Any]) -> None:
        """Answer a callback with the step's outputs by name.

        Raises:
            UsageError: The callback does not exist or has an answer.
        """
        self._close(token, "Succeeded", dict(outputs))

    def fail(self, token: str, reason: str) -> None:
        """Fail the step of a callback.

        Raises:
            UsageError: The callback does not exist or has an answer.
        """
        self._close(token, "Failed", reason)

    def _close(self, token: str, status: str, answer: Any) -> None:
        if self._row(token)["status"] != "Open":
            raise UsageError(f"Callback {token} already has an answer.")
        self.state.execute(
            (
                "UPDATE callbacks SET status = :status, answer = :answer "
                "WHERE token = :token AND status = 'Open'",
                {"token": token, "status": status, "answer": answer},
            )
        )

    def _row(self, token: str) -> dict[str, Any]:
        rows = self.state.query("SELECT * FROM callbacks WHERE token = ?", token)
        if not rows:
            raise UsageError(f"Callback {token} does not exist.")
        return rows[0]
