"""Strokes to constraints against the rules, written down pixel by pixel."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from colordeploy.errors import Cancelled, InputError
from colordeploy.native import (
    CancelFlag,
    Line,
    constrain_layer,
    constrain_lines,
    draw_lines,
    marked_pixels,
)
from colordeploy.pictures.color import chroma_of

THREADS = (1, 2, 5)


def slow_marks(alpha):
    """A search from every pixel through all of at least half its alpha."""
    height, width = alpha.shape
    marks = np.zeros(alpha.shape, bool)
    for y, x in np.argwhere(alpha >= 4):
        own = int(alpha[y, x])
        seen, ahead, most = {(y, x)}, deque([(y, x)]), own
        while ahead:
            cy, cx = ahead.popleft()
            most = max(most, int(alpha[cy, cx]))
            for ny in range(max(cy - 1, 0), min(cy + 2, height)):
                for nx in range(max(cx - 1, 0), min(cx + 2, width)):
                    visible = alpha[ny, nx] >= 4 and 2 * int(alpha[ny, nx]) >= own
                    if (ny, nx) not in seen and visible:
                        seen.add((ny, nx))
                        ahead.append((ny, nx))
        marks[y, x] = 2 * own >= most
    return marks


def slow_constraints(rgba, marks, shape):
    height, width = marks.shape
    visible = rgba[..., 3] >= 4
    light = rgba[..., :3].max(axis=-1).astype(int) > rgba[..., 3].astype(int) + 1
    soft = visible & (rgba[..., 3] < 255)
    multiplied = (soft & ~marks).any() and not (soft & light).any()
    total, sums = np.zeros(shape), np.zeros((*shape, 3))
    for y, x in np.argwhere(marks):
        cell = y * shape[0] // height, x * shape[1] // width
        weight = float(rgba[y, x, 3])
        total[cell] += weight
        sums[cell] += (255.0 if multiplied else weight) * rgba[y, x, :3] / 255.0
    mask = total > 0
    mean = np.minimum(sums / np.where(mask, total, 1.0)[..., None], 1)
    return mask, np.where(mask[..., None], chroma_of(mean), 0)


def slow_owners(lines, size):
    """Index of the line at each pixel, -1 where there is none, by the distance from segments."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float64)
    owners = np.full(size, -1)
    for index, line in enumerate(lines):
        shift = 0.5 if round(line.width) % 2 == 0 else 0.0
        points = np.asarray(line.points, np.float64) - shift
        for (y0, x0), (y1, x1) in zip(points, [*points[1:], points[-1]], strict=True):
            dy, dx = y1 - y0, x1 - x0
            length = dy * dy + dx * dx
            part = ((y - y0) * dy + (x - x0) * dx) / length if length > 0 else np.zeros(size)
            part = np.clip(part, 0, 1)
            off_y, off_x = y - (y0 + part * dy), x - (x0 + part * dx)
            owners[off_y * off_y + off_x * off_x <= (line.width / 2) ** 2] = index
    return owners


