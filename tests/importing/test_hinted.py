"""Imported networks that take hints: what strokes become, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import colordeploy
from colordeploy import ScribbleModel, Stroke
from colordeploy.accuracy.golden import verify
from colordeploy.bundle import Bundle
from colordeploy.errors import BundleError, Cancelled, InputError
from colordeploy.importing import Described, import_network
from colordeploy.pictures.color import lab_of
from colordeploy.runtime.graph import Target

from . import networks

SAID = {"name": "mine", "licence": "MIT", "trained_on": "nothing"}
INPUTS = ("l-100", "ab", "marked")
RED = "#a03028"
LINE = [Stroke([(30, 40), (30, 60)], RED, 5)]


def brought(tmp_path, content, inputs=INPUTS, output="ab", **others):
    (tmp_path / "net.onnx").write_bytes(content)
    described = Described((inputs,), output, **SAID, **others)
    import_network(tmp_path / "net.onnx", tmp_path / "bundle", described)
    return tmp_path / "bundle"


def ab_of(color):
    from PIL import ImageColor

    return lab_of(np.array(ImageColor.getrgb(color), np.float32) / 255)[1:]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return brought(tmp_path_factory.mktemp("hinted"), networks.hinted_network(), working_size=96)


@pytest.fixture(scope="module")
def model(bundle):
    with colordeploy.load(bundle, device="cpu", threads=1) as loaded:
        yield loaded


def own(canvas):
    """What the network says without hints, by its formula."""
    slope, offset = networks.lightness_to_ab()
    return canvas.photo.working[..., None] * slope + offset


def test_strokes_are_its_hints(model, bundle, photo_like):
    assert isinstance(model, ScribbleModel)
    assert all(check.passed for check in verify(Bundle(bundle), Target(device="cpu")))
    canvas = model.prepare(photo_like)
    found = canvas.chroma_of(LINE)
    assert found.shape == (*canvas.working_size, 2)
    y, x = (round(v * canvas.working_size[i] / canvas.size[i]) for i, v in enumerate((30, 50)))
    assert np.abs(found[y, x] - ab_of(RED)).max() < 1e-3
    far = np.ones(found.shape[:2], bool)
    far[y - 5 : y + 6, x - 20 : x + 21] = False
    assert np.abs(found - own(canvas))[far].max() < 1e-3
    rgb = canvas.render(LINE)
    assert rgb.shape == photo_like.shape
    layer = np.zeros((*photo_like.shape[:2], 4), np.uint8)
    layer[28:33, 38:63] = (*(int(RED[i : i + 2], 16) for i in (1, 3, 5)), 255)
    assert np.abs(canvas.render(layer).astype(int) - rgb).mean() < 0.5


def test_without_a_stroke_it_colours_by_itself(model, photo_like):
    canvas = model.prepare(photo_like)
    assert np.abs(canvas.chroma_of([]) - own(canvas)).max() < 1e-3
    empty = np.zeros((*photo_like.shape[:2], 4), np.uint8)
    assert np.array_equal(canvas.render([]), canvas.render(empty))
    assert np.array_equal(model(photo_like, LINE), canvas.render(LINE))


def test_regions_previews_and_cancelling(model, photo_like):
    canvas = model.prepare(photo_like)
    rgb = canvas.render(LINE)
    assert np.array_equal(canvas.render(LINE, region=(3, 5, 70, 90)), rgb[3:70, 5:90])
    assert min(canvas.render(LINE, size=32).shape[:2]) == 32
    token = colordeploy.CancelToken()
    token.cancel()
    for base in (None, rgb):
        with pytest.raises(Cancelled):
            canvas.render([Stroke([(9, 9)], RED, 3)], base=base, cancel=token)
    assert np.array_equal(canvas.render(LINE), rgb)
    held = canvas.nbytes
    canvas.render(LINE, base=rgb)
    assert canvas.nbytes > held
    canvas.close()
    assert canvas.nbytes == 0
    with pytest.raises(InputError, match="closed"):
        canvas.render(LINE)
    with pytest.raises(InputError, match="closed"):
        canvas.render(LINE, base=rgb)


def test_strokes_mend_a_base_as_levin_does(model, photo_like):
    gray = np.asarray(photo_like[..., 0])
    base = model(gray, [])
    strokes = [Stroke([(60, 70), (60, 90)], "#205090", 4)]
    with colordeploy.load("levin", device="cpu") as levin:
        wanted = levin.prepare(gray, size=96).render(strokes, base=base, reach=0.4)
    canvas = model.prepare(gray)
    mended = canvas.render(strokes, base=base, reach=0.4)
    assert np.abs(mended.astype(int) - wanted).max() <= 1
    assert np.array_equal(canvas.render([], base=base), base)
    assert canvas.affinity(60, 70).shape == gray.shape
    assert canvas.local_affinity(0, 1).shape == gray.shape
    assert len(canvas.global_affinity(60, 70)[1]) == 0


def test_lists_of_cells_and_patches(tmp_path, photo_like):
    """As iColoriT has them: a bool mask of cells, and colours in patches."""
    content = networks.listed_network()
    out = brought(tmp_path, content, ("l-half+ab-110", "unmarked/2"), "ab-110/8")
    with colordeploy.load(out, device="cpu", threads=1) as model:
        canvas = model.prepare(photo_like)
        assert max(canvas.working_size) == 32
        assert np.abs(canvas.chroma_of([]) - own(canvas)).max() < 1e-3
        found = canvas.chroma_of([Stroke([(60, 80)], RED, 1)])  # fills a cell of 2x2
        changed = np.abs(found - own(canvas)).max(axis=2) > 1e-3
        y, x = (60 * 24 // 120 // 2 * 2, 80 * 32 // 160 // 2 * 2)
        assert changed[y : y + 2, x : x + 2].all()
        assert changed.sum() == 4
        assert np.abs(found[y, x] - ab_of(RED)).max() < 1e-3


@pytest.mark.parametrize(
    ("inputs", "output", "said"),
    [
        (("l-half+ab-110", "marked/2"), "ab-110/8", "the mask of hints as 'unmarked'"),
        (("l-half+ab", "unmarked/2"), "ab-110/8", "the colours of hints as 'ab-110'"),
        (("l-half+ab-110", "unmarked/4"), "ab-110/8", "256 cells, and 'unmarked/4' has 8x8"),
        (("l-half+ab-110", "unmarked/3"), "ab-110/8", "does not divide 32x32"),
        (("l-half+ab-110", "unmarked/2"), "ab-110/16", "has shape"),
        (("l-half+ab-110", "unmarked/2"), "ab-110", "has 3 axes"),
        (("l-half+ab-110", "unmarked"), "ab-110/8", "has 2 axes"),
        (("l-half+ab-110/2", "unmarked/2"), "ab-110/8", "only a mask"),
        (("l-half", "unmarked/2"), "ab-110/8", "has 3 channels"),
        (("l-half+ab-110", "unmarked/x"), "ab-110/8", "a side of 1 to 1024"),
        (("rgb",), "ab-110/8", r"has 2 inputs .*explains 1 \(rgb\)"),
    ],
)
def test_lists_described_wrongly(tmp_path, inputs, output, said):
    with pytest.raises((BundleError, InputError), match=said) as caught:
        brought(tmp_path, networks.listed_network(), inputs, output)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    ("network", "inputs", "said"),
    [
        ({"exchanged": True}, INPUTS, "a and b of hints exchanged"),
        ({"scale": 110.0}, INPUTS, "the colours of hints as 'ab-110'"),
        ({"inverted": True}, INPUTS, "the mask of hints as 'unmarked'"),
        ({}, ("l-100", "ab", "unmarked"), "the mask of hints as 'marked'"),
        ({}, ("l-100", "ab-110", "marked"), "the colours of hints as 'ab'"),
        ({"heeds": 0.0}, INPUTS, "hints change nothing"),
        ({}, ("l-100", "marked", "ab"), "has 2 channels in NCHW, and 'marked' has 1"),
        ({}, ("l-100", "ab"), r"has 3 inputs .*explains 2 \(l-100, ab\)"),
        ({"sides": (32, 48)}, ("l-100", "ab", "marked/2"), "has 4 axes"),
    ],
)
def test_hints_described_wrongly(tmp_path, network, inputs, said):
    with pytest.raises(BundleError, match=said) as caught:
        brought(tmp_path, networks.hinted_network(**network), inputs)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "bundle").exists()


def test_what_hints_may_be(tmp_path):
    """Other scales and masks, described rightly."""
    for i, (network, inputs) in enumerate(
        (
            ({"scale": 110.0}, ("l-100", "ab-110", "marked")),
            ({"scale": 128.0, "inverted": True}, ("l-100", "ab-128", "unmarked")),
            ({"sides": (32, 48)}, INPUTS),
        )
    ):
        (tmp_path / str(i)).mkdir()
        brought(tmp_path / str(i), networks.hinted_network(**network), inputs)
