"""Tests of the algebra: products against the oracle, identities, errors."""

import itertools
import math

import numpy as np
import pytest
import torch
from cayley import blades, metrics, multiply, multivector, product
from hypothesis import given, settings
from hypothesis import strategies as st

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.blades import Blades
from kinoloom.errors import ArrayError, UsageError

EXACT = {"rtol": 1e-12, "atol": 1e-14}
SEEDS = st.integers(0, 2**32 - 1)
RULES = {
    "geometric_product": lambda i, j, k: True,
    "outer_product": lambda i, j, k: k == i + j,
    "left_contraction": lambda i, j, k: k == j - i,
    "right_contraction": lambda i, j, k: k == i - j,
    "inner_product": lambda i, j, k: k == abs(i - j),
}
SMALL = [m for n in range(1, 5) for m in itertools.product((1, -1, 0), repeat=n)]


def vector(algebra: Algebra, seed: int) -> np.ndarray:
    names = [n for n, g in zip(algebra.names, algebra.grades, strict=True) if g == 1]
    return algebra.embed(np.random.default_rng(seed).standard_normal(len(names)), names)


def test_multiplication_table_matches_oracle_for_every_signature() -> None:
    for metric in SMALL:
        order, algebra = blades(len(metric)), Algebra.of(metric)
        for (i, first), (j, second) in itertools.product(enumerate(order), repeat=2):
            blade, sign = multiply(first, second, metric)
            k = order.index(blade)
            assert algebra.partner[k, i] == j
            assert algebra.sign[k, i] == sign


def test_terms_are_the_nonzero_entries_of_the_table() -> None:
    algebra = Algebra(2, 0, 1)
    rebuilt = np.zeros((8, 8), np.int64)
    for left, right, out, sign in algebra.terms:
        assert algebra.partner[out, left] == right
        rebuilt[out, left] = sign
    assert (rebuilt == algebra.sign).all()
    assert len(algebra.terms) == np.count_nonzero(algebra.sign) < 64


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=25, deadline=None)
@given(metric=metrics(), seed=SEEDS)
def test_products_match_oracle(name: str, metric: tuple[int, ...], seed: int) -> None:
    x, y = multivector(len(metric), seed, 2)
    expected = product(x, y, metric, RULES[name])
    algebra = Algebra.of(metric)
    assert np.abs(getattr(algebra, name)(x, y) - expected).max() < 1e-12
    single = getattr(algebra, name)(x.astype(np.float32), y.astype(np.float32))
    assert single.dtype == np.float32
    assert np.abs(single - expected).max() <= 1e-6 * np.linalg.norm(x) * np.linalg.norm(y)


@settings(max_examples=8, deadline=None)
@given(metric=metrics(5, 5), seed=SEEDS)
def test_product_of_five_generators_matches_oracle(metric: tuple[int, ...], seed: int) -> None:
    x, y = multivector(5, seed, 2)
    result = Algebra.of(metric).geometric_product(x, y)
    assert np.abs(result - product(x, y, metric)).max() < 1e-12


