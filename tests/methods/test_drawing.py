"""Line art of every kind: ink, opacity, regions, and what is refused."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from colordeploy.errors import InputError
from colordeploy.methods.line_art import drawing as module
from colordeploy.methods.line_art.drawing import MAXIMUM_REGIONS, Drawing, patch_labels


def same(shape):
    return shape


def circles(mode="L", ground=255, ink=0, side=120):
    picture = Image.new(mode, (side + 40, side), ground)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((15, 15, 75, 75), outline=ink, width=3)
    draw.ellipse((95, 35, 145, 85), outline=ink, width=3)
    return picture


def laid_over_white(drawing):
    opacity = drawing.lines.opacity[..., None] / 255
    ink = 0 if drawing.lines.ink is None else drawing.lines.ink / 255
    return ink * opacity + 1 - opacity


def test_black_lines():
    drawing = Drawing(circles(), same)
    assert drawing.lines.ink is None
    assert drawing.regions.labels.max() == 3 == drawing.regions.count - 1
    assert np.array_equal(drawing.regions.labels == 0, np.asarray(circles()) < 204)
    assert drawing.regions.covered.min() == 1
    assert np.array_equal(drawing.regions.working, drawing.regions.labels)
    with pytest.raises(ValueError, match="read-only"):
        drawing.regions.labels[0, 0] = 5


def test_coloured_and_transparent_lines_come_back():
    coloured = circles("RGB", (255, 255, 255), (150, 20, 60))
    drawing = Drawing(coloured, same)
    assert np.abs(laid_over_white(drawing) - np.asarray(coloured) / 255).max() < 0.01
    clear = circles("RGBA", (0, 0, 0, 0), (20, 20, 160, 255))
    drawing = Drawing(clear, same)
    assert drawing.regions.labels.max() == 3
    over = Image.new("RGBA", clear.size, "white")
    over.alpha_composite(clear)
    assert np.abs(laid_over_white(drawing) - np.asarray(over)[..., :3] / 255).max() < 0.01


def test_gray_drawings_saved_in_colour_are_black_ink():
    assert Drawing(circles().convert("RGB"), same).lines.ink is None


@pytest.mark.fault(2)
def test_light_lines_on_dark_ground_are_inverted(caplog):
    drawing = Drawing(circles(ground=0, ink=255), same)
    assert "mostly dark" in caplog.text
    plain = Drawing(circles(), same)
    assert np.array_equal(drawing.regions.labels, plain.regions.labels)
    assert np.array_equal(drawing.lines.opacity, plain.lines.opacity)


@pytest.mark.fault(4)
@pytest.mark.parametrize(("value", "word"), [(255, "empty"), (230, "empty"), (0, "dark all over")])
def test_empty_and_black_pages_are_refused(value, word):
    with pytest.raises(InputError, match=word):
        Drawing(np.full((40, 50), value, np.uint8), same)


def test_photos_are_bounded(caplog):
    cells = np.full((300, 400), 255, np.uint8)  # too wide for a texture's pieces, and too many
    cells[::7], cells[:, ::7] = 0, 0
    regions = Drawing(cells, same).regions
    assert "more like a photo" in caplog.text
    assert 1 <= regions.labels.max() <= MAXIMUM_REGIONS
    labels = np.unique(regions.labels)
    assert np.array_equal(labels, np.arange(labels.max() + 1))


def test_large_drawings_get_larger_balls():
    """A gap that grew with the drawing still separates."""
    small = np.full((64, 64), 255, np.uint8)
    small[:, 31:33] = 0
    small[30:34, 31:33] = 255
    large = np.kron(small, np.ones((4, 4), np.uint8))
    drawing = Drawing(large, lambda _: (64, 64))
    assert drawing.regions.labels.max() == 2
    assert drawing.regions.working.shape == (64, 64)
    assert drawing.working_luma.shape == (64, 64)


def test_ground_keeps_away_from_lines():
    drawing = Drawing(circles(), same)
    labels, ground = drawing.regions.labels, drawing.regions.working_ground
    least = ndimage.minimum_filter((labels > 0).astype(np.uint8), 3)
    assert np.array_equal(ground, np.where(least > 0, labels, 0))
    assert ground[0, 0] == labels[0, 0] > 0  # the border is no line


def test_threads_change_nothing():
    coloured = circles("RGB", (255, 255, 255), (150, 20, 60), side=300)
    one, three = (Drawing(coloured, same, threads=n) for n in (1, 3))
    assert np.array_equal(one.lines.ink, three.lines.ink)
    assert np.array_equal(one.lines.opacity, three.lines.opacity)
    assert np.array_equal(one.regions.labels, three.regions.labels)


@pytest.mark.parametrize("threads", [1, 2])
def test_regions_are_looked_for_beside_unless_there_is_one_thread(monkeypatch, threads):
    searched = []

    def search(line, scale, **options):
        searched.append(threading.current_thread() is threading.main_thread())
        raise ValueError("no regions today")

    monkeypatch.setattr(module, "find_regions", search)
    drawing = Drawing(circles(), same, threads=threads)
    assert drawing.working_luma.shape == (120, 160)
    with pytest.raises(ValueError, match="no regions today"):
        _ = drawing.regions
    assert searched == [threads == 1]


def test_patches():
    labels = patch_labels(5, 7, 3)
    assert labels.tolist()[0] == [1, 1, 1, 2, 2, 2, 3]
    assert labels.tolist()[4] == [4, 4, 4, 5, 5, 5, 6]


@pytest.mark.fault(1)
@pytest.mark.parametrize("ground", [(190, 190, 190), (200, 181, 142)])
def test_the_ground_stays_the_pages(ground):
    page = circles("RGB", ground, (30, 28, 30))
    drawing = Drawing(page, same)
    assert np.array_equal(drawing.regions.labels, Drawing(circles(), same).regions.labels)
    assert np.abs(laid_over_white(drawing) - np.asarray(page) / 255).max() < 0.01


@pytest.mark.fault(4)
def test_noise_alone_is_refused_by_name(tmp_path):
    noise = np.random.default_rng(0).normal(180, 25, (200, 300)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "scan.png")
    with pytest.raises(InputError, match=r"scan\.png is empty, or noise alone.*contrast"):
        Drawing(tmp_path / "scan.png", same)


@pytest.mark.fault("5b")
def test_dots_over_several_shapes_part_none_of_them():
    y, x = np.mgrid[:512, :512]
    levels = np.full((512, 512), 255, np.uint8)
    levels[(x % 8 - 4) ** 2 + (y % 8 - 4) ** 2 <= 4] = 0
    levels[y < 230] = 255  # the lower half is toned
    for top, left in ((200, 150), (260, 250), (150, 330)):  # overlapping, half in the tone
        distance = np.hypot(y - top, x - left)
        levels[distance < 3] = 255
        levels[np.abs(distance - 90) < 2.5] = 0
    levels[:6], levels[-6:], levels[:, :6], levels[:, -6:] = 0, 0, 0, 0
    drawing = Drawing(levels, lambda shape: (256, 256), threads=1)
    labels = drawing.regions.labels
    areas = np.bincount(labels.ravel())[1:]
    assert (areas > 400).sum() == 6  # the page, three discs' own parts, two overlaps
    assert labels[250, 20] == labels[500, 500] == labels[40, 40]


def test_a_screened_shape_is_one_region():
    page = circles(side=300)
    y, x = np.mgrid[:300, :340]
    levels = np.asarray(page).copy()
    screen = ((x + y) % 5 == 0) | ((x - y) % 5 == 0)
    inside = np.hypot(y - 200, x - 230) < 70
    levels[inside & screen] = 0
    levels[np.abs(np.hypot(y - 200, x - 230) - 70) < 1.5] = 0
    drawing = Drawing(levels, lambda shape: (150, 170))
    labels = drawing.regions.labels
    assert labels.max() == 4  # the page, two circles, and the screen
    assert len(np.unique(drawing.regions.covered[np.hypot(y - 200, x - 230) < 66])) == 1
