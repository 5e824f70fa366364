from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import colordeploy
from colordeploy import Stroke
from colordeploy.errors import BackendError, BundleError, InputError
from colordeploy.pictures.color import chroma_of, luma_of

from ..tiny import TINY, save_tiny_bundle


@pytest.fixture(scope="module")
def tiny_bundle(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    return save_tiny_bundle(folder / "tiny.pt", folder / "tiny")


@pytest.fixture(scope="module", params=["levin", "lga", "tiny"])
def model(request, tiny_bundle):
    name = tiny_bundle if request.param == "tiny" else request.param
    with colordeploy.load(name, threads=1) as loaded:
        yield loaded


def test_colours_reach_the_picture(model, photo_like, strokes_rgba):
    canvas = model.prepare(photo_like)
    picture = canvas.render(strokes_rgba)
    assert picture.shape == photo_like.shape
    assert picture.dtype == np.uint8
    assert np.abs(luma_of(picture / 255.0) - luma_of(photo_like / 255.0)).max() <= 0.51 / 255
    # Under a stroke lies the stroke's chroma.
    inside = chroma_of(picture[56, 65:85] / 255.0).mean(axis=0)
    wanted = chroma_of(strokes_rgba[56, 75, :3] / 255.0)
    assert np.abs(inside - wanted).max() < 0.05
    assert np.array_equal(model(photo_like, strokes_rgba), picture)


def test_a_grey_stroke_leaves_the_picture_grey(model, photo_like):
    picture = model(photo_like, [Stroke([(10, 10), (20, 20)], (90, 90, 90), 3)])
    assert np.abs(picture.astype(int) - picture[..., :1]).max() <= 1


def test_prepare_is_paid_once(model, photo_like, strokes_rgba, monkeypatch):
    canvas = model.prepare(photo_like)
    first = canvas.render(strokes_rgba)

    def refuse(*args, **options):
        raise AssertionError("render must not compute features or affinities")

    monkeypatch.setattr(type(model), "prepare", refuse)
    monkeypatch.setattr(colordeploy.native.Affinities, "from_features", refuse)
    moved = np.roll(strokes_rgba, 3, axis=0)
    assert not np.array_equal(canvas.render(moved), first)
    assert np.array_equal(canvas.render(strokes_rgba), first)


def test_every_form_of_input(model, photo_like, tmp_path):
    strokes = [Stroke([(56, 60), (56, 90)], "#c03028", 3), Stroke([(12, 20), (12, 60)], "teal", 3)]
    Image.fromarray(photo_like).save(tmp_path / "photo.png")
    expected = model(photo_like, strokes)
    for image in (tmp_path / "photo.png", Image.fromarray(photo_like), photo_like / 255.0):
        assert np.abs(model(image, strokes).astype(int) - expected).max() <= 1
    grey = luma_of(photo_like / 255.0)
    assert np.abs(model(grey, strokes).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("size", [None, 17, 64, 500, "native"])
def test_working_sizes(model, photo_like, strokes_rgba, size):
    canvas = model.prepare(photo_like, size=size)
    default = model.parameters.working_size
    own = 120 if model.method == "levin" else default  # a network's is enlarged to
    short = {None: own, 500: 120, "native": 120}.get(size, size)
    assert min(canvas.working_size) == short
    assert canvas.render(strokes_rgba).shape == photo_like.shape


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3), (3, 700), (5, 7)])
def test_tiny_and_thin_pictures(model, shape):
    image = np.random.default_rng(0).random(shape)
    picture = model(image, [Stroke([(0, 0)], (200, 60, 50), 1)])
    assert picture.shape == (*shape, 3)
    assert np.abs(luma_of(picture / 255.0) - image).max() <= 0.51 / 255


