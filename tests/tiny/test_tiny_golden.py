"""The C of three tiny networks, as files: a change of the generator shows what it changes.

    python tests/tiny/test_tiny_golden.py      # writes them anew; read the difference

A golden file holds the header and what follows the kernels, which are plain C files themselves.
"""

from pathlib import Path

import numpy as np
import pytest

from kinoloom.tiny.api import CompiledProgram, compile_program
from kinoloom.tiny.ir.program import Geometry, Program, Quant
from kinoloom.tiny.quantisation.lower import Builder, ConvValues, OutputSpec
from kinoloom.tiny.training.scheme import Scheme, Update

GOLDEN = Path(__file__).parent / "golden"
OWN_PART = "/* All that lives no longer"


def values(g: Geometry) -> ConvValues:
    """Weights and biases that count up and start anew."""
    shape = (g.cout, g.cin // g.groups, g.kh, g.kw)
    weight = (np.arange(np.prod(shape)) * 37 % 255 - 127).reshape(shape)
    return ConvValues(weight, np.arange(g.cout) * 100 - 50, np.full(g.cout, 2.0**-8))


class Maker:
    """A builder that needs only sizes."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.builder, self.last = Builder(name), "x"
        self.builder.add_input("x", shape, Quant(2.0**-6, -3))

    def conv(self, name: str, cout: int, size: int = 1, stride: int = 1, groups: int = 1) -> None:
        """A convolution with relu, of odd size, padded."""
        c, h, w = self.builder.tensors[self.last].shape
        oh, ow = (h - 1) // stride + 1, (w - 1) // stride + 1
        pad = size // 2
        g = Geometry(c, h, w, cout, oh, ow, size, size, stride, stride, pad, pad, groups=groups)
        self.builder.add_conv(name, self.last, g, values(g), OutputSpec(Quant(2.0**-5, -128)))
        self.last = name

    def program(self, classes: int) -> Program:
        """With a mean, where there are pixels, and a head."""
        c, h, w = self.builder.tensors[self.last].shape
        if h * w > 1:
            window = Geometry(c, h, w, c, 1, 1, h, w)
            self.builder.add_average_pool(
                "mean", self.last, window, h * w, OutputSpec(Quant(2.0**-6, -128))
            )
            self.last = "mean"
        head = Geometry(c, 1, 1, classes, 1, 1, 1, 1)
        self.builder.add_conv("head", self.last, head, values(head), None)
        return self.builder.build("x", "head")


def linear() -> CompiledProgram:
    """Three features, two classes."""
    return compile_program(Maker("linear", (3, 1, 1)).program(2))


def picture() -> CompiledProgram:
    """A convolution of which one of two input channels is trained, and a frozen head."""
    maker = Maker("picture", (2, 4, 5))
    maker.conv("edges", 3, size=3, stride=2)
    scheme: Scheme = {"edges": Update(bias=True, ratio=0.5)}
    return compile_program(maker.program(2), "mse", scheme=scheme)


def bottleneck() -> CompiledProgram:
    """An inverted bottleneck: row by row forward, channel by channel backward."""
    maker = Maker("bottleneck", (2, 8, 8))
    maker.conv("first", 2)
    maker.conv("widen", 12)
    maker.conv("depthwise", 12, size=3, groups=12)
    maker.conv("narrow", 2)
    scheme = {name: Update() for name in ("widen", "depthwise", "narrow")}
    return compile_program(maker.program(2), scheme={**scheme, "head": Update(ratio=1.0)})


NETWORKS = {"linear": linear, "picture": picture, "bottleneck": bottleneck}


def text_of(made: CompiledProgram) -> str:
    """The header and the source from its own part on."""
    source = made.sources.source
    return made.sources.header + "\n" + source[source.index(OWN_PART) :]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_c_is_what_it_was(name: str) -> None:
    wanted = (GOLDEN / f"{name}.c").read_text(encoding="utf-8")
    made = text_of(NETWORKS[name]())
    assert made == wanted, "if it is meant to change: python tests/tiny/test_tiny_golden.py"


def test_the_third_streams_both_ways() -> None:
    kinds = {type(op).__name__ for op in bottleneck().program.ops}
    assert {"Stream", "GradStream"} <= kinds


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, network in NETWORKS.items():
        (GOLDEN / f"{name}.c").write_text(text_of(network()), encoding="utf-8")
