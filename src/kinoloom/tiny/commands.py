"""The work of the ops: files in, a `Report` out."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from kinoloom.base.notes import logger
from kinoloom.base.outputs import check_output, whole_file
from kinoloom.base.report import Report, Table, Text
from kinoloom.errors import (
    ExecutionError,
    InputNotFoundError,
    MissingError,
    OutputExistsError,
    UnreadableMediaError,
    UsageError,
)
from kinoloom.tiny import page
from kinoloom.tiny.accuracy import Agreement, agreement
from kinoloom.tiny.api import Compiled, compile_program
from kinoloom.tiny.autodiff import TrainingOptions
from kinoloom.tiny.codegen.model import image_of
from kinoloom.tiny.codegen.project import example_input, example_label
from kinoloom.tiny.examples import Examples, read_examples
from kinoloom.tiny.floats import Network
from kinoloom.tiny.front.float_net import FloatNet
from kinoloom.tiny.front.read import read_archive
from kinoloom.tiny.ir import Array, Program
from kinoloom.tiny.learning import Course, Curve, curve, curves, on_device, score, train
from kinoloom.tiny.options import (
    CompileOptions,
    FlashSizeOptions,
    ModelOptions,
    ReportOptions,
    SearchOptions,
    SimulateOptions,
)
from kinoloom.tiny.pretrained import PRESETS, preset_scheme, read_pretrained
from kinoloom.tiny.quantise import quantise
from kinoloom.tiny.scheme import Scheme, Update, full_update, last_layers, lines, parse
from kinoloom.tiny.search import Contributions, candidates, evolve, measure
from kinoloom.tiny.search import search as exact


def inference_of(model: Path, options: ModelOptions) -> Program:
    """The inference program of a model file; see `source_of`."""
    return source_of(model, options)[0]


def source_of(model: Path, options: ModelOptions) -> tuple[Program, Network | None]:
    """The inference program of a model file, and the network in real numbers where it has one.

    Raises:
        InputNotFoundError: a file is missing.
        UsageError: the model is of another kind, or lacks inputs to calibrate with.
    """
    if not model.is_file():
        raise InputNotFoundError(f"There is no file {model}.")
    if model.suffix == ".npz":
        if options.inputs_file is not None:
            raise UsageError(f"{model.name} is quantised already: leave --inputs-file out.")
        return read_pretrained(model, options.name, options.classes), None
    if model.suffix != ".pt2":
        raise UsageError(
            f"{model.name} is neither a .pt2 (torch.export.save) nor a .npz of an int8 network."
        )
    if options.inputs_file is None:
        raise UsageError("A .pt2 has to be calibrated.", hint="Give --inputs-file inputs.npy.")
    if options.classes is not None:
        raise UsageError(
            f"--classes makes a new head for an int8 network of .npz; {model.name} has its own."
        )
    network = read_archive(model, [x[None] for x in _array(options.inputs_file)])
    return quantise(network, options.name), network


def scheme_named(program: Program, words: str) -> Scheme:
    """The scheme that --scheme means.

    Raises:
        UsageError: it means none.
        InputNotFoundError: there is no such file.
    """
    if words == "full":
        return full_update(program)
    if words == "head":
        return last_layers(program, 1)
    if words.startswith("last:") and words[5:].isdigit() and int(words[5:]) > 0:
        return last_layers(program, int(words[5:]))
    if words in PRESETS:
        return preset_scheme(program, words)
    path = Path(words)
    if not path.is_file():
        raise InputNotFoundError(
            f"'{words}' is no scheme and no file.",
            hint=f"Say full, head, last:N, a file, or one of {', '.join(PRESETS)}.",
        )
    return parse(path.read_text(encoding="utf-8"))


def compiled(model: Path, options: ModelOptions) -> tuple[Compiled, Scheme]:
    """A model file compiled as the options say."""
    inference = inference_of(model, options)
    scheme = scheme_named(inference, options.scheme)
    return _compile(inference, scheme, options, options.budget), scheme


def _compile(inference: Program, scheme: Scheme, options: ModelOptions, budget: int) -> Compiled:
    how = TrainingOptions(options.loss, rounding=options.rounding)
    return compile_program(inference, options.loss, scheme=scheme, budget=budget, options=how)


def compile_files(model: Path, options: CompileOptions) -> Report:
    """`tiny compile`."""
    made, _ = compiled(model, options)
    written = made.write(options.folder)
    data = {**page.facts(made), "files": [str(path) for path in written]}
    rows = tuple((path.name, path.stat().st_size) for path in written)
    text = Text(
        f"{options.folder}: {made.ram_bytes} bytes of RAM, {made.program.constant_bytes} bytes of "
        f"constants. Build it with: make -C {options.folder} run-host"
    )
    return Report(f"{options.name}: compiled", (text, Table(("file", "bytes"), rows)), data)


def memory_report(model: Path, options: ReportOptions) -> Report:
    """`tiny report`."""
    inference, network = source_of(model, options)
    scheme = scheme_named(inference, options.scheme)
    made = _compile(inference, scheme, options, options.budget)
    examples = None
    if options.examples is not None:
        examples = read_examples(options.examples, inference, options.loss)
    net = FloatNet(network, options.loss) if network else None
    agreed = _agreement(inference, net, options, examples) if net else None
    learned = _curves(made, scheme, net, options, examples) if examples else ()
    return page.report(made, scheme, options.loss, page.Findings(agreed, learned))


def _agreement(
    inference: Program, net: FloatNet, options: ReportOptions, examples: Examples | None
) -> Agreement:
    """The quantised network beside the real one, on held-out examples or those of calibration."""
    if examples is not None:
        inputs, labels = examples.x_test, examples.y_test if examples.classes else None
    else:
        assert options.inputs_file is not None
        inputs, labels = _array(options.inputs_file), None
    return agreement(inference, list(inputs), [net.forward(x) for x in inputs], labels)


def _curves(
    made: Compiled, scheme: Scheme, net: FloatNet | None, options: ReportOptions,
    examples: Examples,
) -> tuple[Curve, ...]:  # fmt: skip
    """How well is learned: all trained, what was chosen, the last layer, and in float32."""
    if not len(examples.x):
        return ()
    inference, course = made.inference, Course(options.rate, options.epochs)
    schemes = {"all trained": full_update(inference), "last layer": last_layers(inference, 1)}
    ways = {name: _compile(inference, one, options, 2**62) for name, one in schemes.items()}
    if scheme not in schemes.values():
        ways[f"chosen: {Path(options.scheme).name}"] = made
    found = curves(ways.items(), examples, course)
    if net is not None:
        found.append(curve("all trained, float32", net, None, examples, course))
    return tuple(found)


def simulated(model: Path, options: SimulateOptions) -> Report:
    """`tiny simulate`."""
    made, _ = compiled(model, options)
    device = made.simulator()
    losses = [
        device.train_step(
            example_input(made.program, step), example_label(made.program, step), 0.01
        )
        for step in range(options.steps)
    ]
    crc = struct.unpack("<I", image_of(made.program, device.memory.params)[-4:])[0]
    bits = struct.unpack("<I", struct.pack("<f", losses[-1]))[0]
    told = f"loss {bits:08x}\ncrc {crc:08x}"
    words = Text(
        f"The loss is {losses[0]:.4f} at first and {losses[-1]:.4f} after {options.steps} steps of "
        "the example main. A board must print these lines, bit for bit:"
    )
    data = {**page.facts(made), "losses": losses, "loss": f"{bits:08x}", "crc": f"{crc:08x}"}
    return Report(f"{options.name}: simulated", (words, Text(told, preformatted=True)), data)


def searched(model: Path, options: SearchOptions) -> Report:
    """`tiny search`.

    Raises:
        UsageError: there are no examples to train on.
    """
    if options.examples is None:
        raise UsageError("A search needs examples.", hint="Give --examples examples.npz.")
    if options.scheme_file.exists():
        raise OutputExistsError(
            f"{options.scheme_file} exists already.", hint="Choose another --scheme-file."
        )
    check_output(options.scheme_file, overwrite=False)
    inference = inference_of(model, options)
    examples = read_examples(options.examples, inference, options.loss)
    if not len(examples.x):
        raise UsageError(f"{options.examples.name} has no x and y to learn from.")
    given = measure(inference, partial(_counted, count(1), inference, options, examples))
    if options.method == "exact":
        found = exact(inference, given, options.budget, options.loss)
    else:
        found = evolve(inference, given, options.budget, loss=options.loss)
    head = f"# {found.ram_bytes} bytes of RAM, sum of contributions {found.gain:.4f}"
    text = "\n".join([head, "# layer, bias or -, part of the weights", *lines(found.scheme), ""])
    with whole_file(options.scheme_file, overwrite=False) as temporary:
        temporary.write_text(text, encoding="utf-8")
    rows = tuple((n, "trained" if u.bias else "", u.ratio) for n, u in found.scheme.items())
    data = {
        "ram_bytes": found.ram_bytes,
        "gain": found.gain,
        "plans": found.plans,
        "base": given.base,
        "gains_of_biases": list(given.biases),
        "gains_of_weights": {f"{n} {r:g}": gain for (n, r), gain in given.weights.items()},
        "scheme": {name: [u.bias, u.ratio] for name, u in found.scheme.items()},
    }
    sections = (
        Text(
            f"{head[2:]}. Written to {options.scheme_file}; use it with --scheme "
            f"{options.scheme_file}."
        ),
        Table(("layer", "bias", "part of the weights"), rows, title="What to train"),
        *_contributions(given),
    )
    return Report(f"{options.name}: what to train", sections, data)


def _contributions(given: Contributions) -> tuple[Table, Table]:
    """What each bias and each part of the weights gains over the head alone."""
    biases = tuple((f"last {k}", f"{gain:+.4f}") for k, gain in enumerate(given.biases) if k)
    layers = dict.fromkeys(name for name, _ in given.weights)
    ratios = sorted({ratio for _, ratio in given.weights})
    weights = tuple((n, *(f"{given.weights[n, r]:+.4f}" for r in ratios)) for n in layers)
    return (
        Table(("biases before the head", "gain"), biases, title="Gain of training biases"),
        Table(
            ("layer", *(f"{r:g}" for r in ratios)),
            weights,
            title="Gain of training weights, by part",
        ),
    )


def _counted(
    numbers: Iterator[int], inference: Program, options: SearchOptions, examples: Examples,
    scheme: dict[str, Update],
) -> float:  # fmt: skip
    """`_score`, and a word about how far the search is."""
    number, total = next(numbers), candidates(inference)
    if number % 10 == 1:
        logger.info("candidate %d of %d", number, total)
    return _score(inference, options, examples, scheme)


def _score(
    inference: Program, options: SearchOptions, examples: Examples, scheme: dict[str, Update]
) -> float:
    """Accuracy after training by a scheme in the generated C; of targets, less the loss."""
    made = _compile(inference, scheme, options, 2**62)
    with on_device(made, "-O1") as learner:
        train(learner, examples, Course(options.rate, options.epochs))
        found = score(learner, examples)
    return -found.loss if found.accuracy is None else found.accuracy


def linked_size(model: Path, options: FlashSizeOptions) -> Report:
    """`tiny flash-size`.

    Raises:
        MissingError: the cross compiler is not installed.
        ExecutionError: it does not build, or does not fit.
    """
    if shutil.which("arm-none-eabi-gcc") is None:
        raise MissingError(
            "arm-none-eabi-gcc is not installed.",
            hint="On Debian: apt install gcc-arm-none-eabi; or see RAM with: kinoloom tiny report.",
        )
    made, _ = compiled(model, options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made.write(folder)
        flash, ram = sizes(folder, options.core)
    data = {**page.facts(made), "flash_bytes": flash, "linked_ram_bytes": ram}
    rows = (("flash", flash, 2**20), ("RAM, without the stack", ram, 2**18))
    words = Text(f"{flash} bytes of flash and {ram} of RAM, with the example main, as linked.")
    table = Table(("memory", "bytes", "the board has"), rows)
    return Report(f"{options.name} on a Cortex-{options.core.upper()}", (words, table), data)


def sizes(folder: Path, core: str) -> tuple[int, int]:
    """Bytes of flash and of static RAM of a project built for a core.

    Raises:
        ExecutionError: it does not build, or does not fit.
    """
    done = subprocess.run(["make", "-s", core], cwd=folder, capture_output=True, text=True)
    over = re.search(r"region `(\w+)' overflowed by (\d+) bytes", done.stderr)
    if over:
        raise ExecutionError(
            f"The project does not fit the board of {core}: {over[2]} bytes too much for its "
            f"{over[1]}.",
            hint="Train fewer layers, or use another linker script.",
        )
    if done.returncode:
        raise ExecutionError(f"The project does not build for {core}: {done.stderr[:2000]}")
    line = ["arm-none-eabi-size", f"{core}.elf"]
    told = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True).stdout
    text, data, bss = (int(word) for word in told.splitlines()[1].split()[:3])
    return text + data, data + bss


def _array(path: Path) -> Array:
    if not path.is_file():
        raise InputNotFoundError(f"There is no file {path}.")
    try:
        array: Array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UnreadableMediaError(f"{path.name} is no .npy of an array of numbers.") from error
    numbers = isinstance(array, np.ndarray) and array.dtype.kind in "biuf"
    if not numbers or array.ndim < 2 or not len(array):
        raise UnreadableMediaError(f"{path.name} must hold one array (N, ...) of inputs.")
    return array
