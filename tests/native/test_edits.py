"""Edits, threads and instruction sets: all must give the bits of a fresh solve by one thread."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse.linalg

from colordeploy.errors import InputError
from colordeploy.native import Affinities, Propagator, propagate

from .test_propagation import random_problem

SHAPES = [(1, 1), (3, 2), (37, 301), (64, 64), (130, 97), (200, 40)]


def some_strokes(rng, shape, mask):
    """Toggle a few short strokes."""
    mask = mask.copy()
    for _ in range(int(rng.integers(1, 4))):
        y, x = (int(rng.integers(n)) for n in shape)
        mask[y : y + 2, x : x + 9] ^= True
    mask[int(rng.integers(shape[0])), int(rng.integers(shape[1]))] = True
    return mask


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("global_step", [0, 2, 12, 1000])
@pytest.mark.parametrize("shape", SHAPES)
def test_edits_give_the_bits_of_a_fresh_solve(shape, global_step, precision):
    if global_step == 2 and shape[0] * shape[1] > 5000:
        global_step = 5  # thousands of global points: dense, slow and nothing new
    rng = np.random.default_rng((*shape, global_step))
    features, mask, values = random_problem(rng, *shape, 3, marked=0.01)
    options = {"sigma": 0.8, "alpha": 0.5, "global_step": global_step, "precision": precision}
    editor = Propagator(features, **options, threads=2)
    for _ in range(6):
        assert np.array_equal(
            editor.solve(mask, values), propagate(features, mask, values, **options, threads=1)
        )
        mask = some_strokes(rng, shape, mask)


@pytest.mark.parametrize("threads", [2, 3, 7, 40])
@pytest.mark.parametrize("shape", [(37, 301), (160, 150)])
def test_any_number_of_threads(shape, threads):
    rng = np.random.default_rng(shape)
    features, mask, values = random_problem(rng, *shape, 4, marked=0.01, outputs=3)
    options = {"sigma": 0.5, "alpha": 1.0}
    alone = propagate(features, mask, values, **options, threads=1)
    assert np.array_equal(propagate(features, mask, values, **options, threads=threads), alone)
    assert np.array_equal(propagate(features, mask, values, **options), alone)


def test_a_cell_is_all_there_is_or_many_are_alike():
    """Pictures of one cell, of a few, and of more than a vector has lanes, with odd lattices."""
    rng = np.random.default_rng(4)
    for shape, step in [((1, 1), 1), ((12, 12), 0), ((13, 13), 0), ((90, 77), 7), ((61, 200), 13)]:
        features, mask, values = random_problem(rng, *shape, 2, marked=0.02, outputs=3)
        system = Propagator(features, sigma=0.8, alpha=0.5, global_step=step)
        rhs = (values * mask[..., None]).reshape(-1, 3)
        direct = scipy.sparse.linalg.spsolve(system.matrix(mask).tocsc(), rhs).reshape(values.shape)
        assert np.abs(system.solve(mask, values) - direct).max() < 1e-8


@pytest.mark.parametrize("threads", [0, -1, 2.0, True, "two"])
def test_odd_numbers_of_threads_are_refused(threads):
    features, mask, values = random_problem(np.random.default_rng(0), 6, 7, 2)
    with pytest.raises(InputError, match="threads"):
        propagate(features, mask, values, sigma=1.0, alpha=1.0, threads=threads)


def test_single_precision_features_are_taken_as_they_are():
    rng = np.random.default_rng(3)
    features, mask, values = random_problem(rng, 40, 50, 5)
    features = features.astype(np.float32)
    options = {"sigma": 0.7, "alpha": 0.2}
    assert np.array_equal(
        propagate(features, mask, values, **options),
        propagate(features.astype(np.float64), mask, values, **options),
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 8, 17])
@pytest.mark.parametrize("shape", [(1, 20), (7, 9), (30, 8)])
def test_affinities_follow_the_definition(shape, channels):
    rng = np.random.default_rng((*shape, channels))
    features = rng.normal(size=(*shape, channels)) * rng.choice([0.1, 1, 10])
    made = Affinities.from_features(features, sigma=0.7, global_step=3, threads=2)
    height, width = shape
    for plane, (dy, dx) in zip(made.local, ((0, 1), (1, -1), (1, 0), (1, 1)), strict=True):
        for y in range(height):
            for x in range(width):
                if 0 <= y + dy < height and 0 <= x + dx < width:
                    d = np.square(features[y, x] - features[y + dy, x + dx]).sum()
                    expected = np.exp(-d / (2 * 0.7**2))
                    assert plane[y, x] == pytest.approx(expected, rel=1e-12, abs=1e-300)
                else:
                    assert plane[y, x] == 0
    points = features[1::3, 1::3].reshape(-1, channels)
    i, j = np.tril_indices(len(points), -1)
    expected = np.exp(-np.square(points[i] - points[j]).sum(axis=1) / (2 * 0.7**2))
    assert np.allclose(made.global_, expected, rtol=1e-12, atol=1e-300)


def test_affinities_from_one_down_to_nothing():
    """The exponential's own range: exact 1, the smallest normal number, and 0 beyond."""
    exponents = np.linspace(0, 760, 4001)
    features = np.cumsum(np.r_[0.0, np.sqrt(2 * exponents)])[None, :, None]
    distances = np.diff(features[0, :, 0]) ** 2
    made = Affinities.from_features(features, sigma=1.0, global_step=0).local[0, 0, :-1]
    expected = np.exp(-0.5 * distances)
    normal = 0.5 * distances < 707
    assert made[0] == 1.0
    assert np.allclose(made[normal], expected[normal], rtol=1e-12, atol=0)
    assert (made[~normal] <= 1e-307).all()


