"""Composed pictures: any part, form and memory, against the formulas in whole arrays."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image

from colordeploy import CancelToken
from colordeploy.errors import Cancelled, InputError
from colordeploy.native import CancelFlag, GuidedChroma, resample
from colordeploy.native.color import AB_SCALE, CHROMA_TO_RGB, compose_lab
from colordeploy.pictures.color import lab_of, lab_to_rgb

SPACES = ("luma", "lab")
OUTPUTS = ("rgb8", "rgb16", "lab")
TYPES = {"rgb8": np.uint8, "rgb16": np.uint16, "lab": np.float32}
SIZES = [((157, 211), (31, 47)), ((300, 5), (60, 1)), ((9, 700), (4, 300)), ((40, 30), (40, 30)),
         ((1, 1), (1, 1)), ((1025, 33), (16, 9))]  # fmt: skip


def enlarged(plane, shape):
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize(shape[::-1], Image.Resampling.BICUBIC))


def made(full, small, seed=0, scale=0.2):
    rng = np.random.default_rng((seed, *full))
    light = rng.random(full, dtype=np.float32)
    chroma = rng.normal(scale=scale, size=(*small, 2)).astype(np.float32)
    return light, np.clip(enlarged(light, small), 0, 1), chroma


def slow_colors(light, working, chroma, slopes, space, saturation):
    """Unrounded sRGB (H, W, 3) float64, by the definition: whole arrays, one step after another."""
    grown = [enlarged(chroma[..., c], light.shape) for c in (0, 1)]
    detail = light - enlarged(working, light.shape)
    uv = np.stack(
        [grown[c] + enlarged(slopes[..., c], light.shape) * detail for c in (0, 1)], axis=-1
    ).astype(np.float64)
    uv *= saturation
    if space == "luma":
        y, offset = light[..., None].astype(np.float64), uv @ CHROMA_TO_RGB
        room = np.where(offset > 0, 1 - y, y)
        part = np.where(np.abs(offset) > room, room / np.maximum(np.abs(offset), 1e-300), 1.0)
        return y + offset * part.min(axis=-1, keepdims=True)
    lightness, ab = 100.0 * light.astype(np.float64), AB_SCALE * uv
    fade = np.clip(np.minimum(lightness, 100 - lightness) / 8, 0, 1)[..., None]

    def fits(part):
        rgb = lab_to_rgb(np.concatenate([lightness[..., None], ab * part], axis=-1)).astype(float)
        # Half a level outside in sRGB, faded in linear light: at such values the two agree to 1e-3.
        return ((rgb >= -0.5 / 255 * fade) & (rgb <= 1 + 0.5 / 255 * fade)).all(-1)[..., None]

    low = np.where(fits(1.0), 1.0, 0.0)
    high = np.ones_like(low)
    for _ in range(12):
        middle = (low + high) / 2
        inside = fits(middle)
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return np.clip(lab_to_rgb(np.concatenate([lightness[..., None], ab * low], -1)), 0, 1)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("saturation", [1.0, 0.0, 0.4, 2.0])
@pytest.mark.parametrize(("full", "small"), SIZES)
def test_every_output_is_that_of_the_formula(space, saturation, full, small):
    light, working, chroma = made(full, small)
    fitted = GuidedChroma(chroma, working, space=space)
    rgb = slow_colors(light, working, chroma, fitted.slopes, space, saturation)
    found = {
        output: fitted.compose(light, output=output, saturation=saturation, threads=1)
        for output in OUTPUTS
    }
    assert {output: pixels.dtype for output, pixels in found.items()} == TYPES
    assert np.abs(found["rgb8"] - rgb * 255).max() < 0.55
    # The gamut's bisection may end one step apart where float32 and float64 disagree.
    error = np.abs(found["rgb16"] - rgb * 65535)
    assert np.quantile(error, 0.99) < 2
    assert error.max() < 65535 / 255
    lab = lab_of(np.clip(found["rgb16"] / 65535.0, 0, 1))
    # Lab's own output is not clipped to [0, 1], by half a level of eight bits at most.
    assert np.abs(found["lab"] - lab).max() < (0.6 if space == "lab" else 0.05)
    if space == "lab":
        assert np.abs(found["lab"][..., 0] - 100 * light).max() < 1e-4
    if saturation == 0:
        assert np.ptp(found["rgb8"].astype(int), axis=-1).max() <= (space == "lab")


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(("full", "small"), SIZES)
def test_a_region_is_the_same_part_of_the_whole(space, output, full, small):
    light, working, chroma = made(full, small, 1)
    fitted = GuidedChroma(chroma, working, space=space)
    whole = fitted.compose(light, output=output, saturation=1.3, threads=1)
    rng = np.random.default_rng(2)
    for threads in (1, 2, 5):
        for _ in range(8):
            y0, x0 = rng.integers(0, full[0]), rng.integers(0, full[1])
            y1, x1 = rng.integers(y0, full[0]) + 1, rng.integers(x0, full[1]) + 1
            region = tuple(int(v) for v in (y0, x0, y1, x1))
            part = fitted.compose(
                light, region=region, output=output, saturation=1.3, threads=threads
            )
            assert part.tobytes() == np.ascontiguousarray(whole[y0:y1, x0:x1]).tobytes()


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("output", OUTPUTS)
def test_it_writes_into_any_memory_and_nothing_beside_it(space, output):
    light, working, chroma = made((53, 67), (13, 16), 3)
    fitted = GuidedChroma(chroma, working, space=space)
    expected = fitted.compose(light, output=output)
    kind = TYPES[output]
    views = {
        "rgba": lambda room: room[2:55, 3:70, :3],
        "bgra": lambda room: room[2:55, 3:70, 2::-1],
        "upside down": lambda room: room[54:1:-1, 3:70, :3],
        "mirrored": lambda room: room[2:55, 69:2:-1, :3],
        "every other": lambda room: room[: 2 * 53 : 2, : 2 * 67 : 2, 1:],
        "turned": lambda room: room[:67, :53, :3].swapaxes(0, 1),
    }
    for name, view in views.items():
        room = np.full((140, 140, 4), 77, kind)
        target = view(room)
        assert fitted.compose(light, output=output, out=target, threads=2) is target, name
        assert np.array_equal(target, expected), name
        target[:] = 77
        assert (room == 77).all(), name  # nothing else was touched
    packed = np.full((56, 3 * 67 + 5), 77, kind)
    target = np.lib.stride_tricks.as_strided(
        packed[1:], (53, 67, 3), (packed.strides[0], 3 * packed.itemsize, packed.itemsize)
    )
    fitted.compose(light, output=output, out=target)
    assert np.array_equal(target, expected)
    target[:] = 77
    assert (packed == 77).all()


def test_lightness_may_have_any_strides_and_types():
    light, working, chroma = made((50, 40), (12, 10), 4)
    fitted = GuidedChroma(chroma, working)
    expected = fitted.compose(light)
    room = np.zeros((100, 80, 2), np.float32)
    room[99::-2, ::2, 1] = light
    assert np.array_equal(fitted.compose(room[99::-2, ::2, 1]), expected)
    shifted = np.zeros(light.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(light.shape)
    shifted[:] = light  # misaligned
    assert np.array_equal(fitted.compose(shifted), expected)
    record = np.zeros(light.shape, [("mark", np.uint8), ("light", np.float32)])
    record["light"] = light  # strides that are no multiple of four
    assert np.array_equal(fitted.compose(record["light"]), expected)
    assert np.array_equal(fitted.compose(light.astype(np.float64)), expected)
    assert np.array_equal(
        GuidedChroma(chroma[::-1].copy()[::-1], working.astype(np.float64)).compose(light), expected
    )


@pytest.mark.parametrize("space", SPACES)
def test_white_stays_white_and_black_stays_black(space):
    light = np.repeat(np.linspace(0, 1, 1001, dtype=np.float32)[None], 24, axis=0)
    turn = np.linspace(0, 2 * np.pi, 24)
    for length in (0.02, 0.1, 0.3, 1.0):
        chroma = np.stack([np.cos(turn), np.sin(turn)], axis=-1)[:, None].astype(np.float32)
        chroma = np.repeat(length * chroma, 1001, axis=1)
        fitted = GuidedChroma(chroma, light, space=space, follow=False)
        rgb = fitted.compose(light, output="rgb16").astype(int)
        assert (rgb[:, 0] == 0).all()
        assert (rgb[:, -1] == 65535).all()
        # And no sudden step on the way there; the curve of sRGB is steep where a channel ends.
        assert np.abs(np.diff(rgb, axis=1)).max() < 65535 * (0.02 if length < 1 else 0.1)


@pytest.mark.parametrize("space", SPACES)
def test_what_is_not_finite_is_gray_and_harms_no_neighbour(space):
    light, working, chroma = made((64, 64), (16, 16), 5)
    clean = GuidedChroma(chroma, working, space=space).compose(light).astype(int)
    for bad in (np.nan, np.inf, -np.inf, 3e38, -3e38):
        broken = chroma.copy()
        broken[4, 5] = bad
        found = GuidedChroma(broken, working, space=space).compose(light)
        assert np.array_equal(found[48:], clean[48:])
        assert np.array_equal(found[:, 48:], clean[:, 48:])
        dark = working.copy()
        dark[4, 5] = bad
        found = GuidedChroma(chroma, dark, space=space).compose(light)
        assert np.array_equal(found[48:], clean[48:])
        seen = light.copy()
        seen[7, 7] = bad
        found = GuidedChroma(chroma, working, space=space).compose(seen)
        assert np.ptp(found[7, 7].astype(int)) == 0, bad
        found[7, 7] = clean[7, 7]
        assert np.array_equal(found, clean)
    broken = np.full_like(chroma, np.nan)
    found = GuidedChroma(broken, working, space=space).compose(light).astype(int)
    assert (np.ptp(found, axis=-1) == 0).all()


def test_chroma_that_is_no_number_does_not_end_the_process():
    """It once read 2 GiB below a table: in a process of its own."""
    script = """
