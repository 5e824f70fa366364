"""The propagation core against slow, obvious references."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from colordeploy.errors import BackendError, InputError, SolverError
from colordeploy.native import Affinities, Propagator, propagate


def dense_system(features, mask, sigma, alpha, phi, global_step, local=True):
    """``M + alpha L + phi L_adj`` straight from the definition, in extended precision."""
    height, width, _ = features.shape
    f = features.astype(np.longdouble)
    count = height * width

    def weight(a, b):
        return np.exp(-np.square(f[a] - f[b]).sum() / (2 * np.longdouble(sigma) ** 2))

    w = np.zeros((count, count), np.longdouble)
    adjacent = np.zeros((count, count), np.longdouble)
    for y in range(height):
        for x in range(width):
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    y2, x2 = y + dy, x + dx
                    if (dy, dx) == (0, 0) or not (0 <= y2 < height and 0 <= x2 < width):
                        continue
                    adjacent[y * width + x, y2 * width + x2] = 1
                    if local:
                        w[y * width + x, y2 * width + x2] += weight((y, x), (y2, x2))
    if global_step:
        first = global_step // 2
        points = [
            (y, x)
            for y in range(first, height, global_step)
            for x in range(first, width, global_step)
        ]
        for a in points:
            for b in points:
                if a != b:
                    w[a[0] * width + a[1], b[0] * width + b[1]] += weight(a, b)

    def laplacian(weights):
        return np.diag(weights.sum(axis=1)) - weights

    return (
        np.diag(mask.ravel().astype(np.longdouble))
        + alpha * laplacian(w)
        + phi * laplacian(adjacent)
    )


def solve_dense(matrix, rhs):
    """Gaussian elimination in extended precision; the matrix is symmetric positive definite."""
    a, b = matrix.copy(), rhs.astype(np.longdouble)
    n = len(a)
    for k in range(n):
        factor = a[k + 1 :, k] / a[k, k]
        a[k + 1 :, k:] -= factor[:, None] * a[k, k:]
        b[k + 1 :] -= factor[:, None] * b[k]
    for k in range(n - 1, -1, -1):
        b[k] = (b[k] - a[k, k + 1 :] @ b[k + 1 :]) / a[k, k]
    return b.astype(np.float64)


def random_problem(rng, height, width, channels, marked=0.05, outputs=2):
    features = rng.normal(size=(height, width, channels))
    mask = rng.random((height, width)) < marked
    mask[rng.integers(height), rng.integers(width)] = True
    return features, mask, rng.normal(size=(height, width, outputs))


@pytest.mark.parametrize("global_step", [0, 1, 2, 3, 12, 1000])
@pytest.mark.parametrize("shape", [(1, 1), (1, 13), (13, 1), (2, 2), (9, 14), (13, 11)])
def test_matches_the_definition(shape, global_step):
    rng = np.random.default_rng((*shape, global_step))
    features, mask, values = random_problem(rng, *shape, 3)
    propagator = Propagator(features, sigma=0.9, alpha=0.7, phi=1e-8, global_step=global_step)
    expected = dense_system(features, mask, 0.9, 0.7, 1e-8, global_step)
    assert np.allclose(propagator.matrix(mask).toarray(), expected.astype(float), atol=1e-14)
    rhs = (values * mask[..., None]).reshape(-1, 2)
    x = propagator.solve(mask, values)
    assert np.abs(x.reshape(-1, 2) - solve_dense(expected, rhs)).max() < 1e-10


@pytest.mark.parametrize("sigma", [1e-3, 0.03, 0.1, 0.3, 1, 100])
@pytest.mark.parametrize("alpha", [1e-6, 1.0, 1e6])
def test_every_contrast(sigma, alpha):
    """Affinities from 1 down to underflow; many pixels are joined to others by phi alone."""
    rng = np.random.default_rng(5)
    features, mask, values = random_problem(rng, 12, 15, 2, marked=0.02)
    x = propagate(features, mask, values, sigma=sigma, alpha=alpha, global_step=4)
    expected = dense_system(features, mask, sigma, alpha, 1e-8, 4)
    reference = solve_dense(expected, (values * mask[..., None]).reshape(-1, 2))
    assert np.abs(x.reshape(-1, 2) - reference).max() < 1e-6
    options = {"sigma": sigma, "alpha": alpha, "global_step": 4}
    single = propagate(features, mask, values, **options, precision="single")
    assert np.abs(single.reshape(-1, 2) - reference).max() < 1e-4


@pytest.mark.parametrize("shape", [(37, 301), (64, 64), (128, 96)])
@pytest.mark.parametrize(("sigma", "alpha"), [(1.0, 1.0), (0.3, 1.0), (0.3, 1e-4)])
def test_against_a_direct_sparse_solve(shape, sigma, alpha):
    rng = np.random.default_rng(shape)
    features, mask, values = random_problem(rng, *shape, 4, marked=0.01)
    propagator = Propagator(features, sigma=sigma, alpha=alpha)
    x = propagator.solve(mask, values)
    rhs = (values * mask[..., None]).reshape(-1, 2)
    direct = scipy.sparse.linalg.splu(propagator.matrix(mask).tocsc()).solve(rhs)
    assert np.abs(x.reshape(-1, 2) - direct).max() < 1e-3


@pytest.mark.parametrize("phi", [1e-8, 1e-16, 1e-100, 1e-300])
def test_cut_off_region_takes_its_neighbours_colour(phi):
    """A region joined by phi alone has one exact answer: the colour beside it.

    At phi = 1e-16 and below a float64 elimination that subtracts has lost it altogether.
    """
    features = np.zeros((40, 50, 1))
    features[:, 25:] = 1e6
    mask = np.zeros((40, 50), bool)
    mask[3, 4] = mask[20, 10] = True
    values = np.full((40, 50, 1), 0.75)
    x = propagate(features, mask, values, sigma=1.0, alpha=1.0, phi=phi)
    assert np.abs(x - 0.75).max() < 1e-12
    if phi > 1e-20:
        options = {"sigma": 1.0, "alpha": 1.0, "phi": phi, "precision": "single"}
        assert np.abs(propagate(features, mask, values, **options) - 0.75).max() < 1e-5


def test_cut_off_region_between_two_colours():
    features = np.zeros((30, 60, 1))
    features[:, 20:40] = 1e6
    features[:, 40:] = 2e6
    mask = np.zeros((30, 60), bool)
    mask[:, 0] = mask[:, 59] = True
    values = np.zeros((30, 60, 1))
    values[:, :20], values[:, 40:] = 1.0, 3.0
    x = propagate(features, mask, values, sigma=1.0, alpha=1.0, global_step=0)
    assert np.abs(x[:, 20:40] - 2.0).max() < 1e-6
    assert np.abs(x[:, :20] - 1.0).max() < 1e-5


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("global_step", [0, 5])
def test_screening_pulls_unmarked_pixels_to_zero(global_step, precision):
    rng = np.random.default_rng(11)
    features = rng.random((31, 40, 2))
    mask = rng.random((31, 40)) < 0.01
    values = rng.random((31, 40, 3))
    plain = Propagator(features, sigma=0.3, alpha=0.02, global_step=global_step)
    system = Propagator(
        features, sigma=0.3, alpha=0.02, global_step=global_step, screening=0.003,
        precision=precision,
    )  # fmt: skip
    wanted = plain.matrix(mask).toarray() + np.diag(np.where(mask, 0, 0.003).ravel())
    assert np.allclose(system.matrix(mask).toarray(), wanted, rtol=0, atol=1e-15)
    expected = np.linalg.solve(wanted, (values * mask[..., None]).reshape(-1, 3))
    tolerance = 1e-12 if precision == "double" else 1e-5
    for changed in (mask, mask ^ (rng.random(mask.shape) < 0.005), mask):  # edits, and back
        x = system.solve(changed, values)
    assert np.abs(x.reshape(-1, 3) - expected).max() < tolerance
    assert x.max() < plain.solve(mask, values).max() + 1e-6
    with pytest.raises(InputError, match="screening"):
        Propagator(features, sigma=0.3, alpha=0.02, screening=-1.0)


def test_stays_between_the_given_values():
    rng = np.random.default_rng(8)
    features, mask, values = random_problem(rng, 80, 90, 2)
    x = propagate(features, mask, values, sigma=0.2, alpha=3.0)
    marked = values[mask]
    assert (x.max(axis=(0, 1)) <= marked.max(axis=0) + 1e-12).all()
    assert (x.min(axis=(0, 1)) >= marked.min(axis=0) - 1e-12).all()


def test_one_and_all_pixels_marked():
    rng = np.random.default_rng(9)
    features, _, values = random_problem(rng, 25, 33, 2)
    one = np.zeros((25, 33), bool)
    one[7, 30] = True
    x = propagate(features, one, values, sigma=1.0, alpha=1.0)
    assert np.abs(x - values[7, 30]).max() < 1e-9
    every = np.ones((25, 33), bool)
    x = propagate(features, every, values, sigma=1.0, alpha=0.0, phi=0.0)
    assert np.array_equal(x, values)


def test_accepts_strided_and_integer_arrays():
    rng = np.random.default_rng(10)
    features, mask, values = random_problem(rng, 20, 24, 3)
    plain = propagate(features, mask, values, sigma=1.0, alpha=1.0)
    strided = propagate(
        np.asfortranarray(features),
        np.asfortranarray(mask),
        values[:, ::-1][:, ::-1],
        sigma=1.0,
        alpha=1.0,
    )
    assert np.array_equal(plain, strided)
    ones = propagate(np.ones((4, 4, 1), int), np.eye(4, dtype=bool), np.ones((4, 4, 1), int),
                     sigma=1, alpha=1)  # fmt: skip
    assert np.allclose(ones, 1)


def test_solving_again_gives_the_bits_of_a_fresh_solve():
    rng = np.random.default_rng(11)
    features, mask, values = random_problem(rng, 60, 70, 3)
    other = ~mask & (rng.random(mask.shape) < 0.1)
    options = {"sigma": 0.5, "alpha": 0.3}
    propagator = Propagator(features, **options)
    first = propagator.solve(mask, values)
    kept = first.copy()
    for marks in (other, mask, mask):
        again = propagator.solve(marks, values)
        assert np.array_equal(again, propagate(features, marks, values, **options))
    assert np.array_equal(first, kept)  # the caller's own memory
    changed = propagator.solve(mask, 2 * values)  # same factorization, other colours
    assert np.allclose(changed, 2 * first, rtol=1e-12)


def test_inputs_may_change_after_construction():
    rng = np.random.default_rng(12)
    features, mask, values = random_problem(rng, 16, 16, 2)
    propagator = Propagator(features, sigma=1.0, alpha=1.0)
    expected = propagator.solve(mask, values)
    features[:] = 7
    fresh = np.roll(mask, 1, axis=0) | mask
    propagator.solve(fresh, values)
    assert np.array_equal(propagator.solve(mask, values), expected)


def test_threads_get_the_same_bits():
    rng = np.random.default_rng(13)
    problems = [random_problem(rng, 50 + 3 * i, 60, 2) for i in range(4)]
    alone = [propagate(*problem, sigma=0.6, alpha=1.0) for problem in problems]
    shared = Propagator(problems[0][0], sigma=0.6, alpha=1.0)
    results: dict[int, np.ndarray] = {}

    def work(i: int) -> None:
        for _ in range(3):
            results[i] = propagate(*problems[i], sigma=0.6, alpha=1.0)
            results[10 + i] = shared.solve(*problems[0][1:])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(4):
        assert np.array_equal(results[i], alone[i])
        assert np.array_equal(results[10 + i], alone[0])


def test_gradients_match_differences():
    rng = np.random.default_rng(14)
    features, mask, values = random_problem(rng, 7, 8, 2, marked=0.1)
    weights = rng.normal(size=(7, 8, 2))
    sigma, alpha, phi, step = 0.8, 0.4, 1e-4, 3

    def loss(f, s, a, v):
        x = propagate(f, mask, v, sigma=s, alpha=a, phi=phi, global_step=step)
        return float((weights * x).sum())

    propagator = Propagator(features, sigma=sigma, alpha=alpha, phi=phi, global_step=step)
    x = propagator.solve(mask, values)
    adjoint = propagator.adjoint(mask, weights)
    by_features, by_sigma, by_alpha = propagator.gradients(features, sigma, x, adjoint)
    h = 1e-5
    for index in [(0, 0, 0), (3, 4, 1), (6, 7, 0), (1, 4, 1)]:
        up, down = features.copy(), features.copy()
        up[index] += h
        down[index] -= h
        difference = (loss(up, sigma, alpha, values) - loss(down, sigma, alpha, values)) / (2 * h)
        assert by_features[index] == pytest.approx(difference, rel=1e-5, abs=1e-8)
    difference = loss(features, sigma + h, alpha, values) - loss(features, sigma - h, alpha, values)
    assert by_sigma == pytest.approx(difference / (2 * h), rel=1e-5)
    difference = loss(features, sigma, alpha + h, values) - loss(features, sigma, alpha - h, values)
    assert by_alpha == pytest.approx(difference / (2 * h), rel=1e-5)
    by_values = adjoint * mask[..., None]
    assert float((by_values * values).sum()) == pytest.approx(loss(features, sigma, alpha, values))


def test_ready_made_affinities():
    rng = np.random.default_rng(15)
    features, mask, values = random_problem(rng, 30, 31, 2)
    affinities = Affinities.from_features(features, sigma=0.7, global_step=5)
    x = Propagator(affinities, alpha=0.2).solve(mask, values)
    assert np.array_equal(x, propagate(features, mask, values, sigma=0.7, alpha=0.2, global_step=5))
    without_local = Affinities.from_features(features, sigma=0.7, global_step=5, local=False)
    expected = dense_system(features, mask, 0.7, 0.2, 1e-8, 5, local=False)
    matrix = Propagator(without_local, alpha=0.2).matrix(mask)
    assert np.allclose(matrix.toarray(), expected.astype(float), atol=1e-14)


def valid():
    mask = np.zeros((6, 7), bool)
    mask[2, 3] = True
    return {
        "features": np.zeros((6, 7, 2)),
        "mask": mask,
        "values": np.ones((6, 7, 2)),
        "sigma": 1.0,
        "alpha": 1.0,
    }


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"features": np.full((6, 7, 2), np.nan)}, "features"),
        ({"features": np.full((6, 7, 2), np.inf)}, "features"),
        ({"features": np.zeros((6, 7))}, "features"),
        ({"features": np.zeros((0, 7, 2))}, "features"),
        ({"features": np.zeros((6, 7, 2), complex)}, "features"),
        ({"values": np.full((6, 7, 2), np.nan)}, "values"),
        ({"values": np.ones((7, 6, 2))}, "6x7"),
        ({"values": np.ones((6, 7))}, "values"),
        ({"mask": np.zeros((6, 7), bool)}, "mask"),
        ({"mask": np.ones((6, 7), np.uint8)}, "boolean"),
        ({"mask": np.ones((7, 6), bool)}, "mask"),
        ({"features": [[[1.0]], [[1.0], [2.0]]]}, "features"),
        ({"mask": [[True], [True, False]]}, "mask"),
        ({"sigma": 1e-170}, "sigma"),
        ({"alpha": 10**400}, "alpha"),
        ({"sigma": 0.0}, "sigma"),
        ({"sigma": np.nan}, "sigma"),
        ({"sigma": None}, "sigma"),
        ({"alpha": -1.0}, "alpha"),
        ({"alpha": "x"}, "alpha"),
        ({"phi": -1e-8}, "phi"),
        ({"global_step": -1}, "global_step"),
        ({"global_step": 2.5}, "global_step"),
        ({"precision": "half"}, "precision"),
    ],
)
def test_bad_input_is_refused(change, word):
    with pytest.raises(InputError, match=word):
        propagate(**{**valid(), **change})


def test_unknown_device():
    with pytest.raises(BackendError, match="unknown device 'gpu'"):
        propagate(**(valid() | {"device": "gpu"}))


@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_singular_system_is_an_error(precision):
    features = np.zeros((5, 9, 1))
    features[:, 5:] = 1e6  # no weight at all across, and no phi
    mask = np.zeros((5, 9), bool)
    mask[1, 1] = True
    with pytest.raises(SolverError, match="phi"):
        propagate(features, mask, np.ones((5, 9, 1)), sigma=1.0, alpha=1.0, phi=0.0, global_step=0,
                  precision=precision)  # fmt: skip


def test_running_out_of_memory_names_the_size():
    """250,000 global points: their clique alone would take 250 GB."""
    mask = np.ones((1000, 1000), bool)
    with pytest.raises(SolverError, match="1000x1000"):
        propagate(
            np.zeros((1000, 1000, 1)), mask, np.zeros((1000, 1000, 1)),
            sigma=1.0, alpha=1.0, global_step=2,
        )  # fmt: skip


def test_weights_that_overflow_are_named():
    with pytest.raises(SolverError, match="overflow"):
        propagate(**{**valid(), "alpha": 1e308})


def test_affinities_cannot_change_under_the_solver():
    local = np.ones((4, 5, 6))
    affinities = Affinities(local, np.zeros(0), 0)
    local[:] = np.nan
    assert (affinities.local == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        affinities.local[:] = 2


def test_odd_affinities_are_refused():
    local = np.zeros((4, 5, 5))
    with pytest.raises(InputError, match="global"):
        Affinities(local, np.zeros(3), 2)
    with pytest.raises(InputError, match="4 planes"):
        Affinities(np.zeros((3, 5, 5)), np.zeros(0), 0)
    with pytest.raises(InputError, match="negative"):
        Affinities(local - 1, np.zeros(0), 0)
    with pytest.raises(InputError, match="already"):
        Propagator(Affinities(local, np.zeros(0), 0), sigma=1.0, alpha=1.0)
