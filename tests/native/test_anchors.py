"""Anchors of automatic colour: each step against a slow one in whole arrays."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from colordeploy.errors import InputError
from colordeploy.native import kmeans
from colordeploy.native.anchors import (
    AB_BINS,
    anchor_hints,
    diverse_order,
    expected_chroma,
    located,
    middle_of,
    most_probable,
    nearest_bin,
    pooled,
    with_residues,
)


def distribution(rng, sharp=30.0):
    raw = np.exp(rng.normal(scale=sharp**0.5, size=len(AB_BINS)))
    return (raw / raw.sum()).astype(np.float32)


def slow_order(candidates):
    distance = np.linalg.norm(candidates[:, None] - candidates[None], axis=2)
    order = [0]
    while len(order) < len(candidates):
        total = distance[:, order].sum(axis=1)
        total[order] = -1.0
        order.append(int(total.argmax()))
    return order


def test_probable_colours_and_their_order_are_the_definitions():
    rng = np.random.default_rng(0)
    for _ in range(200):
        probabilities = np.round(distribution(rng), 4)  # with ties
        best = most_probable(probabilities)
        assert best == np.argsort(-probabilities, kind="stable")[:10].tolist()
        assert diverse_order(AB_BINS[best]) == slow_order(AB_BINS[best])
        mean = probabilities.astype(np.float64) @ AB_BINS
        assert expected_chroma(probabilities) == pytest.approx(mean, abs=1e-5)


def test_probabilities_of_any_strides():
    planes = np.stack([distribution(np.random.default_rng(s)) for s in range(6)], axis=1)
    column = planes.reshape(-1, 2, 3)[:, 1, 1]
    assert most_probable(column) == most_probable(column.copy())
    assert expected_chroma(column) == expected_chroma(column.copy())
    with pytest.raises(ValueError, match="each bin"):
        most_probable(column[:-1])


def test_the_nearest_bin():
    ab = np.random.default_rng(1).uniform(-130, 130, (40, 5, 2))
    distance = np.square(ab[..., None, :] - AB_BINS).sum(axis=-1)
    assert np.array_equal(nearest_bin(ab), distance.argmin(axis=-1))
    assert nearest_bin(np.array([5.0, 0.0])) == nearest_bin(np.array([0.0, 0.0]))  # the first


def slow_pooled(values, association, cell):
    """Every pixel to each of the nine cells around it."""
    height, width, channels = values.shape
    rows, columns = -(-height // cell), -(-width // cell)
    sums = np.zeros((rows + 2, columns + 2, channels + 1))
    for y in range(height):
        for x in range(width):
            for k in range(9):
                share = association[k, y, x] if association is not None else float(k == 4)
                dy, dx = divmod(k, 3)
                sums[y // cell + dy, x // cell + dx] += share * np.append(values[y, x], 1.0)
    inner = sums[1:-1, 1:-1]
    return np.moveaxis(inner[..., :-1] / np.maximum(inner[..., -1:], 1e-8), -1, 0)


@pytest.mark.parametrize("cells", [False, True])
@pytest.mark.parametrize(("shape", "cell"), [((33, 47), 8), ((16, 16), 16), ((1, 5), 4)])
def test_pooled_values_are_weighted_means(shape, cell, cells):
    rng = np.random.default_rng(shape)
    values = rng.normal(size=(*shape, 2)).astype(np.float32)
    padded = tuple(side + -side % cell for side in shape)
    association = None if cells else rng.random((9, *padded)).astype(np.float32)
    wanted = slow_pooled(values, association, cell)
    found = pooled(values, association, cell)
    assert found.shape == wanted.shape
    assert np.allclose(found, wanted, atol=1e-6)
    backwards = np.ascontiguousarray(values[:, ::-1])[:, ::-1]  # any strides
    assert np.array_equal(pooled(backwards, association, cell), found)


def slow_located(features, sizes, count, seed):
    points = features.reshape(features.shape[0], -1).T
    labels, centres = kmeans(points, count, seed=seed)
    score = -np.square(points - centres[labels]).sum(axis=1) if sizes is None else sizes.ravel()
    return sorted(
        int(np.argmax(np.where(labels == cluster, score, -np.inf)))
        for cluster in range(count)
        if (labels == cluster).any()
    )


@pytest.mark.parametrize("sized", [False, True])
def test_anchors_are_the_middles_of_clusters_or_the_largest_places(sized):
    rng = np.random.default_rng(2)
    for seed in range(20):
        features = rng.normal(size=(24, 11, 17)).astype(np.float32)
        sizes = rng.integers(1, 9, (11, 17)).astype(np.float32) if sized else None
        wanted = slow_located(features, sizes, 8, seed)
        assert located(features, sizes, 8, seed=seed) == wanted


def test_equal_places_have_anchors_of_their_own():
    assert len(located(np.zeros((3, 4, 5), np.float32), None, 6, seed=0)) <= 6
    assert located(np.zeros((3, 1, 1), np.float32), None, 1, seed=0) == [0]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"features": np.full((2, 3, 3), np.nan, np.float32)}, "NaN"),
        ({"count": 0}, "between 1 and"),
        ({"count": 10}, "between 1 and"),
        ({"seed": -1}, "seed"),
        ({"sizes": np.zeros(9, np.float32)}, "sizes"),
    ],
)
def test_bad_places_are_refused(change, word):
    given = {"features": np.zeros((2, 3, 3), np.float32), "sizes": None, "count": 2, "seed": 0}
    given |= change
    with pytest.raises(InputError, match=word):
        located(given["features"], given["sizes"], given["count"], seed=given["seed"])


def test_hints_lie_in_the_cells_of_their_anchors():
    size, working, cell, grid = (480, 640), (96, 128), 16, (6, 8)
    for row in range(6):
        for column in range(8):
            y, x = middle_of(size, working, cell, row, column)
            mask, colors = anchor_hints([(y, x, 10.0, -20.0)], size, working, cell, grid)
            assert mask.shape == (1, 6, 8)
            assert mask.sum() == 1
            assert mask[0, row, column] == 1
            assert colors[:, row, column].tolist() == [10.0, -20.0]
    both = [(0.0, 0.0, 10.0, 10.0), (79.9, 79.9, 20.0, 20.0)]
    mask, colors = anchor_hints(both, size, working, cell, grid)
    assert mask.sum() == 1
    assert colors[0, 0, 0] == 20.0  # the last counts


@pytest.mark.parametrize(
    ("anchor", "word"),
    [
        ((-0.1, 0, 0, 0), "outside"),
        ((480, 0, 0, 0), r"\(480, 0\) is outside the picture of 480x640"),
        ((float("nan"), 0, 0, 0), "outside"),
        ((0, 0, float("nan"), 0), "two numbers"),
        ((0, 0, 109, 109), r"no colour of sRGB; the nearest is about \(60, 80\)|no colour"),
    ],
)
def test_bad_anchors_are_refused(anchor, word):
    with pytest.raises(InputError, match=word):
        anchor_hints([anchor], (480, 640), (96, 128), 16, (6, 8))


def enlarged(plane, shape):
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize(shape[::-1], Image.Resampling.BICUBIC))


def slow_residues(ab, tokens, gray, mask, colors):
    """By the definition, in double precision."""
    side = ab.shape[1] // tokens.shape[1]
    height, width = ab.shape[1:]
    light = (50 * gray.astype(float) + 50).reshape(
        height, gray.shape[0] // height, width, gray.shape[1] // width
    )
    light = light.mean(axis=(1, 3))
    centred = tokens.astype(float) - tokens.mean(axis=(1, 2), keepdims=True, dtype=float)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=0), 1e-6)
    rows, columns = ((np.arange(n) + 0.5) / side - 0.5 for n in ab.shape[1:])
    total, lacking = np.full(ab.shape[1:], 0.06), np.zeros(ab.shape)
    for row, column in zip(*np.nonzero(mask[0]), strict=True):
        cell = slice(side * row, side * (row + 1)), slice(side * column, side * (column + 1))
        residue = colors[:, row, column] - ab[(slice(None), *cell)].mean(axis=(1, 2))
        alike = enlarged(np.tensordot(unit[:, row, column], unit, 1), light.shape)
        lighter = light - light[cell].mean()
        away = (rows[:, None] - row) ** 2 + (columns - column) ** 2
        weight = np.exp((alike - 1) / 0.2 - away / (2 * 30**2) - lighter**2 / (2 * 20**2))
        total += weight
        lacking += weight * residue[:, None, None]
    return ab + lacking / total


@pytest.mark.parametrize(
    ("cells", "side", "anchors"), [((6, 9), 4, 3), ((3, 3), 1, 9), ((1, 1), 2, 1)]
)
def test_residues_follow_the_definition(cells, side, anchors):
    rng = np.random.default_rng((*cells, side))
    shape = tuple(side * n for n in cells)
    ab = rng.normal(scale=20, size=(2, *shape)).astype(np.float32)
    tokens = rng.normal(size=(32, *cells)).astype(np.float32)
    gray = rng.uniform(-1, 1, tuple(2 * n for n in shape)).astype(np.float32)
    mask, colors = np.zeros((1, *cells), np.float32), np.zeros((2, *cells), np.float32)
    for place in rng.permutation(cells[0] * cells[1])[:anchors]:
        at = divmod(int(place), cells[1])
        mask[(0, *at)], colors[(slice(None), *at)] = 1, rng.normal(scale=40, size=2)
    found = with_residues(ab, tokens, gray, mask, colors)
    assert np.abs(found - slow_residues(ab, tokens, gray, mask, colors)).max() < 1e-3
    assert np.abs(found - ab).max() > 0.1
    assert np.array_equal(with_residues(ab, tokens, gray, 0 * mask, colors), ab)


def test_residues_of_another_shape_are_refused():
    ab, tokens = np.zeros((2, 8, 8), np.float32), np.zeros((3, 3, 3), np.float32)
    mask, colors = np.ones((1, 3, 3), np.float32), np.zeros((2, 3, 3), np.float32)
    with pytest.raises(ValueError, match="values a side"):
        with_residues(ab, tokens, np.zeros((8, 8), np.float32), mask, colors)


_BITS = """
import hashlib, numpy as np
from colordeploy.native.anchors import located, pooled, with_residues
from colordeploy.native.color import lab_of, lightness_of_gray
from colordeploy.native.working import chroma_at_working_size, resize
def made(*shape):
    return (np.sqrt(np.arange(1.0, np.prod(shape) + 1)).reshape(shape) % 1.0).astype(np.float32)
mask = (made(1, 5, 7) > 0.8).astype(np.float32)
ab, gray = 40 * made(2, 20, 28) - 20, 2 * made(80, 112) - 1
found = [
    with_residues(ab, made(13, 5, 7), gray, mask, 30 * made(2, 5, 7)),
    chroma_at_working_size(ab, gray, (77, 111)),
    pooled(made(33, 21, 2), made(9, 40, 24), 8),
    lab_of(made(501, 3)), lightness_of_gray(made(37)), resize(made(91, 77), (30, 41)),
    resize(made(12, 17), (30, 41)), np.array(located(made(21, 12, 14), None, 9, seed=2)),
]
print(hashlib.sha256(b"".join(a.tobytes() for a in found)).hexdigest())
"""


def test_the_same_bits_on_every_instruction_set():
    found = {
        subprocess.run(
            [sys.executable, "-c", _BITS], capture_output=True, text=True, check=True,
            env={"PATH": "", "COLORDEPLOY_ISA": isa, "OMP_NUM_THREADS": "1"},
        ).stdout.strip()
        for isa in ("generic", "avx2", "avx512")
    }  # fmt: skip
    assert len(found) == 1
