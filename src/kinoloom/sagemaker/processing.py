"""Processing jobs that run a script, as `sagemaker.processing`.

`run()` does not run anything; it returns the `step_args` of a `ProcessingStep`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlparse

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.code import (
    bytes_digest,
    is_address,
    local_path,
    upload_script,
    upload_sources,
)
from kinoloom.pipelines.builder.context import CompileContext, StepArguments
from kinoloom.pipelines.builder.processing import Processor, check_ignored
from kinoloom.pipelines.builder.processing_files import ProcessingInput, ProcessingOutput, S3Input
from kinoloom.pipelines.builder.variables import PipelineVariable

_CODE = "/opt/ml/processing/input/code"
_ENTRY_POINT = "/opt/ml/processing/input/entrypoint"
# Runs on the service too; KINOLOOM_ML_ROOT is set in local steps only.
_RUNPROC = """#!/bin/bash
set -e
cd "${{KINOLOOM_ML_ROOT:-/opt/ml}}/processing/input/code"
tar -xzf sourcedir.tar.gz
if [ -f requirements.txt ] && [ -z "$KINOLOOM_ML_ROOT" ]; then
  pip install -r requirements.txt
fi
exec {command} "$@"
"""


class ScriptProcessor(Processor):
    """A script and the command that runs it.

    Args:
        role, image_uri: See `Processor`.
        command: The command that runs the script; None means ["python3"].
        **settings: See `Processor`; without an entrypoint.

    Raises:
        UsageError: An entrypoint is given.
    """

    def __init__(
        self,
        role: str | PipelineVariable | None = None,
        image_uri: str | PipelineVariable | None = None,
        command: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        if "entrypoint" in settings:
            raise UsageError("ScriptProcessor has no entrypoint: it runs command and code.")
        super().__init__(role, image_uri, **settings)
        self.command = list(command or ("python3",))

    def run(  # type: ignore[override]
        self,
        code: str,
        inputs: Sequence[ProcessingInput] | None = None,
        outputs: Sequence[ProcessingOutput] | None = None,
        arguments: Sequence[str | PipelineVariable] | None = None,
        **ignored: Any,
    ) -> StepArguments:
        """Return the `step_args` of a `ProcessingStep`; nothing runs.

        Args:
            code: The script: a local path or an s3:// address.
            inputs, outputs: The job's files.
            arguments: The script's arguments.
            **ignored: See `Processor.run`.

        Raises:
            UsageError: `code` is a pipeline variable, or another argument is passed.
        """
        check_ignored(ignored)
        if isinstance(code, PipelineVariable):
            raise UsageError("code must be a path or an address, not a pipeline variable.")

        def build(context: CompileContext) -> dict[str, Any]:
            uri = code if is_address(code) else upload_script(context, local_path(code))
            script = PurePosixPath(_CODE, PurePosixPath(urlparse(uri).path).name)
            code_input = ProcessingInput(source=uri, destination=_CODE, input_name="code")
            return self._build_request(
                context,
                [*(inputs or ()), code_input],
                list(outputs or ()),
                arguments,
                [*self.command, str(script)],
            )

        return StepArguments("Processing", build)


class FrameworkProcessor(ScriptProcessor):
    """A script with its folder, in the environment of a framework.

    The job unpacks the folder and runs the script in it. On the service it installs the folder's
    requirements.txt first; a local step runs in this interpreter's environment as it is.

    Args:
        estimator_cls: The framework's estimator, such as `SKLearn`, which names the image.
        framework_version, py_version: The versions of the image.
        role, image_uri, command, **settings: See `ScriptProcessor`.
    """

    def __init__(
        self,
        estimator_cls: Any,
        framework_version: str | None = None,
        role: str | PipelineVariable | None = None,
        instance_count: int | PipelineVariable = 1,
        instance_type: str | PipelineVariable = "local",
        py_version: str | None = "py3",
        image_uri: str | PipelineVariable | None = None,
        command: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        machines = {"instance_count": instance_count, "instance_type": instance_type}
        super().__init__(role, image_uri, command, **machines, **settings)
        self._find_image = estimator_cls(
            framework_version=framework_version,
            py_version=py_version,
            image_uri=image_uri,
            instance_type=instance_type,
        ).training_image_uri

    def run(  # type: ignore[override]
        self,
        code: str,
        source_dir: str | None = None,
        dependencies: Sequence[str] = (),
        inputs: Sequence[ProcessingInput] | None = None,
        outputs: Sequence[ProcessingOutput] | None = None,
        arguments: Sequence[str | PipelineVariable] | None = None,
        **ignored: Any,
    ) -> StepArguments:
        """Return the `step_args` of a `ProcessingStep`; nothing runs.

        Args:
            code: The script's path, within source_dir if there is one.
            source_dir: The script's folder.
            dependencies: More files and folders, stored next to the script.
            inputs, outputs, arguments, **ignored: See `ScriptProcessor.run`.

        Raises:
            UsageError: Another argument is passed.
        """
        check_ignored(ignored)

        def build(context: CompileContext) -> dict[str, Any]:
            self.image_uri = self._find_image(context.session.boto_region_name)
            archive, program = upload_sources(context, code, source_dir, dependencies)
            launcher = _RUNPROC.format(command=shlex.join([*self.command, program])).encode()
            launcher_uri = context.uri("code", bytes_digest(launcher), "runproc.sh")
            context.session.upload(launcher, launcher_uri)
            code_inputs = [
                ProcessingInput(archive, f"{_CODE}/", "code"),
                ProcessingInput(launcher_uri, _ENTRY_POINT, "entrypoint"),
            ]
            return self._build_request(
                context,
                [*(inputs or ()), *code_inputs],
                list(outputs or ()),
                arguments,
                ["/bin/bash", f"{_ENTRY_POINT}/runproc.sh"],
            )

        return StepArguments("Processing", build)


__all__ = [
    "FrameworkProcessor",
    "ProcessingInput",
    "ProcessingOutput",
    "Processor",
    "S3Input",
    "ScriptProcessor",
]
