"""The rules of the architecture: layers, cycles, homes of dependencies, light imports, sizes."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

import kinoloom
from import_graph import PACKAGE, ROOT, Import, find_cycles, imports_of, read_modules
from kinoloom import errors
from kinoloom.base import registry

SOURCE = ROOT / "src" / PACKAGE
TEXTS = {
    str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8")
    for path in sorted(SOURCE.rglob("*.py"))
}
TREES = {name: ast.parse(text) for name, text in TEXTS.items()}
MOST_LINES, MOST_BODY_LINES, MOST_MODULES = 600, 60, 20

Function = ast.FunctionDef | ast.AsyncFunctionDef


LAYERS: tuple[tuple[str, ...], ...] = (
    ("__main__",),
    ("cli", "studio"),
    ("jobs",),
    ("sagemaker",),
    ("pipelines",),
    ("SUBJECTS",),
    ("learn",),
    ("motion", "audio", "vision", "geometry"),
    ("media", "runtime", "metrics"),
    ("base",),
    ("errors", "lazy"),
)
"""From top to bottom: a package imports from layers below its own, and from itself. A package that
is not named here is a subject."""

HOMES = {
    "av": "media",
    "boto3": "pipelines.aws",
    "botocore": "pipelines.aws",
    "click": "cli",
    "onnxruntime": "runtime",
    "platformdirs": "runtime",
    "ray": "pipelines.cluster",
    "starlette": "studio",
    "uvicorn": "studio",
}
"""The one package that imports a heavy dependency. A dependency that is neither here nor in
`SHARED` also belongs to a single package."""

SHARED = {"PIL", "cv2", "numpy", "onnx", "rich", "safetensors", "scipy", "torch"}
TORCH_FOLDERS = {"learn", "nets", "layers", "train", "training"}
"""Folders whose modules may import torch at module level."""

NOT_LOADED = {
    *("numpy", "torch", "onnxruntime", "av", "cv2", "PIL", "scipy", "starlette", "ray", "boto3"),
    *("rich", "platformdirs"),
}

MODULES = read_modules()
IMPORTS = {name: list(imports_of(path, MODULES)) for name, path in MODULES.items()}
NAMED = {package for layer in LAYERS for package in layer}


def package_of(module: str) -> str:
    """The top-level package of a module of kinoloom: "film" for kinoloom.film.nets.film_net."""
    return module.split(".")[1]


def layer_of(package: str) -> int:
    name = package if package in NAMED else "SUBJECTS"
    return next(k for k, layer in enumerate(LAYERS) if name in layer)


def outside_imports() -> Iterator[tuple[str, Import]]:
    """All imports of third-party packages, with the module that has them."""
    for module, imports in IMPORTS.items():
        for one in imports:
            top = one.target.partition(".")[0]
            if top != PACKAGE and top not in sys.stdlib_module_names:
                yield module, one


def test_no_two_modules_import_each_other() -> None:
    """Neither directly nor in a circle, whether at module level, in functions or for types."""
    graph = {
        module: {one.target for one in imports if one.target in MODULES} - {module}
        for module, imports in IMPORTS.items()
    }
    assert find_cycles(graph) == []


def test_packages_import_only_from_layers_below() -> None:
    wrong = [
        f"{module} imports {one.target}"
        for module, imports in IMPORTS.items()
        if module != PACKAGE
        for one in imports
        if one.target.startswith(f"{PACKAGE}.")
        and package_of(one.target) != package_of(module)
        and layer_of(package_of(one.target)) <= layer_of(package_of(module))
    ]
    assert wrong == []


def test_each_heavy_dependency_is_imported_in_one_package() -> None:
    users: dict[str, set[str]] = {}
    for module, one in outside_imports():
        users.setdefault(one.target.partition(".")[0], set()).add(module)
    wrong = {
        name: sorted(modules)
        for name, modules in users.items()
        if name in HOMES
        and any(not f"{m}.".startswith(f"{PACKAGE}.{HOMES[name]}.") for m in modules)
    }
    assert wrong == {}
    spread = {
        name: sorted({package_of(module) for module in modules})
        for name, modules in users.items()
        if name not in SHARED | set(HOMES) and len({package_of(m) for m in modules}) > 1
    }
    assert spread == {}


def test_torch_is_imported_at_module_level_only_where_networks_are() -> None:
    wrong = [
        module
        for module, one in outside_imports()
        if one.target.partition(".")[0] == "torch"
        and one.at_module_level
        and not TORCH_FOLDERS & set(module.split("."))
    ]
    assert wrong == []


def test_base_needs_numpy_and_the_standard_library_only() -> None:
    used = {one.target for module, one in outside_imports() if package_of(module) == "base"}
    assert {name.partition(".")[0] for name in used} == {"numpy"}


@pytest.mark.parametrize("package", sorted({package_of(m) for m in MODULES if "." in m} - NAMED))
def test_a_subject_has_the_same_files_as_the_others(package: str) -> None:
    folder = SOURCE / package
    missing = [
        name
        for name in ("README.md", "__init__.py", "entries.py", "ops.py", "options.py")
        if not (folder / name).is_file()
    ]
    assert missing == []
    assert package in registry.PACKAGES


@pytest.mark.parametrize(
    "package", sorted({m for m, path in MODULES.items() if path.name == "__init__.py"})
)
def test_a_folder_holds_a_readable_number_of_modules(package: str) -> None:
    if package.startswith("kinoloom.sagemaker"):
        return  # its modules mirror those of the SageMaker SDK
    folder = MODULES[package].parent
    assert len(list(folder.glob("*.py"))) <= MOST_MODULES


@pytest.mark.parametrize(
    "words", [["-c", "import kinoloom"], ["-m", "kinoloom", "--help"], ["-m", "kinoloom", "ops"]]
)
def test_light_commands_load_no_heavy_library(words: list[str]) -> None:
    line = [sys.executable, "-X", "importtime", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {text.rpartition("|")[2].strip() for text in done.stderr.splitlines()}
    assert "kinoloom" in loaded
    assert {name for name in loaded if name.partition(".")[0] in NOT_LOADED} == set()


def test_the_public_names_are_sorted_and_each_resolves() -> None:
    assert kinoloom.__all__ == sorted(kinoloom.__all__)
    assert dir(kinoloom) == kinoloom.__all__
    for name in kinoloom.__all__:
        assert getattr(kinoloom, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'interpolat'"):
        _ = kinoloom.interpolat


def public(tree: ast.Module) -> Iterator[Function]:
    """The functions and methods that others may call."""
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name[0] != "_"]
    for scope in (tree, *classes):
        yield from (n for n in scope.body if isinstance(n, Function) and n.name[0] != "_")


def errors_raised(function: Function) -> set[str]:
    """The errors of kinoloom that a function raises itself, not in one that it defines."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            found.add(ast.unparse(node.exc.func))
        if not isinstance(node, (ast.ClassDef, Function, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return found & set(vars(errors))


def documents(name: str, docstring: str) -> bool:
    """Whether a docstring names an error, or a base class of it."""
    section = docstring.partition("Raises:")[2]
    wider = {cls.__name__ for cls in getattr(errors, name).__mro__} & set(vars(errors))
    return any(re.search(rf"\b{word}\b", section) for word in wider)


def body_lines(function: Function) -> int:
    """How many lines a function's body has, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_files_and_functions_are_small() -> None:
    long = [path for path, text in TEXTS.items() if len(text.splitlines()) > MOST_LINES]
    long += [
        f"{path}: {function.name}"
        for path, tree in TREES.items()
        for function in ast.walk(tree)
        if isinstance(function, Function) and body_lines(function) > MOST_BODY_LINES
    ]
    assert long == []


def test_the_errors_that_a_function_raises_are_in_its_docstring() -> None:
    found = [
        f"{path}: {function.name} does not document {name}"
        for path, tree in TREES.items()
        for function in public(tree)
        for name in errors_raised(function)
        if not documents(name, ast.get_docstring(function) or "")
    ]
    assert found == []


WRITTEN = [
    path
    for folder in ("src", "tests", "docs", "benchmarks", "examples", ".ci", ".")
    for path in ((ROOT / folder).glob("*") if folder == "." else (ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".md", ".toml", ".txt", ".js", ".css", ".yml"} and path.is_file()
    if "node_modules" not in path.parts
]


@pytest.mark.parametrize(
    "pattern", [r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"/(work|home|root|Users)/"]
)
def test_there_are_no_open_tasks_and_no_absolute_paths(pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in WRITTEN
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert found == []


@pytest.mark.parametrize("mark", ["skip", "xfail"])
def test_no_test_is_disabled(mark: str) -> None:
    pattern = re.compile(rf"pytest\.mark\.{mark}\b")
    tests = [path for path in WRITTEN if path.is_relative_to(ROOT / "tests")]
    assert [path.name for path in tests if pattern.search(path.read_text("utf-8"))] == []


def test_names_of_test_modules_are_unique() -> None:
    modules = (ROOT / "tests").rglob("*.py")
    names = [path.name for path in modules if not (path.parent / "__init__.py").exists()]
    names = [name for name in names if name != "conftest.py"]
    again = sorted({name for name in names if names.count(name) > 1})
    assert not again, "pytest imports modules by their names"
