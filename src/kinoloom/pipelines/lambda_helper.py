"""Functions that Lambda steps call. Names and arguments are those of `sagemaker.lambda_helper`."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.code import local_path
from kinoloom.pipelines.compiling import Compiling

_ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Lambda:
    """A function: one that exists, or a script on this machine that a `LocalSession` calls.

    Attributes:
        function_arn: the address of one that exists; a `LocalSession` calls what was registered
            under it.
        function_name: without an address: its name.
        execution_role_arn, s3_bucket, session, timeout, memory_size, runtime, vpc_config,
            environment, layers: accepted.
        zipped_code_dir: the folder that holds the script.
        script: the script itself, in place of that folder.
        handler: "script.function": takes the event and the context, returns a dict.

    Raises:
        UsageError: there is neither an address, nor a name with a script and a handler.
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
                "A Lambda needs a function_arn, or a function_name with a script and a handler."
            )

    def address(self, compiling: Compiling) -> str:
        """Its address; a script is loaded and registered with the session under one of its own.

        Raises:
            UsageError: the session calls no scripts, or there is no such function in it.
        """
        if self.function_arn is not None:
            return self.function_arn
        register = getattr(compiling.session, "register_function", None)
        if register is None:
            raise UsageError(
                f"The function '{self.function_name}' is a script, which a LocalSession calls.",
                hint="Make it on the service, and give its function_arn.",
            )
        region = compiling.session.boto_region_name
        address = f"arn:aws:lambda:{region}:{_ACCOUNT}:function:{self.function_name}"
        register(address, self._function())
        return address

    def _function(self) -> Callable[[Any, Any], Any]:
        module, _, name = str(self.handler).rpartition(".")
        if self.script is not None:
            script = local_path(self.script)
        else:
            script = local_path(str(Path(str(self.zipped_code_dir), f"{module}.py")))
        function = runpy.run_path(str(script), run_name=module).get(name)
        if not callable(function):
            raise UsageError(f"{script.name} has no function '{name}', which its handler names.")
        made: Callable[[Any, Any], Any] = function
        return made
