"""Generation of `model.h` and `model.c`."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from string import Template

from kinoloom.tiny import arithmetic
from kinoloom.tiny.codegen.rules import RULES
from kinoloom.tiny.codegen.text import (
    KERNELS,
    c_type,
    collect_kernels,
    drop_unused,
    float_literal,
    format_array,
)
from kinoloom.tiny.codegen.writer import Writer
from kinoloom.tiny.image import MAGIC, OLD_MAGIC, compute_fingerprint, image_bytes
from kinoloom.tiny.ir.program import Program
from kinoloom.tiny.ir.stream_ops import Stream
from kinoloom.tiny.planning.arena import Plan


@dataclass(frozen=True)
class Sources:
    """The text of a generated program: `model.h` and `model.c`."""

    header: str
    source: str


def generate_sources(program: Program, plan: Plan) -> Sources:
    """Generate the C code of a program with the memory layout of a plan."""
    writer = Writer(program, plan)
    for op in program.ops:
        writer.add_op(op, *RULES[type(op)](writer, op))
    for name in program.initial:
        writer.tables[f"{name}_initial"] = format_array(f"{name}_initial", program.initial[name])
    used = {*writer.used, "base"}
    if program.initial:
        used.add("crc")
    if program.label:
        used.add("update")
    head = (KERNELS / "model.h.in").read_text(encoding="utf-8")
    body = (KERNELS / "model.c.in").read_text(encoding="utf-8")
    values = _template_values(writer)
    source = _fill_template(body, {**values, "constants": "", "kernels": ""}, program)
    values["kernels"] = "\n\n".join(collect_kernels(used, source))
    values["constants"] = "\n".join(
        drop_unused(
            re.split(r"\n(?=#)", f"{format_constants()}\n{_format_max_stages(program)}"),
            values["kernels"] + source,
        )
    )
    return Sources(_fill_template(head, values, program), _fill_template(body, values, program))


def _fill_template(text: str, values: dict[str, str], program: Program) -> str:
    """Fill a template; drop the lines between `//if CONDITION` and `//end` if it does not hold."""
    lines, keep = [], True
    for line in text.splitlines():
        if line.startswith("//if "):
            keep = {"training": bool(program.label), "trained": bool(program.initial)}[line[5:]]
        elif line.startswith("//end"):
            keep = True
        elif keep:
            lines.append(line)
    return Template("\n".join(lines) + "\n").substitute(values)


def _template_values(w: Writer) -> dict[str, str]:
    program, tensors = w.program, w.program.tensors
    step = [line for lines in w.lines[program.inference :] for line in lines]
    inference = [line for lines in w.lines[: program.inference] for line in lines]
    label = tensors.get(program.label)
    of_class = label is not None and label.dtype == "int32"
    return {
        "name": program.name,
        "NAME": program.name.upper(),
        "input_count": str(tensors[program.input].size),
        "input_shape": " x ".join(str(n) for n in tensors[program.input].shape),
        "input_scale": float_literal(program.quant(program.input).scale),
        "input_scale_plain": f"{program.quant(program.input).scale:.6g}",
        "input_zero": str(program.quant(program.input).zero),
        "output_count": str(tensors[program.output].size),
        "arena_bytes": str(w.plan.peak),
        "param_bytes": str(program.param_bytes),
        "ram_bytes": str(w.plan.peak + program.param_bytes),
        "constant_bytes": str(program.constant_bytes + program.param_bytes),
        "does": "inference and training" if program.label else "inference",
        "outputs": "logits" if of_class else "of the last layer",
        "bad_label": "out of range" if of_class else "null",
        "label_text": _label_text(program),
        "image_bytes": str(image_bytes(program)),
        "old_image_bytes": str(image_bytes(program, OLD_MAGIC)),
        "magic": f"0x{int.from_bytes(MAGIC, 'little'):08X}u",
        "old_magic": f"0x{int.from_bytes(OLD_MAGIC, 'little'):08X}u",
        "label_type": "int32_t " if of_class else "const float *",
        "check_label": _check_label(program) if of_class else "label == 0",
        "params": "\n".join(
            f"static {c_type(t.dtype)} {t.name}[{t.size}];" for t in program.params
        ),
        "tables": "\n".join(w.tables.values()),
        "input": w.ptr(program.input),
        "output": w.ptr(program.output),
        "inference": "\n".join(inference),
        "step": "\n".join(step),
        "initialise": "\n".join(
            f"    COPY({t.name}, {t.name}_initial, {t.size});" for t in program.params
        ),
        "fingerprint": f"0x{compute_fingerprint(program):08X}u",
        "export": "\n".join(_transfer(program, "PUT")),
        "import": "\n".join(_transfer(program, "GET")),
    }


def _check_label(program: Program) -> str:
    return f"label < 0 || label >= {program.tensors[program.output].size}"


def _label_text(program: Program) -> str:
    name = program.name.upper()
    if program.label and program.tensors[program.label].dtype == "int32":
        return f"the class, 0..{name}_OUTPUT_COUNT - 1"
    return f"the target, {name}_OUTPUT_COUNT values"


def _transfer(program: Program, macro: str) -> list[str]:
    return [
        f"    {macro}({t.name}, {t.size}, {c_type(t.dtype)}, u{c_type(t.dtype)});"
        for t in program.params
    ]


def _format_max_stages(program: Program) -> str:
    """Define the number of stages of the longest stream."""
    lengths = [len(op.convs) for op in program.ops if isinstance(op, Stream)]
    return f"#define KL_MAX_STAGES {max(lengths, default=0)}"


def format_constants() -> str:
    """Define the constants that the simulator and the kernels share."""
    powers = [1 / 9, 1 / 7, 1 / 5, 1 / 3, 1.0]
    values = {
        "KL_EXP_TERMS": ", ".join(float_literal(v) for v in arithmetic.EXP_COEFFICIENTS),
        "KL_LOG_TERMS": ", ".join(float_literal(v) for v in powers),
        "KL_LOG2_E": float_literal(1.44269504),
        "KL_LN2_HIGH": float_literal(arithmetic.LN2_HIGH),
        "KL_LN2_LOW": float_literal(arithmetic.LN2_LOW),
        "KL_SQRT_2": float_literal(1.41421356),
        **{f"KL_2_POW_M{n}": float_literal(2.0**-n) for n in (7, 8, 11, 15, 24)},
        "KL_GATES": ", ".join(str(v) for v in arithmetic.SIGMOID_TABLE),
        "KL_GATE_LIMIT": str(arithmetic.GATE_LIMIT),
    }
    return "\n".join(f"#define {name} {_wrap_macro(value)}" for name, value in values.items())


def _wrap_macro(value: str) -> str:
    """Wrap the value of a macro with line continuations."""
    lines = textwrap.wrap(value, 88)
    return value if len(lines) == 1 else "".join(f" \\\n    {line}" for line in lines).lstrip()
