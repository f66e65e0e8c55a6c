"""Implementation of the ops: model files in, a `Report` out."""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from kinoloom.base.notes import logger
from kinoloom.base.outputs import atomic_output, check_output, name_aside
from kinoloom.base.provenance import check_job_inputs
from kinoloom.base.report import Report, Table, Text
from kinoloom.errors import (
    InputChangedError,
    InputNotFoundError,
    MissingError,
    OutputExistsError,
    UnreadableMediaError,
    UsageError,
)
from kinoloom.runtime.array_files import read_array
from kinoloom.tiny import page, search_page
from kinoloom.tiny.api import CompiledProgram, compile_program
from kinoloom.tiny.codegen.board import measure_linked_size
from kinoloom.tiny.codegen.project import make_example_input, make_example_label
from kinoloom.tiny.evaluation import search
from kinoloom.tiny.evaluation.clipping import measure_clipping
from kinoloom.tiny.evaluation.examples import Examples, read_examples
from kinoloom.tiny.evaluation.fidelity import Fidelity, measure_fidelity
from kinoloom.tiny.evaluation.learning_curves import (
    LearningCurve,
    TrainingRun,
    open_learner,
    score_examples,
    trace_curve,
    trace_curves,
    train,
)
from kinoloom.tiny.evaluation.quality_warnings import warn_about_clipping, warn_about_test_set
from kinoloom.tiny.evaluation.search import Contributions
from kinoloom.tiny.evaluation.trials import Trials, count_trials, run_trials, train_finalists
from kinoloom.tiny.front.float_network import FloatNetwork
from kinoloom.tiny.front.pretrained import PRESETS, preset_scheme, read_pretrained
from kinoloom.tiny.front.read import read_archive
from kinoloom.tiny.front.torch_network import TorchNetwork
from kinoloom.tiny.ir.program import Array, Program
from kinoloom.tiny.options import (
    CompileOptions,
    FlashSizeOptions,
    ModelOptions,
    ReportOptions,
    SearchOptions,
    SimulateOptions,
)
from kinoloom.tiny.quantisation.quantise import quantise
from kinoloom.tiny.training.options import TrainingOptions
from kinoloom.tiny.training.scheme import (
    Scheme,
    Update,
    format_scheme,
    full_update,
    last_layers,
    parse_scheme,
)

UNLIMITED_BYTES = 2**62
EXAMPLE_LEARNING_RATE = 0.01
"""Learning rate of the example main."""


def read_program(model: Path, options: ModelOptions) -> Program:
    """Read the inference program of a model file; see `read_model`."""
    return read_model(model, options)[0]


def read_model(model: Path, options: ModelOptions) -> tuple[Program, FloatNetwork | None]:
    """Read a model file.

    Returns:
        (inference program, network in real numbers or None if the file is quantised).

    Raises:
        InputNotFoundError: A file does not exist.
        UsageError: The model has another format, or calibration inputs are missing.
    """
    if not model.is_file():
        raise InputNotFoundError(f"The file {model} does not exist.")
    if model.suffix == ".npz":
        if options.calibration is not None:
            raise UsageError(f"{model.name} is quantised already.", hint="Omit --calibration.")
        return read_pretrained(model, options.name, options.classes), None
    if model.suffix != ".pt2":
        raise UsageError(
            f"Unknown model format '{model.name}': expected .pt2 (torch.export.save) or .npz (an "
            "int8 network)."
        )
    if options.calibration is None:
        raise UsageError(
            "A .pt2 model needs calibration inputs.", hint="Add --calibration inputs.npy."
        )
    if options.classes is not None:
        raise UsageError(
            f"--classes is for .npz models; {model.name} has a head of its own.",
            hint="Omit --classes.",
        )
    network = read_archive(model, [x[None] for x in _read_inputs(options.calibration)])
    return quantise(network, options.name), network


