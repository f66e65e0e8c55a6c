"""From a step to what a thread has to do for it, for every type of step that takes time.

A task changes nothing of the execution: what it comes to is handed to the engine as an `Outcome`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kinoloom.errors import ExecutionError
from kinoloom.pipelines.language import Checked, Step
from kinoloom.pipelines.language.links import fits_type
from kinoloom.pipelines.language.shapes import told
from kinoloom.pipelines.local.callbacks import Callbacks
from kinoloom.pipelines.local.evaluate import Scope, as_text
from kinoloom.pipelines.local.jobs import Job, processing_job
from kinoloom.pipelines.local.models import Models, Origin
from kinoloom.pipelines.local.resources import Demand, Resources
from kinoloom.pipelines.local.schedule import Status
from kinoloom.pipelines.local.state import State, now
from kinoloom.pipelines.local.training import training_job
from kinoloom.pipelines.local.transform import transform_job
from kinoloom.pipelines.local.tuning import Trainer, Tuning
from kinoloom.pipelines.local.worker import Outcome, Worker

Function = Callable[[dict[str, Any], Any], Any]
"""What a Lambda step calls: (event, context) -> a dict with its outputs."""

Work = Callable[[], Outcome]

JOBS = ("Processing", "Training", "Transform")
RUNS = (
    "Callback", "Condition", "Fail", "Lambda", "Model", "RegisterModel", "Tuning", *JOBS,
)  # fmt: skip
"""The types of steps that can be run here."""

_NOTHING = Resources(cpu=0)


@dataclass(frozen=True)
class Run:
    """One execution.

    Attributes:
        id, arn: of the execution.
        pipeline: its name.
        checked: its definition.
        parameters: by name.
        variables: the execution variables by name.
        folder: for its steps.
        parallel: how many steps at once at most; 0 leaves it to the resources.
        stop_fd: becomes readable when it must stop.
    """

    id: str
    arn: str
    pipeline: str
    checked: Checked
    parameters: Mapping[str, Any]
    variables: Mapping[str, str]
    folder: Path
    parallel: int
    stop_fd: int

    @property
    def arn_base(self) -> str:
        """What arns of its jobs and models begin with."""
        return self.arn.rpartition(":pipeline/")[0]


@dataclass(frozen=True)
class Tools:
    """What the tasks of a session work with.

    Attributes:
        worker: runs jobs.
        models: the registry.
        demand: what steps take of the machine.
        functions: by address, for Lambda steps.
    """

    worker: Worker
    models: Models
    demand: Demand
    functions: Mapping[str, Function]

    @property
    def state(self) -> State:
        """The session's state."""
        return self.worker.state


