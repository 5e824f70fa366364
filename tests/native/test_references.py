"""References of colour from an example, and styles' random numbers, against slow ones."""

from __future__ import annotations

import numpy as np
import pytest

from colordeploy import CancelToken
from colordeploy.errors import Cancelled, InputError
from colordeploy.native import choose
from colordeploy.native.color import lab_of
from colordeploy.native.random import normal_numbers
from colordeploy.native.references import selected, working_reference
from colordeploy.native.working import resize


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize(("full", "small"), [((90, 120), (33, 50)), ((40, 31), (40, 31))])
def test_a_reference_at_its_working_size(full, small, kind):
    rng = np.random.default_rng(full)
    samples = rng.random((*full, 3), dtype=np.float32)
    if kind == np.uint8:
        samples = (samples * 255).astype(np.uint8)
    rgb, planes, chroma = working_reference(samples, small, 16, threads=2)
    wanted = np.stack([resize(samples[..., c], small) for c in range(3)], axis=-1).clip(0, 1)
    assert np.array_equal(rgb, wanted)
    lab = lab_of(wanted)
    scaled = (lab / np.array([50.0, 110.0, 110.0]) - (1, 0, 0)).astype(np.float32)
    padded = np.pad(scaled, ((0, -small[0] % 16), (0, -small[1] % 16), (0, 0)), mode="edge")
    assert np.array_equal(planes, np.moveaxis(padded, -1, 0))
    assert chroma == pytest.approx(np.hypot(lab[..., 1], lab[..., 2]).max(), rel=1e-6)
    turned = np.ascontiguousarray(samples[:, ::-1])[:, ::-1]  # any strides
    assert np.array_equal(working_reference(turned, small, 16)[1], planes)


def test_reading_a_reference_is_cancelled():
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        working_reference(np.zeros((50, 50, 3), np.uint8), (20, 20), 4, cancel=token)


def slow_selected(activation, k, r, seed):
    scale = float(np.abs(activation[np.isfinite(activation)]).max()) or 1.0
    active = np.argsort(-np.round(activation / scale, 3), kind="stable")[:k]
    free = np.isfinite(activation)
    free[active] = False
    permutation = choose(len(free), len(free), seed=seed)
    return np.concatenate([active, np.sort(permutation[free[permutation]][:r])])


def test_selections_follow_the_definition():
    rng = np.random.default_rng(3)
    for seed in range(60):
        activation = rng.normal(size=rng.integers(30, 400)).astype(np.float32)
        activation = np.round(activation, int(rng.integers(1, 6)))  # many nearly equal ones
        activation[rng.random(len(activation)) < 0.2] = -np.inf
        count = int(np.isfinite(activation).sum())
        k = int(rng.integers(0, count))
        r = int(rng.integers(1, count - k + 1))
        found = selected(activation, k, r, seed=seed, default_k=1, default_r=1)
        assert np.array_equal(found, slow_selected(activation, k, r, seed))
    assert selected(np.zeros(9, np.float32), 3, 0, seed=0, default_k=0, default_r=0).tolist() == [
        0, 1, 2,
    ]  # fmt: skip


def test_defaults_are_at_most_what_there_is():
    activation = np.arange(10, dtype=np.float32)
    given = {"seed": 4, "default_k": 6, "default_r": 50}
    assert len(selected(activation, None, None, **given)) == 10
    assert len(selected(activation, 2, None, **given)) == 10
    assert len(selected(activation, None, 1, **given)) == 7


@pytest.mark.parametrize(
    ("k", "r", "word"),
    [(0, 0, "between 1 and the 10"), (11, 0, "not 11"), (6, 5, "6 \\+ 5"), (-1, 3, "-1 \\+ 3"),
     (2.0, 1, "k must"), (1, True, "r must")],
)  # fmt: skip
def test_impossible_selections_are_refused(k, r, word):
    with pytest.raises(InputError, match=word):
        selected(np.arange(10, dtype=np.float32), k, r, seed=0, default_k=1, default_r=1)
    with pytest.raises(InputError, match="seed"):
        selected(np.arange(10, dtype=np.float32), 1, 1, seed=-1, default_k=1, default_r=1)


def test_random_numbers_are_numpys():
    """Of seeds of any length, through the ziggurat's layers, their edges and its tail."""
    for seed in [*range(300), 2**32 - 1, 2**32, 2**64 - 1, 2**64, 3**200]:
        wanted = np.random.default_rng(seed).standard_normal(64).astype(np.float32)
        assert np.array_equal(normal_numbers(seed, 64), wanted)
    many = np.random.default_rng(7).standard_normal(400_000).astype(np.float32)
    assert np.abs(many).max() > 3.6541528853610088  # the tail
    assert np.array_equal(normal_numbers(7, 400_000), many)
    assert len(normal_numbers(1, 0)) == 0
