"""The trapped-ball method on drawings whose regions are known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from colordeploy.errors import InputError
from colordeploy.native import cover_lines, merge_tones, open_screens, region_map, region_max


def drawing(side=100):
    picture = Image.new("L", (side, side), 255)
    return picture, ImageDraw.Draw(picture)


def regions_at(labels, *points):
    return [int(labels[y, x]) for y, x in points]


def check_rules(dark, labels):
    """Lines are 0; every other pixel has a label; labels are 1..K by their first pixels."""
    assert labels.dtype == np.int32
    assert np.array_equal(labels == 0, dark)
    found, first = np.unique(labels[labels > 0], return_index=True)
    assert found.tolist() == list(range(1, len(found) + 1))
    assert (np.diff(first) > 0).all()


def test_a_closed_shape_never_leaks():
    picture, draw = drawing()
    draw.ellipse((20, 20, 70, 70), outline=0)
    draw.line((0, 85, 99, 90), fill=0)  # a diagonal line one pixel wide, eight-connected
    array = np.asarray(picture)
    labels = region_map(array)
    check_rules(array < 204, labels)
    outside, inside, below = regions_at(labels, (5, 5), (45, 45), (96, 50))
    assert len({outside, inside, below}) == 3
    exact, count = ndimage.label(array >= 204)  # no gaps: connected parts are the answer
    assert count == labels.max() == 3
    for part in range(1, count + 1):
        assert len(np.unique(labels[exact == part])) == 1


@pytest.mark.parametrize("radius", [1, 2, 3, 5])
def test_a_gap_of_up_to_twice_the_radius_separates(radius):
    for gap, separate in ((2 * radius, True), (2 * radius + 1, False)):
        array = np.full((60, 81), 255, np.uint8)
        array[:, 40] = 0
        array[25 : 25 + gap, 40] = 255
        labels = region_map(array, radii=tuple(range(radius, 0, -1)))
        check_rules(array < 204, labels)
        left, right = regions_at(labels, (10, 5), (10, 75))
        assert (left != right) == separate
    # In the gap itself each side grows half of the way.
    assert {int(v) for v in np.unique(labels)} == {0, 1}


def test_a_gap_is_shared_by_its_sides():
    array = np.full((41, 41), 255, np.uint8)
    array[18:23, :] = 0
    array[18:23, 18:23] = 255  # a passage five wide and five long, for a ball of radius 3
    labels = region_map(array, radii=(3,))
    assert labels.max() == 2
    assert labels[17, 20] == 1
    assert labels[23, 20] == 2
    assert set(labels[18:23, 20].tolist()) == {1, 2}


def test_small_balls_find_what_large_ones_miss():
    picture, draw = drawing(64)
    for i, width in enumerate((12, 7, 5, 3, 1)):
        draw.rectangle((5, 2 + 12 * i, 6 + width, 12 * i + 3 + min(width, 8)), outline=0)
    array = np.asarray(picture)
    labels = region_map(array, smallest=0)
    check_rules(array < 204, labels)
    inside = [int(labels[3 + 12 * i, 6]) for i in range(5)]
    assert len(set(inside)) == 5


def test_specks_join_the_region_with_the_longest_border():
    array = np.full((40, 40), 255, np.uint8)
    array[:, 19] = 0
    array[18:20, 19] = 255  # what grows into the gap is no region of its own
    whole = region_map(array, smallest=8)
    assert whole.max() == 2
    many = region_map(
        np.where(np.random.default_rng(0).random((80, 80)) < 0.2, 0, 255).astype("u1")
    )
    areas = np.bincount(many.ravel())[1:]
    small = np.flatnonzero(areas < 8) + 1
    for label in small:  # what is left small touches nothing
        grown = ndimage.binary_dilation(many == label)
        assert set(np.unique(many[grown]).tolist()) <= {0, int(label)}


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (70, 1), (3, 64), (64, 65), (31, 129)])
def test_any_size(shape):
    for value in (0, 255):
        labels = region_map(np.full(shape, value, np.uint8))
        assert (labels == (0 if value == 0 else 1)).all()
    rng = np.random.default_rng(shape)
    dark = rng.random(shape) < 0.15
    labels = region_map(dark)
    check_rules(dark, labels)
    assert np.array_equal(labels, region_map(np.where(dark, 0, 255).astype(np.uint8)))
    assert np.array_equal(labels, region_map(np.where(dark, 0.1, 1.0)))


def slow_middles(free, radius):
    """Where a ball fits, straight from the definition; the border holds none back."""
    reach = np.arange(-radius, radius + 1)
    ball = [(y, x) for y in reach for x in reach if y * y + x * x <= (radius + 0.5) ** 2]
    height, width = free.shape
    fits = np.zeros_like(free)
    for y in range(height):
        for x in range(width):
            fits[y, x] = all(
                free[y + dy, x + dx]
                for dy, dx in ball
                if 0 <= y + dy < height and 0 <= x + dx < width
            )
    return fits, ball


@pytest.mark.parametrize("seed", range(6))
def test_the_first_ball_matches_the_definition(seed):
    """One radius, no merging: each part of the middles is one region, and its ball's reach too."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(20, 90, 2))
    radius = int(rng.integers(1, 5))
    dark = ndimage.binary_dilation(rng.random(shape) < 0.004, iterations=2)
    labels = region_map(dark, radii=(radius,), smallest=0)
    check_rules(dark, labels)
    fits, ball = slow_middles(~dark, radius)
    parts, count = ndimage.label(fits)
    seen = set()
    for part in range(1, count + 1):
        inside = labels[parts == part]
        assert len(np.unique(inside)) == 1
        seen.add(int(inside[0]))
    assert len(seen) == count
    reached = np.zeros(shape, bool)
    for y, x in np.argwhere(fits):
        for dy, dx in ball:
            if 0 <= y + dy < shape[0] and 0 <= x + dx < shape[1]:
                reached[y + dy, x + dx] = True
    assert not (reached & dark).any()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"line": np.zeros((3, 4, 3), np.uint8)}, "line"),
        ({"line": np.zeros((0, 4), np.uint8)}, "line"),
        ({"line": np.zeros((3, 4), np.int64)}, "bool, uint8 or float"),
        ({"line": np.full((3, 4), np.nan)}, "NaN"),
        ({"line": np.full((3, 4), 7.0)}, "0, 1"),
        ({"radii": ()}, "radii"),
        ({"radii": (1, 2)}, "decreasing"),
        ({"radii": (2, 2)}, "decreasing"),
        ({"radii": (40,)}, "31"),
        ({"radii": (1, -1)}, "31"),
        ({"radii": (1.5,)}, "whole"),
        ({"threshold": 2}, "threshold"),
        ({"threshold": "x"}, "threshold"),
        ({"smallest": -1}, "smallest"),
    ],
)
def test_bad_input_is_refused(change, word):
    arguments = {"line": np.zeros((3, 4), np.uint8), **change}
    with pytest.raises(InputError, match=word):
        region_map(arguments.pop("line"), **arguments)


