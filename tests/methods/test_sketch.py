"""RASC at run time: styles, layers, full size, the command."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw

import colordeploy
from colordeploy.cli import cli
from colordeploy.errors import BundleError, ColorDeployError, InputError
from colordeploy.methods.line_art.drawing import patch_labels
from export.bundling.rasc import specification
from export.bundling.specification import write
from export.bundling.writer import Identity

from ..recording import recorded_model
from ..tiny import TINY_RASC, tiny_rasc


def write_tiny(path, config=TINY_RASC, **changes):
    identity = Identity("tiny")
    spec = specification(tiny_rasc(config), **changes)
    write(spec, path, identity, trained_on="nothing", working_size=64)
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("rasc") / "bundle")


@pytest.fixture(scope="module")
def model(bundle):
    with colordeploy.load(bundle, device="cpu", threads=1) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def drawing():
    """(100, 150) uint8, black on white: a house."""
    picture = Image.new("L", (150, 100), 255)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((30, 45, 110, 90), outline=0, width=2)
    draw.line((25, 47, 70, 12, 115, 47), fill=0, width=2)
    draw.rectangle((45, 60, 60, 89), outline=0, width=2)
    return np.asarray(picture)


@pytest.fixture(scope="module")
def canvas(model, drawing):
    return model.prepare(drawing)


def test_sizes_and_regions(canvas, drawing):
    assert canvas.size == (100, 150)
    assert canvas.working_size == (64, 96)
    assert canvas.regions.shape == (100, 150)
    assert np.array_equal(canvas.regions == 0, drawing < 204)
    assert canvas.regions.max() >= 4
    picture = canvas.render()
    assert picture.shape == (100, 150, 3)
    assert picture.dtype == np.uint8
    assert canvas.preview().shape == (64, 96, 3)


def test_lines_stay_and_regions_have_one_colour(canvas, drawing):
    for style in (None, 0, 7):
        picture = canvas.render(style)
        assert (picture[drawing == 0] == 0).all()
        flat = canvas.render(style, flat=True)
        for label in range(1, canvas.regions.max() + 1):
            inside = flat[canvas.regions == label]
            assert (inside == inside[0]).all()


def test_styles(canvas, model, drawing):
    seven = canvas.render(7)
    assert not np.array_equal(seven, canvas.render(8))
    assert np.array_equal(seven, canvas.render(canvas.random_style(7)))
    assert np.array_equal(seven, canvas.render(3.0 * canvas.random_style(7)))  # direction only
    assert np.array_equal(canvas.render(), canvas.render(canvas.style))
    assert np.array_equal(canvas.render(7), model(drawing, 7))
    a, b = canvas.random_style(1), canvas.random_style(2)
    between = canvas.preview(0.5 * a + 0.5 * b).astype(int)
    ends = [canvas.preview(code).astype(int) for code in (a, b)]
    apart = np.abs(ends[0] - ends[1]).mean()
    assert max(np.abs(between - end).mean() for end in ends) < apart
    assert np.mean(canvas.style**2) == pytest.approx(1, abs=1e-3)
    assert np.array_equal(a, np.random.default_rng(1).standard_normal(8).astype(np.float32))


@pytest.mark.parametrize(
    ("style", "word"),
    [(-1, "at least 0"), (True, "style"), (np.zeros(8), "all zero"), (np.ones(5), "8 numbers"),
     (np.full(8, np.nan), "finite"), ("red", "8 numbers")],
)  # fmt: skip
def test_bad_styles(canvas, style, word):
    with pytest.raises(InputError, match=word):
        canvas.render(style)


def test_layers_give_the_picture(canvas):
    lines, colors = canvas.layers(3)
    assert lines.shape == colors.shape == (100, 150, 4)
    assert (colors[..., 3] == 255).all()
    opacity = lines[..., 3:] / 255
    laid = lines[..., :3] * opacity + colors[..., :3] * (1 - opacity)
    assert np.abs(laid - canvas.render(3)).max() <= 0.5 + 1e-4
    assert colors[..., :3][lines[..., 3] == 255].max() > 0  # colour below the lines too


def test_coloured_lines_keep_their_colour(model, drawing):
    rgb = np.where(drawing[..., None] == 0, np.array([20, 40, 200], np.uint8), np.uint8(255))
    picture = model(rgb)
    lines = picture[drawing == 0].astype(int)
    assert (lines[:, 2] - lines[:, 0]).mean() > 100


def test_regions_too_small_for_the_working_size_get_a_colour(model):
    page = np.full((640, 640), 255, np.uint8)
    for y in range(20, 620, 60):
        for x in range(20, 620, 60):
            page[y : y + 34, x : x + 34] = 0
            page[y + 5 : y + 29, x + 5 : x + 29] = 255
    canvas = model.prepare(page, size=32)
    flat = canvas.render(2, flat=True)
    assert canvas.regions.max() > 100  # the small ones, each a pixel at most at 32x32
    means = [flat[canvas.regions == label][0] for label in range(1, canvas.regions.max() + 1)]
    assert min(int(c.max()) for c in means) > 0  # none is left black


def test_sizes_beyond_the_default(model, drawing):
    for size in (32, "native"):
        assert model.prepare(drawing, size=size).render(1).shape == (100, 150, 3)
    tiny = model.prepare(np.pad(np.zeros((1, 1), np.uint8), 3, constant_values=255))
    assert tiny.render().shape == (7, 7, 3)


@pytest.mark.slow
@pytest.mark.parametrize("regions", ["map", "none"])
def test_ablations_run(tmp_path, drawing, regions):
    path = write_tiny(tmp_path / "b", replace(TINY_RASC, regions=regions))
    with colordeploy.load(path, device="cpu", threads=1) as loaded:
        assert loaded.prepare(drawing).render(1).shape == (100, 150, 3)


def test_fixed_patches(tmp_path, drawing):
    path = write_tiny(tmp_path / "b", patches=16)
    loaded, graphs = recorded_model(path)
    with loaded:
        canvas = loaded.prepare(drawing)
        canvas.render()
        ((inputs, _),) = graphs["decode"].runs
        used = inputs["labels"][0][: canvas.working_size[0], : canvas.working_size[1]]
        assert np.array_equal(used, patch_labels(*canvas.working_size, 16))


def test_the_runtime_is_the_network(bundle, drawing):
    """The three graphs with the core between them against PyTorch's forward pass."""
    import torch

    from export.bundling.folding import folded
    from export.bundling.onnx_graph import round_weights

    model, graphs = recorded_model(bundle)
    canvas = model.prepare(drawing[:64, :96], size="native")
    net = folded(tiny_rasc())
    round_weights(net)
    line = torch.from_numpy(drawing[:64, :96].astype(np.float32) / 255 * 2 - 1)[None, None]
    labels = torch.from_numpy(canvas.regions.astype(np.int64))[None]
    style = torch.from_numpy(canvas.random_style(4))[None]
    with torch.no_grad():
        expected = net(line, labels, style)[0].permute(1, 2, 0).numpy() * 0.5 + 0.5
    canvas.render(4)
    ((_, outputs),) = graphs["decode"].runs
    found = np.moveaxis(outputs["rgb"][0], 0, -1) * 0.5 + 0.5
    assert np.abs(found - expected).max() < 1e-4


