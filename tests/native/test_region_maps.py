"""Regions of drawings: maps, what networks are told, hints; against slow ones in whole arrays."""

from __future__ import annotations

import numpy as np
import pytest

from colordeploy.errors import InputError
from colordeploy.native import Dabs, cover_lines, merge_tones, open_screens, region_map
from colordeploy.native.hints import MOST_HINTS, region_hints
from colordeploy.native.regions import (
    MAXIMUM_REGIONS,
    find_regions,
    inside_labels,
    nearest_labels,
)
from colordeploy.native.tokens import GEOMETRY, STRIDE, region_places, region_tokens


def page(height=120, width=160, seed=0):
    """A drawing of random lines: true on them."""
    rng = np.random.default_rng(seed)
    line = np.zeros((height, width), bool)
    y, x = np.mgrid[:height, :width]
    for _ in range(7):
        angle, away = rng.uniform(0, np.pi), rng.uniform(-0.3, 0.3) * width
        distance = np.cos(angle) * (x - width / 2) + np.sin(angle) * (y - height / 2) - away
        line |= np.abs(distance) < rng.uniform(0.6, 1.6)
    return line


def test_labels_at_another_size_are_those_at_the_middles():
    labels = np.random.default_rng(0).integers(0, 99, (37, 53), dtype=np.int32)
    for shape in ((10, 20), (37, 53), (1, 1), (50, 90)):
        rows, columns = (
            ((np.arange(few) + 0.5) * many / few).astype(int)
            for many, few in zip(labels.shape, shape, strict=True)
        )
        assert np.array_equal(nearest_labels(labels, shape), labels[rows[:, None], columns[None]])
        assert np.array_equal(
            nearest_labels(labels[::-1, ::2], shape),
            nearest_labels(np.ascontiguousarray(labels[::-1, ::2]), shape),
        )


@pytest.mark.parametrize("shape", [(30, 40), (1, 9), (9, 1), (1, 1)])
def test_labels_inside_have_no_line_beside_them(shape):
    labels = np.random.default_rng(1).integers(0, 9, shape, dtype=np.int32)
    framed = np.pad(labels > 0, 1, mode="edge")
    alone = np.ones(shape, bool)
    for dy in range(3):
        for dx in range(3):
            alone &= framed[dy : dy + shape[0], dx : dx + shape[1]]
    assert np.array_equal(inside_labels(labels), np.where(alone, labels, 0))


def slow_regions(line, scale, radii):
    smallest = round(8 * scale * scale)
    balls = radii or sorted({min(31, round(r * scale)) for r in (3, 2, 1)}, reverse=True)
    opened = open_screens(line, dot=2 * round(scale) + 1)
    labels = region_map(opened, radii=balls, smallest=smallest)
    if labels.max() >= 64:
        labels = merge_tones(labels, thin=round(scale) + 1, bridge=round(scale) + 1)
    while labels.max() > MAXIMUM_REGIONS and smallest < line.size:
        smallest = max(1, smallest * 4)
        labels = region_map(opened, radii=balls, smallest=smallest)
    if labels.max() > MAXIMUM_REGIONS:
        pixels = np.bincount(labels.ravel())
        pixels[0] = 0
        kept = np.zeros(len(pixels), np.int32)
        largest = np.sort(np.argsort(-pixels, kind="stable")[:MAXIMUM_REGIONS])
        kept[largest] = np.arange(1, MAXIMUM_REGIONS + 1)
        labels = kept[labels]
    return labels


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.5, 0.4])
def test_regions_are_found_by_the_rules_for_the_size(scale):
    for seed, radii in ((0, None), (1, None), (2, [4, 1])):
        line = page(seed=seed)
        labels, count, before = find_regions(line, scale, radii=radii)
        assert np.array_equal(labels, slow_regions(line, scale, radii))
        assert (count, before) == (labels.max(), 0)


def test_too_many_regions_become_fewer():
    line = np.zeros((331, 331), bool)
    line[::5] = line[:, ::5] = True  # 4,356 cells that touch nothing
    labels, count, before = find_regions(line, 1.0, radii=[0])
    wanted = slow_regions(line, 1.0, [0])
    assert np.array_equal(labels, wanted)
    assert count == wanted.max() <= MAXIMUM_REGIONS
    assert before in (0, 4356)
    with pytest.raises(InputError, match="radii"):
        find_regions(line, 1.0, radii=[1, 2])


