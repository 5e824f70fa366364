"""INT8: what the quantized graphs hold, what stays float32, and that failing says why."""

from __future__ import annotations

import shutil

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper
from PIL import Image

import colordeploy
from colordeploy.accuracy import pictures as pictures_module
from colordeploy.accuracy.golden import verify
from colordeploy.accuracy.pictures import fidelity
from colordeploy.bundle import Bundle
from colordeploy.cli import cli
from colordeploy.errors import InputError
from colordeploy.runtime.graph import Target, load_graph
from export.bundling import int8, quantize, sensitivity
from export.bundling.int8 import quantize_bundle, recorded_inputs
from export.bundling.quantize import QuantizedGraph, plain_weights
from export.bundling.specification import write
from export.bundling.sscn import specification
from export.bundling.writer import Identity
from export.cli import main
from export.data.calibration import whole_pictures

from ..tiny import tiny_sscn
from .archive import write_archive
from .tensorrt import compile_graph

CPU = Target(device="cpu", threads=1)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny") / "bundle"
    write(specification(tiny_sscn()), path, Identity("tiny"), trained_on="nothing", working_size=64)
    return Bundle(path)


@pytest.fixture(scope="module")
def feeds(bundle, archive):
    return recorded_inputs(bundle, whole_pictures("sscn", archive, "train", 3))


@pytest.fixture(scope="module")
def quantized(bundle, feeds):
    return QuantizedGraph(bundle.graph("colorize"), feeds["colorize"])


def run(content, feed):
    return load_graph(content, CPU, "graph").run(feed)


def test_feeds_are_what_the_graphs_were_given(bundle, feeds):
    assert {name: len(given) for name, given in feeds.items()} == {
        "encode_reference": 3,
        "colorize": 3,
    }
    for name, given in feeds.items():
        assert given[0].keys() == {t.name for t in bundle.manifest.graphs[name].inputs}
    assert not np.array_equal(feeds["colorize"][0]["gray"], feeds["colorize"][1]["gray"])


def test_layers_and_only_they_read_rounded_values(quantized):
    graph = onnx.load_model_from_string(quantized.mixed()).graph
    weights = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    made = {name: node for node in graph.node for name in node.output}
    kinds = set()
    for node in graph.node:
        sources = [made.get(name) for name in node.input]
        rounded = [s for s in sources if s is not None and s.op_type == "DequantizeLinear"]
        if node.op_type not in ("DequantizeLinear", "QuantizeLinear"):
            assert len(rounded) in (0, 2)
        if not rounded:
            continue
        kinds.add(node.op_type)
        assert weights[rounded[0].input[1]].shape == ()
        stored, scale = weights[rounded[1].input[0]], weights[rounded[1].input[1]]
        channels = stored.shape[1] if node.op_type == "MatMul" else stored.shape[0]
        assert stored.dtype == np.int8
        assert scale.shape == (channels,)
        for one in rounded:
            zero = weights[one.input[2]]
            assert zero.dtype == np.int8
            assert not zero.any()
    assert {"Conv", "MatMul"} <= kinds


def test_mixing(bundle, feeds, quantized):
    exact = bundle.graph("colorize")
    feed = feeds["colorize"][0]
    expected = run(exact, feed)

    def error(kept):
        found = run(quantized.mixed(kept), feed)
        return max(float(np.abs(found[n] - v).max()) for n, v in expected.items())

    assert error(quantized.groups) == 0
    assert quantized.work(quantized.groups) == 0
    half = quantized.groups[::2]
    assert 0 < quantized.work(half) < quantized.work()
    assert 0 < error(half) < 3 * error(())
    assert len(quantized.mixed()) < 0.75 * len(plain_weights(exact).SerializeToString())