def resolve_scheme(program: Program, name: str) -> Scheme:
    """Return the scheme of a value of --scheme.

    Raises:
        UsageError: The scheme does not fit the program.
        InputNotFoundError: The value is neither a scheme nor a file.
        UnreadableMediaError: The file is not text.
    """
    if name == "full":
        return full_update(program)
    if name == "head":
        return last_layers(program, 1)
    if name.startswith("last:") and name[5:].isdigit() and int(name[5:]) > 0:
        return last_layers(program, int(name[5:]))
    if name in PRESETS:
        return preset_scheme(program, name)
    path = Path(name)
    if not path.is_file():
        raise InputNotFoundError(
            f"Unknown scheme '{name}': expected full, head, last:N, {', '.join(PRESETS)} or a file."
        )
    try:
        return parse_scheme(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UnreadableMediaError(f"{path.name} is not a UTF-8 text file.") from error


def _compile_file(model: Path, options: ModelOptions) -> CompiledProgram:
    inference = read_program(model, options)
    return _compile(inference, resolve_scheme(inference, options.scheme), options, options.budget)


def _compile(
    inference: Program, scheme: Scheme, options: ModelOptions, budget: int
) -> CompiledProgram:
    training = TrainingOptions(options.loss, rounding=options.rounding)
    return compile_program(inference, options.loss, scheme=scheme, budget=budget, options=training)


def compile_model(model: Path, options: CompileOptions) -> Report:
    """Run `tiny compile`."""
    compiled = _compile_file(model, options)
    check_job_inputs()
    paths = compiled.write(options.out)
    data = {**page.summarise(compiled), "files": [str(path) for path in paths]}
    rows = tuple((path.name, path.stat().st_size) for path in paths)
    text = Text(
        f"{options.out}: {compiled.ram_bytes} bytes of RAM, {compiled.program.constant_bytes} "
        f"bytes of constants. Build and run it with: make -C {options.out} run-host"
    )
    return Report(
        f"{options.name}: generated project", (text, Table(("file", "bytes"), rows)), data
    )


def report_memory(model: Path, options: ReportOptions) -> Report:
    """Run `tiny report`."""
    inference, network = read_model(model, options)
    scheme = resolve_scheme(inference, options.scheme)
    compiled = _compile(inference, scheme, options, options.budget)
    examples, warnings = None, []
    if options.examples is not None:
        examples = read_examples(options.examples, inference, options.loss)
        warnings = _check_ranges(inference, network, examples, options.examples)
    reference = TorchNetwork(network, options.loss) if network else None
    fidelity = _measure_fidelity(inference, reference, options, examples) if reference else None
    curves = _trace_curves(compiled, scheme, reference, options, examples) if examples else ()
    if examples is not None and examples.classes:
        warnings += _check_test_set(fidelity, curves, len(examples.x_test))
    test_size = len(examples.x_test) if examples is not None else 0
    measurements = page.Measurements(fidelity, curves, test_size, tuple(warnings))
    return page.build_report(compiled, scheme, options.loss, measurements)


def _check_ranges(
    inference: Program, network: FloatNetwork | None, examples: Examples, source: Path
) -> list[str]:
    """Log and return warnings about ranges that are too narrow for the held-out examples."""
    shares = measure_clipping(inference, network, examples.x_test)
    return _log(warn_about_clipping(shares, source.name))


def _check_test_set(
    fidelity: Fidelity | None, curves: Sequence[LearningCurve], size: int
) -> list[str]:
    """Log and return warnings about a test set that is too small for the comparisons."""
    before = fidelity.accuracies if fidelity is not None else {}
    after = {c.name: c.scores[-1].accuracy for c in curves}
    trained = {name: accuracy for name, accuracy in after.items() if accuracy is not None}
    groups = [group for group in (before, trained) if group]
    return _log([text for group in groups for text in warn_about_test_set(group, size)])


def _log(warnings: list[str]) -> list[str]:
    for text in warnings:
        logger.warning(text)
    return warnings


def _measure_fidelity(
    inference: Program, reference: TorchNetwork, options: ReportOptions, examples: Examples | None
) -> Fidelity:
    """Compare with float32 on held-out examples, or without these on the calibration inputs."""
    if examples is not None:
        inputs, labels = examples.x_test, examples.y_test if examples.classes else None
    else:
        assert options.calibration is not None
        inputs, labels = _read_inputs(options.calibration), None
    outputs = [reference.forward(x) for x in inputs]
    return measure_fidelity(inference, list(inputs), outputs, labels)


def _trace_curves(
    compiled: CompiledProgram, scheme: Scheme, reference: TorchNetwork | None,
    options: ReportOptions, examples: Examples,
) -> tuple[LearningCurve, ...]:  # fmt: skip
    """Trace learning curves of all layers, the last layer, the scheme, and float32."""
    if not len(examples.x):
        return ()
    inference, run = compiled.inference, TrainingRun(options.learning_rate, options.epochs)
    schemes = {"all layers": full_update(inference), "last layer": last_layers(inference, 1)}
    methods = {
        name: _compile(inference, one, options, UNLIMITED_BYTES) for name, one in schemes.items()
    }
    if scheme not in schemes.values():
        methods[f"scheme {Path(options.scheme).name}"] = compiled
    curves = trace_curves(methods.items(), examples, run)
    if reference is not None:
        curves.append(trace_curve("all layers, float32", reference, None, examples, run))
    return tuple(curves)


def simulate_model(model: Path, options: SimulateOptions) -> Report:
    """Run `tiny simulate`."""
    compiled = _compile_file(model, options)
    program, device = compiled.program, compiled.simulator()
    losses = []
    for step in range(options.steps):
        x, label = make_example_input(program, step), make_example_label(program, step)
        losses.append(device.train_step(x, label, EXAMPLE_LEARNING_RATE))
    crc = struct.unpack("<I", device.export()[-4:])[0]
    loss_bits = struct.unpack("<I", struct.pack("<f", losses[-1]))[0]
    expected = f"loss {loss_bits:08x}\ncrc {crc:08x}"
    text = Text(
        f"Loss {losses[0]:.4f} at the first step, {losses[-1]:.4f} at step {options.steps} of the "
        "example main. A board must print exactly:"
    )
    data = {
        **page.summarise(compiled),
        "losses": losses,
        "loss": f"{loss_bits:08x}",
        "crc": f"{crc:08x}",
    }
    return Report(f"{options.name}: simulation", (text, Text(expected, preformatted=True)), data)


def search_scheme(model: Path, options: SearchOptions) -> Report:
    """Run `tiny search`.

    Raises:
        UsageError: There are no training examples.
        OutputExistsError: The scheme file exists.
        InputChangedError: A file of the job changed; the scheme is kept under another name.
    """
    if options.examples is None:
        raise UsageError("A search needs labelled examples.", hint="Add --examples examples.npz.")
    if os.path.lexists(options.scheme_file):
        raise OutputExistsError(
            f"{options.scheme_file} already exists.", hint="Choose another --scheme-file."
        )
    check_output(options.scheme_file, overwrite=False)
    inference, network = read_model(model, options)
    examples = read_examples(options.examples, inference, options.loss)
    if not len(examples.x):
        raise UsageError(
            f"{options.examples.name} has no training examples.", hint="Add arrays x and y."
        )
    warnings = _check_ranges(inference, network, examples, options.examples)
    seeds, fresh = range(options.repeats), range(options.repeats, 2 * options.repeats)
    trials = run_trials(
        inference, partial(_score_and_log, count(1), inference, options, examples, seeds)
    )
    finalists = train_finalists(
        _propose_schemes(inference, trials, options),
        partial(_score, inference, options, examples, fresh),
    )
    findings = search_page.Findings(trials, tuple(finalists), len(examples.x_test), tuple(warnings))
    try:
        check_job_inputs()
    except InputChangedError as error:
        aside = name_aside(options.scheme_file)
        _write_scheme(findings, aside)
        raise error.with_kept(f"The scheme that was found is kept as {aside}.") from error
    _write_scheme(findings, options.scheme_file)
    return search_page.build_report(findings, options)


def _propose_schemes(
    inference: Program, trials: Trials, options: SearchOptions
) -> list[search.SearchResult]:
    """Find the best schemes for no contributions, the distinguishable ones, and all."""
    none = Contributions(0.0, (0.0,) * (len(trials.biases) + 1), {})
    return [
        _find_scheme(inference, contributions, options)
        for contributions in (
            none, trials.distinguishable_contributions(), trials.contributions(),
        )
    ]  # fmt: skip


def _find_scheme(
    inference: Program, contributions: Contributions, options: SearchOptions
) -> search.SearchResult:
    if options.method == "exact":
        return search.search_scheme(inference, contributions, options.budget, options.loss)
    return search.evolve_scheme(inference, contributions, options.budget, loss=options.loss)


def _write_scheme(findings: search_page.Findings, path: Path) -> None:
    scheme = findings.selected.result.scheme
    head = f"# {findings.summarise()}\n# layer, bias or -, ratio of trained weights"
    text = "\n".join([head, *format_scheme(scheme), ""])
    with atomic_output(path, overwrite=False) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _score_and_log(
    numbers: Iterator[int], inference: Program, options: SearchOptions, examples: Examples,
    seeds: range, scheme: dict[str, Update],
) -> Array:  # fmt: skip
    """Score a scheme and log the progress of the search."""
    number, total = next(numbers), count_trials(inference)
    if number % 10 == 1:
        logger.info("candidate %d of %d", number, total)
    return _score(inference, options, examples, seeds, scheme)


def _score(
    inference: Program, options: SearchOptions, examples: Examples, seeds: range,
    scheme: dict[str, Update],
) -> Array:  # fmt: skip
    """Train a scheme with each seed and return its scores (repeats, examples)."""
    compiled = _compile(inference, scheme, options, UNLIMITED_BYTES)
    scores = []
    with open_learner(compiled, "-O1") as learner:
        for seed in seeds:
            learner.init(seed + 1)
            train(learner, examples, TrainingRun(options.learning_rate, options.epochs, seed))
            scores.append(score_examples(learner, examples))
    return np.array(scores)


def measure_flash(model: Path, options: FlashSizeOptions) -> Report:
    """Run `tiny flash-size`.

    Raises:
        MissingError: The cross compiler is not installed.
        ExecutionError: The build fails, or the project does not fit the board.
    """
    if shutil.which("arm-none-eabi-gcc") is None:
        raise MissingError(
            "arm-none-eabi-gcc is not installed.",
            hint="On Debian: apt install gcc-arm-none-eabi. RAM alone: kinoloom tiny report.",
        )
    compiled = _compile_file(model, options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compiled.write(folder)
        flash, ram = measure_linked_size(folder, options.core)
    data = {**page.summarise(compiled), "flash_bytes": flash, "linked_ram_bytes": ram}
    rows = (("flash", flash, 2**20), ("RAM without stack", ram, 2**18))
    text = Text(f"{flash} bytes of flash and {ram} bytes of RAM as linked, with the example main.")
    table = Table(("memory", "bytes", "size of the board"), rows)
    return Report(f"{options.name} on a Cortex-{options.core.upper()}", (text, table), data)


def _read_inputs(path: Path) -> Array:
    if not path.is_file():
        raise InputNotFoundError(f"The file {path} does not exist.")
    try:
        array: Array = read_array(path)
    except (ValueError, OSError) as error:
        raise UnreadableMediaError(f"{path.name} is not a .npy array of numbers.") from error
    if array.dtype.kind not in "biuf" or array.ndim < 2 or not array.size:
        raise UnreadableMediaError(f"{path.name} must contain one array (N, ...) of numbers.")
    return array
