"""Coordinates of ideals: every algebra's products in them, and wide convolutions that use them."""

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
def test_products_in_coordinates_are_products(metric: tuple[int, ...], seed: int) -> None:
    ideals = find_ideals(Algebra.of(metric))
    x, w = multivector(len(metric), seed, 2)
    if ideals is None:
        return
    rows = ideals.basis @ x / ideals.count
    moved = np.einsum("spjl,l,sj->sp", ideals.matrices, w, rows)
    made = np.einsum("spi,sp->i", ideals.basis, moved)
    np.testing.assert_allclose(made, product(x, w, metric), atol=1e-11)
    assert set(np.unique(ideals.matrices)) <= {-1.0, 0.0, 1.0}


@pytest.mark.parametrize(
    ("signature", "count"),
    [((2, 0), 2), ((1, 1), 2), ((0, 2), None), ((1, 0), 2), ((3, 0), 2), ((0, 3), 2),
     ((2, 0, 1), 2), ((3, 1), 4), ((2, 2), 4), ((1, 3), 2), ((4, 1), 4), ((0, 0, 2), None)],
)  # fmt: skip
def test_how_many_ideals_known_algebras_have(signature: tuple[int, ...], count: int | None) -> None:
    """By the classification: Cl(2, 0) = R(2), Cl(3, 0) = C(2), Cl(3, 1) = R(4), Cl(0, 2) = H."""
    ideals = find_ideals(Algebra(*signature))
    assert (ideals.count if ideals else None) == count


@pytest.mark.parametrize("p", range(6))
def test_the_number_of_ideals_is_that_of_radon_and_hurwitz(p: int) -> None:
    """2 ** (q - r(q - p)), as Lounesto (2001) gives it for all Cl(p, q)."""
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
def test_a_wide_convolution_is_the_narrow_one(
    mode: str,
    metric: tuple[int, ...],
    space: int,
    groups: int,
    bias: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    made = []
    for wide in (0.0, float("inf")):
        monkeypatch.setattr(conv_module, "_MIN_SAVED_MULTIPLIES", wide)
        layer = CONVS[space](metric, 4, 2, 3, 2, 1, 1, groups, bias, mode).double()
        assert (layer.ideals is None) == (wide > 0)
        if made:
            layer.load_state_dict(made[0].state_dict())
        made.append(layer)
    x = torch.randn(3, 4, 2 ** len(metric), *[5] * space, dtype=torch.float64)
    torch.testing.assert_close(made[0](x), made[1](x))
    gradients = [
        torch.autograd.grad((layer(x) ** 2).sum(), list(layer.parameters())) for layer in made
    ]
    for one, other in itertools.zip_longest(*gradients):
        torch.testing.assert_close(one, other)
    with torch.no_grad():
        for part in (1, 2 * x[0].numel(), x.numel()):  # so many numbers of the batch at a time
            monkeypatch.setattr(conv_module, "_CHUNK_NUMBERS", part)
            torch.testing.assert_close(made[0].eval()(x), made[1](x))
        assert made[0](x[:0]).shape == made[1](x[:0]).shape
    program = torch.export.export(made[0], (x,))
    torch.testing.assert_close(program.module()(x), made[0](x))


@pytest.mark.parametrize("metric", [(1, 1), (1, 1, 1), (1, 1, 1, -1)])
def test_coordinates_have_first_and_second_derivatives(metric: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    ideals = find_ideals(Algebra.of(metric))
    coordinates = IdealCoordinates(ideals).double()
    blades = 2 ** len(metric)
    x = torch.randn(1, 2, blades, 3, dtype=torch.float64, requires_grad=True)
    y = torch.randn(1, 2 * blades, 3, dtype=torch.float64, requires_grad=True)
    for function, value in ((coordinates.enter, x), (coordinates.leave, y)):
        assert torch.autograd.gradcheck(lambda v, f=function: f(v, 2) ** 2, (value,))
        assert torch.autograd.gradgradcheck(lambda v, f=function: f(v, 2) ** 2, (value,))
    with torch.no_grad():
        back = coordinates.leave(coordinates.enter(x, 1), 1, made := torch.empty_like(x))
    torch.testing.assert_close(back, x * ideals.count)
    assert back.data_ptr() == made.data_ptr()


def test_every_basis_is_orthogonal_and_each_of_its_sums_begins_with_a_plus() -> None:
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


def test_sums_of_evenly_spaced_planes_are_made_at_once() -> None:
    """Two additions each way in Cl(2, 0), on every second blade; four of eight in Cl(3, 0)."""
    for dim, count in ((2, 2), (3, 4)):
        table = find_ideals(Algebra(dim)).basis.reshape(2**dim, -1)
        assert [len(plan_sums(way)) for way in (table, table.T)] == [count, count]
    rng = np.random.default_rng(0)
    table = rng.integers(-1, 2, (30, 6))
    table = table[(table == 1).any(1) & ((table != 0).sum(1) > 1)]
    x = rng.integers(-9, 9, (6, 2))
    made = torch.full((len(table), 2), -1)
    accumulate_sums(plan_sums(table), torch.tensor(x), made)
    np.testing.assert_array_equal(made, table @ x)


@pytest.mark.parametrize(
    ("done", "megabytes", "is_kept"),
    [
        ("import kinoloom.clifford.layers.conv", 4, False),
        ("from kinoloom.clifford.layers.conv import CliffordConv2d as C; C((1, 1), 1, 1)", 4, True),
        ("from kinoloom.clifford.memory import retain_freed_memory as keep; keep()", 64, True),
    ],
)
def test_freed_memory_is_kept_where_it_can_be(done: str, megabytes: int, is_kept: bool) -> None:
    """Where it is kept, what is as large as what was freed before needs hardly any new pages."""
    code = (
        "import resource, numpy as np\n"
        f"{done}\n"
        "from kinoloom.clifford.memory import retains_freed\n"
        f"size = {megabytes} << 20\n"
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    [np.ones(size, np.uint8) for _ in range(6)]\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "faults()\n"
        "print(retains_freed(size), faults() < size >> 12)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    told, seen = ran.stdout.split()
    assert told == str(is_kept and platform.libc_ver()[0] == "glibc")
    assert told == "False" or seen == "True"


@pytest.mark.parametrize(
    ("part", "kept", "at_once"), [(160, True, 2), (79, False, 1), (79, True, 5)]
)
def test_how_a_batch_is_split(
    part: int, kept: bool, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields of 4 * 4 * 5 numbers: in parts that fit, one by one, or at once where none fits."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(conv_module, "_CHUNK_NUMBERS", part)
    monkeypatch.setattr(memory, "_retained_bytes", 1 << 20 if kept else 0)
    assert conv_module._choose_chunk_size(torch.zeros(5, 4, 4, 5)) == at_once


def test_only_wide_layers_of_all_grades_use_it() -> None:
    assert CliffordConv2d((1, 1), 64, 64).ideals is not None
    assert CliffordConv2d((1, 1), 2, 2).ideals is None
    assert CliffordConv2d((1, 1), 64, 64, in_grades=[1]).ideals is None
    assert CliffordConv2d((-1, -1), 64, 64).ideals is None
    assert CliffordRotationConv2d(64, 64).ideals is None