def test_an_output_that_a_layer_reads_is_not_rounded():
    """Two layers in a row whose values in between are an output as well."""
    weight = np.random.default_rng(0).normal(size=(8, 8, 3, 3)).astype(np.float32)
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["x", "a.first.weight"], ["y"], "first"),
            onnx.helper.make_node("Conv", ["y", "a.second.weight"], ["z"], "second"),
        ],
        "g",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 8, 9, 9])],
        [onnx.helper.make_tensor_value_info(n, 1, [1, 8, s, s]) for n, s in (("y", 7), ("z", 5))],
        [numpy_helper.from_array(weight, f"a.{n}.weight") for n in ("first", "second")],
    )
    opset = [onnx.helper.make_opsetid("", 20)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
    feed = {"x": np.random.default_rng(1).normal(size=(1, 8, 9, 9)).astype(np.float32)}
    quantized = QuantizedGraph(model.SerializeToString(), [feed])
    exact = run(model.SerializeToString(), feed)
    found = run(quantized.mixed(["a.first.*"]), feed)
    assert np.array_equal(found["y"], exact["y"])
    assert 0 < np.abs(found["z"] - exact["z"]).max() < 0.05 * np.abs(exact["z"]).max()


def dead_channel():
    """A convolution of 8 channels whose first has weights of next to nothing, but a bias."""
    weight = np.random.default_rng(0).normal(size=(8, 8, 3, 3)).astype(np.float32)
    weight[0] *= 1e-12
    bias = np.linspace(1, 2, 8).astype(np.float32)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "a.b.weight", "a.b.bias"], ["y"], "conv")],
        "g",
        [onnx.helper.make_tensor_value_info("x", 1, [1, 8, 9, 9])],
        [onnx.helper.make_tensor_value_info("y", 1, [1, 8, 7, 7])],
        [numpy_helper.from_array(weight, "a.b.weight"), numpy_helper.from_array(bias, "a.b.bias")],
    )
    opset = [onnx.helper.make_opsetid("", 20)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def test_a_dead_channels_bias_survives():
    feed = {"x": np.random.default_rng(1).normal(size=(1, 8, 9, 9)).astype(np.float32)}
    content = dead_channel()
    found = run(QuantizedGraph(content, [feed]).mixed(), feed)["y"]
    exact = run(content, feed)["y"]
    assert np.abs(found[:, 0] - 1).max() < 1e-4
    assert np.abs(found - exact).max() < 0.05 * np.abs(exact).max()
    assert QuantizedGraph(content, [feed]).groups == ["a.b.*"]
    beside = QuantizedGraph(content.replace(b"a.b.weight", b"a.weights0"), [feed])
    assert beside.groups == ["a.weights0"]  # a.* would be all of a network
    assert QuantizedGraph(content, [feed]).work() == 8 * 9 * 8 * 49


@pytest.mark.parametrize("name", ["encode_reference", "colorize"])
def test_tensorrt_compiles_them(bundle, feeds, name):
    content = QuantizedGraph(bundle.graph(name), feeds[name]).mixed()
    assert compile_graph(content, bundle.manifest.graphs[name].inputs) > 10_000


def own_pictures(folder, count):
    rng = np.random.default_rng(3)
    (folder / "more").mkdir(parents=True)
    for i in range(count):
        base = Image.fromarray((rng.random((5, 5, 3)) * 255).astype(np.uint8)).resize((1500, 900))
        base.save(folder / ("more" if i % 2 else "") / f"{i}.jpg")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_teams_own_pictures_calibrate(tmp_path):
    folder = own_pictures(tmp_path / "own", 7)
    train, val = (whole_pictures("photo", folder, split, 99) for split in ("train", "val"))
    assert (len(train), len(val)) == (5, 2)
    assert {picture.shape for picture in train + val} == {(614, 1024, 3)}
    assert not any(np.array_equal(a, b) for a in train for b in val)
    assert [p.shape for p in whole_pictures("drawing", folder, "val", 1)] == [(614, 1024)]
    assert len(whole_pictures("photo", folder / "*.jpg", "train", 99)) == 3
    assert len(whole_pictures("photo", folder, "train", 2)) == 2


def test_what_is_no_picture_to_quantize_with_is_said(bundle, tmp_path):
    own_pictures(tmp_path / "few", 2)
    (tmp_path / "empty").mkdir()
    for data, message in (
        ("few", "at least 3 pictures are needed"),
        ("empty", "no pictures in there"),
        ("none/*.jpg", "no pictures in there"),
        ("none.jpg", "at least 3 pictures are needed"),
    ):
        done = CliRunner().invoke(
            main, ["quantize", str(bundle.path), "--data", str(tmp_path / data), "--out",
                   str(tmp_path / "int8")],
        )  # fmt: skip
        assert done.exit_code == 1
        assert message in done.output
        assert not (tmp_path / "int8").exists()


def test_the_command(bundle, archive, tmp_path):
    def command(source, *options):
        return CliRunner().invoke(
            main,
            ["quantize", str(source), "--data", str(archive), "--out", str(tmp_path / "int8"),
             "--pictures", "3", "--check", "2", *options],
        )  # fmt: skip

    done = command(bundle.path, "--keep", "net.out.*", "--keep", "net.decoder.0.*")
    assert done.exit_code == 0, (done.output, done.exception)
    assert "2 pictures: off by 0." in done.output
    made = Bundle(tmp_path / "int8")
    assert made.manifest.name == "tiny-int8"
    assert made.manifest.parameters["precision"] == "int8"
    assert "net.decoder.0.*" in made.manifest.parameters["keep_fp32"]["colorize"]
    assert b"net.decoder.0.main.3.weight_quantized" not in made.graph("colorize")
    assert b"net.decoder.1.main.3.weight_quantized" in made.graph("colorize")
    assert all(check.passed for check in verify(made, CPU))
    golden, exact = made.golden(), bundle.golden()
    assert all(np.array_equal(golden[name], exact[name]) for name in exact)
    picture = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    with colordeploy.load(made.path, device="cpu") as model:
        assert model(picture, picture).shape == picture.shape
    check_against_float32(made, bundle, picture, tmp_path)
    again = command(made.path)
    assert again.exit_code == 1
    assert "is in INT8 already" in again.output


def check_against_float32(made, bundle, picture, tmp_path):
    """An INT8 bundle compared with itself is never off."""
    with pytest.raises(
        InputError, match=r"it was made of \(tiny\) is not in its folder.*--against"
    ):
        fidelity(made, "auto", [picture], CPU)
    found = fidelity(made, "auto", [picture], CPU, source=bundle)
    assert 0 < found.mean <= found.percentile <= found.largest
    with pytest.raises(InputError, match="is in INT8: compare with a bundle in float32"):
        fidelity(made, "auto", [picture], CPU, source=made)
    shutil.copytree(bundle.path, tmp_path / "float32")
    assert fidelity(made, "auto", [picture], CPU) == found
    Image.fromarray(picture).save(tmp_path / "one.png")
    said = CliRunner().invoke(
        cli, ["models", "verify", str(made.path), "--pictures", str(tmp_path / "one.png"),
              "--device", "cpu"],
    )  # fmt: skip
    assert said.exit_code == 0, (said.output, said.exception)
    assert "off by 0." in said.output  # not the same to the last digit: other threads
    assert "off by 0.000" not in said.output


def interrupted_and_made(made, said, tmp_path, monkeypatch):
    """A search that is interrupted goes on without what it has done."""
    said.clear()

    class Interrupting(list):
        def append(self, line):
            super().append(line)
            if "alone moves" in line and len(self) > 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(Interrupting().append)
    assert (tmp_path / "b.unfinished" / "colorize.onnx").is_file()
    with monkeypatch.context() as patch:
        patch.setattr(quantize, "_quantized", None)  # it would fail
        some = made()
    assert said[0] == "going on where an earlier search was interrupted"
    assert not (tmp_path / "b.unfinished").exists()
    assert made() == some  # begun anew
    return some


def test_layers_are_kept_until_it_holds_or_fails(bundle, archive, tmp_path, monkeypatch):
    pictures = whole_pictures("sscn", archive, "train", 3)
    said = []
    monkeypatch.setattr(quantize, "_DEPTH", 2)
    monkeypatch.setattr(int8, "SEARCHED", 1)
    monkeypatch.setattr(sensitivity, "_AIM", 100.0)
    for limit in ("MAXIMUM_MEAN_AB", "MAXIMUM_PERCENTILE_AB", "MAXIMUM_AB"):
        monkeypatch.setattr(pictures_module, limit, 1000.0)

    def made(say=said.append):
        return quantize_bundle(bundle, tmp_path / "b", pictures[:2], pictures[2:], say=say)

    whole = made()
    assert whole.work == 1
    assert not whole.kept["colorize"]
    monkeypatch.setattr(sensitivity, "_AIM", whole.fidelity.mean / 2)
    monkeypatch.setattr(sensitivity, "_MINIMUM_WORK", 0.0)
    some = interrupted_and_made(made, said, tmp_path, monkeypatch)
    assert 0 < some.work < 1
    assert any(some.kept.values())
    assert some.fidelity.mean < whole.fidelity.mean
    assert any("alone moves its outputs by" in line for line in said)
    monkeypatch.setattr(sensitivity, "_MINIMUM_WORK", 1.0)
    with pytest.raises(ValueError, match=r"makes nothing faster; .*colorize/\S+ \d"):
        made()
    monkeypatch.setattr(sensitivity, "_AIM", 100.0)
    monkeypatch.setattr(pictures_module, "MAXIMUM_MEAN_AB", whole.fidelity.mean / 100)
    with pytest.raises(ValueError, match=r"off by .* alone: \w+/net\S+ .* is not written"):
        quantize_bundle(bundle, tmp_path / "other", pictures[:2], pictures[2:])
    assert not (tmp_path / "other").exists()
