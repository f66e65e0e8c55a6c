"""Public names of a package that load their modules when they are first used.

    __all__ = ["read", "write"]
    __getattr__, __dir__ = lazy.attach(__name__, {"read": "kinoloom.media.files", ...}, __all__)

An `if TYPE_CHECKING:` block imports the same names for type checkers and editors.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def attach(
    package: str, homes: Mapping[str, str], public: Sequence[str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package.

    Args:
        package: the package's `__name__`.
        homes: for each lazy name the module that defines it. A submodule is its own home
            (`{"image_uris": "kinoloom.sagemaker.image_uris"}` in `kinoloom.sagemaker`).
        public: the package's `__all__`.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        module = importlib.import_module(homes[name])
        return module if homes[name] == f"{package}.{name}" else getattr(module, name)

    return load, lambda: sorted(public)