def test_threads_reach_the_core(bundle, drawing, monkeypatch):
    from colordeploy.methods.line_art import canvas as sketch
    from colordeploy.methods.line_art import drawing as lines
    from colordeploy.methods.line_art import picture_painter as painter

    seen = []

    def spied(name, call):
        def noted(*arguments, threads, **named):
            seen.append((name, threads))
            return call(*arguments, threads=threads, **named)

        return noted

    for module, name in ((lines, "separate_lines"), (painter, "region_means"),
                         (sketch, "compose_drawing")):  # fmt: skip
        monkeypatch.setattr(module, name, spied(name, getattr(module, name)))
    with colordeploy.load(bundle, device="cpu", threads=2) as loaded:
        assert loaded.threads == 2
        loaded(drawing, 1)
    assert {name for name, _ in seen} == {"separate_lines", "region_means", "compose_drawing"}
    assert {threads for _, threads in seen} == {2}


def test_closed_models_say_so(bundle, drawing):
    loaded = colordeploy.load(bundle, device="cpu", threads=1)
    loaded.close()
    with pytest.raises(InputError, match="closed"):
        loaded.prepare(drawing)


def test_a_bundle_of_another_shape(tmp_path):
    spec = specification(tiny_rasc())
    misleading = replace(spec, parameters={**spec.parameters, "levels": 5})
    write(misleading, tmp_path / "broken", Identity("tiny"), trained_on="nothing")
    with pytest.raises(BundleError, match="features4"):
        colordeploy.load(tmp_path / "broken")


def run(*arguments):
    return CliRunner().invoke(cli, ["sketch", *map(str, arguments), "--threads", "1"])


def test_command(bundle, drawing, tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    for name in "ab":
        Image.fromarray(drawing).save(pages / f"{name}.png")
    done = run(pages, "-o", tmp_path / "out", "--model", bundle, "--style", 3, "--layers")
    assert done.exit_code == 0, done.output
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == sorted(f"{n}{s}.png" for n in "ab" for s in ("", ".colors", ".lines"))
    done = run(pages / "a.png", "-o", tmp_path / "sheet.png", "--model", bundle, "--samples", 5)
    assert done.exit_code == 0, done.output
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (3 * 154 - 4, 2 * 104 - 4)
    inverted = tmp_path / "inverted.png"
    Image.fromarray(255 - drawing).save(inverted)
    done = run(inverted, "-o", tmp_path / "i.png", "--model", bundle)
    assert "warning" in done.output
    assert "inverted" in done.output


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["--samples", "3", "--style", "1"], "leave"), (["--style", "-1"], "-1")],
)
def test_wrong_usage(bundle, drawing, tmp_path, arguments, word):
    Image.fromarray(drawing).save(tmp_path / "a.png")
    done = run(tmp_path / "a.png", "-o", tmp_path / "o.png", "--model", bundle, *arguments)
    assert done.exit_code == 2
    assert word in done.output
    assert not (tmp_path / "o.png").exists()


def test_empty_page(bundle, tmp_path):
    Image.new("L", (50, 50), 255).save(tmp_path / "a.png")
    done = run(tmp_path / "a.png", "-o", tmp_path / "o.png", "--model", bundle)
    assert done.exit_code == 1
    assert isinstance(done.exception, ColorDeployError)
    assert "empty" in str(done.exception)


@pytest.mark.fault("5c")
def test_contact_sheets_are_bounded(canvas, monkeypatch):
    sketch = importlib.import_module("colordeploy.cli.sketch")
    assert sketch.contact_sheet(canvas, 4, flat=True).shape == (204, 304, 3)
    monkeypatch.setattr(sketch, "_SHEET", 200)
    small = sketch.contact_sheet(canvas, 9, flat=True)
    assert max(small.shape) <= 200