def test_region_max_against_loops():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(3, 9, 11)).astype(np.float32)
    labels = np.repeat(rng.integers(0, 5, (9, 6)), 2, axis=1)[:, :11]
    labels[labels == 3] = 2  # nothing left of 3
    found = region_max(features, labels, 6)
    assert found.shape == (6, 3)
    for region in range(6):
        for channel in range(3):
            inside = features[channel][labels == region]
            assert found[region, channel] == max([0.0, *inside])


def test_region_max_refuses():
    labels = np.zeros((4, 5), np.int32)
    for features, marks, count, word in (
        (np.zeros((4, 5)), labels, 1, "C, H, W"),
        (np.zeros((2, 4, 6)), labels, 1, "C, H, W"),
        (np.zeros((2, 4, 5)), labels + 3, 3, "count - 1 = 2"),
        (np.zeros((2, 4, 5)), labels - 1, 3, "count - 1"),
        (np.zeros((2, 4, 5)), labels + 0.5, 3, "whole numbers"),
        (np.zeros((2, 4, 5)), labels, 0, "count"),
    ):
        with pytest.raises(InputError, match=word):
            region_max(features, marks, count)


def test_lines_are_covered_by_near_regions():
    picture, draw = drawing(60)
    draw.rectangle((10, 10, 40, 40), outline=0, width=5)
    draw.line((0, 55, 59, 50), fill=0, width=3)
    labels = region_map(np.asarray(picture))
    covered = cover_lines(labels)
    assert np.array_equal(covered[labels > 0], labels[labels > 0])
    assert covered.min() > 0
    for label in np.unique(labels[labels > 0]):  # no farther than the nearest by city blocks
        reach = ndimage.distance_transform_cdt(labels != label, metric="taxicab")
        nearest = ndimage.distance_transform_cdt(labels == 0, metric="taxicab")
        taken = (covered == label) & (labels == 0)
        assert (reach[taken] <= nearest[taken] + 2).all()
    nothing = np.zeros((3, 4), np.int64)
    assert np.array_equal(cover_lines(nothing), nothing)
    with pytest.raises(InputError, match="whole numbers"):
        cover_lines(np.zeros((3, 4)))


