"""Automatic colour by a network with cells instead of superpixels and an answer of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import colordeploy
from colordeploy.errors import BundleError, InputError
from colordeploy.pictures.color import AB_BINS, lab_of
from export.bundling.anchored import specification
from export.bundling.specification import write
from export.bundling.writer import Identity

from ..edited import with_output_renamed
from ..recording import recorded_model
from ..tiny import tiny_anchored


@pytest.fixture(scope="module")
def net():
    return tiny_anchored()


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, net):
    path = tmp_path_factory.mktemp("cells") / "bundle"
    write(specification(net), path, Identity("tiny"), trained_on="nothing")
    return path


@pytest.fixture(scope="module")
def model(bundle):
    with colordeploy.load(bundle, device="cpu", threads=1) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def canvas(model, photo_like):
    return model.prepare(photo_like, anchors=6, seed=1, size="native")


def test_without_anchors_the_network_answers_itself(bundle, net, photo_like):
    """The second graph gets no anchor, and its answer is PyTorch's, enlarged along the edges."""
    recorded, graphs = recorded_model(bundle)
    with recorded:
        canvas = recorded.prepare(photo_like[:64, :96], size="native")
        lab = canvas.render(output="lab")
        assert np.array_equal(canvas.render(sample=0), canvas.render())
    ((given, answered),) = graphs["generate"].runs
    assert not given["mask"].any()
    light = lab_of(photo_like[:64, :96] / 255.0)[..., 0].astype(np.float32) / 100
    nothing = torch.zeros(1, 1, 4, 6)
    with torch.no_grad():
        ab = net(torch.from_numpy(light)[None, None], nothing, nothing.expand(-1, 2, -1, -1))
    apart = np.abs(answered["ab"] - ab.numpy())  # weights are rounded to float16
    assert apart.mean() < 0.02 * float(ab.abs().mean())
    blocks = lab[..., 1:].reshape(16, 4, 24, 4, 2).mean(axis=(1, 3))
    assert np.abs(blocks - ab[0].permute(1, 2, 0).numpy()).mean() < 0.2 * float(ab.abs().mean())


def test_anchors_are_places_with_the_mean_of_their_probable_colours(canvas):
    anchors = canvas.anchors
    assert 1 <= len(anchors) <= 6
    assert len({(a.y, a.x) for a in anchors}) == len(anchors)
    for anchor, other in zip(anchors, canvas.diverse_anchors(1), strict=True):
        row, column = int(anchor.y // 16), int(anchor.x // 16)
        mean = canvas.analysis.probabilities(row, column) @ AB_BINS
        assert anchor.ab == pytest.approx(tuple(mean), abs=1e-3)
        assert other.ab in [ab for ab, _ in anchor.candidates]


def test_anchors_change_what_is_near_them(canvas):
    own = canvas.render(output="lab")[..., 1:]
    red = replace(canvas.anchors[0], ab=(70.3, 50.2))
    assert not np.array_equal(canvas.render([red], output="lab")[..., 1:], own)
    assert not np.array_equal(canvas.render(sample=2, output="lab")[..., 1:], own)
    with pytest.raises(InputError, match="no anchors"):
        canvas.render([])
    with pytest.raises(InputError, match="no colour of sRGB"):
        canvas.render([replace(red, ab=(200.0, 0.0))])


def test_an_anchor_is_heeded_where_it_lies_and_little_far_away(bundle, photo_like):
    """The answer comes most of the way to the anchor in its cell, and hardly in unlike ones."""
    recorded, graphs = recorded_model(bundle)
    with recorded:
        canvas = recorded.prepare(photo_like[:64, :96], size="native")
        anchor = replace(canvas.anchors[0], ab=(20.0, -25.0))
        lab = canvas.render([anchor], output="lab")
        tokens = canvas.analysis.features()
    (_, answered) = graphs["generate"].runs[-1]
    before = answered["ab"][0].reshape(2, 4, 4, 6, 4).mean(axis=(2, 4))
    after = lab[..., 1:].reshape(4, 16, 6, 16, 2).mean(axis=(1, 3)).transpose(2, 0, 1)
    row, column = int(anchor.y // 16), int(anchor.x // 16)
    wanted = np.array(anchor.ab)
    missing = np.hypot(*(wanted - before[:, row, column]))
    assert missing > 5
    assert np.hypot(*(wanted - after[:, row, column])) < 0.5 * missing
    centred = tokens - tokens.mean(axis=(1, 2), keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=0)
    unlike = np.tensordot(unit[:, row, column], unit, 1) < 0
    assert unlike.any()
    assert np.hypot(*(after - before))[unlike].mean() < 0.2 * missing


def test_colours_from_another_picture_are_the_cells_means(model, photo_like):
    canvas = model.prepare(photo_like[:96, :128], size="native")
    ab = lab_of(photo_like[:96, :128] / 255.0)[..., 1:]
    for anchor in canvas.anchors_from(photo_like[:96, :128]):
        row, column = int(anchor.y // 16), int(anchor.x // 16)
        cell = ab[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16].mean(axis=(0, 1))
        assert anchor.ab == pytest.approx(tuple(cell), abs=0.05)


@pytest.mark.fault(9)
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (17, 33), (129, 300)])
@pytest.mark.parametrize("size", [None, "native"])
def test_any_size(model, shape, size):
    gray = np.linspace(0, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape)
    canvas = model.prepare(gray, size=size)
    assert canvas.render().shape == (*shape, 3)
    assert canvas.render(canvas.anchors).shape == (*shape, 3)


@pytest.mark.fault(45)
def test_white_stays_white_and_black_black(model):
    gray = np.full((64, 96), 128, np.uint8)
    gray[:16], gray[-16:] = 255, 0
    picture = model.prepare(gray).render()
    assert (picture[:12] == 255).all()
    assert (picture[-12:] == 0).all()
    assert np.ptp(picture[24:40].astype(int), axis=2).max() > 0


def test_a_bundle_that_hands_on_something_else_is_refused(bundle, tmp_path):
    odd = with_output_renamed(bundle, tmp_path / "odd", "analyze", "fine", "odd")
    with pytest.raises(BundleError, match="a graph 'analyze' from gray to fine, middle"):
        colordeploy.load(odd)
