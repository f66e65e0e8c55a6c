"""Callback steps: a question with a token, answered from the command line or from Python.

The question waits in the state, so an answer that comes while no engine runs is not lost.
"""

from __future__ import annotations

import secrets
import select
from collections.abc import Mapping
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.local.state import State, now

_LOOK_S = 0.2


class Callbacks:
    """The questions of a session.

    Args:
        state: where they are kept.
    """

    def __init__(self, state: State) -> None:
        self.state = state

    def ask(self, execution: str, step: str, queue: str, arguments: Mapping[str, Any]) -> str:
        """Put a question and give its token; a step that is repeated finds the one it put."""
        row = {
            "token": secrets.token_hex(5),
            "execution": execution,
            "step": step,
            "queue": queue,
            "arguments": dict(arguments),
            "answer": None,
            "created": now(),
        }
        self.state.change(
            (
                "INSERT OR IGNORE INTO callbacks VALUES (:token, :execution, :step, :queue, "
                ":arguments, 'Open', :answer, :created)",
                row,
            )
        )
        query = "SELECT token FROM callbacks WHERE execution = ? AND step = ?"
        return str(self.state.rows(query, execution, step)[0]["token"])

    def wait(self, token: str, stop_fd: int) -> dict[str, Any] | None:
        """The row of a question once it is answered; None when `stop_fd` becomes readable."""
        while (row := self._row(token))["status"] == "Open":
            if select.select([stop_fd], [], [], _LOOK_S)[0]:
                return None
        return row

    def open_ones(self) -> list[dict[str, Any]]:
        """The questions that have no answer, the oldest first."""
        return self.state.rows("SELECT * FROM callbacks WHERE status = 'Open' ORDER BY created")

    def answer(self, token: str, outputs: Mapping[str, Any]) -> None:
        """Answer a question with the step's outputs by name.

        Raises:
            UsageError: there is no such question, or it has an answer.
        """
        self._close(token, "Succeeded", dict(outputs))

    def refuse(self, token: str, reason: str) -> None:
        """Let the step of a question fail.

        Raises:
            UsageError: there is no such question, or it has an answer.
        """
        self._close(token, "Failed", reason)

    def _close(self, token: str, status: str, answer: Any) -> None:
        if self._row(token)["status"] != "Open":
            raise UsageError(f"The question {token} has an answer already.")
        self.state.change(
            (
                "UPDATE callbacks SET status = :status, answer = :answer "
                "WHERE token = :token AND status = 'Open'",
                {"token": token, "status": status, "answer": answer},
            )
        )

    def _row(self, token: str) -> dict[str, Any]:
        rows = self.state.rows("SELECT * FROM callbacks WHERE token = ?", token)
        if not rows:
            raise UsageError(f"There is no question {token}.")
        return rows[0]
