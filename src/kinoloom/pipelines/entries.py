"""What pipelines adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries, OpEntry

ENTRIES = Entries(
    ops={
        "pipeline.validate": OpEntry(
            "ops:validate", "Check a pipeline definition and list its steps in order."
        ),
        "pipeline.run": OpEntry(
            "ops:run", "Run a pipeline on this machine, a Ray cluster or SageMaker."
        ),
        "pipeline.start": OpEntry("ops:start", "Start an execution in the background."),
        "pipeline.status": OpEntry(
            "ops:status", "List the latest executions, or the steps of one."
        ),
        "pipeline.show": OpEntry(
            "ops:show", "Report on an execution; -o report.html writes one self-contained page."
        ),
        "pipeline.logs": OpEntry("ops:logs", "Print the logs of the steps of an execution."),
        "pipeline.explain": OpEntry(
            "ops:explain", "Explain which steps would run or reuse cached outputs, and why."
        ),
        "pipeline.resume": OpEntry("ops:resume", "Resume a failed or interrupted execution."),
        "pipeline.stop": OpEntry("ops:stop", "Stop a running execution."),
        "pipeline.models": OpEntry("ops:models", "List the registered models, or show one."),
        "pipeline.approve": OpEntry("ops:approve", "Approve or reject a registered model version."),
        "pipeline.answer": OpEntry(
            "ops:answer", "Answer a waiting Callback step, or list the open callbacks."
        ),
        "pipeline.export": OpEntry(
            "ops:export", "Export the definition that a Python file builds, as JSON."
        ),
        "pipeline.gc": OpEntry("ops:gc", "Remove old executions and unreferenced contents."),
    },
    groups={"pipeline": "Run SageMaker pipelines on this machine, a Ray cluster or SageMaker."},
)