def test_bad_input(model, photo_like, tmp_path):
    canvas = model.prepare(photo_like)
    with pytest.raises(InputError, match=r"10x20.*160x120"):
        canvas.render(np.full((20, 10, 4), 255, np.uint8))
    with pytest.raises(InputError, match="no mark"):
        canvas.render(np.zeros((120, 160, 4), np.uint8))
    with pytest.raises(InputError, match="empty"):
        model.prepare(np.zeros((0, 4), np.uint8))
    with pytest.raises(InputError, match="no such file"):
        model.prepare(tmp_path / "missing.png")
    with pytest.raises(InputError, match="size"):
        model.prepare(photo_like, size=0)


def test_affinities(model, photo_like):
    canvas = model.prepare(photo_like, size=48)
    plane = canvas.affinity(60, 80)
    assert plane.shape == (120, 160)
    assert plane[60, 80] == 1
    assert plane.min() >= 0
    assert plane.max() <= 1
    for dy, dx in ((0, -1), (1, 0), (-1, 1)):
        local = canvas.local_affinity(dy, dx)
        assert local.shape == (120, 160)
        assert local.max() <= 1
    assert not canvas.local_affinity(0, -1)[:, 0].any()  # nothing to the left
    points, weights = canvas.global_affinity(60, 80)
    step = model.parameters.global_step
    assert (len(points) == len(weights) == 0) == (step == 0)
    for bad in ((-1, 0), (0, 160), (120, 0)):
        with pytest.raises(InputError, match="outside"):
            canvas.affinity(*bad)
    with pytest.raises(InputError, match="direction"):
        canvas.local_affinity(0, 0)


def test_affinities_are_the_systems_own(model, photo_like):
    """What is shown is what the solver uses."""
    canvas = model.prepare(photo_like, size="native")
    solver = canvas.propagator.affinities
    assert np.allclose(canvas.local_affinity(0, 1)[:, :-1], solver.local[0][:, :-1], atol=1e-5)
    assert np.allclose(canvas.local_affinity(1, -1)[:-1, 1:], solver.local[1][:-1, 1:], atol=1e-5)
    if solver.global_step:
        points, weights = canvas.global_affinity(6, 18)  # the second global point
        assert points[1].tolist() == [6, 18]
        assert weights[0] == pytest.approx(solver.global_[0], abs=1e-5)


def test_canvases_work_in_threads(model, photo_like, strokes_rgba):
    canvas = model.prepare(photo_like)
    moved = [np.roll(strokes_rgba, shift, axis=1) for shift in range(3)]
    alone = [canvas.render(strokes) for strokes in moved]
    results: dict[int, np.ndarray] = {}

    def work(i: int) -> None:
        own = model.prepare(photo_like)
        for _ in range(3):
            results[i] = canvas.render(moved[i])
        assert np.array_equal(own.render(moved[i]), alone[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(results[i], alone[i]) for i in range(3))


def test_closing(photo_like, strokes_rgba):
    with colordeploy.load("lga") as model:
        canvas = model.prepare(photo_like)
    assert canvas.render(strokes_rgba).shape == photo_like.shape
    with pytest.raises(InputError, match="closed"):
        model.prepare(photo_like)
    model.close()  # again is fine


def test_load_refusals():
    with pytest.raises(BundleError, match="levin, disco, lga, rasc, sscn"):
        colordeploy.load("nothing")
    with pytest.raises(BackendError, match="backend"):
        colordeploy.load("lga", backend="magic")
    with pytest.raises(BackendError, match="device"):
        colordeploy.load("lga", device="tpu")
    with pytest.raises(BackendError, match="CUDA"):
        colordeploy.load("lga", device="cuda")
    with pytest.raises(BackendError, match=r"TensorRT|NVIDIA driver"):
        colordeploy.load("lga", backend="tensorrt")
    with pytest.raises(BackendError, match="threads"):
        colordeploy.load("lga", threads=0)


def test_a_bundle_without_global_points(tmp_path, photo_like, strokes_rgba):
    from dataclasses import replace

    config = replace(TINY, global_step=0, nonlocal_kind=None)
    save_tiny_bundle(tmp_path / "c.pt", tmp_path / "b.zip", config)
    model = colordeploy.load(tmp_path / "b.zip")
    assert model(photo_like, strokes_rgba).shape == photo_like.shape
    assert model.parameters.global_step == 0
