"""The command that answers callbacks."""

from __future__ import annotations

from typing import Any

from kinoloom.base.report import Report, Table
from kinoloom.errors import UsageError
from kinoloom.pipelines.commands.executions import open_workspace
from kinoloom.pipelines.commands.values import parse_values
from kinoloom.pipelines.language import load_text
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.options import AnswerOptions


def answer_report(options: AnswerOptions) -> Report:
    """Answer a callback, or list the open callbacks.

    Raises:
        UsageError: The callback does not exist or has an answer, or the answer is invalid.
    """
    session = open_workspace(options.root)
    if options.token is not None and options.fail is not None:
        session.callbacks.fail(options.token, options.fail)
    elif options.token is not None:
        session.callbacks.answer(options.token, _parse_answer(session, options.token, options.set))
    rows = session.callbacks.list_open()
    columns = ("token", "execution", "step", "queue", "arguments")
    table = Table(columns, tuple(tuple(str(row[c]) for c in columns) for row in rows))
    data = {"callbacks": [{c: row[c] for c in columns} for row in rows]}
    return Report("Open callbacks", (table,), data)


def _parse_answer(session: LocalSession, token: str, text: str) -> dict[str, Any]:
    """Return the answer in a text, with the types that the step declares."""
    for row in session.callbacks.list_open():
        if row["token"] == token:
            checked = load_text(session.execution(row["execution"]).definition)
            step = checked.graph.steps[row["step"]].step
            outputs = step.to_json().get("OutputParameters", [])
            return parse_values(text, {one["OutputName"]: one["OutputType"] for one in outputs})
    raise UsageError(f"No open callback has the token {token}.")