def toned(kind, pitch, size=(260, 340)):
    """Lines of a disc that is filled with a texture, and the disc."""
    y, x = np.mgrid[: size[0], : size[1]]
    distance = np.hypot(y - size[0] / 2, x - size[1] / 2)
    middle = (y % pitch - pitch / 2, x % pitch - pitch / 2)
    texture = {
        "hatched": (x + y) % pitch < pitch // 4,
        "upright": x % pitch < pitch // 3,
        "crossed": ((x + y) % pitch < pitch // 4) | ((x - y) % pitch < pitch // 4),
        "holes": np.hypot(*middle) > 0.4 * pitch,
        "checkered": (x + y) % 2 == 0,
    }[kind]
    disc = distance < 100
    return (disc & texture) | (np.abs(distance - 100) < 1.5), disc


@pytest.mark.parametrize(
    ("kind", "pitch"),
    [("hatched", 6), ("upright", 6), ("upright", 12), ("crossed", 8), ("holes", 6),
     ("checkered", 2)],
)  # fmt: skip
def test_a_texture_is_one_region(kind, pitch):
    line, disc = toned(kind, pitch)
    labels = region_map(line, radii=(9, 8, 7), smallest=8)
    assert labels.max() >= 16  # confetti
    merged = merge_tones(labels, thin=7, bridge=5)
    assert merged.max() == 2
    assert np.array_equal(merged == 0, labels == 0)
    assert set(np.unique(merged[disc])) == {0, 2}
    assert set(np.unique(merged[~disc])) <= {0, 1}
    assert np.array_equal(merge_tones(merged, thin=7, bridge=5), merged)


def test_shapes_and_few_small_pieces_are_no_texture():
    line = np.zeros((200, 200), bool)
    line[::20], line[:, ::20] = True, True  # a hundred boxes, wider than a texture's pieces
    labels = region_map(line, radii=(2, 1), smallest=4)
    assert labels.max() == 100
    assert np.array_equal(merge_tones(labels, thin=7, bridge=5), labels)
    few = np.zeros((60, 60), bool)
    few[10:50, 10:50:4] = True  # nine thin pieces
    few[10], few[49] = True, True
    labels = region_map(few, radii=(4, 3), smallest=1)
    assert 5 < labels.max() < 16
    assert np.array_equal(merge_tones(labels, thin=4, bridge=4), labels)
    assert merge_tones(labels, thin=4, bridge=4, pieces=5).max() < labels.max()


def test_thick_lines_part_textures():
    line = np.ones((60, 130), bool)
    line[5:55, 5:60:2], line[5:55, 70:125:2] = False, False
    labels = region_map(line, radii=(4, 3), smallest=1)
    assert labels.max() == 56
    merged = merge_tones(labels, thin=4, bridge=4)
    assert merged.max() == 2
    assert merged[30, 5] == 1
    assert merged[30, 70] == 2
    assert merge_tones(labels, thin=4, bridge=20).max() == 1


def test_wrong_tones_are_refused():
    labels = np.ones((4, 5), np.int32)
    assert merge_tones(labels).tolist() == labels.tolist()
    for wrong in (labels - 2, labels + 20, labels[0], labels[:0], labels + 0.5):
        with pytest.raises(InputError, match="labels must"):
            merge_tones(wrong)
    with pytest.raises(InputError, match="at least 2"):
        merge_tones(labels, pieces=1)
    with pytest.raises(InputError, match="at least 0"):
        merge_tones(labels, thin=-1)


def dotted(places, radius=2, size=(200, 300)):
    """Discs of ink about the places (y, x)."""
    y, x = np.mgrid[: size[0], : size[1]]
    ink = np.zeros(size, bool)
    for row, column in places:
        ink |= np.hypot(y - row, x - column) <= radius
    return ink


@pytest.mark.parametrize("pattern", ["square", "turned", "hexagonal"])
def test_a_screens_dots_are_taken_out_of_the_lines(pattern):
    grid = np.stack(np.meshgrid(np.arange(-40, 40), np.arange(-40, 40)), axis=-1).reshape(-1, 2)
    turn = np.array({"square": [[8, 0], [0, 8]], "turned": [[6, 5], [-5, 6]],
                     "hexagonal": [[8, 0], [4, 7]]}[pattern])  # fmt: skip
    places = grid @ turn + (100, 150)
    inside = (places > (20, 30)).all(axis=1) & (places < (180, 240)).all(axis=1)
    screen = dotted(places[inside])
    outline = np.zeros_like(screen)
    outline[10], outline[190], outline[10:190, 60], outline[10:190, 150] = True, True, True, True
    apart = ndimage.binary_dilation(outline, np.ones((3, 3)))
    dots, count = ndimage.label(screen, np.ones((3, 3)))
    touching = np.isin(dots, np.unique(dots[apart]))  # these belong to the outline
    assert count > 100
    left = open_screens(outline | screen, dot=5)
    assert left.dtype == np.bool_
    assert (left[outline]).all()
    assert not (left & screen & ~touching & ~apart).any()


def test_dotted_lines_few_dots_and_wide_ones_stay():
    angles = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    ring = np.stack([100 + 90 * np.sin(angles), 150 + 90 * np.cos(angles)], axis=1)
    rows = [(10, x) for x in range(5, 295, 7)] + [(y, 5) for y in range(20, 195, 7)]
    few = [(y, x) for y in range(70, 110, 8) for x in range(120, 160, 8)]  # 25
    drawn = dotted([*ring, *rows, *few])
    assert np.array_equal(open_screens(drawn, dot=5), drawn)
    wide = dotted([(y, x) for y in range(20, 190, 12) for x in range(20, 290, 12)], radius=3)
    assert np.array_equal(open_screens(wide, dot=6), wide)
    assert not open_screens(wide, dot=7).any()


def test_small_frames_stay_as_they_bound_what_is_in_them():
    places = [(y, x) for y in range(12, 190, 12) for x in range(12, 290, 12)]
    rings = dotted(places, radius=4) & ~dotted(places, radius=2)
    assert np.array_equal(open_screens(rings, dot=11), rings)
    assert not open_screens(dotted(places, radius=4), dot=11).any()
    slanted = np.zeros((80, 80), bool)
    slanted[5::8, 5::8] = slanted[6::8, 6::8] = slanted[5::8, 7::8] = True  # joined by corners
    assert not open_screens(slanted, dot=3).any()


def test_wrong_lines_of_screens_are_refused():
    for wrong in (np.zeros((3, 4)), np.zeros(4, bool), np.zeros((0, 4), bool)):
        with pytest.raises(InputError, match="line must be"):
            open_screens(wrong)
    with pytest.raises(InputError, match="dot must be"):
        open_screens(np.zeros((3, 4), bool), dot=0)
    assert not open_screens(np.zeros((1, 1), bool)).any()
