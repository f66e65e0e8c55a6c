"""Plans jobs: checks a request of a page and completes it, before anything runs."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kinoloom
from kinoloom.base import registry
from kinoloom.base.files import Nothing
from kinoloom.base.need import need_extra
from kinoloom.base.op import Op
from kinoloom.base.outputs import check_not_input, check_output
from kinoloom.base.page import Context
from kinoloom.base.provenance import sha256, to_jsonable
from kinoloom.base.report import Report
from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.jobs.command_line import build_command_line
from kinoloom.jobs.job import Job
from kinoloom.jobs.option_sets import OptionSets
from kinoloom.jobs.request import JobRequest
from kinoloom.media.photo.editing import list_photos
from kinoloom.media.photo.reading import is_photo
from kinoloom.studio.folders.tree import MAX_NAME_BYTES, Tree

RUNS_CODE = frozenset({"pipeline.run", "pipeline.start", "pipeline.explain", "pipeline.export"})
"""Ops that run what their input says: programs named in a definition, or a Python file."""
_NOT_WORK = frozenset({"overwrite", "resume"})
"""Options that do not change the result."""
_SUFFIXES = {"Clip": ".mp4", "Fields": ".npz"}
_MOST_NAMED = 3
_NUMBER_BYTES = 8


@dataclass(frozen=True)
class _Request:
    """A job as a page requests it; see `plan`."""

    op: Op
    sets: OptionSets
    inputs: tuple[Path, ...]
    options: Mapping[str, Any]
    output: Path | None
    report: Path | None


def plan(
    context: Context,
    *,
    roots: Mapping[str, str],
    body: Mapping[str, Any],
    taken: Sequence[str],
    confirmed: Sequence[str],
) -> dict[str, Any]:
    """Check a job and return what the studio keeps of it.

    Args:
        context: of the request.
        roots: the folders of the studio by label.
        body: op, inputs, options, output and report, as the page sent them.
        taken: outputs of jobs that have not ended, absolute.
        confirmed: digests of files whose code may run.

    Returns:
        title, command, output and report (as pages write paths), program (a `JobRequest`),
        unconfirmed (path and sha256 of files that must be confirmed first), fingerprint of the
        work, files that it reads (absolute), memory in bytes or None, uses_accelerator,
        unit of its progress, can_resume.

    Raises:
        RegistryError: an unknown op.
        UsageError: an option, a path or the number of inputs is wrong, or an input is missing.
        MissingExtraError: the op's extra is not installed.
        OutputExistsError, OutputError: the output cannot be written.
    """
    tree = Tree([Path(root) for root in roots.values()])
    request = _read_request(tree, body, {Path(path) for path in taken})
    if request.op.extra:
        need_extra(request.op.extra)
    files = list(_list_files(request))
    code = {str(path): sha256(path) for path in files if _runs_code(request, path)}
    unconfirmed = [
        {"path": tree.name(Path(path)) or path, "sha256": digest}
        for path, digest in code.items()
        if digest not in confirmed
    ]
    program = JobRequest(
        request.op.name,
        tuple(map(str, request.inputs)),
        None if request.output is None else str(request.output),
        {name: _plain(value) for name, value in request.options.items()},
        None if request.report is None else str(request.report),
        code,
    )
    return {
        "title": _title(request),
        "command": build_command_line(_job(request), tree.first),
        "output": _name(tree, request.output),
        "report": _name(tree, request.report),
        "program": program.to_dict(),
        "unconfirmed": unconfirmed,
        "fingerprint": _fingerprint(request),
        "files": [str(path) for path in files],
        "memory": request.options.get("memory"),
        "uses_accelerator": request.op.extra == "train",
        "unit": _name_unit(request),
        "can_resume": "resume" in {option.name for option in request.sets},
    }


def _read_request(tree: Tree, body: Mapping[str, Any], taken: Collection[Path]) -> _Request:
    op: Op = registry.load("ops", body["op"])
    sets = OptionSets.of(op)
    inputs = tuple(_find_input(tree, text) for text in body["inputs"])
    _check_count(op, inputs)
    options = _read_options(tree, sets, body["options"])
    overwrite = bool(options.get("overwrite") or options.get("resume"))
    if body["output"] is not None:
        output: Path | None = _locate(tree, body["output"])
    else:
        output = _choose_output(tree, op, inputs, taken)
    report = None
    if body["report"]:
        if not op.page or output is None:
            raise UsageError(f"{op.name} writes no separate report.", hint="Leave out the report.")
        report = output.with_suffix(".html")
    for path in (output, report):
        if path is not None:
            _check_output(path, inputs, taken, overwrite=overwrite)
    return _Request(op, sets, inputs, options, output, report)


def _check_output(
    path: Path, inputs: Sequence[Path], taken: Collection[Path], *, overwrite: bool
) -> None:
    if path in taken:
        raise UsageError(
            f"Another job, which has not ended, writes {path.name}.", hint="Choose another name."
        )
    check_not_input(path, inputs)
    check_output(path, overwrite=overwrite)


def _find_input(tree: Tree, text: str) -> Path:
    """Return the location of a file or a folder inside the folders.

    Raises:
        UsageError: there is none.
    """
    try:
        return tree.resolve(text)
    except InputNotFoundError:
        try:
            os.close(tree.open_folder(text))
        except InputNotFoundError as error:
            raise UsageError(error.message) from error
        return tree.locate(text)


def _locate(tree: Tree, text: str) -> Path:
    """Return a location that no link leads out of the folders."""
    path = tree.locate(text)
    if path.resolve() != path:
        raise UsageError(f"'{text}' is behind a link.", hint="Name the folder itself.")
    return path


def _check_count(op: Op, inputs: Sequence[Path]) -> None:
    if op.input_type is Nothing and inputs:
        raise UsageError(f"{op.name} takes no input.", hint="Leave out the files.")
    if op.input_type is Path and len(inputs) != 1:
        raise UsageError(f"{op.name} takes one {op.input_name}, not {len(inputs)}.")
    if op.input_type is not Nothing and not inputs:
        raise UsageError(f"{op.name} needs an input.", hint="Choose a file.")


def _read_options(tree: Tree, sets: OptionSets, values: Mapping[str, Any]) -> dict[str, Any]:
    """Parse options; paths become absolute and must be inside the folders."""
    parsed = sets.parse(values)
    kinds = {option.name: option for option in sets}
    for name, value in parsed.items():
        if isinstance(value, Path) and value != kinds[name].default:
            parsed[name] = _locate(tree, str(value))
    return parsed


def _choose_output(
    tree: Tree, op: Op, inputs: Sequence[Path], taken: Collection[Path]
) -> Path | None:
    """Return the next free "INPUT-OP.mp4" next to the first input; None for printed reports.

    An op that processes photos one by one gets the suffix of its photo, or a folder for several.
    """
    if op.output_type is Report:
        return None
    verb = op.name.replace(".", "-")
    suffix = _choose_suffix(op, inputs)
    most = MAX_NAME_BYTES - len(f"-{verb}{suffix}.provenance.json".encode()) - _NUMBER_BYTES
    folder, stem = tree.first, verb
    if inputs:
        first = inputs[0]
        folder = first if first in tree.roots.values() else first.parent
        stem = f"{first.name if first.is_dir() else first.stem}-{verb}"
    while len(stem.encode()) > most:
        stem = stem[:-1]
    numbered = (f"{stem}{f'-{k}' if k > 1 else ''}{suffix}" for k in range(1, 10_000))
    free = (folder / name for name in numbered)
    return next(path for path in free if not path.exists() and path not in taken)


def _choose_suffix(op: Op, inputs: Sequence[Path]) -> str:
    """Return the suffix of an output, "" for a folder."""
    if not _edits_photos(op, inputs):
        return _SUFFIXES.get(op.output_type.__name__, "")
    if len(inputs) > 1 or inputs[0].is_dir():
        return ""
    (name,) = list_photos(inputs)
    return name.suffix


def _edits_photos(op: Op, inputs: Sequence[Path]) -> bool:
    """Whether an op edits photos, each of which keeps its format."""
    if not op.one_by_one or not inputs:
        return False
    return len(inputs) > 1 or inputs[0].is_dir() or is_photo(inputs[0])


def _list_files(request: _Request) -> Iterator[Path]:
    """Yield the inputs and the options that are existing files, and the photos of folders."""
    options = [value for value in request.options.values() if isinstance(value, Path)]
    yield from (path for path in (*request.inputs, *options) if path.is_file())
    folders = [path for path in request.inputs if path.is_dir()]
    if request.op.one_by_one and folders:
        yield from list_photos(folders).values()


def _runs_code(request: _Request, path: Path) -> bool:
    """Whether the op runs the content of a file."""
    is_program = request.op.name in RUNS_CODE and path in request.inputs
    return is_program or path.suffix.lower() in (".py", ".pyw")


def _fingerprint(request: _Request) -> str:
    """Return what identifies the work before it runs: its record without what is decided later.

    The names of the files are part of it; the caller compares their content.
    """
    work = {name: value for name, value in request.options.items() if name not in _NOT_WORK}
    described = {
        "version": kinoloom.__version__,
        "op": request.op.name,
        "options": to_jsonable({name: work[name] for name in sorted(work)}),
        "inputs": [path.name for path in request.inputs],
        "suffix": request.output.suffix if request.output else None,
    }
    text = json.dumps(described, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _name_unit(request: _Request) -> str:
    """Return what the progress counts, in the plural; "" if it is not known."""
    if request.op.output_type.__name__ != "Clip":
        return ""
    return "photos" if _edits_photos(request.op, request.inputs) else "frames"


def _title(request: _Request) -> str:
    """Return "Interpolate a.png, b.png and 4 more (fps 60)"."""
    verb = request.op.name.replace(".", " ").replace("-", " ").capitalize()
    names = [path.name for path in request.inputs[:_MOST_NAMED]]
    more = len(request.inputs) - len(names)
    end = f" and {more} more" if more else ""
    own, *_ = request.sets.split(request.options)
    choices = [_describe_choice(name, value) for name, value in own.items()][:_MOST_NAMED]
    suffix = f" ({', '.join(choices)})" if choices else ""
    return f"{verb} {', '.join(names)}{end}".strip() + suffix


def _describe_choice(name: str, value: Any) -> str:
    words = name.strip("_").replace("_", " ")
    if isinstance(value, bool):
        return words if value else f"no {words}"
    if isinstance(value, float):
        return f"{words} {value:g}"
    return f"{words} {value.name if isinstance(value, Path) else value}"


def _job(request: _Request) -> Job:
    options, read, write, distributed = request.sets.split(request.options)
    return Job(
        request.op,
        request.inputs,
        request.output,
        options,
        read,
        write,
        distributed,
        request.report,
    )


def _name(tree: Tree, path: Path | None) -> str | None:
    return None if path is None else tree.name(path)


def _plain(value: Any) -> Any:
    """Return an option as JSON can hold it and its declaration parses it again."""
    return value if isinstance(value, (bool, int, str)) else str(value)
