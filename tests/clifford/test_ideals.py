"""Tests of ideal coordinates, convolutions in them and retention of freed memory."""

import itertools
import platform
import subprocess
import sys

import numpy as np
import pytest
import torch
from cayley import metrics, multivector, product
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_layers import CONVS

from kinoloom.clifford import memory
from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.ideals import find_ideals
from kinoloom.clifford.layers import conv as conv_module
from kinoloom.clifford.layers.conv import CliffordConv2d
from kinoloom.clifford.layers.ideal_coordinates import IdealCoordinates
from kinoloom.clifford.layers.rotation import CliffordRotationConv2d
from kinoloom.clifford.layers.signed_sums import accumulate_sums, plan_sums


@settings(max_examples=40, deadline=None)
@given(metric=metrics(1, 5), seed=st.integers(0, 999))
def test_products_in_ideal_coordinates_match_oracle(metric: tuple[int, ...], seed: int) -> None:
    ideals = find_ideals(Algebra.of(metric))
    x, w = multivector(len(metric), seed, 2)
    if ideals is None:
        return
    rows = ideals.basis @ x / ideals.count
    moved = np.einsum("spjl,l,sj->sp", ideals.matrices, w, rows)
    result = np.einsum("spi,sp->i", ideals.basis, moved)
    np.testing.assert_allclose(result, product(x, w, metric), atol=1e-11)
    assert set(np.unique(ideals.matrices)) <= {-1.0, 0.0, 1.0}


@pytest.mark.parametrize(
    ("signature", "count"),
    [((2, 0), 2), ((1, 1), 2), ((0, 2), None), ((1, 0), 2), ((3, 0), 2), ((0, 3), 2),
     ((2, 0, 1), 2), ((3, 1), 4), ((2, 2), 4), ((1, 3), 2), ((4, 1), 4), ((0, 0, 2), None)],
)  # fmt: skip
def test_number_of_ideals_matches_known_matrix_algebras(
    signature: tuple[int, ...], count: int | None
) -> None:
    """By the classification: Cl(2, 0) = R(2), Cl(3, 0) = C(2), Cl(3, 1) = R(4), Cl(0, 2) = H."""
    ideals = find_ideals(Algebra(*signature))
    assert (ideals.count if ideals else None) == count