import numpy as np
from colordeploy.native.color import compose_lab
for bad in (np.nan, np.inf, -np.inf, 3e38):
    for l in (50, 0, 100, bad):
        rgb = compose_lab(np.float32([l, 50]), np.float32([[bad, bad], [20, -30]]))
        assert np.ptp(rgb[0]) == 0 or bad == 3e38, (bad, l, rgb)
        assert rgb[1].tolist() == [127, 109, 170], rgb
print("alive")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "alive", (done.returncode, done.stderr)


_EVERY_SET = """
import hashlib, numpy as np
from colordeploy.native import GuidedChroma, resample
from colordeploy.native.color import lightness_of, luma_of
rng = np.random.default_rng(7)
light = rng.random((203, 317), dtype=np.float32)
small = resample(light, (37, 59))
seen = hashlib.sha256(small.tobytes())
seen.update(resample((255 * light).astype(np.uint8), (91, 400)).tobytes())
chroma = rng.normal(scale=0.3, size=(37, 59, 2)).astype(np.float32)
for space in ("luma", "lab"):
    fitted = GuidedChroma(chroma, small, space=space)
    for output in ("rgb8", "rgb16", "lab"):
        seen.update(fitted.compose(light, output=output, saturation=1.1).tobytes())
rgb = rng.integers(0, 256, (999, 3), dtype=np.uint8)
for values in (luma_of(rgb), lightness_of(rgb), lightness_of(np.sqrt(rgb / np.float32(255)))):
    seen.update(values.tobytes())
print(seen.hexdigest())
"""


