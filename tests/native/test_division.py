"""One region in several colours."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from colordeploy.errors import InputError
from colordeploy.native import Owners, RegionDivider, cover_lines, region_map


def half_open(scale=1):
    """Two rooms with a doorway too wide for the balls; (labels, covered)."""
    side = 160 * scale
    picture = Image.new("L", (side, side // 2), 255)
    draw = ImageDraw.Draw(picture)
    middle, wide = side // 2, 2 * scale
    draw.rectangle(
        (5 * scale, 5 * scale, side - 6 * scale, side // 2 - 6 * scale), outline=0, width=wide
    )
    draw.line((middle, 5 * scale, middle, 30 * scale), fill=0, width=wide)
    draw.line((middle, 50 * scale, middle, side // 2 - 5 * scale), fill=0, width=wide)
    labels = region_map(np.asarray(picture))
    return labels, cover_lines(labels)


def divided(labels, covered, *marks):
    """Labels with an owner each at the (y, x) of `marks`."""
    region = labels[marks[0]]
    counts = np.zeros(labels.max() + 1, np.int32)
    counts[region] = len(marks)
    pixels = np.array([y * labels.shape[1] + x for y, x in marks])
    owners = Owners(counts, pixels, np.arange(len(marks), dtype=np.int32))
    return RegionDivider(labels, covered, threads=1).divide(owners)


@pytest.mark.parametrize("scale", [1, 3])
def test_rooms_are_divided_at_their_doorway(scale):
    labels, covered = half_open(scale)
    middle = labels.shape[1] // 2
    marks = (40 * scale, 20 * scale), (30 * scale, 150 * scale)
    room = labels[marks[0]]
    assert labels[marks[1]] == room
    result = divided(labels, covered, *marks)
    inside = labels == room
    left = np.indices(labels.shape)[1] < middle - 6 * scale
    right = np.indices(labels.shape)[1] > middle + 6 * scale
    assert (result[inside & left] == room).all()
    assert (result[inside & right] == labels.max() + 1).all()
    assert np.array_equal(result[covered != room], covered[covered != room])
    # Beside the wall, too, nothing is on the wrong side.
    y = slice(8 * scale, 28 * scale)
    assert (result[y, middle - 2 * scale] == room).all()
    assert (result[y, middle + 3 * scale] == labels.max() + 1).all()


def test_a_half_open_shape_keeps_its_mark_and_the_ground_its_own():
    """Two lines end before the page does: what lies between them is not the ground's."""
    labels = np.ones((160, 240), np.int32)
    labels[20:140, 100:103] = labels[20:140, 128:131] = 0
    labels[20:23, 100:131] = 0
    shape = np.zeros(labels.shape, bool)
    shape[24:130, 104:127] = True
    ground = np.ones(labels.shape, bool)
    ground[:, 90:141] = False
    covered = cover_lines(labels)
    for y, x in ((80, 115), (80, 106), (40, 125)):  # small dabs, beside a line, too
        dab = [(y + i) * 240 + x + j for i in range(-2, 3) for j in range(-2, 3)]
        owners = np.array([0] + [1] * len(dab), np.int32)
        marks = Owners(np.array([0, 2], np.int32), np.array([80 * 240 + 40, *dab]), owners)
        result = RegionDivider(labels, covered, threads=1).divide(marks)
        assert (result[ground] == 1).all()  # also beyond the shape
        assert (result[shape] == 2).mean() > 0.6


def test_marks_keep_their_owner_and_nothing_is_left():
    labels = np.ones((40, 60), np.int32)
    marks = [(20, 5), (20, 30), (20, 55)]
    result = divided(labels, labels, *marks)
    assert [int(result[mark]) for mark in marks] == [1, 2, 3]
    parts = np.bincount(result.ravel())[1:]
    assert parts.min() > 0.2 * labels.size  # about a third each
    assert (np.diff(result[20].astype(int)) >= 0).all()


def test_a_part_too_thin_for_cells_belongs_to_its_mark():
    labels = np.ones((300, 300), np.int32)
    labels[100:103, :] = labels[104:107, :] = 0
    labels[103, :295] = 1  # a corridor one pixel wide
    labels[100:107, 295:] = 1
    covered = cover_lines(labels)
    result = divided(labels, covered, (50, 50), (103, 20))
    assert result[103, 10:100].tolist() == [2] * 90
    assert result[50, 200] == 1


def test_regions_with_one_owner_stay_whole():
    labels, covered = half_open()
    counts = np.zeros(labels.max() + 1, np.int32)
    counts[labels[40, 20]] = 1
    owners = Owners(counts, np.array([40 * 160 + 20]), np.zeros(1, np.int32))
    assert np.array_equal(RegionDivider(labels, covered).divide(owners), covered)


def test_the_same_for_any_threads():
    labels, covered = half_open(3)
    counts = np.zeros(labels.max() + 1, np.int32)
    counts[labels[120, 60]] = 2
    owners = Owners(counts, np.array([120 * 480 + 60, 90 * 480 + 450]), np.array([0, 1], np.int32))
    one, three = (RegionDivider(labels, covered, threads=n).divide(owners) for n in (1, 3))
    assert np.array_equal(one, three)


def test_what_is_refused():
    labels = np.ones((8, 8), np.int32)
    with pytest.raises(InputError, match="one size"):
        RegionDivider(labels, labels[1:])
    divider = RegionDivider(labels, labels)
    with pytest.raises(InputError, match="counts must be"):
        divider.divide(Owners(np.zeros(1, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int32)))
    two = np.array([0, 2], np.int32)
    with pytest.raises(InputError, match="below its region's count"):
        divider.divide(Owners(two, np.array([3]), np.array([2], np.int32)))
    with pytest.raises(InputError, match="within 64 pixels"):
        divider.divide(Owners(two, np.array([64]), np.array([0], np.int32)))