def test_a_failed_solve_leaves_the_propagator_usable():
    """The system is singular for one mask and not for the next."""
    local = np.ones((4, 30, 40))
    local[0, :, 19] = local[3, :, 19] = local[1, :, 20] = 0  # nothing leads across
    editor = Propagator(Affinities(local, np.zeros(0), 0), alpha=1.0, phi=0.0, threads=2)
    left = np.zeros((30, 40), bool)
    left[4, 5] = True
    both = left.copy()
    both[7, 30] = True
    values = np.ones((30, 40, 1))
    for _ in range(2):
        assert np.allclose(editor.solve(both, values), 1.0)
        with pytest.raises(Exception, match="phi > 0"):
            editor.solve(left, values)


ON_ONE_SET = """
import hashlib, numpy as np, scipy.sparse.linalg, sys
sys.path.insert(0, sys.argv[1])
from colordeploy.native import Propagator, _core
from tests.native.test_propagation import random_problem
digest = hashlib.sha256()
for shape, channels in [((5, 6), 5), ((37, 101), 2), ((96, 96), 5), ((30, 131), 1)]:
    features, mask, values = random_problem(np.random.default_rng(1), *shape, channels)
    p = Propagator(features, sigma=0.7, alpha=1.0)
    x = p.solve(mask, values)
    single = Propagator(features, sigma=0.7, alpha=1.0, precision="single").solve(mask, values)
    assert np.abs(single - x).max() < 1e-5
    rhs = (values * mask[..., None]).reshape(-1, 2)
    direct = scipy.sparse.linalg.splu(p.matrix(mask).tocsc()).solve(rhs)
    assert np.abs(x.reshape(-1, 2) - direct).max() < 1e-9
    digest.update(x.tobytes() + single.tobytes())
print(_core.instruction_set(), digest.hexdigest())
"""


def on_one_set(isa: str) -> tuple[str, str]:
    """The set that was used, a hash of what it solves, compared with a direct sparse solve."""
    done = subprocess.run(
        [sys.executable, "-c", ON_ONE_SET, str(Path(__file__).parents[2])],
        env={**os.environ, "COLORDEPLOY_ISA": isa},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    used, digest = done.stdout.split()
    return used, digest


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="x86 instruction sets")
def test_every_instruction_set():
    """A named set, or the best that the processor has below it; with FMA all give the same bits."""
    below = {"generic": {"generic"}, "avx2": {"avx2", "generic"}}
    below["avx512"] = {"avx512", *below["avx2"]}
    found = {isa: on_one_set(isa) for isa in below}
    assert all(used in below[isa] for isa, (used, _) in found.items())
    if found["avx2"][0] != "generic":
        assert found["avx2"][1] == found["avx512"][1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200))
def test_fuzz_against_a_direct_solve(seed):
    """Any size, step, contrast and mask, a few edits each."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 90, 2))
    step = int(rng.choice([0, 3, 5, 12, 20, 200]))
    features, mask, values = random_problem(
        rng, *shape, int(rng.integers(1, 20)), marked=10 ** rng.uniform(-4, 0)
    )
    features *= 10 ** rng.uniform(-2, 1)
    editor = Propagator(
        features, sigma=10 ** rng.uniform(-1.5, 0.5), alpha=10 ** rng.uniform(-5, 2),
        global_step=step, threads=int(rng.integers(1, 4)),
    )  # fmt: skip
    for _ in range(3):
        x = editor.solve(mask, values)
        rhs = (values * mask[..., None]).reshape(-1, 2)
        # Refined once: the reference itself subtracts, and loses what hangs on by phi.
        matrix = editor.matrix(mask).tocsc()
        lu = scipy.sparse.linalg.splu(matrix, options={"SymmetricMode": True}, diag_pivot_thresh=0)
        direct = lu.solve(rhs)
        direct += lu.solve(rhs - matrix @ direct)
        assert np.abs(x.reshape(-1, 2) - direct).max() < 1e-3
        mask = some_strokes(rng, shape, mask)