def test_the_same_bits_on_every_instruction_set():
    """Sets that this processor lacks fall back to the next, and so are equal for nothing."""
    found = {}
    for name in ("generic", "avx2", "avx512"):
        done = subprocess.run(
            [sys.executable, "-c", _EVERY_SET], capture_output=True, text=True, check=True,
            env={"PATH": "", "COLORDEPLOY_ISA": name, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        found[name] = done.stdout.split()
    assert found["generic"] == found["avx2"] == found["avx512"]


def test_cancelling_stops_between_rows():
    light, working, chroma = made((3000, 3000), (64, 64), 6)
    fitted = GuidedChroma(chroma, working, space="lab")
    expected = fitted.compose(light)
    flag = CancelFlag()
    flag.set()
    with pytest.raises(Cancelled):
        fitted.compose(light, cancel=flag)
    with pytest.raises(Cancelled):
        resample(light, (700, 700), cancel=flag)
    token, ended = CancelToken(), []

    def work():
        try:
            while True:
                fitted.compose(light, threads=1, cancel=token)
        except Cancelled:
            ended.append(time.perf_counter())

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(0.02)
    asked = time.perf_counter()
    token.cancel()
    worker.join()
    assert ended[0] - asked < 0.05
    assert np.array_equal(fitted.compose(light, cancel=CancelToken()), expected)


def test_wrong_arguments_are_refused():
    light, working, chroma = made((20, 30), (10, 15), 7)
    fitted = GuidedChroma(chroma, working)

    def refused(call, word):
        with pytest.raises(InputError, match=word):
            call()

    refused(lambda: GuidedChroma(chroma[..., :1], working), "chroma must be")
    refused(lambda: GuidedChroma(chroma[1:], working), "chroma must be")
    refused(lambda: GuidedChroma(chroma, working[0]), "H, W")
    refused(lambda: GuidedChroma(chroma[:0], working[:0]), "not empty")
    refused(lambda: GuidedChroma(chroma, working, space="hsv"), "'luma' or 'lab'")
    refused(lambda: GuidedChroma(chroma, working, radius=-1), "radius")
    refused(lambda: GuidedChroma(chroma, working, radius=10**9), "radius")
    refused(lambda: GuidedChroma(chroma, working, epsilon=0), "epsilon")
    refused(lambda: GuidedChroma(chroma.astype(complex), working), "real numbers")
    refused(lambda: fitted.compose(light[:0]), "not empty")
    refused(lambda: fitted.compose(light, threads=0), "threads")
    for region in ((0, 0, 0, 5), (0, 0, 21, 5), (-1, 0, 5, 5), (5, 5, 4, 9), (0, 0, 20), 7,
                   (0.0, 0, 5, 5)):  # fmt: skip
        refused(lambda region=region: fitted.compose(light, region=region), "region")
    for saturation in (-0.1, 2.1, np.nan, "much"):
        refused(lambda s=saturation: fitted.compose(light, saturation=s), "saturation")
    refused(lambda: fitted.compose(light, output="rgb"), "one of rgb8")
    for out in (np.zeros((20, 30, 4), np.uint8), np.zeros((20, 30, 3), np.int8), [[[0]]],
                np.zeros((20, 30, 3), ">u2"), np.zeros((30, 20, 3), np.uint8)):  # fmt: skip
        refused(lambda out=out: fitted.compose(light, out=out), "out must be an array")
    locked = np.zeros((20, 30, 3), np.uint8)
    locked.flags.writeable = False
    refused(lambda: fitted.compose(light, out=locked), "writeable")
    odd = np.zeros(20 * 30 * 3 * 4 + 1, np.uint8)[1:].view(np.float32).reshape(20, 30, 3)
    refused(lambda: fitted.compose(light, output="lab", out=odd), "aligned")
    refused(lambda: resample(light, (0, 4)), "at least 1")
    refused(lambda: resample(light[0], (1, 4)), "H, W")
    refused(lambda: resample(light[:0], (1, 4)), "not empty")
    refused(lambda: compose_lab(light[0], chroma[0]), "as many L")


@pytest.mark.parametrize(
    ("full", "small"), [((157, 211), (31, 47)), ((40, 30), (97, 30)), ((9, 700), (1, 1)),
                        ((1, 1), (7, 5)), ((64, 64), (64, 64)), ((1000, 37), (999, 36))]
)  # fmt: skip
def test_resampling_is_pillows(full, small):
    values = np.random.default_rng(9).random(full, dtype=np.float32)
    assert np.abs(resample(values, small) - enlarged(values, small)).max() < 2e-6
    for threads in (1, 3):
        assert np.array_equal(resample(values, small, threads=threads), resample(values, small))
    wide = np.zeros((full[0], 2 * full[1]), np.float32)
    wide[::-1, ::2] = values
    assert np.array_equal(resample(wide[::-1, ::2], small), resample(values, small))
    levels = np.round(values * 255).astype(np.uint8)
    found = resample(levels, small)
    assert found.dtype == np.uint8
    assert np.abs(found - np.clip(enlarged(levels, small), 0, 255)).max() < 0.501


def test_a_preview_is_the_picture_made_small():
    """Composed at the small size it shows what the whole picture shows when it is resized."""
    y, x = np.mgrid[:600, :900]
    light = (0.5 + 0.3 * np.sin(y / 40) * np.cos(x / 60)).astype(np.float32)
    working = resample(light, (64, 96))
    chroma = np.stack([0.1 * np.sin(x[::9, ::9] / 99), 0.1 * np.cos(y[::9, ::9] / 77)], axis=-1)
    chroma = np.stack([resample(chroma[..., c], (64, 96)) for c in (0, 1)], axis=-1)
    for space in SPACES:
        fitted = GuidedChroma(chroma, working, space=space)
        whole = fitted.compose(light)
        for shape in ((200, 300), (64, 96), (20, 30)):
            preview = fitted.compose(resample(light, shape)).astype(int)
            small = Image.fromarray(whole).resize(shape[::-1], Image.Resampling.BICUBIC)
            assert np.abs(preview - np.asarray(small)).max() <= 4
