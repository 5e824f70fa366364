"""Strips: pages are found and coloured as they are alone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

import colordeploy
from colordeploy import Stroke
from colordeploy.errors import InputError
from colordeploy.methods.line_art.strip import StripCanvas
from colordeploy.native.page import pages_of

from .test_sketch import write_tiny


def page(seed):
    rng = np.random.default_rng(seed)
    picture = Image.new("L", (120, 120), 255)
    draw = ImageDraw.Draw(picture)
    for _ in range(3):
        x, y = rng.integers(10, 60, 2).tolist()
        draw.ellipse((x, y, x + 45, y + 45), outline=0, width=2)
    return np.asarray(picture)


@pytest.fixture(scope="module")
def pages():
    return [page(seed) for seed in range(5)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    bundle = write_tiny(tmp_path_factory.mktemp("strip") / "bundle")
    with colordeploy.load(bundle, device="cpu", threads=1) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def canvas(model, pages):
    return model.prepare(np.concatenate(pages))


def test_pages_are_found():
    inked = np.zeros(1000, bool)
    assert pages_of(inked, 100) == [(0, 1000)]
    inked[20:180] = inked[230:470] = inked[520:960] = True
    assert pages_of(inked, 200) == [(0, 205), (205, 495), (495, 1000)]
    assert pages_of(inked, 400) == [(0, 1000)]  # not long
    inked[:] = True
    assert pages_of(inked, 100) == [(0, 1000)]  # no band
    regular = np.tile(np.r_[np.zeros(3, bool), np.ones(90, bool), np.zeros(7, bool)], 10)
    assert pages_of(regular, 100) == [(y, y + 100) for y in range(0, 1000, 100)]
    apart = regular.copy()
    apart[30::100] = apart[31::100] = False  # drawings of two parts each
    assert pages_of(apart, 100) == pages_of(regular, 100)
    empty = np.r_[regular, np.zeros(100, bool), regular[:-7]]  # a page without a drawing
    assert len(pages_of(empty, 100)) == 20


@pytest.mark.fault("5a")
def test_each_page_is_as_it_is_alone(canvas, model, pages):
    assert isinstance(canvas, StripCanvas)
    assert canvas.size == (600, 120)
    whole = canvas.render()
    for number, alone in enumerate(pages):
        rows = slice(120 * number, 120 * number + 120)
        assert np.array_equal(whole[rows], model.prepare(alone).render())
    assert np.array_equal(canvas.render(region=(100, 10, 370, 90)), whole[100:370, 10:90])
    assert canvas.render(size=60).shape == (300, 60, 3)
    assert np.array_equal(canvas.render(7)[:120], model.prepare(pages[0]).render(7))


def test_regions_are_numbered_through(canvas, pages):
    labels = canvas.regions
    assert labels.shape == canvas.size
    found = np.unique(labels[labels > 0])
    assert np.array_equal(found, np.arange(1, len(found) + 1))
    assert not labels.flags.writeable
    assert labels[:120].max() < labels[480:][labels[480:] > 0].min()


def test_hints_layers_and_documents(canvas):
    hints = [Stroke([(250, 4)], (10, 200, 30), 3)]
    picture = canvas.render(hints=hints, flat=True)
    assert (picture[canvas.regions == canvas.regions[250, 4]] == (10, 200, 30)).all()
    assert np.array_equal(picture[:240], canvas.render(flat=True)[:240])
    document = canvas.document(hints=hints, flat=True)
    assert np.array_equal(document.merged, picture)
    muted = canvas.document(hints=hints, flat=True, saturation=0.4)
    assert np.array_equal(muted.merged, canvas.render(hints=hints, flat=True, saturation=0.4))
    assert not np.array_equal(muted.layers[0].pixels, document.layers[0].pixels)
    assert canvas.preview().shape == (320, 64, 3)


@pytest.mark.fault("5a")
def test_memory_is_bounded_and_freed(model, pages, monkeypatch):
    monkeypatch.setattr("colordeploy.methods.line_art.strip._HELD", 1)
    with model.prepare(np.concatenate(pages)) as strip:
        strip.render()
        assert 0 < strip.nbytes < 3 * model.prepare(pages[0]).nbytes
    assert strip.nbytes == 0
    with pytest.raises(InputError, match="closed"):
        strip.render()
