"""Lines on every paper: drawn shapes whose lines are known, on grounds of many kinds."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from colordeploy.errors import Cancelled, InputError
from colordeploy.native import CancelFlag, region_map, separate_page

SIZE = (360, 480)
WEIGHTS = np.array([0.299, 0.587, 0.114])


def drawn(width=4):
    """How much of each pixel is line: a circle, a box and a slanted line that cuts a corner off."""
    picture = Image.new("L", SIZE[::-1], 0)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((40, 50, 190, 200), outline=255, width=width)
    draw.rectangle((240, 60, 430, 220), outline=255, width=width)
    draw.line((0, 240, 260, 359), fill=255, width=width)
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(0.7))) / 255.0


def page(ground, line, noise=2.0, width=4):
    """Levels of a page in float, (H, W), or (H, W, 3) for colours."""
    cover = drawn(width)
    if np.ndim(ground):
        cover = cover[..., None]
    levels = np.asarray(ground, float) * (1 - cover) + np.asarray(line, float) * cover
    return levels + np.random.default_rng(0).normal(scale=noise, size=levels.shape)


def luma(levels):
    values = np.round(np.clip(levels, 0, 255)) / 255
    return (values @ WEIGHTS if values.ndim == 3 else values).astype(np.float32)


def regions(lines):
    return region_map(lines, radii=(4, 3, 1), smallest=16)


ACROSS = np.arange(SIZE[1]) / SIZE[1]
PAPERS = {
    "white": page(255, 20),
    "gray": page(190, 30),
    "yellowed": page(190, 30)[..., None] * (1, 0.95, 0.75) + (10, 0, 0),
    "unevenly lit": page(255, 20) * (1 - 0.55 * ACROSS),
    "photographed in the dusk": page(255, 20) * (1 - 0.55 * ACROSS) * 0.6,
    "pale pencil": page(250, 200),
    "paler pencil": page(250, 215),
    "dark paper": page(128, 60),
    "chalk": page(25, 230),
    "blueprint": page((20, 50, 140), (230, 235, 240)),
    "chalk on gray": page(120, 235),
    "white ink on brown": page((180, 140, 100), (250, 250, 245)),
    "thin lines": page(200, 40, width=2),
    "grain": page(225, 60, noise=6),
}
DARK = {"chalk", "blueprint", "chalk on gray", "white ink on brown"}


@pytest.mark.fault(1, 2, 3)
@pytest.mark.parametrize("paper", PAPERS)
def test_the_lines_are_found_on_every_paper(paper):
    found = separate_page(luma(PAPERS[paper]))
    assert not found.blank
    assert found.inverted == (paper in DARK)
    truth = drawn(2 if paper == "thin lines" else 4)
    assert found.lines[truth > 0.9].mean() > 0.99
    assert found.lines[truth < 0.02].mean() < 1e-3
    labels, expected = regions(found.lines), regions(truth > 0.3)
    assert labels.max() == expected.max() == 4
    same = labels == expected  # both are numbered in reading order
    assert same[(truth < 0.02)].mean() > 0.999
    # And the plane for the network is dark lines on white.
    assert found.luma.dtype == np.float32
    assert np.median(found.luma[truth < 0.02]) > 0.95
    assert np.median(found.luma[truth > 0.9 * truth.max()]) < 0.6


BLANKS = {
    "white": np.full(SIZE, 255.0),
    "paper": page(250, 250),
    "gray": page(120, 120),
    "uneven": page(255, 255) * (1 - 0.55 * ACROSS),
    "black": np.zeros(SIZE),
    "nearly black": page(6, 6),
    "noise": np.random.default_rng(1).normal(128, 40, SIZE),
    "light noise": np.random.default_rng(1).normal(200, 20, SIZE),
    "even noise": np.random.default_rng(1).uniform(0, 255, SIZE),
}


@pytest.mark.parametrize("paper", BLANKS)
def test_pages_without_a_line_are_blank(paper):
    assert separate_page(luma(BLANKS[paper])).blank


def test_a_white_page_is_left_as_it_is():
    levels = luma(page(255, 0, noise=0))
    found = separate_page(levels)
    assert np.array_equal(found.luma, levels)
    assert np.array_equal(found.lines, levels < np.float32(0.8))


def test_a_dot_on_a_clean_page_is_a_drawing():
    levels = np.ones((40, 50), np.float32)
    levels[20, 30] = 0
    assert np.argwhere(separate_page(levels).lines).tolist() == [[20, 30]]
    levels -= np.abs(np.random.default_rng(0).normal(scale=0.02, size=levels.shape))
    assert separate_page(levels.astype(np.float32)).blank  # in noise it may be chance


def test_soft_shading_is_no_line():
    """Even where it covers much more than the lines do."""
    levels = page(255, 10, noise=0)
    shade = np.ones(SIZE)
    shade[70:210, 250:420] = 0.86
    shade[80:150, 80:150] = 0.9
    found = separate_page(luma(levels * shade))
    assert np.array_equal(regions(found.lines), regions(separate_page(luma(levels)).lines))


def test_large_black_shapes_are_no_ground():
    levels = page(190, 30, noise=1)
    levels[180:350, 300:470] = 15
    found = separate_page(luma(levels))
    assert not found.inverted
    assert found.lines[185:345, 305:465].all()
    assert not found.lines[230:350, 285:295].any()


def test_it_does_not_hang_on_threads_or_strides():
    levels = luma(PAPERS["unevenly lit"])
    expected = separate_page(levels, threads=1)
    room = np.zeros((SIZE[0], 2 * SIZE[1]), np.float32)
    room[::-1, ::2] = levels
    for found in (
        separate_page(levels, threads=2),
        separate_page(levels, threads=5),
        separate_page(room[::-1, ::2]),
    ):
        assert np.array_equal(found.luma, expected.luma)
        assert np.array_equal(found.lines, expected.lines)
        assert found.threshold == expected.threshold


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (33, 700)])
def test_odd_sizes_end_well(shape):
    levels = np.ones(shape, np.float32)
    assert separate_page(levels).blank
    levels[:, ::3] = 0.1
    levels.flat[0] = np.nan
    found = separate_page(levels)
    assert found.lines.shape == found.luma.shape == shape
    assert np.isfinite(found.luma).all()


def test_wrong_arguments_are_refused():
    for wrong in (np.zeros((3, 4, 3)), np.zeros((0, 4)), np.zeros((3, 4), complex), [[1], [1, 2]]):
        with pytest.raises(InputError):
            separate_page(wrong)
    flag = CancelFlag()
    flag.set()
    with pytest.raises(Cancelled):
        separate_page(np.ones((30, 40)), cancel=flag)
