"""Random small networks and random update schemes, without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kinoloom.tiny.ir.program import Geometry, Program, Quant
from kinoloom.tiny.quantisation.lower import Builder, ConvValues, OutputSpec
from kinoloom.tiny.quantisation.lower_sequence import add_matmul
from kinoloom.tiny.training.options import TrainingOptions
from kinoloom.tiny.training.scheme import Scheme, Update, collect_convs

CLASSES = 3
KINDS = [
    "dense", "dense", "pointwise", "depthwise", "grouped", "max", "mean", "scale", "concat", "gate",
    "squeeze",
]  # fmt: skip


def random_program(seed: int) -> Program:
    """Return a chain of two to six random layers, with residual sums where they fit, and a head."""
    maker = _RandomBuilder(Builder("net"), np.random.default_rng(seed))
    return maker.run()


def random_chain(seed: int) -> Program:
    """Return a chain of two to five convolutions, many depthwise, with average pooling and a head.

    Ranges are chosen so that few values are clamped, so any error reaches the output.
    """
    maker = _RandomBuilder(Builder("net"), np.random.default_rng(seed))
    random, builder = maker.random, maker.builder
    shape = (int(random.integers(1, 6)), *(int(n) for n in random.integers(6, 17, size=2)))
    builder.add_input("x", shape, Quant(0.02, int(random.integers(-128, 128))))
    name = "x"
    for i in range(int(random.integers(2, 6))):
        before, name = name, f"layer{i}"
        kind = str(random.choice(["dense", "pointwise", "pointwise", "depthwise", "depthwise"]))
        g = maker.window(builder.tensors[before].shape, kind)
        scale = builder.quant(before).scale * 5e-3 * 73 * 73 / 60 * g.fan_in**0.5
        result = OutputSpec(Quant(scale, int(random.integers(-30, 31))))
        builder.add_conv(name, before, g, maker.values(g), result)
    return maker.add_head(name)


def random_scheme(program: Program, seed: int) -> Scheme:
    """Return a random scheme that trains something; the head may be frozen."""
    random = np.random.default_rng(seed)
    scheme = {}
    for op in collect_convs(program):
        ratio = float(random.choice([0.0, 0.3, 0.5, 1.0]))
        if random.random() < 0.7:
            scheme[op.layer] = Update(bool(random.random() < 0.7) or not ratio, ratio)
    return scheme or {"head": Update(ratio=1.0)}


def random_options(seed: int) -> TrainingOptions:
    """Return a random loss and rounding."""
    random = np.random.default_rng(seed)
    loss, rounding = random.integers(2, size=2)
    return TrainingOptions(
        "mse" if loss else "cross-entropy", rounding="residual" if rounding else "stochastic"
    )


@dataclass
class _RandomBuilder:
    builder: Builder
    random: np.random.Generator

    def run(self) -> Program:
        builder, random = self.builder, self.random
        shape = (int(random.integers(1, 5)), *(int(n) for n in random.integers(4, 11, size=2)))
        builder.add_input("x", shape, Quant(0.02, int(random.integers(-128, 128))))
        name = "x"
        for i in range(int(random.integers(2, 7))):
            before, name = name, f"layer{i}"
            self._layer(name, before)
            if builder.tensors[before].shape == builder.tensors[name].shape and i % 2:
                builder.add_sum(f"sum{i}", before, name, self.result())
                name = f"sum{i}"
        return self.add_head(name)

    def add_head(self, name: str) -> Program:
        """Add an average pooling and a head, and return the program."""
        builder = self.builder
        c, h, w = builder.tensors[name].shape
        window = Geometry(c, h, w, c, 1, 1, h, w)
        builder.add_average_pool("mean", name, window, h * w, OutputSpec(Quant(0.02, -3)))
        head = Geometry(c, 1, 1, CLASSES, 1, 1, 1, 1)
        builder.add_conv("head", "mean", head, self.values(head), None)
        return builder.build("x", "head")

    def result(self) -> OutputSpec:
        """Return a random scale and clamp."""
        random = self.random
        low, high = sorted(int(n) for n in random.choice([-128, -60, 0, 90, 127], 2, replace=False))
        scale = float(random.uniform(0.01, 0.05))
        return OutputSpec(Quant(scale, int(random.integers(-128, 128))), low, high)

    def values(self, g: Geometry) -> ConvValues:
        """Return random weights."""
        random = self.random
        weight = random.integers(-127, 128, (g.cout, g.cin // g.groups, g.kh, g.kw))
        bias, scales = random.integers(-2000, 2000, g.cout), random.uniform(1e-3, 1e-2, g.cout)
        return ConvValues(weight, bias, scales)

    def _layer(self, name: str, x: str) -> None:
        builder, random = self.builder, self.random
        shape = builder.tensors[x].shape
        kind = str(random.choice(KINDS))
        g = self.window(shape, kind)
        if kind == "scale":
            builder.add_rescale(name, x, shape, self.result())
        elif kind == "concat":
            joined = (2 * shape[0], *shape[1:])
            builder.add_concat(name, (x, x), joined, self.result())
        elif kind == "gate":
            self._product(name, x, x, (shape[0] * shape[1] * shape[2], 1))
        elif kind == "squeeze":
            whole = Geometry(shape[0], *shape[1:], shape[0], 1, 1, *shape[1:])
            builder.add_average_pool(f"{name}_mean", x, whole, shape[1] * shape[2], self.result())
            self._product(name, x, f"{name}_mean", (shape[0], shape[1] * shape[2]))
        elif kind == "max":
            builder.add_max_pool(name, x, g)
        elif kind == "mean":
            builder.add_average_pool(name, x, g, g.kh * g.kw, self.result())
        else:
            builder.add_conv(name, x, g, self.values(g), self.result())

    def _product(self, name: str, x: str, by: str, counts: tuple[int, int]) -> None:
        """Multiply x by a broadcast value `by`, in random order; counts are (heads, others)."""
        heads, rest = counts
        first = bool(self.random.random() < 0.5)
        wide, narrow = (0, rest, 1, 0), (0, 1, 0, 0)
        if first:
            factors, places, sizes = (x, by), (wide, narrow), (heads, rest, 1, 1)
        else:
            factors, places, sizes = (by, x), (narrow, (0, rest, 0, 1)), (heads, 1, rest, 1)
        add_matmul(self.builder, name, factors, sizes, places, self.result())

    def window(self, shape: tuple[int, ...], kind: str) -> Geometry:
        """Return a random geometry for a layer of a kind."""
        c, h, w = shape
        out, groups = int(self.random.integers(1, 9)), 1
        if kind in ("depthwise", "max", "mean"):
            out, groups = c, c if kind == "depthwise" else 1
        elif kind == "grouped" and c % 2 == 0:
            out, groups = 2 * out, 2
        whole = Geometry(c, h, w, out, h, w, 1, 1, groups=groups)
        if kind == "pointwise":
            return whole
        kh, kw, sy, sx, dy, dx = (int(n) for n in self.random.integers(1, [5, 5, 3, 3, 3, 3]))
        py, px = kh // 2, kw // 2
        oh = (h + 2 * py - dy * (kh - 1) - 1) // sy + 1
        ow = (w + 2 * px - dx * (kw - 1) - 1) // sx + 1
        geometry = replace(
            whole, oh=oh, ow=ow, kh=kh, kw=kw, sy=sy, sx=sx, py=py, px=px, dy=dy, dx=dx
        )  # fmt: skip
        fits = oh >= 1 and ow >= 1 and not (kind == "max" and geometry.has_empty_window)
        return geometry if fits else whole
