"""Pipeline that compares Clifford and plain networks of equal size on rising smoke.

    python examples/clifford/compare_nets.py [--root DIR] [--steps N] [--trajectories N]

Two steps simulate trajectories, six train networks in parallel, with three seeds for each
architecture, and one compares their reports. A second execution reuses finished steps. With a
remote session the same pipeline runs on a cluster.
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

ARCHITECTURES, SEEDS = ("cresnet", "resnet"), (0, 1, 2)
ML = "/opt/ml/processing"


def main() -> None:
    """Run the pipeline and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("compare_nets"))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--trajectories", type=int, default=16)
    parser.add_argument("--cells", type=int, default=32)
    args = parser.parse_args()
    pipeline = Pipeline(
        "CompareNets",
        steps=build_steps(args.steps, args.trajectories, args.cells),
        sagemaker_session=LocalSession(args.root),
    )
    pipeline.upsert()
    execution = pipeline.start()
    execution.wait()
    table = execution.result("Compare")["table"]
    for row in json.loads((Path(table) / "table.json").read_text()):
        print("{architecture:8} {error:13} {mean:10.5f} +- {deviation:.5f}".format(**row))


def build_steps(training_steps: int, trajectories: int, cells: int) -> list[ProcessingStep]:
    """Return the steps of the pipeline: simulations, training runs, comparison."""
    training_fields = simulate("TrainingFields", trajectories, 1, cells)
    held_out = simulate("HeldOutFields", 8, 2, cells)
    runs = {
        f"{architecture}-{seed}": train(
            architecture, seed, training_steps, training_fields, held_out
        )
        for architecture in ARCHITECTURES
        for seed in SEEDS
    }
    reports = [
        ProcessingInput(get_output(step, "report"), f"{ML}/reports/{name}")
        for name, step in runs.items()
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
    return [training_fields, held_out, *runs.values(), compare]


def simulate(name: str, trajectories: int, seed: int, cells: int) -> ProcessingStep:
    """Return a step that simulates rising smoke."""
    arguments = ["-o", f"{ML}/fields/smoke.npz", "--trajectories", str(trajectories)]
    arguments += ["--seed", str(seed), "--cells", str(cells)]
    processor = Processor(
        image_uri="kinoloom", entrypoint=["python3", "-m", "kinoloom", "fields", "make", "smoke"]
    )
    outputs = [ProcessingOutput(f"{ML}/fields", output_name="fields")]
    return ProcessingStep(name, step_args=processor.run(arguments=arguments, outputs=outputs))


def train(
    architecture: str,
    seed: int,
    training_steps: int,
    training_fields: ProcessingStep,
    held_out: ProcessingStep,
) -> ProcessingStep:
    """Return a step that trains a network."""
    arguments = ["--preset", f"smoke-{architecture}", "--seed", str(seed)]
    arguments += ["--steps", str(training_steps), "--train-data", f"{ML}/training/smoke.npz"]
    arguments += ["--held-out", f"{ML}/held-out/smoke.npz"]
    arguments += ["--out", f"{ML}/run", "-o", f"{ML}/report/report.json"]
    processor = Processor(
        image_uri="kinoloom", entrypoint=["python3", "-m", "kinoloom", "train", "clifford"]
    )
    inputs = [
        ProcessingInput(get_output(training_fields, "fields"), f"{ML}/training"),
        ProcessingInput(get_output(held_out, "fields"), f"{ML}/held-out"),
    ]
    outputs = [ProcessingOutput(f"{ML}/{name}", output_name=name) for name in ("run", "report")]
    step_args = processor.run(arguments=arguments, inputs=inputs, outputs=outputs)
    return ProcessingStep(f"Train-{architecture}-{seed}", step_args=step_args)


def get_output(step: ProcessingStep, name: str) -> object:
    """Return the location of an output of a step."""
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


if __name__ == "__main__":
    main()
