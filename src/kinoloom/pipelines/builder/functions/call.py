"""A call of a step's function, pickled with cloudpickle for `run_function`."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from kinoloom.base.need import need
from kinoloom.pipelines.builder.functions.modules import ModuleFinder, find_imports, find_modules
from kinoloom.pipelines.builder.parameters import Parameter
from kinoloom.pipelines.builder.steps import Step, StepOutput
from kinoloom.pipelines.builder.variables import PipelineVariable
from kinoloom.pipelines.importing import SCRIPT

_PLAIN = (str, int, float, bool, bytes, type(None))


class Delayed(StepOutput):
    """The future result of a step's function, or a member of it.

    Args:
        step: The step.
        modules: The files of the modules that the function, and so its result, may need.
        path: The keys and indices of the member; () for the whole result.
    """

    def __init__(
        self, step: Step, modules: Mapping[str, Path], path: tuple[int | str, ...] = ()
    ) -> None:
        super().__init__(step)
        self.modules = modules
        self.path = path

    @property
    def expr(self) -> dict[str, Any]:
        """The variable's JSON in a definition; for conditions, so JSON must represent the value."""
        file = {"Get": f"Steps.{self.step.name}.PropertyFiles.Result"}
        members = [f"[{key}]" if isinstance(key, int) else f"['{key}']" for key in self.path]
        return {"Std:JsonGet": {"PropertyFile": file, "Path": "".join(["Result", *members])}}

    def __getitem__(self, key: int | str) -> Delayed:
        return Delayed(self.step, self.modules, (*self.path, key))

    def __iter__(self) -> Any:
        self._reject("iterated over", "Use its members, such as result[0].")


@dataclass(frozen=True)
class Call:
    """A pickled call.

    Attributes:
        content: The pickle; see `run_function` for its persistent ids.
        needs: The steps whose results it contains, by name.
        variables: The pipeline variables that it contains.
        modules: The files of the caller's modules that it needs; see `find_modules`.
    """

    content: bytes
    needs: Mapping[str, Step]
    variables: tuple[PipelineVariable, ...]
    modules: Mapping[str, Path]


def pickle_call(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    find: ModuleFinder = find_modules,
) -> Call:
    """Pickle a call; the results of steps and pipeline variables may be anywhere in it.

    Args:
        function, args, kwargs: The call.
        find: Finds the files of modules; see `find_modules`.

    Raises:
        MissingExtraError: cloudpickle is not installed.
    """
    needs: dict[str, Step] = {}
    variables: list[PipelineVariable] = []
    names: set[str] = set()
    modules: dict[str, Path] = {}
    cloudpickle: Any = need("cloudpickle", extra="pipelines")

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
        def persistent_id(self, item: Any) -> tuple[Any, ...] | None:
            if isinstance(item, _PLAIN):
                return None
            if isinstance(item, Delayed):
                needs[item.step.name] = item.step
                modules.update(item.modules)
                return "result", item.step.name, *item.path
            if isinstance(item, PipelineVariable):
                variables.append(item)
                is_text = not isinstance(item, Parameter) or item.parameter_type == "String"
                return "text" if is_text else "json", len(variables) - 1
            if _is_dynamic(item):
                _name_class(cloudpickle, item)
            names.update(_modules_of(item))
            return None

    content = io.BytesIO()
    script = sys.modules.get(SCRIPT)
    if script is not None:  # a step cannot import its classes and functions by name
        cloudpickle.register_pickle_by_value(script)
    try:
        Pickler(content).dump((function, args, kwargs))
    finally:
        if script is not None:
            cloudpickle.unregister_pickle_by_value(script)
    modules.update(find(frozenset(names)))
    return Call(content.getvalue(), needs, tuple(variables), modules)


def _is_dynamic(item: Any) -> bool:
    """Return whether an object is a class that is pickled by value."""
    if not isinstance(item, type):
        return False
    return item.__module__ in ("__main__", SCRIPT) or not _is_found(
        sys.modules.get(item.__module__), item
    )


def _name_class(cloudpickle: Any, item: type) -> None:
    """Give a class an identity for its pickle that is the same in every process.

    cloudpickle gives it a random one, with which no pickle of it would ever be equal to an earlier
    one, and no step with it would reuse its cached outputs.
    """
    track = getattr(cloudpickle.cloudpickle, "_lookup_class_or_track", None)
    if track is not None:
        name = f"{item.__module__}.{item.__qualname__}"
        track(hashlib.sha256(name.encode()).hexdigest()[:32], item)


def _modules_of(item: Any) -> set[str]:
    """Return the names of the modules that unpickling an object, or running it, imports."""
    if isinstance(item, ModuleType):
        return {item.__name__}
    if isinstance(item, CodeType):
        return find_imports(item)
    if not isinstance(item, type | FunctionType | BuiltinFunctionType):
        return set()
    module = str(item.__module__)
    if _is_found(sys.modules.get(module), item):
        return {module}
    if isinstance(item, FunctionType):  # pickled by value; it may have relative imports
        return {str(item.__globals__.get("__package__") or "")} - {""}
    return set()


def _is_found(module: ModuleType | None, item: Any) -> bool:
    """Return whether an object is a member of a module, so that a pickle has only its name."""
    found: Any = module
    for name in item.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is item
