"""Commands on the model registry: models and approve."""

from __future__ import annotations

from kinoloom.base.report import Report, Section, Table, Text
from kinoloom.errors import UsageError
from kinoloom.pipelines.commands.executions import open_workspace
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.options import ApproveOptions, ModelsOptions
from kinoloom.pipelines.reports.execution import iter_numbers


def models_report(options: ModelsOptions) -> Report:
    """List all registered models or those of a group, or show one version.

    Raises:
        UsageError: The version does not exist, or is not GROUP:VERSION.
    """
    session = open_workspace(options.root)
    if options.model is not None and ":" in options.model:
        return _model_report(session, *_parse_model(options.model))
    models = [
        {
            "model": f"{row['family']}:{row['version']}",
            "approval": row["approval"],
            "execution": row["execution"],
            "created": row["created"][:19],
            "reason": row["approval_reason"],
        }
        for row in session.models.list_packages(options.model or "")
    ]
    columns = ("model", "approval", "execution", "created", "reason")
    table = Table(columns, tuple(tuple(row[c] for c in columns) for row in models))
    return Report(f"Models in {options.root}", (table,), {"models": models})


def approve_report(options: ApproveOptions) -> Report:
    """Change the approval of a model version.

    Raises:
        UsageError: The version does not exist, or is not GROUP:VERSION.
    """
    session = open_workspace(options.root)
    family, version = _parse_model(options.model)
    session.models.approve(family, version, options.status, options.reason)
    return _model_report(session, family, version)


def _parse_model(text: str) -> tuple[str, int]:
    family, colon, version = text.rpartition(":")
    if not colon or not version.isdecimal():
        raise UsageError(f"--model must be GROUP:VERSION, such as Faces:3, not '{text}'.")
    return family, int(version)


def _model_report(session: LocalSession, family: str, version: int) -> Report:
    row = session.models.get_package(family, version)
    history = session.models.list_approvals(family, version)
    sections: list[Section] = [
        Text(f"{family}:{version} of execution {row['execution']}: {row['approval']}."),
        Table(
            ("time", "status", "reason"),
            tuple((entry["moment"][:19], entry["status"], entry["reason"]) for entry in history),
            "Approval",
        ),
        Table(("archive", "SHA-256"), tuple(row["digests"].items()), "Archives"),
    ]
    if row["metrics"]:
        metrics = tuple(iter_numbers(row["metrics"]))
        sections.append(Table(("metric", "value"), metrics, "Metrics"))
    return Report(f"Model {family}:{version}", tuple(sections), {**row, "history": history})
