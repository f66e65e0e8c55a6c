"""Golden files: the generated C of three small networks.

    python tests/tiny/test_tiny_golden.py      # regenerate; review the difference

A golden file contains the header and the part of the source after the kernels.
"""

from pathlib import Path

import numpy as np
import pytest

from kinoloom.tiny.api import CompiledProgram, compile_program
from kinoloom.tiny.ir.program import Geometry, Program, Quant
from kinoloom.tiny.quantisation.lower import Builder, ConvValues, OutputSpec
from kinoloom.tiny.training.scheme import Scheme, Update

GOLDEN = Path(__file__).parent / "golden"
NETWORK_PART = "/* Memory of one call"


def values(g: Geometry) -> ConvValues:
    """Return periodic weights and biases."""
    shape = (g.cout, g.cin // g.groups, g.kh, g.kw)
    weight = (np.arange(np.prod(shape)) * 37 % 255 - 127).reshape(shape)
    return ConvValues(weight, np.arange(g.cout) * 100 - 50, np.full(g.cout, 2.0**-8))


class NetworkBuilder:
    """A builder of small networks with synthetic weights."""

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.program_builder, self.last = Builder(name), "x"
        self.program_builder.add_input("x", shape, Quant(2.0**-6, -3))

    def add_conv(
        self, name: str, cout: int, size: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        """Add a padded convolution of odd size with ReLU."""
        c, h, w = self.program_builder.tensors[self.last].shape
        oh, ow = (h - 1) // stride + 1, (w - 1) // stride + 1
        pad = size // 2
        g = Geometry(c, h, w, cout, oh, ow, size, size, stride, stride, pad, pad, groups=groups)
        self.program_builder.add_conv(
            name, self.last, g, values(g), OutputSpec(Quant(2.0**-5, -128))
        )
        self.last = name

    def build(self, classes: int) -> Program:
        """Add a global average pooling, if there are pixels, and a head; return the program."""
        c, h, w = self.program_builder.tensors[self.last].shape
        if h * w > 1:
            window = Geometry(c, h, w, c, 1, 1, h, w)
            self.program_builder.add_average_pool(
                "mean", self.last, window, h * w, OutputSpec(Quant(2.0**-6, -128))
            )
            self.last = "mean"
        head = Geometry(c, 1, 1, classes, 1, 1, 1, 1)
        self.program_builder.add_conv("head", self.last, head, values(head), None)
        return self.program_builder.build("x", "head")


def linear() -> CompiledProgram:
    """Compile a linear layer of three features and two classes."""
    return compile_program(NetworkBuilder("linear", (3, 1, 1)).build(2))


def picture() -> CompiledProgram:
    """Compile a convolution with one of two input channels trained, and a frozen head."""
    builder = NetworkBuilder("picture", (2, 4, 5))
    builder.add_conv("edges", 3, size=3, stride=2)
    scheme: Scheme = {"edges": Update(bias=True, ratio=0.5)}
    return compile_program(builder.build(2), "mse", scheme=scheme)


def bottleneck() -> CompiledProgram:
    """Compile an inverted bottleneck, streamed by row forward and by channel backward."""
    builder = NetworkBuilder("bottleneck", (2, 8, 8))
    builder.add_conv("first", 2)
    builder.add_conv("widen", 12)
    builder.add_conv("depthwise", 12, size=3, groups=12)
    builder.add_conv("narrow", 2)
    scheme = {name: Update() for name in ("widen", "depthwise", "narrow")}
    return compile_program(builder.build(2), scheme={**scheme, "head": Update(ratio=1.0)})


NETWORKS = {"linear": linear, "picture": picture, "bottleneck": bottleneck}


def format_golden(compiled: CompiledProgram) -> str:
    """Return the header and the source after the kernels."""
    source = compiled.sources.source
    return compiled.sources.header + "\n" + source[source.index(NETWORK_PART) :]


@pytest.mark.parametrize("name", NETWORKS)
def test_generated_c_matches_the_golden_file(name: str) -> None:
    expected = (GOLDEN / f"{name}.c").read_text(encoding="utf-8")
    compiled = format_golden(NETWORKS[name]())
    assert compiled == expected, "regenerate with: python tests/tiny/test_tiny_golden.py"


def test_bottleneck_is_streamed_in_both_passes() -> None:
    kinds = {type(op).__name__ for op in bottleneck().program.ops}
    assert {"Stream", "GradStream"} <= kinds


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, network in NETWORKS.items():
        (GOLDEN / f"{name}.c").write_text(format_golden(network()), encoding="utf-8")
