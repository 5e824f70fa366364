"""Imported bundles go through the doors of all others: commands, bench, engines, precisions."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import colordeploy
from colordeploy import AutomaticModel
from colordeploy.accuracy.pictures import fidelity
from colordeploy.accuracy.precision import check_precision
from colordeploy.bundle import Bundle
from colordeploy.cli import cli
from colordeploy.engines import build_engines
from colordeploy.errors import InputError
from colordeploy.importing import Described, import_network
from colordeploy.runtime.tensorrt.build import BuildOptions
from colordeploy.runtime.tensorrt.cache import EngineCache

from . import networks

KINDS = {
    "plain": (networks.ab_network, ("l-100",), "ab"),
    "wide": (lambda: networks.ab_network(sides=(32, 48)), ("l-100",), "ab"),
    "hinted": (networks.hinted_network, ("l-100", "ab", "marked"), "ab"),
    "listed": (networks.listed_network, ("l-half+ab-110", "unmarked/2"), "ab-110/8"),
    "half": (lambda: networks.halved(networks.ab_network()), ("l-100",), "ab"),
}
QUICK = ("--duration", "0", "--queries", "2", "--size", "48x64", "--threads", "1", "--cold", "0")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """A bundle of each kind, by name."""
    folder, made = tmp_path_factory.mktemp("imported"), {}
    for name, (content, inputs, output) in KINDS.items():
        file, made[name] = folder / f"{name}.onnx", folder / name
        file.write_bytes(content())
        described = Described(
            (inputs,), output, name, "MIT", "nothing", multiple=4, working_size=64
        )
        import_network(file, made[name], described)
    return made


def run(*arguments):
    return CliRunner().invoke(cli, [str(a) for a in arguments])


@pytest.mark.parametrize("name", KINDS)
def test_bench(bundles, tmp_path, name):
    record = tmp_path / "a.json"
    done = run("bench", bundles[name], *QUICK, "--device", "cpu", "--json", record)
    assert done.exit_code == 0, (done.output, done.exception)
    (found,) = json.loads(record.read_text())["runs"]
    assert found["key"]["model"] == name
    assert f"graph {name}/network" in found["stages_ns"]
    assert ("edit" in found["samples_ns"]) or name in ("plain", "wide", "half")


@pytest.mark.parametrize("name", KINDS)
def test_verify(bundles, name):
    done = run("models", "verify", bundles[name], "--device", "cpu")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "ok  network on cpu" in done.output


@pytest.mark.openvino
@pytest.mark.parametrize("name", KINDS)
def test_openvino(bundles, name):
    done = run("models", "verify", bundles[name], "--backend", "openvino", "--device", "cpu")
    assert done.exit_code == 0, (done.output, done.exception)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
@pytest.mark.parametrize("name", KINDS)
def test_half_precision(bundles, photo_like, name, precision):
    """Simulated on the CPU, as engines are checked before they are built."""
    bundle = Bundle(bundles[name])
    error = check_precision(bundle, "network", precision)
    assert (error == 0) == (name == "half")  # it is in half precision as it is
    found = fidelity(bundle, precision, [photo_like])
    assert found.pictures == 1


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("name", KINDS)
def test_engines(bundles, tmp_path, name, precision):
    from tests.export.tensorrt import rtx

    cache, options = EngineCache(tmp_path), BuildOptions(("sm_89",))
    file, new = build_engines(
        Bundle(bundles[name]), rtx(), cache, precision=precision, options=options
    )
    assert new
    assert [plan.graph for plan in file.plans] == ["network"]
    assert file.plans[0].size > 1000


def test_sides_that_differ(bundles, photo_like):
    """A network of 32x48 sees the whole picture, aspect ratio kept."""
    with colordeploy.load(bundles["wide"], device="cpu", threads=1) as model:
        assert model.prepare(photo_like).working_size == (32, 43)
        assert model.prepare(photo_like.swapaxes(0, 1)).working_size == (32, 24)
        assert model.prepare(photo_like[:40]).working_size == (12, 48)
        assert model(photo_like).shape == photo_like.shape


def test_float16_inputs_and_outputs(bundles, photo_like):
    assert Bundle(bundles["half"]).manifest.graphs["network"].inputs[0].dtype == "float16"
    slope, offset = networks.lightness_to_ab()
    with colordeploy.load(bundles["half"], device="cpu", threads=1) as model:
        canvas = model.prepare(photo_like)
        assert canvas.chroma.dtype == np.float32
        wanted = canvas.photo.working[..., None] * slope + offset
        assert np.abs(canvas.chroma - wanted).max() < 0.05


def test_it_is_an_automatic_model_without_anchors(bundles, photo_like):
    with colordeploy.load(bundles["plain"], device="cpu", threads=1) as model:
        assert isinstance(model, AutomaticModel)
        assert not model.anchored
        canvas = model.prepare(photo_like, anchors=3, seed=1)
        assert canvas.anchors == canvas.diverse_anchors(0) == []
        assert np.array_equal(canvas.render([]), canvas.render())
        for refused in (
            lambda: canvas.render(sample=1),
            lambda: canvas.diverse_anchors(1),
            lambda: canvas.render([colordeploy.Anchor(1, 1, (0, 0))]),
            lambda: canvas.anchors_from(photo_like),
            canvas.palette,
        ):
            with pytest.raises(InputError, match=r"one result|no anchors"):
                refused()
    with colordeploy.load("disco", device="cpu") as disco:
        assert disco.anchored


@pytest.fixture
def files(tmp_path, photo_like):
    layer = np.zeros((*photo_like.shape[:2], 4), np.uint8)
    layer[20:25, 30:60] = (200, 40, 30, 255)
    Image.fromarray(photo_like).convert("L").save(tmp_path / "photo.png")
    Image.fromarray(layer).save(tmp_path / "strokes.png")
    return tmp_path


@pytest.mark.parametrize("name", ["hinted", "listed"])
def test_scribble(bundles, files, name):
    photo, strokes, out = files / "photo.png", files / "strokes.png", files / "out.png"
    done = run("scribble", photo, strokes, "-o", out, "--model", bundles[name], "--device", "cpu")
    assert done.exit_code == 0, (done.output, done.exception)
    red = np.asarray(Image.open(out)).astype(int)[21:24, 35:55]
    assert (red[..., 0] - red[..., 2]).mean() > 20
    base = ("--base", bundles["plain"], "--reach", "0.2")
    done = run("scribble", photo, strokes, "-o", files / "b.png", "--model", bundles[name], *base)
    assert done.exit_code == 0, (done.output, done.exception)
    assert not np.array_equal(Image.open(out), Image.open(files / "b.png"))


def test_commands_say_what_a_network_is_not(bundles, files):
    photo, out = files / "photo.png", files / "out.png"
    for arguments, said in (
        (("auto", photo, "-o", out, "--model", bundles["hinted"]), "method 'imported-hints'"),
        (("auto", photo, "-o", out, "--model", bundles["plain"], "--sample", 1), "one result"),
        (
            ("scribble", photo, files / "strokes.png", "-o", out, "--model", bundles["plain"]),
            "method 'imported'",
        ),
    ):
        done = run(*arguments)
        assert done.exit_code != 0
        assert said in str(done.exception)


def test_studio(bundles, photo_like):
    pytest.importorskip("starlette")
    from colordeploy.pictures.picture import Picture
    from colordeploy.studio import Limits
    from colordeploy.studio.studio import Studio

    studio = Studio(Limits(), bundles=[bundles["plain"], bundles["hinted"]])
    tools = {model["name"]: model["tool"] for model in studio.models()}
    assert (tools["plain"], tools["hinted"], tools["disco"]) == ("auto", "scribble", "auto")
    picture = studio.store.add_picture(Picture(photo_like))
    token = colordeploy.CancelToken()
    stroke = {"points": [[30, 40], [30, 60]], "color": "#a03028", "width": 5}
    for name, guidance in (("plain", {}), ("hinted", {"strokes": [stroke]})):
        held = studio.prepare(picture, name, {}, token)
        pixels = studio.render(held, guidance, {}, token)[..., :3]
        with colordeploy.load(bundles[name]) as model:
            strokes = [colordeploy.Stroke([(30, 40), (30, 60)], "#a03028", 5)]
            wanted = model(photo_like, strokes) if guidance else model(photo_like)
        assert np.array_equal(pixels, wanted)
    studio.close()
    with pytest.raises(InputError, match="as another model has"):
        Studio(Limits(), bundles=[bundles["plain"], bundles["plain"]])
