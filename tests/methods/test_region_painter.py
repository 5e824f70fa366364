"""Line art coloured by region: a network that gives each region one colour and heeds hints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import colordeploy
from colordeploy import Stroke
from colordeploy.errors import BundleError
from colordeploy.methods.line_art.tokens import region_tokens
from colordeploy.native import cover_lines
from export.bundling.onnx_graph import round_weights
from export.bundling.regional import SHARPNESS, specification
from export.bundling.specification import write
from export.bundling.writer import Identity
from export.models.rasc.regional import LineEncoder, Regions, pool

from ..recording import recorded_model
from ..tiny import tiny_regional


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("regional") / "bundle"
    write(specification(tiny_regional()), path, Identity("tiny"), trained_on="", working_size=64)
    return path


@pytest.fixture(scope="module")
def model(bundle):
    with colordeploy.load(bundle, device="cpu", threads=1) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def drawing():
    """(64, 96) uint8, black on white: boxes in boxes."""
    page = np.full((64, 96), 255, np.uint8)
    for low, high, left, right in ((8, 56, 6, 50), (20, 40, 16, 40), (10, 54, 60, 90)):
        page[low:high, [left, left + 1, right, right + 1]] = 0
        page[[low, low + 1, high - 2, high - 1], left : right + 2] = 0
    return page


@pytest.fixture(scope="module")
def canvas(model, drawing):
    return model.prepare(drawing)


def colors_of(canvas, picture):
    labels = range(1, canvas.regions.max() + 1)
    return np.stack([np.median(picture[canvas.regions == label], axis=0) for label in labels])


def test_one_colour_a_region(canvas, drawing):
    assert canvas.regions.max() == 4
    for style in (None, 3):
        picture = canvas.render(style)
        assert np.array_equal(picture, canvas.render(style, flat=True))  # nothing is shaded
        assert (picture[drawing == 0] == 0).all()
        for label in range(1, 5):
            inside = picture[canvas.regions == label]
            assert (inside == inside[0]).all()
    assert [layer.name for layer in canvas.document(3).layers] == ["flat", "lines"]
    preview = canvas.preview(3)
    assert preview.shape == (64, 96, 3)
    assert np.abs(preview.astype(int) - canvas.render(3)).max() <= 1


def test_styles(canvas):
    seven = canvas.render(7)
    assert not np.array_equal(seven, canvas.render(8))
    assert np.array_equal(seven, canvas.render(2.5 * canvas.random_style(7)))
    assert np.array_equal(canvas.render(), canvas.render(canvas.style))
    assert np.mean(canvas.style**2) == pytest.approx(1, abs=1e-3)


def test_hints_are_kept_and_heeded(canvas):
    plain = colors_of(canvas, canvas.render(5))
    outer = canvas.regions[60, 3]
    heard = []
    for color in ("#ff0000", "#0000ff"):
        hints = [Stroke([(60, 3)], color, 3)]
        found = colors_of(canvas, canvas.render(5, hints))
        rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        assert np.array_equal(found[outer - 1], rgb)
        heard.append(np.delete(found, outer - 1, axis=0))
        white = colors_of(canvas, canvas.render("hints", hints))
        assert (np.delete(white, outer - 1, axis=0) == 255).all()
    assert np.abs(heard[0] - heard[1]).max() > 1  # the others go with it
    assert np.abs(heard[0] - np.delete(plain, outer - 1, axis=0)).max() > 1
    assert np.array_equal(colors_of(canvas, canvas.render(5)), plain)


def test_two_hints_in_a_region_divide_it(canvas):
    hints = [Stroke([(12, 10), (30, 10)], "red", 3), Stroke([(50, 45), (50, 30)], "blue", 3)]
    picture = canvas.render(5, hints)
    assert {tuple(picture[20, 10]), tuple(picture[50, 40])} == {(255, 0, 0), (0, 0, 255)}


def test_the_runtime_is_the_network(bundle, drawing):
    """The three graphs with region tokens between them against PyTorch's forward pass."""
    model, graphs = recorded_model(bundle)
    canvas = model.prepare(drawing)
    net = tiny_regional()
    net.config = replace(net.config, sharpness=SHARPNESS)
    round_weights(net)
    luma = drawing.astype(np.float32) / 255
    labels = canvas.regions
    places = np.zeros((5, 2), np.intp)
    tokens = region_tokens(labels, cover_lines(labels), luma, 5, places)
    shares, geometry, borders = (torch.from_numpy(array)[None] for array in tokens)
    regions = Regions(geometry, borders, torch.ones(1, 4))
    with torch.no_grad():
        features = LineEncoder(net)(torch.from_numpy(2 * luma - 1)[None, None])
        described = net.describe(pool(features, shares), features[-1].mean(dim=(2, 3)), regions)
        style = torch.from_numpy(canvas.random_style(4))[None]
        empty = torch.zeros(1, 4, 3), torch.zeros(1, 4)
        expected = net.colors(net.logits(described, regions, style, *empty))[0].numpy()
    canvas.render(4)
    ((_, outputs),) = graphs["paint"].runs
    assert np.abs(outputs["colors"][0] - expected).max() < 2e-4
    canvas.render(4, region=(0, 0, 10, 10))
    assert len(graphs["paint"].runs) == 1  # kept
    assert np.abs(canvas.style - described.style[0].numpy()).max() < 1e-3


def test_larger_drawings_are_seen_as_in_training(tmp_path, drawing):
    spec = specification(tiny_regional())
    path = tmp_path / "b"
    small = replace(spec, parameters={**spec.parameters, "maximum_side": 64})
    write(small, path, Identity("tiny"), trained_on="", working_size=64)
    model, graphs = recorded_model(path)
    with model:
        large = drawing.repeat(3, axis=0).repeat(3, axis=1)
        canvas = model.prepare(large, size=192, radii=(3, 2, 1))
        assert canvas.working_size == (192, 288)
        assert graphs["encode"].runs[0][0]["line"].shape == (1, 1, 64, 96)
        same = colors_of(canvas, canvas.render(1))
        usual = model.prepare(large, radii=(3, 2, 1))
        assert np.array_equal(same, colors_of(usual, usual.render(1)))


def test_regions_without_a_pixel_at_the_working_size(model):
    page = np.full((640, 640), 255, np.uint8)
    for y in range(20, 620, 60):
        for x in range(20, 620, 60):
            page[y : y + 34, x : x + 34] = 0
            page[y + 5 : y + 29, x + 5 : x + 29] = 255
    canvas = model.prepare(page, size=32)
    assert canvas.regions.max() > 100
    assert np.isfinite(canvas.render(2, output="lab")).all()


def test_graphs_that_do_not_fit(tmp_path):
    spec = specification(tiny_regional())
    broken = replace(spec, graphs=[g for g in spec.graphs if g.name != "describe"])
    broken = replace(
        broken, cases={c: {g: i for g, i in gs.items() if g != "describe"}
                       for c, gs in spec.cases.items()},
    )  # fmt: skip
    write(broken, tmp_path / "broken", Identity("tiny"), trained_on="")
    with pytest.raises(BundleError, match="describe"):
        colordeploy.load(tmp_path / "broken")