@pytest.mark.parametrize("p", range(6))
def test_number_of_ideals_follows_radon_and_hurwitz(p: int) -> None:
    """Lounesto (2001): Cl(p, q) is the sum of 2 ** (q - r(q - p)) minimal ideals."""
    numbers = (0, 1, 2, 2, 3, 3, 3, 3)
    for q in range(max(0, 1 - p), 6 - p):
        turns, place = divmod(q - p, 8)
        ideals = find_ideals(Algebra(p, q))
        assert (ideals.count if ideals else 1) == 2 ** (q - numbers[place] - 4 * turns)


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize(
    ("metric", "space", "groups", "bias"),
    [
        ((1, 1), 2, 1, True),
        ((1, -1), 1, 2, False),
        ((1, 1, 1), 3, 1, True),
        ((1, 1, 0), 2, 2, True),
        ((1, 1, 1, -1), 2, 2, True),
    ],
)
def test_convolution_in_ideal_coordinates_matches_direct_convolution(
    mode: str,
    metric: tuple[int, ...],
    space: int,
    groups: int,
    bias: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    layers = []
    for wide in (0.0, float("inf")):
        monkeypatch.setattr(conv_module, "_MIN_SAVED_MULTIPLIES", wide)
        layer = CONVS[space](metric, 4, 2, 3, 2, 1, 1, groups, bias, mode).double()
        assert (layer.ideals is None) == (wide > 0)
        if layers:
            layer.load_state_dict(layers[0].state_dict())
        layers.append(layer)
    x = torch.randn(3, 4, 2 ** len(metric), *[5] * space, dtype=torch.float64)
    torch.testing.assert_close(layers[0](x), layers[1](x))
    gradients = [
        torch.autograd.grad((layer(x) ** 2).sum(), list(layer.parameters())) for layer in layers
    ]
    for one, other in itertools.zip_longest(*gradients):
        torch.testing.assert_close(one, other)
    with torch.no_grad():
        for part in (1, 2 * x[0].numel(), x.numel()):  # numbers per chunk
            monkeypatch.setattr(conv_module, "_CHUNK_NUMBERS", part)
            torch.testing.assert_close(layers[0].eval()(x), layers[1](x))
        assert layers[0](x[:0]).shape == layers[1](x[:0]).shape
    program = torch.export.export(layers[0], (x,))
    torch.testing.assert_close(program.module()(x), layers[0](x))


@pytest.mark.parametrize("metric", [(1, 1), (1, 1, 1), (1, 1, 1, -1)])
def test_ideal_coordinates_pass_gradcheck_and_gradgradcheck(metric: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    ideals = find_ideals(Algebra.of(metric))
    coordinates = IdealCoordinates(ideals).double()
    blades = 2 ** len(metric)
    x = torch.randn(1, 2, blades, 3, dtype=torch.float64, requires_grad=True)
    y = torch.randn(1, 2 * blades, 3, dtype=torch.float64, requires_grad=True)
    for function, value in ((coordinates.to_ideals, x), (coordinates.from_ideals, y)):
        assert torch.autograd.gradcheck(lambda v, f=function: f(v, 2) ** 2, (value,))
        assert torch.autograd.gradgradcheck(lambda v, f=function: f(v, 2) ** 2, (value,))
    with torch.no_grad():
        back = coordinates.from_ideals(coordinates.to_ideals(x, 1), 1, out := torch.empty_like(x))
    torch.testing.assert_close(back, x * ideals.count)
    assert back.data_ptr() == out.data_ptr()


def test_ideal_bases_are_orthogonal() -> None:
    for metric in itertools.chain(*(itertools.product((1, -1, 0), repeat=n) for n in range(1, 6))):
        ideals = find_ideals(Algebra.of(metric))
        if ideals is None:
            continue
        table = ideals.basis.reshape(2 ** len(metric), -1)
        np.testing.assert_array_equal(table @ table.T, ideals.count * np.eye(len(table)))
        for way in (table, table.T):
            for sums in plan_sums(way):
                assert len(sums.terms) == ideals.count
                assert sums.terms[0][1] == 1


def test_sums_of_evenly_spaced_planes_are_grouped() -> None:
    """Each direction takes two additions in Cl(2, 0) and four in Cl(3, 0)."""
    for dim, count in ((2, 2), (3, 4)):
        table = find_ideals(Algebra(dim)).basis.reshape(2**dim, -1)
        assert [len(plan_sums(way)) for way in (table, table.T)] == [count, count]
    rng = np.random.default_rng(0)
    table = rng.integers(-1, 2, (30, 6))
    table = table[(table == 1).any(1) & ((table != 0).sum(1) > 1)]
    x = rng.integers(-9, 9, (6, 2))
    result = torch.full((len(table), 2), -1)
    accumulate_sums(plan_sums(table), torch.tensor(x), result)
    np.testing.assert_array_equal(result, table @ x)


@pytest.mark.parametrize(
    ("statement", "megabytes", "is_retained"),
    [
        ("import kinoloom.clifford.layers.conv", 4, False),
        ("from kinoloom.clifford.layers.conv import CliffordConv2d as C; C((1, 1), 1, 1)", 4, True),
        ("from kinoloom.clifford.memory import retain_freed_memory as retain; retain()", 64, True),
    ],
)
def test_freed_memory_is_retained_where_supported(
    statement: str, megabytes: int, is_retained: bool
) -> None:
    """Allocating a block of the size of a freed one then causes hardly any page faults."""
    code = (
        "import resource, numpy as np\n"
        f"{statement}\n"
        "from kinoloom.clifford.memory import retains_freed\n"
        f"size = {megabytes} << 20\n"
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    [np.ones(size, np.uint8) for _ in range(6)]\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "faults()\n"
        "print(retains_freed(size), faults() < size >> 12)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    is_reported, is_seen = process.stdout.split()
    assert is_reported == str(is_retained and platform.libc_ver()[0] == "glibc")
    assert is_reported == "False" or is_seen == "True"


@pytest.mark.parametrize(
    ("budget", "is_retained", "expected"), [(160, True, 2), (79, False, 1), (79, True, 5)]
)
def test_chunk_size_follows_cache_and_allocator(
    budget: int, is_retained: bool, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields of 80 numbers: as many as fit the budget, one, or all of a batch."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(conv_module, "_CHUNK_NUMBERS", budget)
    monkeypatch.setattr(memory, "_retained_bytes", 1 << 20 if is_retained else 0)
    assert conv_module._choose_chunk_size(torch.zeros(5, 4, 4, 5)) == expected


def test_only_wide_layers_of_all_grades_use_ideal_coordinates() -> None:
    assert CliffordConv2d((1, 1), 64, 64).ideals is not None
    assert CliffordConv2d((1, 1), 2, 2).ideals is None
    assert CliffordConv2d((1, 1), 64, 64, in_grades=[1]).ideals is None
    assert CliffordConv2d((-1, -1), 64, 64).ideals is None
    assert CliffordRotationConv2d(64, 64).ideals is None