def slow_tokens(labels, covered, luma, count, places):
    """By loops over the regions, in double precision."""
    height, width = labels.shape
    rows, columns = -(-height // STRIDE), -(-width // STRIDE)
    regions = count - 1
    shares, geometry = np.zeros((regions, rows, columns)), np.zeros((regions, GEOMETRY))
    lengths = np.zeros((count, count))
    for first, second in ((covered[:, :-1], covered[:, 1:]), (covered[:-1], covered[1:])):
        for a, b in zip(first.ravel(), second.ravel(), strict=True):
            if a != b:
                lengths[a, b] += 1
                lengths[b, a] += 1
    lengths = lengths[1:, 1:]
    around = lengths.sum(axis=1)
    edge = np.concatenate([covered[0], covered[-1], covered[:, 0], covered[:, -1]])
    for i in range(regions):
        y, x = np.nonzero(labels == i + 1)
        if not len(y):
            y, x = places[i + 1 : i + 2].T
        np.add.at(shares[i], (y // STRIDE, x // STRIDE), 1 / len(y))
        box = (y.max() - y.min() + 1) * (x.max() - x.min() + 1)
        outer = (edge == i + 1).mean()
        geometry[i] = [
            0.2 * np.log(len(y) / labels.size) + 1, np.sqrt(len(y) / labels.size),
            2 * (y.mean() + 0.5) / height - 1, 2 * (x.mean() + 0.5) / width - 1,
            2 * y.min() / height - 1, 2 * x.min() / width - 1,
            2 * (y.max() + 1) / height - 1, 2 * (x.max() + 1) / width - 1,
            len(y) / box, outer, outer > 0, min(around[i] / np.sqrt(len(y)) / 8, 2),
            np.sqrt(around[i] / max(1.0, around.sum())), 2 * luma[y, x].mean(dtype=float) - 1,
        ]  # fmt: skip
    return shares, geometry, lengths / np.maximum(around, 1)[:, None]


@pytest.mark.parametrize("shape", [(120, 160), (61, 47)])
def test_tokens_count_regions_out(shape):
    full = region_map(page(seed=3))
    labels = nearest_labels(full, shape)
    covered = nearest_labels(cover_lines(full), shape)
    count = int(full.max()) + 3  # two regions without a pixel anywhere
    luma = np.random.default_rng(5).random(shape, dtype=np.float32)
    places = region_places(full, labels, count)
    found = region_tokens(labels, covered, luma, count, places)
    for ours, wanted in zip(found, slow_tokens(labels, covered, luma, count, places), strict=True):
        assert ours.dtype == np.float32
        assert np.abs(ours - wanted).max() < 2e-6
    cells = found.shares.shape[1] + 3, found.shares.shape[2] + 1
    wider = region_tokens(labels, covered, luma, count, places, cells).shares
    assert np.array_equal(wider[:, : cells[0] - 3, : cells[1] - 1], found.shares)
    assert wider.sum() == found.shares.sum()


def test_regions_that_are_not_there_have_a_place():
    full = np.zeros((40, 60), np.int32)
    full[3:9, 5:20], full[30, 41] = 1, 2
    labels = nearest_labels(full, (10, 15))
    assert not (labels == 2).any()
    places = region_places(full, labels, 4)
    assert places.tolist() == [[0, 0], [0, 0], [30 * 10 // 40, 41 * 15 // 60], [0, 0]]
    with pytest.raises(ValueError, match="within the labels"):
        region_tokens(labels, labels, np.ones((10, 15), np.float32), 4, places + 99)
    with pytest.raises(IndexError, match="exceed"):
        region_tokens(labels + 9, labels, np.ones((10, 15), np.float32), 4, places)


def slow_hints(dabs, labels, covered, areas):
    """Region by region and colour by colour."""
    count = len(areas)
    under = labels.ravel()[dabs.pixels]
    alone = np.bincount(dabs.dabs, under > 0)[dabs.dabs] == 0
    region = np.where(alone, covered.ravel()[dabs.pixels], under)
    whole = np.bincount(dabs.dabs, region > 0)
    for dab in np.unique(dabs.dabs):
        for number in np.unique(region[dabs.dabs == dab]):
            part = (dabs.dabs == dab) & (region == number)
            if part.sum() < 0.05 * whole[dab] and part.sum() < 0.25 * areas[number]:
                region[part] = 0
    kept = region > 0
    counts = np.zeros(count, int)
    owner = np.zeros(len(region), int)
    regions, colors = [], []
    for number in np.unique(region[kept]):
        own = []
        inside = region == number
        found, pieces = np.unique(dabs.rgb[inside].astype(int), axis=0, return_counts=True)
        for i in np.argsort(-pieces, kind="stable"):
            far = [np.abs(found[i] - color).max() for color in own]
            if far and (min(far) <= 8 or len(own) == MOST_HINTS):
                number_of = int(np.argmin(far))
            else:
                number_of = len(own)
                own.append(found[i])
            owner[inside & (dabs.rgb == found[i]).all(axis=1)] = number_of
        counts[number] = len(own)
        regions += [number] * len(own)
        colors += own
    return counts, dabs.pixels[kept], owner[kept], regions, np.array(colors).reshape(-1, 3)


@pytest.mark.parametrize("seed", range(8))
def test_hints_follow_the_definition(seed):
    rng = np.random.default_rng(seed)
    labels = region_map(page(seed=seed))
    covered = cover_lines(labels)
    areas = np.bincount(labels.ravel())
    marked = np.full(labels.shape, -1)
    for dab in range(12):
        y, x = rng.integers(0, labels.shape[0]), rng.integers(0, labels.shape[1])
        marked[max(0, y - 4) : y + 5, max(0, x - 6) : x + 3] = dab
    pixels = np.flatnonzero(marked >= 0)
    numbers = np.unique(marked.ravel()[pixels], return_inverse=True)[1].astype(np.int32)
    palette = rng.integers(0, 256, (3, 3))
    rgb = (palette[numbers % 3] + rng.integers(-9, 10, (len(pixels), 1))).clip(0, 255)
    dabs = Dabs(pixels, rgb.astype(np.uint8), numbers)
    found = region_hints(dabs.pixels, dabs.rgb, dabs.dabs, labels, covered, areas)
    for ours, wanted in zip(found, slow_hints(dabs, labels, covered, areas), strict=False):
        assert np.array_equal(ours, wanted)


def test_many_colours_in_a_region():
    labels = np.ones((20, 20), np.int32)
    pixels = np.arange(60)
    rgb = np.stack([pixels % 6 * 40, pixels // 6 * 25, 0 * pixels], axis=1).astype(np.uint8)
    given = pixels, rgb, np.zeros(60, np.int32), labels, labels, np.array([0, 400])
    counts, _, owners, regions, colors, crowded = region_hints(*given)
    assert counts.tolist() == [0, MOST_HINTS]
    assert crowded == 1
    assert len(regions) == len(colors) == MOST_HINTS
    assert owners.max() == MOST_HINTS - 1
    assert len(region_hints(pixels[:0], rgb[:0], given[2][:0], labels, labels, given[5])[1]) == 0