def blobs(seed, size=(22, 26)):
    """Soft strokes of different strength on a layer, some touching, some in a veil."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    alpha = np.full(size, rng.integers(0, 4) * rng.integers(0, 6), float)
    for _ in range(rng.integers(1, 6)):
        cy, cx, r = rng.random() * size[0], rng.random() * size[1], 1 + 4 * rng.random()
        strength, soft = rng.choice([40, 60, 130, 255]), 1 + 4 * rng.random()
        alpha = np.maximum(
            alpha, strength * np.clip((r - np.hypot(y - cy, x - cx)) / soft + 1, 0, 1)
        )
    rgba = rng.integers(0, 256, (*size, 4)).astype(np.uint8)
    rgba[..., 3] = np.round(alpha)
    return rgba


@pytest.mark.parametrize("seed", range(12))
def test_marks_and_constraints_are_those_of_the_rule(seed):
    rgba = blobs(seed)
    if seed % 4 == 3:
        rgba[..., 3] = np.random.default_rng(seed).integers(0, 9, rgba.shape[:2]) ** 2
    if seed % 3 == 1:  # colours multiplied by alpha
        rgba[..., :3] = np.round(rgba[..., :3] * (rgba[..., 3:] / 255.0))
    marks = slow_marks(rgba[..., 3])
    for threads in THREADS:
        assert np.array_equal(marked_pixels(rgba, threads=threads), marks)
        for shape in ((22, 26), (7, 9), (1, 1)):
            mask, chroma = slow_constraints(rgba, marks, shape)
            found = constrain_layer(rgba, shape, threads=threads)
            assert np.array_equal(found.mask, mask)
            assert np.abs(found.chroma - chroma).max() < 1e-6
            assert found.pixels == marks.sum()
    room = np.zeros((44, 52, 8), np.uint8)
    view = room[42::-2, ::2, 6::-2]
    view[:] = rgba
    assert np.array_equal(constrain_layer(view, (7, 9)).chroma,
                          constrain_layer(rgba, (7, 9)).chroma)  # fmt: skip


def stroke_layer(alpha, colour=(200, 40, 30)):
    rgba = np.zeros((*alpha.shape, 4), np.uint8)
    rgba[..., :3] = colour
    rgba[..., 3] = alpha
    return rgba


@pytest.mark.fault(6, 7)
def test_a_veil_swallows_nothing_and_pale_brushes_mark():
    alpha = np.zeros((60, 80), np.uint8)
    alpha[10:20, 10:70], alpha[40:44, 20:30] = 255, 60
    expected = alpha > 0
    assert np.array_equal(marked_pixels(stroke_layer(alpha)), expected)
    for veil in (1, 3, 10, 25):
        under = stroke_layer(np.maximum(alpha, veil))
        assert np.array_equal(marked_pixels(under), expected), veil
        found = constrain_layer(under, (15, 20))
        assert np.array_equal(found.chroma, constrain_layer(stroke_layer(alpha), (15, 20)).chroma)
    assert not marked_pixels(stroke_layer(np.full((60, 80), 3))).any()


@pytest.mark.fault(5)
def test_soft_rims_carry_no_colour():
    y, x = np.mgrid[:60, :80]
    distance = np.abs(y - 30)
    alpha = np.clip(255 * (12 - distance) / 8, 0, 255) * ((x > 10) & (x < 70))
    rgba = stroke_layer(alpha.astype(np.uint8))
    rgba[..., :3] = rgba[..., :3] * (rgba[..., 3:] / 255.0)  # premultiplied: rims are dark
    marks = marked_pixels(rgba)
    assert np.array_equal(marks, rgba[..., 3] >= 128)
    # And what carries colour carries the stroke's own.
    found = constrain_layer(rgba, (30, 40))
    assert np.abs(found.chroma[found.mask] - chroma_of(np.array([200, 40, 30]) / 255)).max() < 0.01


def test_dark_strokes_of_one_alpha_are_what_they_say():
    """Nothing in them tells that colours are multiplied by alpha, so they are not."""
    alpha = np.zeros((60, 80), np.uint8)
    alpha[10:30, 10:70] = 130
    found = constrain_layer(stroke_layer(alpha, (100, 50, 20)), (15, 20))
    expected = chroma_of(np.array([100, 50, 20]) / 255)
    assert np.abs(found.chroma[found.mask] - expected).max() < 1e-6


@pytest.mark.parametrize("seed", range(25))
def test_lines_are_drawn_by_distance(seed):
    rng = np.random.default_rng(seed)
    size = (rng.integers(1, 70), rng.integers(1, 90))
    lines = []
    for _ in range(rng.integers(1, 5)):
        points = rng.uniform(-30, 100, (rng.integers(1, 5), 2))
        if seed % 3:
            points = np.round(points)
        width = float(rng.choice([1, 2, 3, 4, 7, 10, 2.5, 40]))
        lines.append(Line(points, tuple(int(v) for v in rng.integers(0, 256, 3)), width))
    owners = slow_owners(lines, size)
    expected = np.zeros((*size, 4), np.uint8)
    for index, line in enumerate(lines):
        expected[owners == index] = (*line.rgb, 255)
    assert np.array_equal(draw_lines(lines, size), expected)
    shape = (int(rng.integers(1, size[0] + 1)), int(rng.integers(1, size[1] + 1)))
    layer = constrain_layer(expected, shape)
    for threads in THREADS:
        found = constrain_lines(lines, size, shape, threads=threads)
        assert np.array_equal(found.mask, layer.mask)
        assert np.array_equal(found.chroma, layer.chroma)
        assert found.pixels == (owners >= 0).sum()


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8])
def test_straight_lines_are_as_wide_as_they_say_and_have_no_gap(width):
    for points, axis in (([(20, 5), (20, 60)], 0), ([(5, 20), (60, 20)], 1)):
        drawn = draw_lines([Line(points, (9, 9, 9), width)], (70, 70))[..., 3] > 0
        across = drawn.sum(axis=axis)
        assert (across[10:55] == width).all()
    slanted = draw_lines([Line([(3, 5), (60, 37)], (9, 9, 9), width)], (70, 70))[..., 3] > 0
    assert slanted[3:61].any(axis=1).all()
    dot = draw_lines([Line([(9, 9)], (9, 9, 9), width)], (20, 20))[..., 3] > 0
    assert dot.any(axis=1).sum() == dot.any(axis=0).sum() == width


def test_far_and_huge_lines_end_well():
    size = (50, 60)
    lines = [Line([(-1e6, -1e6), (1e6, 1e6)], (1, 2, 3), 3.0), Line([(1e6, 5)], (4, 5, 6), 1e6)]
    assert constrain_lines(lines, size, (5, 6)).mask.any()
    everywhere = constrain_lines([Line([(20, 20)], (255, 0, 0), 1e6)], size, (5, 6))
    assert everywhere.mask.all()
    assert everywhere.pixels == 50 * 60
    nowhere = constrain_lines([Line([(-50, -50), (-60, -10)], (1, 1, 1), 5)], size, (5, 6))
    assert nowhere.pixels == 0
    assert not nowhere.mask.any()
    assert not nowhere.chroma.any()
    assert constrain_lines([], size, (5, 6)).pixels == 0


@pytest.mark.parametrize("shape", [(44, 60), (31, 40), (22, 61)])
def test_enlarged_pictures_repeat_the_marks_of_their_pixels(shape):
    rgba = blobs(3)
    rows, columns = (
        (np.arange(n) + 0.5) * own // n for n, own in zip(shape, rgba.shape[:2], strict=True)
    )
    own, found = constrain_layer(rgba, rgba.shape[:2]), constrain_layer(rgba, shape, threads=2)
    at = np.ix_(rows.astype(int), columns.astype(int))
    assert found.pixels == own.pixels > 0
    np.testing.assert_array_equal(found.mask, own.mask[at])
    np.testing.assert_array_equal(found.chroma, own.chroma[at])
    line = Line([(3, 4), (9, 12)], (200, 30, 90), 3.0)
    single = constrain_lines([line], (12, 16), (12, 16))
    twice = constrain_lines([line], (12, 16), (24, 32))
    np.testing.assert_array_equal(twice.mask, single.mask.repeat(2, 0).repeat(2, 1))


def test_wrong_arguments_are_refused():
    rgba, line = blobs(0), Line([(1, 2)], (1, 2, 3), 3.0)

    def refused(call, word):
        with pytest.raises(InputError, match=word):
            call()

    refused(lambda: constrain_layer(rgba[..., :3], (4, 5)), "RGBA")
    refused(lambda: constrain_layer(rgba[:0], (4, 5)), "RGBA")
    refused(lambda: constrain_layer(rgba / 255, (4, 5)), "RGBA")
    refused(lambda: constrain_layer(rgba, (0, 5)), "at least 1")
    refused(lambda: constrain_layer(rgba, (4, 5), threads=0), "threads")
    refused(lambda: marked_pixels(rgba[0]), "RGBA")
    refused(lambda: constrain_lines([line], (10, 10), (11, 0)), "at least 1")
    refused(lambda: draw_lines([line], (0, 10)), "at least 1")
    for wrong in (
        Line([], (1, 2, 3), 3), Line([1, 2], (1, 2, 3), 3), Line([(1, np.nan)], (1, 2, 3), 3),
        Line([(1, 2)], (1, 2, 3), 0.5), Line([(1, 2)], (1, 2, 256), 3),
        Line([(1, 2e6)], (1, 2, 3), 3), Line([(1, 2)], (1, 2, 3), np.nan),
    ):  # fmt: skip
        refused(lambda wrong=wrong: draw_lines([wrong], (10, 10)), "a line's")
    flag = CancelFlag()
    flag.set()
    with pytest.raises(Cancelled):
        constrain_layer(rgba, (4, 5), cancel=flag)
    with pytest.raises(Cancelled):
        constrain_lines([line], (10, 10), (4, 5), cancel=flag)