class Tasks:
    """Makes the tasks of one execution.

    Args:
        run: the execution.
        tools: of the session.
        properties: of the steps that have succeeded, by name; grows meanwhile.
    """

    def __init__(self, run: Run, tools: Tools, properties: Mapping[str, Any]) -> None:
        self._run = run
        self._tools = tools
        self._properties = properties
        self.scope = Scope(
            run.parameters, run.variables, properties.__getitem__, self._property_file,
            self._json_at,
        )  # fmt: skip

    def _json_at(self, uri: str) -> Any:
        path = self._tools.worker.objects.path(uri)
        return _read_json(path, uri, path.parent)

    def work(self, step: Step, attempt: int) -> tuple[Work, Resources]:
        """What a thread has to do for a step, and what that takes of the machine.

        Args:
            step: of any type but Condition and Fail.
            attempt: its number, from 1.

        Raises:
            KinoloomError: its arguments cannot be used.
        """
        if step.type == "Lambda":
            arn = as_text(self.scope.value(step.more["FunctionArn"]))
            event = self.scope.value(step.arguments)
            return lambda: self._call(step, arn, event), _NOTHING
        if step.type in ("Model", "RegisterModel"):
            arguments, name = self._resolved(step)
            return lambda: self._model(step, arguments, name), _NOTHING
        if step.type == "Tuning":
            return self._tuning(step, attempt)
        if step.type == "Callback":
            queue = as_text(self.scope.value(step.more["SqsQueueUrl"]))
            arguments = self.scope.value(step.arguments)
            return lambda: self._ask(step, queue, arguments), _NOTHING
        job = self.job(step)
        return self._job_work(job, step, attempt), job.resources

    def tidy(self, name: str, attempt: int) -> None:
        """Remove the files of an attempt at a step that has succeeded; its log stays."""
        self._tools.worker.tidy(self._run.folder / name / str(attempt))

    def _resolved(self, step: Step) -> tuple[dict[str, Any], str]:
        """The arguments of a step that the service would do, and the name of its job or model."""
        name = f"pipelines-{self._run.id}-{step.name}"
        variables = {
            **self._run.variables,
            "CurrentDateTime": now(),
            f"{step.type}JobName": name,
        }
        return replace(self.scope, execution=variables).value(step.arguments), name

    def job(self, step: Step) -> Job:
        """The job of a Processing, Training or Transform step.

        Raises:
            KinoloomError: its arguments cannot be used.
        """
        arguments, name = self._resolved(step)
        arn = f"{self._run.arn_base}:{step.type.lower()}-job/{name}"
        if step.type == "Transform":
            container = self._tools.models.container(arguments["ModelName"])
            made = transform_job(arguments, name, arn, container)
        else:
            make = {"Processing": processing_job, "Training": training_job}[step.type]
            made = make(arguments, name, arn)
        return replace(made, resources=self._tools.demand.of(made.instance_type))

    def _job_work(self, job: Job, step: Step, attempt: int) -> Work:
        run = self._run
        folder = run.folder / step.name / str(attempt)

        def begun(pid: int, started: str) -> None:
            self._tools.state.set_process(run.id, step.name, pid, started)

        return lambda: self._tools.worker.run(job, step, run.pipeline, folder, run.stop_fd, begun)

    def _ask(self, step: Step, queue: str, arguments: dict[str, Any]) -> Outcome:
        """Wait for the answer to a Callback step."""
        callbacks = Callbacks(self._tools.state)
        token = callbacks.ask(self._run.id, step.name, queue, arguments)
        row = callbacks.wait(token, self._run.stop_fd)
        if row is None:
            return Outcome(Status.STOPPED, "The execution was stopped.")
        if row["status"] == "Failed":
            return Outcome(Status.FAILED, str(row["answer"]))
        return checked_answer(step, row["answer"])

    def _tuning(self, step: Step, attempt: int) -> tuple[Work, Resources]:
        arguments, name = self._resolved(step)
        run, demand = self._run, self._tools.demand
        definition = arguments.get("TrainingJobDefinition", {})
        machine = definition.get("HyperParameterTuningResourceConfig", {}).get("InstanceType", "")
        limits = arguments["HyperParameterTuningJobConfig"]["ResourceLimits"]
        one = demand.of(str(machine))
        parallel, taken = 1, one
        while parallel < int(limits["MaxParallelTrainingJobs"]) and taken.plus(one).fits(
            demand.whole
        ):
            parallel, taken = parallel + 1, taken.plus(one)
        trainer = Trainer(
            self._tools.worker, run.id, run.pipeline, step,
            run.folder / step.name / str(attempt), parallel, one, run.stop_fd,
        )  # fmt: skip
        arn = f"{run.arn_base}:tuning-job/{name}"
        return Tuning(arguments, name, arn, trainer).run, taken

    def _model(self, step: Step, arguments: Mapping[str, Any], name: str) -> Outcome:
        origin = Origin(self._run.id, step.name, self._run.arn_base)
        models = self._tools.models
        if step.type == "Model":
            made = models.create(arguments, name, origin)
        else:
            made = models.register(arguments, origin)
        return Outcome(Status.SUCCEEDED, properties=made)

    def _call(self, step: Step, arn: str, event: dict[str, Any]) -> Outcome:
        """Call the function of a Lambda step and check what it answers."""
        functions = self._tools.functions
        if arn not in functions:
            return Outcome(
                Status.FAILED,
                f"No function is registered for {arn}; LocalSession.register_function does it.",
            )
        try:
            answer = functions[arn](event, None)
        except Exception as error:  # noqa: BLE001  whatever a user's function raises fails its step
            reason = f"{type(error).__name__}: {error}"
            return Outcome(Status.FAILED, reason, "Step.SERVICE_FAULT")
        return checked_answer(step, answer)

    def _property_file(self, name: str, file_name: str) -> Any:
        step = self._run.checked.graph.steps[name].step
        file = next(file for file in step.property_files if file.name == file_name)
        outputs = self._properties[name]["ProcessingOutputConfig"]["Outputs"]
        uri = next(o["S3Output"]["S3Uri"] for o in outputs if o["OutputName"] == file.output)
        base = self._tools.worker.objects.path(uri)
        what = f"the property file '{file_name}' of step '{name}'"
        return _read_json(base / file.file, what, base)


def checked_answer(step: Step, answer: Any) -> Outcome:
    """What an answer to a Lambda or Callback step is to: its declared outputs, of their types."""
    outputs = step.to_json().get("OutputParameters", [])
    if outputs and not isinstance(answer, Mapping):
        return Outcome(Status.FAILED, f"The answer must be a dict, not {told(answer)}.")
    kept = {}
    for output in outputs:
        name, kind = output["OutputName"], output["OutputType"]
        if name not in answer or not fits_type(answer[name], kind):
            got = told(answer[name]) if name in answer else "nothing"
            return Outcome(
                Status.FAILED, f"The answer's '{name}' must be of type {kind}, not {got}."
            )
        kept[name] = answer[name]
    return Outcome(Status.SUCCEEDED, properties={"OutputParameters": kept})


def _read_json(path: Path, what: str, base: Path) -> Any:
    """The content of a JSON file; a step may not have made it a link out of `base`."""
    if not path.resolve().is_relative_to(base.resolve()):
        raise ExecutionError(f"{what} leads out of its folder.")
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise ExecutionError(f"{what} is not there ({path.name}).") from error
    except ValueError as error:
        raise ExecutionError(f"{what} is not JSON: {error}.") from error
