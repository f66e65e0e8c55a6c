"""The future results of steps, as `sagemaker.workflow.step_outputs`."""

from kinoloom.pipelines.builder.steps import Step, StepOutput


def get_step(step_output: StepOutput) -> Step:
    """Return the step of a result."""
    return step_output.step


__all__ = ["StepOutput", "get_step"]
