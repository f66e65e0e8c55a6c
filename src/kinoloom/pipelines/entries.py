"""What pipelines adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries, OpEntry

ENTRIES = Entries(
    ops={
        "pipeline.validate": OpEntry(
            "ops:validate",
            "Check a pipeline definition (version 2020-12-01) and list its steps in order.",
        ),
        "pipeline.run": OpEntry(
            "ops:run",
            "Run a pipeline on this machine, a Ray cluster or Amazon SageMaker (--session).",
        ),
        "pipeline.start": OpEntry(
            "ops:start", "Start a pipeline in the background and return at once."
        ),
        "pipeline.status": OpEntry(
            "ops:status", "List the latest executions, or the steps of one."
        ),
        "pipeline.show": OpEntry(
            "ops:show", "Report on an execution; -o report.html writes one self-contained page."
        ),
        "pipeline.logs": OpEntry("ops:logs", "Print the logs of an execution's steps."),
        "pipeline.explain": OpEntry(
            "ops:explain", "Explain which steps would run or reuse cached outputs, and why."
        ),
        "pipeline.resume": OpEntry(
            "ops:resume",
            "Resume a failed or interrupted execution; finished steps do not run again.",
        ),
        "pipeline.stop": OpEntry(
            "ops:stop", "Stop an execution and its running steps, whichever process started it."
        ),
        "pipeline.models": OpEntry(
            "ops:models", "List registered models, or show the metrics and approval history of one."
        ),
        "pipeline.approve": OpEntry("ops:approve", "Approve or reject a registered model version."),
        "pipeline.answer": OpEntry(
            "ops:answer", "Answer a waiting Callback step, or list the open callbacks."
        ),
        "pipeline.export": OpEntry(
            "ops:export", "Write the JSON definition that a Python file builds: -o definition.json."
        ),
        "pipeline.gc": OpEntry(
            "ops:gc",
            "Remove old executions with their logs and outputs, and unreferenced contents.",
        ),
    },
    pages={"pipelines": "studio:PAGE"},
    groups={"pipeline": "Run SageMaker pipelines on this machine, a Ray cluster or SageMaker."},
)
