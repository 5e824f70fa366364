"""Importing somebody's network: what it becomes, and what is refused."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

import colordeploy
from colordeploy import Stroke
from colordeploy.accuracy.golden import verify
from colordeploy.bundle import Bundle
from colordeploy.cli import cli
from colordeploy.errors import BackendError, BundleError, InputError
from colordeploy.importing import PRESETS, Described, import_network
from colordeploy.pictures.color import lab_of, lightness_of, luma_of
from colordeploy.runtime.graph import Target

from . import networks

SAID = {"name": "mine", "licence": "MIT", "trained_on": "nothing"}


def brought(tmp_path, content, input="l-100", output="ab", **others):
    file = tmp_path / "net.onnx"
    file.write_bytes(content)
    out = tmp_path / "bundle"
    inputs = ((input,) if isinstance(input, str) else input,)
    import_network(file, out, Described(inputs, output, **SAID, **others))
    return out


@pytest.fixture
def photo(photo_like):
    return photo_like


def test_a_network_becomes_a_model(tmp_path, photo):
    out = brought(tmp_path, networks.ab_network(), multiple=4, working_size=64)
    manifest = Bundle(out).manifest
    assert (manifest.name, manifest.licence, manifest.trained_on) == ("mine", "MIT", "nothing")
    assert all(check.passed for check in verify(Bundle(out), Target(device="cpu")))
    slope, offset = networks.lightness_to_ab()
    with colordeploy.load(out, device="cpu", threads=1) as model:
        canvas = model.prepare(photo)
        assert min(canvas.working_size) == min(64, *photo.shape[:2])
        wanted = canvas.photo.working[..., None] * slope + offset
        assert np.abs(canvas.chroma - wanted).max() < 1e-3
        rgb = canvas.render()
        assert rgb.shape == photo.shape
        assert np.abs(lightness_of(rgb) - lightness_of(photo)).max() < 1.0
        assert np.array_equal(canvas.render(region=(3, 5, 40, 50)), rgb[3:40, 5:50])
        assert min(canvas.render(size=32).shape[:2]) == 32
        assert np.array_equal(model(photo), rgb)
        with pytest.raises(InputError, match="takes no anchors"):
            canvas.render([1])
        token = colordeploy.CancelToken()
        token.cancel()
        with pytest.raises(colordeploy.errors.Cancelled):
            model.prepare(photo, cancel=token)


def test_one_size_alone_keeps_the_aspect_ratio(tmp_path, photo):
    out = brought(tmp_path, networks.ab_network(sides=(32, 32)))
    with colordeploy.load(out, device="cpu", threads=1) as model:
        canvas = model.prepare(photo)
        assert max(canvas.working_size) == 32
        height, width = photo.shape[:2]
        assert abs(canvas.working_size[0] / canvas.working_size[1] - height / width) < 0.05
        assert canvas.render().shape == photo.shape


@pytest.mark.parametrize(
    ("input", "scale", "output"),
    [("l-100", 1 / 110, "ab-110"), ("l-100", 1 / 128, "ab-128"), ("l-unit", 1, "ab"),
     ("l-half", 1, "ab")],
)  # fmt: skip
def test_kinds_of_lightness_and_scale(tmp_path, photo, input, scale, output):
    slope, offset = networks.lightness_to_ab()
    factor = {"l-100": 1, "l-unit": 50, "l-half": 100}[input]
    centre = 0 if factor == 1 else 50
    content = networks.network(factor * slope[:, None], offset + centre * slope, scale=scale)
    out = brought(tmp_path, content, input, output, working_size=48)
    with colordeploy.load(out, device="cpu", threads=1) as model:
        canvas = model.prepare(photo)
        wanted = canvas.photo.working[..., None] * slope + offset
        assert np.abs(canvas.chroma - wanted).max() < 2e-3


def test_bins_become_their_annealed_mean(tmp_path, photo):
    rng = np.random.default_rng(3)
    content = networks.network(rng.normal(0, 2, (313, 1)), rng.normal(0, 1, 313))
    file = tmp_path / "net.onnx"
    file.write_bytes(content)
    import_network(file, tmp_path / "b", Described((("l-unit",),), "bins-313", **SAID))
    with colordeploy.load(tmp_path / "b", device="cpu", threads=1) as model:
        chroma = model.prepare(photo, size=32).chroma
    assert np.abs(chroma).max() <= 110
    assert np.ptp(chroma) > 1


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_rgb_networks_keep_the_pictures_luma(tmp_path, photo, layout):
    out = brought(tmp_path, networks.rgb_network(layout=layout), "rgb", "rgb", layout=layout)
    with colordeploy.load(out, device="cpu", threads=1) as model:
        rgb = model(photo)
    assert np.abs(luma_of(rgb) - luma_of(photo)).max() < 1 / 255
    assert np.ptp(rgb.astype(int), axis=2).max() > 5


def test_an_imported_result_can_be_mended(tmp_path, photo):
    out = brought(tmp_path, networks.ab_network())
    with colordeploy.load(out, device="cpu") as model, colordeploy.load("levin") as strokes:
        base = model(photo)
        mended = strokes.prepare(photo).render([Stroke([(20, 20), (20, 30)], "#a05030", 4)],
                                               base=base)  # fmt: skip
    assert not np.array_equal(mended, base)


@pytest.mark.parametrize(
    ("content", "described", "said"),
    [
        (lambda: networks.ab_network(scale=1 / 110), ("l-100", "ab"), "probably scaled"),
        (networks.ab_network, ("l-100", "ab-110"), "CIE units already"),
        (lambda: networks.network(np.zeros((2, 1)), np.array([9.0, 7.0])), ("l-100", "ab"),
         "same everywhere"),
        (lambda: networks.network(np.full((2, 1), np.nan), np.zeros(2)), ("l-100", "ab"), "NaN"),
        (lambda: networks.network(networks.lightness_to_ab()[0][::-1, None],
                                  networks.lightness_to_ab()[1][::-1]),
         ("l-100", "ab"), "a and b exchanged"),
        (lambda: networks.rgb_network(exchanged=True), ("rgb", "rgb"), "RGB taken for BGR"),
        (networks.rgb_network, ("rgb", "rgb-255"), "probably in 0..1"),
        (lambda: networks.rgb_network(scale=255.0), ("rgb", "rgb"), "probably in 0..255"),
        (lambda: networks.network(-np.eye(3), np.array([1.1, 1.0, 0.9])), ("rgb", "rgb"),
         "luminance"),
        (networks.rgb_network, ("rgb", "ab"), "3 channels|2 channels"),
        (networks.ab_network, ("rgb", "ab"), "has 1 channels in NCHW"),
        (networks.ab_network, ("marked", "ab"), "hints alone"),
        (networks.cut_network, ("l-100", "ab"), r"shape \(0, 2, 256, 256\), .*one picture of 2"),
        (lambda: networks.cut_network(axis=2), ("l-100", "ab"), r"shape \(1, 2, 0, 256\)"),
        (lambda: networks.cut_network(times=2), ("l-100", "ab"), r"shape \(2, 2, 256, 256\)"),
    ],
)  # fmt: skip
def test_a_wrong_description_is_refused(tmp_path, content, described, said):
    with pytest.raises(BundleError, match=said):
        brought(tmp_path, content(), *described)
    assert not (tmp_path / "bundle").exists()


def test_a_wrong_layout_is_refused(tmp_path):
    with pytest.raises(BundleError, match="channels in NCHW"):
        brought(tmp_path, networks.rgb_network(layout="NHWC", sides=(32, 32)), "rgb", "rgb")


def external(tmp_path):
    model = onnx.load_from_string(networks.ab_network())
    big = np.zeros((2, 1, 1, 1), np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(big, "k"))
    onnx.save_model(
        model, tmp_path / "net.onnx", save_as_external_data=True, size_threshold=0, location="w"
    )
    return (tmp_path / "net.onnx").read_bytes()


def of_its_own(tmp_path):
    node = helper.make_node("Magic", ["x"], ["y"], domain="mine.example")
    value = [helper.make_tensor_value_info(n, 1, [1, 2, "h", "w"]) for n in "xy"]
    graph = helper.make_graph([node], "g", value[:1], value[1:])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("mine.example", 1)]
    ).SerializeToString()


def of_double_precision(_):
    given, result = (
        helper.make_tensor_value_info(name, TensorProto.DOUBLE, [1, 2, "h", "w"]) for name in "xy"
    )
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [given], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (of_double_precision, "are float32 or float16"),
        (external, "weights in other files"),
        (of_its_own, "operators of their own"),
        (lambda _: networks.ab_network(extra_input=True), r"has 2 inputs .*explains 1 \(l-100\)"),
        (lambda _: networks.ab_network()[:-20], "no whole ONNX file"),
        (lambda _: b"", "0 bytes"),
        (lambda _: b"no network at all", "ONNX"),
        (lambda _: networks.ab_network(sides=(32, "w")), "one free side"),
        (lambda _: networks.ab_network(sides=(0, "w")), r"holds nothing, its shape is \[1, 1, 0"),
    ],
)
def test_bad_files_are_named_in_one_line(tmp_path, content, said):
    with pytest.raises((BundleError, BackendError), match=said) as caught:
        brought(tmp_path, content(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("joined", [True, False])
def test_sides_have_to_be_multiples_of_what_is_said(tmp_path, photo, joined):
    """Its pictures would fail, or be stretched, at most sizes."""
    content = networks.halving_network(joined=joined)
    for multiple in (1, 4):
        with pytest.raises(BundleError, match="give --multiple") as caught:
            brought(tmp_path, content, multiple=multiple)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "bundle").exists()
    out = brought(tmp_path, content, multiple=8, working_size=60)
    with colordeploy.load(out, device="cpu", threads=1) as model:
        assert model(photo).shape == photo.shape


@pytest.mark.parametrize("axis", [1, 2])
def test_an_output_that_fits_at_some_sizes_only(tmp_path, photo, axis):
    """The import saw it at 256 and more; no picture is made of nothing at another size."""
    content = networks.cut_network(axis=axis, but=256)
    out = brought(tmp_path, content, working_size=32)
    with (
        colordeploy.load(out, device="cpu", threads=1) as model,
        pytest.raises(BackendError, match=r"network's output for .* has shape \(1, .*--multiple"),
    ):
        model(photo)


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "bundle").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is there already"):
        brought(tmp_path, networks.ab_network())
    (tmp_path / "file").write_bytes(b"")
    below = tmp_path / "file" / "bundle"
    with pytest.raises(InputError, match=r"cannot write .*bundle: "):
        import_network(tmp_path / "net.onnx", below, Described((("l-100",),), "ab", **SAID))


def test_the_command(tmp_path, photo):
    from PIL import Image

    (tmp_path / "net.onnx").write_bytes(networks.ab_network())
    Image.fromarray(photo).convert("L").save(tmp_path / "photo.png")
    arguments = ["models", "import", str(tmp_path / "net.onnx"), "--out", str(tmp_path / "b")]
    done = CliRunner().invoke(cli, [*arguments, "--preset", "zhang-eccv16", "--licence", "MIT"])
    assert done.exit_code == 0, done.output
    assert "BSD" not in Bundle(tmp_path / "b").manifest.licence
    photo_file, out = str(tmp_path / "photo.png"), str(tmp_path / "out.png")
    done = CliRunner().invoke(cli, ["auto", photo_file, "-o", out, "--model", str(tmp_path / "b")])
    assert done.exit_code == 0, done.output
    colored = lab_of(np.asarray(Image.open(out), np.float32) / 255)
    assert np.abs(colored[..., 1:]).max() > 4
    with pytest.raises(InputError, match="give --preset"):
        CliRunner().invoke(cli, [*arguments, "--licence", "MIT"], catch_exceptions=False)
    for preset in PRESETS:
        assert Described.by_preset(preset, **SAID).source.startswith("github.com")
