"""The functions that Lambda steps call, as `sagemaker.lambda_helper`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.code import list_files, local_path
from kinoloom.pipelines.builder.context import CompileContext


@dataclass(frozen=True)
class Lambda:
    """A function: an existing one by its ARN, or a local script that a `LocalSession` calls.

    Attributes:
        function_arn: The ARN of an existing function; a `LocalSession` calls the function that is
            registered under it.
        function_name: Without an ARN, the function's name.
        execution_role_arn, s3_bucket, session, timeout, memory_size, runtime, vpc_config,
            environment, layers: Accepted for compatibility.
        zipped_code_dir: The folder that has the script.
        script: The script itself, instead of the folder.
        handler: "script.function"; the function takes the event and the context and returns a
            dict.

    Raises:
        UsageError: There is neither an ARN nor a name with a script and a handler.
    """

    function_arn: str | None = None
    function_name: str | None = None
    execution_role_arn: str | None = None
    zipped_code_dir: str | None = None
    s3_bucket: str | None = None
    script: str | None = None
    handler: str | None = None
    session: Any = None
    timeout: int = 120
    memory_size: int = 128
    runtime: str = "python3.8"
    vpc_config: Any = None
    environment: Any = None
    layers: Any = None

    def __post_init__(self) -> None:
        code = self.script or self.zipped_code_dir
        if self.function_arn is None and not (self.function_name and code and self.handler):
            raise UsageError(
                "Lambda needs a function_arn, or a function_name with a script and a handler."
            )

    def resolve_arn(self, context: CompileContext) -> str:
        """Return the function's ARN; a script is stored with the session.

        Raises:
            UsageError: The session cannot call scripts, or the script lacks the function.
        """
        if self.function_arn is not None:
            return self.function_arn
        keep = getattr(context.session, "keep_function", None)
        if keep is None:
            raise UsageError(
                f"Function '{self.function_name}' is a script; only LocalSession can call it.",
                hint="Create it on the service and pass its function_arn.",
            )
        arn: str = keep(self.function_name, self._list_files(), str(self.handler))
        return arn

    def _list_files(self) -> dict[str, Path]:
        if self.script is not None:
            module = str(self.handler).rpartition(".")[0]
            return {f"{module.replace('.', '/')}.py": local_path(self.script)}
        return dict(list_files(local_path(str(self.zipped_code_dir))))
