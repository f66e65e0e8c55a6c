"""A pipeline: Clifford and plain networks of equal size on the same smoke, each from three seeds.

    python examples/clifford/compare_nets.py [--root DIR] [--steps N] [--trajectories N]

Two steps make the trajectories, six train at the same time as far as the machine allows, one
compares. Started again, what is done is taken over; with a remote session the same pipeline runs
on a cluster.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from kinoloom.pipelines import LocalSession, Pipeline
from kinoloom.sagemaker import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingStep,
    Processor,
    ScriptProcessor,
)

FORMS, SEEDS = ("cresnet", "resnet"), (0, 1, 2)
ML = "/opt/ml/processing"


def main() -> None:
    """Run the pipeline and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("compare_nets"))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--trajectories", type=int, default=16)
    parser.add_argument("--cells", type=int, default=32)
    told = parser.parse_args()
    pipeline = Pipeline(
        "CompareNets",
        steps=steps(told.steps, told.trajectories, told.cells),
        sagemaker_session=LocalSession(told.root),
    )
    pipeline.upsert()
    execution = pipeline.start()
    execution.wait()
    table = execution.result("Compare")["table"]
    for row in json.loads((Path(table) / "table.json").read_text()):
        print("{form:8} {what:13} {mean:10.5f} +- {deviation:.5f}".format(**row))


def steps(updates: int, trajectories: int, cells: int) -> list[ProcessingStep]:
    """All steps: fields, trainings, the comparison."""
    learned = fields("FieldsToLearn", trajectories, 1, cells)
    tested = fields("FieldsToTest", 8, 2, cells)
    trainings = {
        f"{form}-{seed}": training(form, seed, updates, learned, tested)
        for form in FORMS
        for seed in SEEDS
    }
    reports = [
        ProcessingInput(output(step, "report"), f"{ML}/reports/{name}")
        for name, step in trainings.items()
    ]
    compare = ProcessingStep(
        "Compare",
        step_args=ScriptProcessor(image_uri="kinoloom", command=["python3"]).run(
            code=str(Path(__file__).with_name("compare_reports.py")),
            inputs=reports,
            outputs=[ProcessingOutput(f"{ML}/table", output_name="table")],
            arguments=[f"{ML}/reports", f"{ML}/table/table.json"],
        ),
    )
    return [learned, tested, *trainings.values(), compare]


def fields(name: str, trajectories: int, seed: int, cells: int) -> ProcessingStep:
    """A step that makes smoke."""
    words = ["-o", f"{ML}/fields/smoke.npz", "--trajectories", str(trajectories)]
    words += ["--seed", str(seed), "--cells", str(cells)]
    make = Processor(
        image_uri="kinoloom", entrypoint=["python3", "-m", "kinoloom", "fields", "make", "smoke"]
    )
    made = [ProcessingOutput(f"{ML}/fields", output_name="fields")]
    return ProcessingStep(name, step_args=make.run(arguments=words, outputs=made))


def training(
    form: str, seed: int, updates: int, learned: ProcessingStep, tested: ProcessingStep
) -> ProcessingStep:
    """A step that trains one network."""
    words = ["--preset", f"smoke-{form}", "--seed", str(seed), "--steps", str(updates)]
    words += ["--learned", f"{ML}/learned/smoke.npz", "--held-out", f"{ML}/tested/smoke.npz"]
    words += ["--out", f"{ML}/run", "-o", f"{ML}/report/report.json"]
    train = Processor(
        image_uri="kinoloom", entrypoint=["python3", "-m", "kinoloom", "train", "clifford"]
    )
    given = [
        ProcessingInput(output(learned, "fields"), f"{ML}/learned"),
        ProcessingInput(output(tested, "fields"), f"{ML}/tested"),
    ]
    made = [ProcessingOutput(f"{ML}/{name}", output_name=name) for name in ("run", "report")]
    arguments = train.run(arguments=words, inputs=given, outputs=made)
    return ProcessingStep(f"Train-{form}-{seed}", step_args=arguments)


def output(step: ProcessingStep, name: str) -> object:
    """Where an output of a step lies."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


if __name__ == "__main__":
    main()
