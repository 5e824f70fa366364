"""Lines, means and the composed picture against the same in NumPy and Pillow, in whole arrays."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from colordeploy.errors import Cancelled, InputError
from colordeploy.native import (
    CancelFlag,
    Lines,
    Shading,
    compose_drawing,
    reduce_drawing,
    region_map,
    region_max,
    region_means,
    separate_lines,
)
from colordeploy.pictures.color import CHROMA_TO_RGB, chroma_of, lab_of, luma_of

SIZES = [((157, 211), (31, 47)), ((300, 5), (60, 1)), ((9, 700), (4, 300)), ((40, 30), (40, 30)),
         ((33, 64), (33, 32)), ((1, 1), (1, 1)), ((1025, 13), (16, 9))]  # fmt: skip
THREADS = (1, 2, 3, 7)


def bilinear(values, shape):
    """Pillow's enlargement of (h, w, C)."""
    planes = [
        Image.fromarray(np.ascontiguousarray(values[..., c])).resize(
            shape[::-1], Image.Resampling.BILINEAR
        )
        for c in range(values.shape[2])
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def slow_lines(values):
    cover = 1 - (values if values.ndim == 2 else values.min(axis=2))
    opacity = (cover * 255 + np.float32(0.5)).astype(np.uint8)
    if values.ndim == 2:
        return opacity, None
    share = cover[..., None]
    over = values - (1 - share)
    pure = np.divide(over, share, out=np.zeros_like(over), where=share > 1 / 255)
    return opacity, (np.clip(pure, 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)


def slow_means(values, labels, count):
    full = bilinear(values, labels.shape).reshape(-1, 3)
    marks = labels.ravel()
    pixels = np.bincount(marks, minlength=count)
    total = np.stack([np.bincount(marks, full[:, c], count) for c in range(3)], axis=1)
    return total / np.maximum(pixels, 1)[:, None], pixels


def slow_picture(palette, labels, shading=None, lines=None):
    colors = palette[labels]
    if shading is not None:
        inside = (shading.ground > 0)[..., None]
        varying = np.where(inside, shading.values - palette[shading.ground], np.float32(0))
        colors = colors + bilinear(varying, labels.shape)
    below = (np.clip(colors, 0, 1) * 255 + 0.5).astype(np.uint8)
    if lines is None:
        return below
    cover = lines.opacity[..., None].astype(np.float32) / 255
    ink = np.float32(0) if lines.ink is None else lines.ink.astype(np.float32)
    return (below * (1 - cover) + ink * cover + np.float32(0.5)).astype(np.uint8)


def made(full, small, seed=0, count=6):
    """Palette, labels in blobs, values beyond [0, 1] in planar memory, their ground."""
    rng = np.random.default_rng((seed, *full))
    palette = rng.random((count, 3), dtype=np.float32)
    blobs = rng.integers(0, count, (full[0] // 9 + 1, full[1] // 9 + 1))
    labels = np.kron(blobs, np.ones((9, 9), int))[: full[0], : full[1]].astype(np.int32)
    planes = rng.uniform(-0.3, 1.3, (3, *small)).astype(np.float32)
    ground = rng.integers(0, count, small).astype(np.int32)
    return palette, labels, np.moveaxis(planes, 0, -1), ground, rng


@pytest.mark.parametrize("shape", [(1, 1), (37, 53), (400, 301)])
def test_lines_are_those_of_the_formula(shape):
    """To the last bit: both round the same float32 operations."""
    rng = np.random.default_rng(1)
    gray = rng.random(shape, dtype=np.float32)
    coloured = 1 - np.round(rng.random((*shape, 3)) ** 4, 2).astype(np.float32)  # mostly white
    for values in (gray, coloured):
        opacity, ink = slow_lines(values)
        for threads in THREADS:
            found = separate_lines(values, threads=threads)
            assert np.array_equal(found.opacity, opacity)
            assert (found.ink is None) == (ink is None)
            assert ink is None or np.array_equal(found.ink, ink)


def test_nearly_black_ink_is_black():
    page = np.ones((20, 20, 3), np.float32)
    for value, black in ((8 / 255, True), (10 / 255, False)):
        page[5:9] = (value, 0, 0)
        assert (separate_lines(page).ink is None) == black


@pytest.mark.parametrize(("full", "small"), SIZES)
def test_means_are_those_of_the_formula(full, small):
    _, labels, values, _, rng = made(full, small)
    labels[labels == 4] = 5  # nothing left of 4
    wanted = rng.random(7) < 0.7
    expected, pixels = slow_means(values, labels, 7)
    found, counted = region_means(values, labels, wanted, threads=1)
    assert found.dtype == np.float32
    assert np.array_equal(counted, np.where(wanted, pixels, 0))
    assert np.abs(found - np.where(wanted[:, None], expected, 0)).max() < 1e-6
    for threads in THREADS:
        again, counted_again = region_means(values, labels, wanted, threads=threads)
        assert np.array_equal(again, found)
        assert np.array_equal(counted_again, counted)
    assert np.array_equal(region_means(np.ascontiguousarray(values), labels, wanted)[0], found)


@pytest.mark.parametrize(("full", "small"), SIZES)
@pytest.mark.parametrize("ink", ["none", "black", "coloured"])
def test_pictures_are_those_of_the_formula(full, small, ink):
    palette, labels, values, ground, rng = made(full, small)
    opacity = np.where(rng.random(full) < 0.5, 0, rng.integers(0, 256, full)).astype(np.uint8)
    colour = rng.integers(0, 256, (*full, 3), dtype=np.uint8) if ink == "coloured" else None
    lines = None if ink == "none" else Lines(opacity, colour)
    # Flat: exactly. Shaded: to within one level, where rounding the last digit of a sum decides.
    flat = slow_picture(palette, labels, None, lines)
    assert np.array_equal(compose_drawing(palette, labels, lines=lines), flat)
    shading = Shading(values, ground)
    expected = slow_picture(palette, labels, shading, lines).astype(int)
    found = compose_drawing(palette, labels, shading=shading, lines=lines, threads=1)
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert (found != expected).mean() < 0.001
    for threads in THREADS:
        again = compose_drawing(palette, labels, shading=shading, lines=lines, threads=threads)
        assert np.array_equal(again, found)


def test_every_opacity_over_every_value_is_rounded_to_the_nearest():
    below = np.arange(256, dtype=np.float32)[:, None] / 255
    labels = np.repeat(np.arange(256, dtype=np.int32)[:, None], 256, axis=1)
    opacity = np.repeat(np.arange(256, dtype=np.uint8)[None], 256, axis=0)
    for ink in (0, 1, 130, 255):
        colour = np.full((256, 256, 3), ink, np.uint8)
        found = compose_drawing(
            np.repeat(below, 3, axis=1), labels, lines=Lines(opacity, colour), threads=2
        )
        share = opacity.astype(np.float64) / 255
        exact = labels * (1 - share) + ink * share
        assert np.abs(found[..., 1] - exact).max() < 0.5


def refused(call, word):
    with pytest.raises(InputError, match=word):
        call()


def test_wrong_arrays_are_refused():
    palette, labels, values, ground, _ = made((20, 30), (10, 15))
    wanted = np.ones(6, bool)
    opacity, ink = np.zeros((20, 30), np.uint8), np.zeros((20, 30, 3), np.uint8)

    def compose(**changes):
        arguments = {"palette": palette, "labels": labels, **changes}
        return lambda: compose_drawing(arguments.pop("palette"), arguments.pop("labels"),
                                       **arguments)  # fmt: skip

    refused(lambda: separate_lines(opacity.astype(np.int16)), "float in .0, 1., not int16")
    refused(lambda: separate_lines(np.zeros((4, 5, 4))), "H, W, 3")
    refused(lambda: region_means(values, labels, wanted[:4]), "between 0 and 3; these reach 0 to 5")
    refused(lambda: region_means(values, labels - 1, wanted), "reach -1 to 4")
    refused(lambda: region_means(values, labels.astype(np.int64) + 2**32, wanted), "below 2")
    refused(lambda: region_means(values, labels, wanted.astype(int)), "bool")
    refused(lambda: region_means(values, labels[:5], wanted), "no larger than the labels")
    refused(lambda: region_means(values[..., :2], labels, wanted), "h, w, 3")
    refused(lambda: region_means(values, labels + 0.5, wanted), "whole numbers")
    refused(lambda: region_means(values, labels, wanted, threads=0), "threads")
    refused(compose(palette=palette[:5]), "between 0 and 4; these reach 0 to 5")
    refused(compose(palette=palette[:, :2]), "count, 3")
    refused(compose(labels=labels[0]), "H, W")
    refused(compose(shading=Shading(values, ground + 1)), "reach 0 to 6")
    refused(compose(shading=Shading(values, ground[1:])), "ground must be of the values' size")
    refused(compose(lines=Lines(opacity[1:])), "opacity must be .20, 30. uint8")
    refused(compose(lines=Lines(opacity, ink[..., :2])), "ink must be")
    refused(compose(lines=Lines(opacity.astype(int))), "opacity must be")
    refused(compose(threads=2.0), "threads")


def test_labels_far_down_are_checked_too():
    palette, labels, *_ = made((300, 40), (10, 10))
    labels[299, 39] = 6
    for threads in THREADS:
        with pytest.raises(InputError, match="reach 0 to 6"):
            compose_drawing(palette, labels, threads=threads)
        with pytest.raises(InputError, match="reach 0 to 6"):
            region_means(np.zeros((10, 10, 3)), labels, np.ones(6, bool), threads=threads)


def test_nothing_is_copied_on_the_way_to_the_core():
    palette, labels, values, ground, _ = made((2000, 1500), (256, 192))
    opacity = np.zeros(labels.shape, np.uint8)
    tracemalloc.start()
    picture = compose_drawing(
        palette, labels, shading=Shading(values, ground), lines=Lines(opacity), threads=2
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < picture.nbytes + 2**20


@pytest.mark.parametrize("shape", [(40, 31), (40, 31, 3)])
def test_lines_of_eight_bits_like_those_of_floats(shape):
    page = np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)
    found, expected = separate_lines(page), separate_lines(page.astype(np.float32) / 255)
    np.testing.assert_array_equal(found.opacity, expected.opacity)
    if len(shape) == 3:
        np.testing.assert_array_equal(found.ink, expected.ink)


def full_drawing(full, small, ink, seed=0):
    palette, labels, values, ground, rng = made(full, small, seed)
    opacity = np.where(rng.random(full) < 0.5, 0, rng.integers(0, 256, full)).astype(np.uint8)
    colour = rng.integers(0, 256, (*full, 3), dtype=np.uint8) if ink == "coloured" else None
    return palette, labels, Shading(values, ground), Lines(opacity, colour)


def slow_reals(palette, labels, shading, lines, saturation):
    """Unrounded sRGB in float64, by the definition."""
    inside = (shading.ground > 0)[..., None]
    varying = np.where(inside, shading.values - palette[shading.ground], np.float32(0))
    colors = np.clip(palette[labels] + bilinear(varying, labels.shape), 0, 1).astype(np.float64)
    if saturation != 1:
        luma = luma_of(colors).astype(np.float64)[..., None]
        offset = chroma_of(colors).astype(np.float64) @ CHROMA_TO_RGB * saturation
        room = np.where(offset > 0, 1 - luma, luma)
        part = np.where(np.abs(offset) > room, room / np.maximum(np.abs(offset), 1e-300), 1.0)
        colors = np.clip(luma + offset * part.min(axis=-1, keepdims=True), 0, 1)
    cover = lines.opacity[..., None] / 255.0
    ink = 0.0 if lines.ink is None else lines.ink / 255.0
    return colors * (1 - cover) + ink * cover


@pytest.mark.parametrize(("full", "small"), SIZES)
@pytest.mark.parametrize("ink", ["black", "coloured"])
@pytest.mark.parametrize("saturation", [1.0, 0.0, 0.5, 2.0])
def test_every_output_is_that_of_the_formula(full, small, ink, saturation):
    palette, labels, shading, lines = full_drawing(full, small, ink)
    expected = slow_reals(palette, labels, shading, lines, saturation)
    found = {
        output: compose_drawing(
            palette, labels, shading=shading, lines=lines, output=output, saturation=saturation
        )
        for output in ("rgb8", "rgb16", "lab")
    }
    assert np.abs(found["rgb8"] - 255 * expected).max() < 1.01  # rounded below and above the lines
    assert found["rgb16"].dtype == np.uint16
    assert np.abs(found["rgb16"] - 65535 * expected).max() < 2
    assert found["lab"].dtype == np.float32
    assert np.abs(found["lab"] - lab_of(expected)).max() < 0.01


@pytest.mark.parametrize(("full", "small"), SIZES)
@pytest.mark.parametrize("ink", ["black", "coloured"])
@pytest.mark.parametrize("output", ["rgb8", "rgb16", "lab"])
def test_a_region_is_the_same_part_of_the_whole(full, small, ink, output):
    palette, labels, shading, lines = full_drawing(full, small, ink, 1)
    look = {"shading": shading, "lines": lines, "output": output, "saturation": 1.2}
    whole = compose_drawing(palette, labels, **look)
    rng = np.random.default_rng(2)
    for threads in THREADS:
        y0, x0 = rng.integers(0, full[0]), rng.integers(0, full[1])
        y1, x1 = rng.integers(y0, full[0]) + 1, rng.integers(x0, full[1]) + 1
        region = tuple(int(v) for v in (y0, x0, y1, x1))
        part = compose_drawing(palette, labels, region=region, threads=threads, **look)
        assert part.tobytes() == np.ascontiguousarray(whole[y0:y1, x0:x1]).tobytes()
        room = np.full((y1 - y0, x1 - x0 + 1, 4), 7, whole.dtype)
        target = room[::-1, 1:, 2::-1]  # upside down, BGRA
        compose_drawing(palette, labels, region=region, threads=threads, out=target, **look)
        assert np.array_equal(target, whole[y0:y1, x0:x1])
        target[:] = 7
        assert (room == 7).all()


def test_arrays_may_have_any_strides():
    palette, labels, shading, lines = full_drawing((60, 41), (20, 11), "coloured", 3)
    expected = compose_drawing(palette, labels, shading=shading, lines=lines)

    def scattered(array):
        room = np.zeros([2 * n for n in array.shape], array.dtype)
        view = room[tuple(slice(None, None, -2) for _ in array.shape)]
        view[:] = array
        return view

    found = compose_drawing(
        scattered(palette), scattered(labels),
        shading=Shading(scattered(shading.values), scattered(shading.ground)),
        lines=Lines(scattered(lines.opacity), scattered(lines.ink)),
    )  # fmt: skip
    assert np.array_equal(found, expected)
    means = region_means(scattered(shading.values), scattered(labels), np.ones(6, bool))
    again = region_means(shading.values, labels, np.ones(6, bool))
    assert np.array_equal(means[0], again[0])


@pytest.mark.parametrize("ink", ["black", "coloured"])
@pytest.mark.parametrize("shape", [(150, 200), (30, 40)])
def test_a_preview_is_the_drawing_made_small(ink, shape):
    """Circles: composed at the small size they are what the whole is when it is resized."""
    y, x = np.mgrid[:600, :800]
    labels, opacity = np.ones((600, 800), np.int32), np.zeros((600, 800), np.float32)
    for k, (cy, cx, r) in enumerate([(200, 200, 120), (350, 500, 180), (420, 150, 90)], start=2):
        distance = np.hypot(y - cy, x - cx)
        labels[distance < r] = k
        opacity = np.maximum(opacity, np.clip(9 - np.abs(distance - r), 0, 1))
    colour = np.full((600, 800, 3), (60, 30, 10), np.uint8) if ink == "coloured" else None
    lines = Lines((opacity * 255).astype(np.uint8), colour)
    palette = np.random.default_rng(4).random((5, 3), dtype=np.float32)
    small = np.repeat(resized(x / 800, (60, 80))[..., None], 3, axis=2)
    shading = Shading(small, labels[5::10, 5::10])
    whole = compose_drawing(palette, labels, shading=shading, lines=lines)
    less, shade, line = reduce_drawing(labels, shape, shading=shading, lines=lines)
    assert less.shape == line.opacity.shape == shape
    preview = compose_drawing(palette, less, shading=shade, lines=line).astype(int)
    expected = np.asarray(Image.fromarray(whole).resize(shape[::-1], Image.Resampling.BICUBIC))
    error = np.abs(preview - expected)
    assert error.mean() < 2
    assert np.quantile(error, 0.95) < 8


def resized(plane, shape):
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize(shape[::-1], Image.Resampling.BICUBIC))


def test_cancelling_and_wrong_looks():
    palette, labels, _, lines = full_drawing((200, 150), (20, 15), "black")
    flag = CancelFlag()
    flag.set()
    with pytest.raises(Cancelled):
        compose_drawing(palette, labels, cancel=flag)
    with pytest.raises(Cancelled):
        reduce_drawing(labels, (20, 15), lines=lines, cancel=flag)
    refused(lambda: compose_drawing(palette, labels, region=(0, 0, 201, 5)), "region")
    refused(lambda: compose_drawing(palette, labels, saturation=3), "saturation")
    refused(lambda: compose_drawing(palette, labels, output="png"), "one of rgb8")
    refused(lambda: compose_drawing(palette, labels, out=labels), "out must be an array")
    refused(lambda: reduce_drawing(labels, (201, 150)), "at most")


_OTHERS_WRITE = """
import threading, numpy as np
from colordeploy.errors import InputError
from colordeploy.native import Shading, compose_drawing, region_max, region_means
labels = np.zeros((400, 600), np.int32)
values, wanted = np.zeros((400, 600, 3), np.float32), np.ones(4, bool)
palette, planes = np.ones((4, 3), np.float32), np.ones((2, 400, 600), np.float32)
ended = False
def spoil():
    while not ended:
        labels[200:] = 2**30
        labels[200:] = 0
other = threading.Thread(target=spoil)
other.start()
seen = 0
for _ in range(150):
    for call in (
        lambda: compose_drawing(palette, labels, threads=2),
        lambda: compose_drawing(palette, labels, shading=Shading(values, labels), threads=2),
        lambda: region_means(values, labels, wanted, threads=2),
        lambda: region_max(planes, labels, 4),
    ):
        try:
            call()
        except InputError:
            seen += 1
ended = True
other.join()
print("alive", seen > 0)
"""


def test_labels_that_another_thread_changes_are_an_error_at_worst():
    """They are checked without the interpreter's lock; in a process that may end."""
    done = subprocess.run([sys.executable, "-c", _OTHERS_WRITE], capture_output=True, text=True)
    assert done.stdout.strip() == "alive True", (done.returncode, done.stderr)


def test_misaligned_arrays_are_read_right():
    def shifted(array):
        memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
        view = memory.view(array.dtype).reshape(array.shape)
        view[:] = array
        assert not view.flags.aligned
        return view

    palette, labels, shading, lines = full_drawing((40, 30), (20, 15), "black")
    expected = compose_drawing(palette, labels, shading=shading, lines=lines)
    found = compose_drawing(
        shifted(palette), shifted(labels),
        shading=Shading(shifted(shading.values), shifted(shading.ground)), lines=lines,
    )  # fmt: skip
    assert np.array_equal(found, expected)
    planes = np.random.default_rng(0).random((2, 40, 30), dtype=np.float32)
    assert np.array_equal(
        region_max(shifted(planes), shifted(labels), 6), region_max(planes, labels, 6)
    )
    page = np.random.default_rng(1).random((40, 30), dtype=np.float32)
    assert np.array_equal(region_map(shifted(page)), region_map(page))
    assert np.array_equal(separate_lines(shifted(page)).opacity, separate_lines(page).opacity)


_EVERY_SET = """
import hashlib, numpy as np
from colordeploy.native import Lines, Shading, compose_drawing
rng = np.random.default_rng(0)
labels = np.kron(rng.integers(0, 9, (30, 40)), np.ones((7, 7), int))
opacity = rng.integers(0, 256, labels.shape, dtype=np.uint8)
ink = rng.integers(0, 256, (*labels.shape, 3), dtype=np.uint8)
shading = Shading(rng.random((64, 64, 3), dtype=np.float32), rng.integers(0, 9, (64, 64)))
seen = hashlib.sha256()
for lines in (None, Lines(opacity), Lines(opacity, ink)):
    for saturation in (1.0, 1.4):
        for output in ("rgb8", "rgb16", "lab"):
            seen.update(compose_drawing(
                rng.random((9, 3), dtype=np.float32), labels, shading=shading, lines=lines,
                saturation=saturation, output=output).tobytes())
print(seen.hexdigest())
"""


def test_the_same_bits_on_every_instruction_set():
    found = {
        subprocess.run(
            [sys.executable, "-c", _EVERY_SET], capture_output=True, text=True, check=True,
            env={"PATH": "", "COLORDEPLOY_ISA": name, "OMP_NUM_THREADS": "1"},
        ).stdout
        for name in ("generic", "avx2", "avx512")
    }  # fmt: skip
    assert len(found) == 1
