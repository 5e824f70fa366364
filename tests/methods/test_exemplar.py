"""SSCN at run time: references, selection, full size, matches, the command."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import colordeploy
from colordeploy.cli import cli
from colordeploy.errors import BundleError, ColorDeployError, InputError
from colordeploy.methods.exemplar import ExemplarModel
from colordeploy.methods.exemplar.reference import Selection
from colordeploy.pictures.color import lab_of
from colordeploy.pictures.decoding import read_lightness
from export.bundling.folding import folded
from export.bundling.onnx_graph import round_weights
from export.bundling.specification import write
from export.bundling.sscn import specification
from export.bundling.writer import Identity
from export.data.references import network_scale

from ..edited import with_output_renamed
from ..recording import recorded_model
from ..tiny import tiny_sscn


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("sscn") / "bundle"
    spec = specification(tiny_sscn())
    write(spec, path, Identity("tiny"), trained_on="nothing", working_size=96)
    return path


@pytest.fixture(scope="module")
def model(bundle):
    with colordeploy.load(bundle, device="cpu", threads=1) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def other():
    """(80, 110, 3) uint8, in other colours than `photo_like`."""
    rng = np.random.default_rng(9)
    small = rng.integers(0, 256, (5, 7, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((110, 80), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def canvas(model, photo_like):
    return model.prepare(photo_like)


@pytest.fixture(scope="module")
def reference(model, other):
    return model.encode_reference(other)


def test_result_has_the_pictures_size_and_lightness(canvas, reference, photo_like, other):
    assert canvas.size == (120, 160)
    assert canvas.working_size == (96, 128)
    picture = canvas.render(reference)
    assert picture.shape == (120, 160, 3)
    assert np.abs(read_lightness(picture) - read_lightness(photo_like)).mean() < 1
    assert np.array_equal(picture, canvas.render(other))
    assert np.ptp(picture.astype(int), axis=-1).max() > 5  # there is colour in it


def test_the_runtime_is_the_network(bundle, photo_like, other):
    """Two graphs with the selection between them, against PyTorch."""
    model, graphs = recorded_model(bundle)
    canvas = model.prepare(photo_like[:96, :128], size="native")
    encoded = model.encode_reference(other[:64, :96], size="native")
    chosen = encoded.select(Selection(20, 30, 5), 256)
    net = folded(tiny_sscn())
    round_weights(net)

    def lab(rgb):
        scaled = network_scale(rgb.astype(np.float32) / 255)
        return torch.from_numpy(np.moveaxis(scaled, -1, 0).copy())[None]

    with torch.no_grad():
        wanted = net.encode_reference(lab(other[:64, :96]))
        gray = lab(photo_like[:96, :128])[:, :1]
        colored = net.colorize(gray, wanted.style, wanted.features[:, chosen])
    canvas.render(encoded, k=20, r=30, seed=5)
    ((inputs, found),) = graphs["colorize"].runs
    assert np.array_equal(inputs["selected"][0], encoded.features[chosen])
    assert np.abs(found["ab"] - 110 * colored.fine.numpy()).max() < 0.02


def test_selection(reference):
    assert reference.rows * reference.columns == reference.features.shape[0]
    assert reference.places == 20 * 28 < reference.features.shape[0]  # without the padding
    chosen = reference.select(Selection(30, 40, 1), 256)
    assert len(set(chosen.tolist())) == 70
    top = set(np.argsort(-reference.activation)[:25].tolist())
    assert top <= set(chosen[:30].tolist())
    assert np.isfinite(reference.activation[chosen]).all()
    assert np.array_equal(chosen, reference.select(Selection(30, 40, 1), 256))
    assert not np.array_equal(chosen, reference.select(Selection(30, 40, 2), 256))
    assert np.array_equal(chosen[:30], reference.select(Selection(30, 40, 2), 256)[:30])
    assert len(reference.select(Selection(), 256)) == 512
    assert len(reference.select(Selection(), 700)) == reference.places
    assert len(reference.select(Selection(0, 5), 256)) == 5


@pytest.mark.parametrize("noise", [1e-6, 1e-3])
def test_a_last_digit_changes_no_more_than_its_own_patches(reference, noise):
    """Activations that differ as backends make them differ exchange single patches."""
    rng = np.random.default_rng(0)
    factors = 1 + noise * rng.standard_normal(reference.activation.shape).astype(np.float32)
    other = replace(reference, activation=reference.activation * factors)
    first, second = (set(r.select(Selection(60, 60), 256).tolist()) for r in (reference, other))
    exchanged = sum(
        1
        for a, b in zip(
            sorted(reference.select(Selection(60, 0), 256)),
            sorted(other.select(Selection(60, 0), 256)),
            strict=True,
        )
        if a != b
    )
    assert len(first - second) <= 2 * exchanged + 2


def test_a_reference_goes_with_its_own_model_and_travels(model, reference, canvas, photo_like):
    travelled = pickle.loads(pickle.dumps(reference))
    assert np.array_equal(canvas.render(travelled), canvas.render(reference))
    assert copy.deepcopy(reference).model == reference.model
    with (
        colordeploy.load("sscn", device="cpu", threads=1) as shipped,
        pytest.raises(InputError, match="encode_reference"),
    ):
        shipped.prepare(photo_like).render(reference)


@pytest.mark.parametrize(("k", "r"), [(555, 10), (-1, 5), (0, 0), (None, 10**6)])
def test_selection_out_of_range(canvas, reference, k, r):
    with pytest.raises(InputError, match="between 1 and the 560"):
        canvas.render(reference, k=k, r=r)


def test_seeds_and_other_references(canvas, reference, model, photo_like):
    one = canvas.render(reference, k=5, r=5, seed=1)
    assert np.array_equal(one, canvas.render(reference, k=5, r=5, seed=1))
    assert not np.array_equal(one, canvas.render(reference, k=5, r=5, seed=2))
    assert not np.array_equal(canvas.render(reference), canvas.render(photo_like))
    assert np.array_equal(canvas.render(reference), model(photo_like, reference))


def test_matches(canvas, reference):
    matches = canvas.matches(reference, [(10.0, 20.0), (119.0, 159.0)], k=40, r=0)
    for match in matches:
        assert 0 < match.weight <= 1
        assert 0 <= match.reference_y < reference.picture.shape[0]
        assert 0 <= match.reference_x < reference.picture.shape[1]
    assert len(canvas.matches(reference)) == 9
    sheet = canvas.match_picture(reference)
    assert sheet.shape == (96, 128 + 8 + 110, 3)
    with pytest.raises(InputError, match="outside"):
        canvas.matches(reference, [(120.0, 0.0)])


def test_a_match_is_where_the_attention_is(canvas, reference):
    """A single place selected: everything looks there, with all its weight."""
    (match,) = canvas.matches(reference, [(60.0, 60.0)], k=1, r=0)
    place = int(reference.select(Selection(1, 0), 256)[0])
    assert match.weight == 1
    assert match.reference_y == (place // reference.columns + 0.5) * 4
    assert match.reference_x == (place % reference.columns + 0.5) * 4


def test_references_that_give_no_colour(model, canvas, photo_like):
    gray = np.repeat(photo_like[..., :1], 3, axis=2)
    for picture in (gray, gray[..., 0], Image.fromarray(gray)):
        with pytest.raises(InputError, match="gray"):
            canvas.render(picture)
    with pytest.raises(InputError, match="8x8"):
        model.encode_reference(photo_like[:7])
    small = model.encode_reference(photo_like[:8, :8])
    assert small.places == 4
    assert canvas.render(small).shape == (120, 160, 3)


def test_palettes_and_sizes(model, canvas, photo_like):
    colors = np.array([[200, 30, 30], [30, 160, 60], [40, 60, 200]], np.uint8)
    palette = colors[None].repeat(20, 0).repeat(20, 1)
    assert canvas.render(palette).shape == (120, 160, 3)
    for size in (64, "native"):
        assert model.prepare(photo_like, size=size).render(palette).shape == (120, 160, 3)
    assert model.encode_reference(palette, size="native").picture.shape == (20, 60, 3)


def test_colour_photos_are_reduced_to_their_lightness(model, reference, photo_like):
    lightness = lab_of(photo_like / 255.0)[..., 0]
    picture = model(photo_like, reference)
    assert np.abs(read_lightness(picture) - lightness).mean() < 1


def test_closed_and_broken(bundle, tmp_path, photo_like):
    loaded = colordeploy.load(bundle, device="cpu", threads=1)
    loaded.close()
    for call in (loaded.prepare, loaded.encode_reference):
        with pytest.raises(InputError, match="closed"):
            call(photo_like)
    other = with_output_renamed(bundle, tmp_path / "b", "colorize", "coarse", "first")
    with pytest.raises(BundleError, match="'colorize'"):
        colordeploy.load(other)


def run(*arguments):
    return CliRunner().invoke(cli, ["exemplar", *map(str, arguments), "--threads", "1"])


def test_command(bundle, photo_like, other, tmp_path, monkeypatch):
    frames = tmp_path / "frames"
    frames.mkdir()
    for i in range(3):
        Image.fromarray(np.roll(photo_like, i, axis=1)).save(frames / f"{i}.png")
    Image.fromarray(other).save(tmp_path / "ref.png")
    encoded = []
    original = ExemplarModel.encode_reference
    monkeypatch.setattr(
        ExemplarModel, "encode_reference",
        lambda self, *a, **k: encoded.append(1) or original(self, *a, **k),
    )  # fmt: skip
    done = run(frames, "--reference", tmp_path / "ref.png", "-o", tmp_path / "out", "--model",
               bundle, "-k", 20, "-r", 10, "--seed", 3, "--show-matches",
               "--colour-pages", "recolour")  # fmt: skip
    assert done.exit_code == 0, done.output
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == sorted(f"{i}{s}.png" for i in range(3) for s in ("", ".matches"))
    assert len(encoded) == 1  # the reference once, however many frames


def test_gray_reference_on_the_command_line(bundle, photo_like, tmp_path):
    Image.fromarray(photo_like).save(tmp_path / "a.png")
    Image.fromarray(photo_like).convert("L").save(tmp_path / "ref.png")
    done = run(tmp_path / "a.png", "--reference", tmp_path / "ref.png", "-o", tmp_path / "o.png",
               "--model", bundle)  # fmt: skip
    assert done.exit_code == 1
    assert isinstance(done.exception, ColorDeployError)
    assert not (tmp_path / "o.png").exists()