@settings(max_examples=30, deadline=None)
@given(metric=metrics(1, 5), seed=SEEDS)
def test_algebraic_identities_hold(metric: tuple[int, ...], seed: int) -> None:
    algebra = Algebra.of(metric)
    x, y, z = multivector(len(metric), seed, 3)
    gp, rev = algebra.geometric_product, algebra.reverse
    close = np.testing.assert_allclose
    close(gp(gp(x, y), z), gp(x, gp(y, z)), atol=1e-11)
    close(rev(gp(x, y)), gp(rev(y), rev(x)), atol=1e-12)
    close(algebra.involute(gp(x, y)), gp(algebra.involute(x), algebra.involute(y)), atol=1e-12)
    close(algebra.conjugate(x), algebra.involute(rev(x)))
    close(sum(algebra.grade(x, k) for k in range(algebra.dim + 1)), x)
    close(algebra.scalar_product(x, y), algebra.scalar_product(y, x), atol=1e-12)
    a, b = vector(algebra, seed), vector(algebra, seed + 1)
    halves = algebra.inner_product(a, b) + algebra.outer_product(a, b)
    close(gp(a, b), halves, atol=1e-12)
    close(algebra.commutator(a, b), algebra.outer_product(a, b), atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(p=st.integers(0, 4), q=st.integers(0, 2), seed=SEEDS)
def test_norm_of_versors_is_multiplicative(p: int, q: int, seed: int) -> None:
    algebra = Algebra(max(p, 1), q if p + q <= 5 else 0)
    a, b, c = (vector(algebra, seed + k) for k in range(3))
    versor = algebra.geometric_product(algebra.geometric_product(a, b), c)
    norms = [algebra.norm_squared(v) for v in (a, b, c)]
    np.testing.assert_allclose(algebra.norm_squared(versor), math.prod(norms), rtol=1e-9)
    if min(map(abs, norms)) > 1e-2:
        one = algebra.geometric_product(versor, algebra.inverse(versor))
        np.testing.assert_allclose(one, np.eye(1, algebra.n_blades)[0], atol=1e-6)


@pytest.mark.parametrize("signature", [(2, 0, 0), (3, 0, 0), (1, 3, 0), (0, 3, 0), (4, 1, 0)])
def test_undual_inverts_dual(signature: tuple[int, int, int]) -> None:
    algebra = Algebra(*signature)
    x = multivector(algebra.dim, 1)
    np.testing.assert_allclose(algebra.undual(algebra.dual(x)), x)
    unit = np.eye(1, algebra.n_blades, algebra.n_blades - 1)[0]
    np.testing.assert_allclose(algebra.geometric_product(algebra.dual(x), unit), x)


@pytest.mark.parametrize("metric", [(1, 1, 1, 0), (0,), (1, -1), (1, 0, 1, -1, 0)])
def test_blade_wedge_complement_is_pseudoscalar(metric: tuple[int, ...]) -> None:
    algebra = Algebra.of(metric)
    every = np.eye(algebra.n_blades)
    result = algebra.outer_product(every, algebra.complement(every))
    assert (result == every[-1]).all()


def test_exp_of_bivector_is_rotation_boost_or_translation() -> None:
    cases = {(1, 1): (np.cos, np.sin), (1, -1): (np.cosh, np.sinh), (1, 0): (np.ones_like, None)}
    for metric, (even, odd) in cases.items():
        algebra = Algebra.of(metric)
        angle = np.array([0.0, 0.3, -2.5, 12.0])
        result = algebra.exp(algebra.embed(angle[:, None], ["e12"]))
        np.testing.assert_allclose(result[:, 0], even(angle), rtol=1e-10, atol=1e-10)
        expected = angle if odd is None else odd(angle)
        np.testing.assert_allclose(result[:, 3], expected, rtol=1e-10, atol=1e-10)


def test_exp_matches_matrix_exponential() -> None:
    algebra = Algebra(2, 1, 1)
    x = 0.7 * multivector(4, 3)
    matrix = algebra.geometric_product(x, np.eye(16)).T
    expected = torch.linalg.matrix_exp(torch.tensor(matrix))[:, 0]
    np.testing.assert_allclose(algebra.exp(x), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_versors_act_as_products_of_reflections(count: int) -> None:
    algebra = Algebra(3, 1)
    rng = np.random.default_rng(count)
    versor, matrix = np.eye(1, 16)[0], np.eye(4)
    eta = np.diag([1.0, 1.0, 1.0, -1.0])
    for _ in range(count):
        v = np.array([*rng.standard_normal(3), 0.2])
        versor = algebra.geometric_product(versor, algebra.embed(v, range(1, 5)))
        matrix = matrix @ (np.eye(4) - 2 * np.outer(v, v @ eta) / (v @ eta @ v))
    x, y = multivector(4, 9, 2)
    moved = algebra.act(versor, x)
    np.testing.assert_allclose(moved, algebra.outermorphism(matrix) @ x, atol=1e-9)
    both = algebra.geometric_product(moved, algebra.act(versor, y))
    np.testing.assert_allclose(
        algebra.act(versor, algebra.geometric_product(x, y)), both, atol=1e-9
    )


def test_rotor_rotates_by_twice_its_angle() -> None:
    algebra = Algebra(3)
    rotor = algebra.exp(algebra.embed([-math.pi / 8], ["e12"]))
    turned = algebra.sandwich(rotor, algebra.embed([1.0], ["e1"]))
    np.testing.assert_allclose(turned, algebra.embed([0.5**0.5, 0.5**0.5], ["e1", "e2"]))


def test_torch_matches_numpy_and_is_differentiable() -> None:
    algebra = Algebra(2, 1)
    x, y = (torch.tensor(v, requires_grad=True) for v in multivector(3, 5, 2))
    for name in [*RULES, "commutator", "scalar_product", "act", "sandwich"]:
        expected = getattr(algebra, name)(x.detach().numpy(), y.detach().numpy())
        result = getattr(algebra, name)(x, y)
        np.testing.assert_allclose(result.detach().numpy(), expected, **EXACT)
    for name in ["reverse", "dual", "complement", "norm", "exp", "inverse"]:
        expected = getattr(algebra, name)(x.detach().numpy())
        np.testing.assert_allclose(getattr(algebra, name)(x).detach().numpy(), expected, **EXACT)
    assert torch.autograd.gradcheck(algebra.geometric_product, (x, y))
    assert torch.autograd.gradcheck(algebra.exp, (0.3 * x,))


def test_leading_axes_broadcast() -> None:
    algebra = Algebra(2)
    x, y = np.ones((5, 1, 4)), np.ones((3, 4))
    assert algebra.geometric_product(x, y).shape == (5, 3, 4)
    assert algebra.scalar_product(x, y).shape == (5, 3)


def test_names_equality_and_repr() -> None:
    assert Algebra(3).names == ("1", "e1", "e2", "e3", "e12", "e13", "e23", "e123")
    assert Algebra(1, 1) == Algebra.of([1, -1]) != Algebra.of([-1, 1])
    assert hash(Algebra(1, 1)) == hash(Algebra.of((1, -1)))
    assert repr(Algebra(1, 1, 1)) == "Algebra(1, 1, 1)"
    assert repr(Algebra.of((-1, 1))) == "Algebra.of((-1, 1))"
    assert Algebra(3).blades_of_grades([2, 0]) == (0, 4, 5, 6)
    assert [Algebra(p).pseudoscalar_square for p in range(1, 5)] == [1, -1, -1, 1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Algebra(0), "has 0 generators"),
        (lambda: Algebra(3, 3), "has 6 generators"),
        (lambda: Algebra(2, -1), "negative"),
        (lambda: Algebra.of((0.5, 1)), "each entry must be 1, -1 or 0"),
        (lambda: Algebra.of((2,)), "each entry must be 1, -1 or 0"),
        (lambda: Blades(()), "has 0 generators"),
        (lambda: Algebra(2).blades_of_grades([3]), "grades 0 to 2"),
        (lambda: Algebra(2).blades_of_grades([]), "grades 0 to 2"),
        (lambda: Algebra(2).grade(np.zeros(4), -1), "grades 0 to 2"),
        (lambda: Algebra(2).embed([1.0], ["e3"]), "Unknown blade 'e3'"),
        (lambda: Algebra(2).embed([1.0], [4]), "Unknown blade 4"),
        (lambda: Algebra(2).embed([1.0, 2.0], ["e1", "e1"]), "Repeated blade"),
        (lambda: Algebra(2, 0, 1).dual(np.zeros(8)), "squares to 0"),
        (lambda: Algebra(2, 0, 1).undual(np.zeros(8)), "squares to 0"),
    ],
)
def test_invalid_algebras_and_blades_are_refused(make: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda a: a.geometric_product(np.zeros(4), np.zeros(3)),
            r"shape \(3,\): expected \(..., 4\)",
        ),
        (lambda a: a.reverse(torch.zeros(2, 8)), r"shape \(2, 8\): expected \(..., 4\)"),
        (lambda a: a.reverse(np.float64(1)), r"shape \(\): expected"),
        (lambda a: a.complement(np.zeros(8)), r"shape \(8,\): expected"),
        (lambda a: a.exp(np.array([0, np.nan, 0, 0])), "NaN or infinite"),
        (lambda a: a.embed(np.zeros((2, 3)), ["e1", "e2"]), "Got 3 values for the 2 blades"),
        (lambda a: a.outermorphism(np.eye(3)), r"shape \(3, 3\): expected \(2, 2\)"),
    ],
)
def test_arrays_of_the_wrong_shape_are_refused(make: object, message: str) -> None:
    with pytest.raises(ArrayError, match=message):
        make(Algebra(2))
