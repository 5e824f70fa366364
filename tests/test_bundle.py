from __future__ import annotations

import hashlib
import json
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from colordeploy.accuracy.golden import verify
from colordeploy.bundle import Bundle, default_bundles, find_bundle
from colordeploy.errors import BackendError, BundleError
from colordeploy.manifest import Manifest, _digest
from colordeploy.models import load
from colordeploy.runtime.graph import Target, load_graph
from export.bundling.shared import without_encoder
from export.bundling.specification import bundle as export_bundle
from export.bundling.writer import Identity
from export.cli import main

from .tiny import save_tiny_bundle, save_tiny_checkpoint

CPU = Target(device="cpu", threads=1)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    return save_tiny_bundle(folder / "tiny.pt", folder / "tiny")


@pytest.fixture
def bundle(exported, tmp_path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "tiny"))


def edit_manifest(bundle: Path, change) -> None:
    """Change a manifest and keep its hash right, as an exporter with a mistake would."""
    values = json.loads((bundle / "manifest.json").read_text())
    values.pop("manifest_sha256")
    change(values)
    values["manifest_sha256"] = _digest(values)
    (bundle / "manifest.json").write_text(json.dumps(values))


def test_verify(bundle):
    (check,) = verify(Bundle(bundle), CPU)
    assert check.passed
    assert check.cases == 4
    assert check.device == "cpu"
    assert 0 <= check.largest_error <= check.tolerance == 1e-4


def test_zip_of_a_bundle(bundle, tmp_path):
    for name, prefix in (("flat.zip", ""), ("nested.zip", "tiny/")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for file in bundle.iterdir():
                archive.write(file, prefix + file.name)
        assert Bundle(tmp_path / name).manifest == Bundle(bundle).manifest
        assert verify(Bundle(tmp_path / name), CPU)[0].passed


@pytest.mark.parametrize("file", ["affinity.onnx", "golden.npz"])
@pytest.mark.parametrize("place", [0, 1000, -1])
def test_a_changed_byte_is_noticed(bundle, file, place):
    content = bytearray((bundle / file).read_bytes())
    content[place] ^= 1
    (bundle / file).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{file} is damaged"):
        verify(Bundle(bundle), CPU)


@pytest.mark.parametrize("file", ["manifest.json", "affinity.onnx", "golden.npz"])
def test_a_missing_file(bundle, file):
    (bundle / file).unlink()
    with pytest.raises(BundleError, match=file):
        verify(Bundle(bundle), CPU)


def test_golden_vectors_are_packed(bundle):
    """Deflated, and what one graph hands to another once; the values are what they were."""
    from export.bundling.writer import _npz

    content = (bundle / "golden.npz").read_bytes()
    golden = Bundle(bundle).golden()
    assert len(content) < sum(array.nbytes for array in golden.values())
    twice = golden | {f"other/{key}": value.copy() for key, value in golden.items()}
    packed = _npz(twice)
    assert len(packed) < 1.1 * len(content) + 400 * len(golden)
    (bundle / "golden.npz").write_bytes(packed)
    digest = hashlib.sha256(packed).hexdigest()
    edit_manifest(bundle, lambda manifest: manifest.update(golden_sha256=digest))
    found = Bundle(bundle).golden()
    assert found.keys() == twice.keys()
    assert all(np.array_equal(found[key], value) for key, value in twice.items())


def test_bundles_are_packed_again(exported, tmp_path):
    copy = shutil.copytree(exported, tmp_path / "copy")
    before = Bundle(copy).golden()
    np.savez(copy / "golden.npz", **before)
    digest = hashlib.sha256((copy / "golden.npz").read_bytes()).hexdigest()
    edit_manifest(copy, lambda manifest: manifest.update(golden_sha256=digest))
    done = CliRunner().invoke(main, ["repack", str(copy)])
    assert done.exit_code == 0, done.output
    assert (copy / "golden.npz").read_bytes() == (exported / "golden.npz").read_bytes()
    assert Bundle(copy).manifest == Bundle(exported).manifest


@pytest.fixture
def sharing(tmp_path):
    """A copy of a model of the package whose encoder lies in a folder beside it."""
    for name in ("disco", "shared"):
        shutil.copytree(default_bundles()["disco"].parent / name, tmp_path / name)
    return tmp_path / "disco"


def test_weights_that_bundles_share(sharing, tmp_path):
    opened = Bundle(sharing)
    assert opened.manifest.format == 2
    file = opened.manifest.graphs["analyze"].weights
    whole = opened.graph("analyze")
    assert (
        whole == (sharing / "analyze.onnx").read_bytes() + (tmp_path / "shared" / file).read_bytes()
    )
    assert hashlib.sha256(whole).hexdigest() == opened.manifest.graphs["analyze"].sha256
    weights = {i.name for i in onnx.load_model_from_string(whole).graph.initializer}
    assert "encoder.stem.weight.half" in weights
    assert opened.manifest.graphs["generate"].weights is None
    # In the bundle itself, also in a zip file.
    (tmp_path / "shared" / file).rename(sharing / file)
    assert Bundle(sharing).graph("analyze") == whole
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", sharing)
    assert Bundle(archive).graph("analyze") == whole


def test_shared_weights_that_are_missing_or_damaged(sharing, tmp_path):
    (file,) = (tmp_path / "shared").iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:-1] + b"\0\0")
    with pytest.raises(BundleError, match=f"analyze.onnx with {file.name} is damaged"):
        Bundle(sharing).graph("analyze")
    file.unlink()
    with pytest.raises(BundleError, match=f"{file.name} is missing.*'shared' beside it"):
        Bundle(sharing).graph("analyze")
    Bundle(sharing).graph("generate")


def test_bundles_whose_graphs_hold_all_their_weights_are_for_older_versions(exported):
    assert Bundle(exported).manifest.format == 1


def test_an_encoder_is_taken_out_of_a_graph_and_back_in():
    """The parts strung together are the graph again, whatever leads to the encoder."""
    values = np.array([[1.5, -0.0], [2.0, 3.0]], np.float32)
    parts = []
    for path in ("net.encoder.", "net.features.bfe.encoder."):
        x, y = (onnx.helper.make_tensor_value_info(n, 1, [1, 2]) for n in "xy")
        nodes = [onnx.helper.make_node("MatMul", ["x", f"{path}stem"], ["z"]),
                 onnx.helper.make_node("Add", ["z", "bias"], ["y"])]  # fmt: skip
        stem = onnx.numpy_helper.from_array(values, f"{path}stem")
        bias = onnx.numpy_helper.from_array(np.ones(2, np.float32), "bias")
        graph = onnx.helper.make_graph(nodes, "g", [x], [y], [stem, bias])
        opset = [onnx.helper.make_opsetid("", 20)]
        content = onnx.helper.make_model(graph, opset_imports=opset).SerializeToString()
        split = without_encoder(content)
        whole = onnx.load_model_from_string(split.graph + split.weights)
        onnx.checker.check_model(whole, full_check=True)
        assert {i.name for i in whole.graph.initializer} == {"encoder.stem", "bias"}
        run = load_graph(split.graph + split.weights, CPU, "whole").run
        assert run({"x": np.array([[1, 2]], np.float32)})["y"].tolist() == [[6.5, 7.0]]
        parts.append(split)
    assert parts[0].weights == parts[1].weights
    assert parts[0].file == parts[1].file
    assert without_encoder(parts[0].graph) is None


def test_wrong_golden_vectors_fail(bundle):
    from export.bundling.writer import _npz

    golden = Bundle(bundle).golden()
    key = "affinity/noise/output/features"
    golden[key] = golden[key] + np.float32(1e-3)
    content = _npz(golden)
    (bundle / "golden.npz").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    edit_manifest(bundle, lambda manifest: manifest.update(golden_sha256=digest))
    (check,) = verify(Bundle(bundle), CPU)
    assert not check.passed
    assert check.largest_error == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda m: m.update(format=99), "format 99"),
        (lambda m: m.pop("graphs"), "graphs"),
        (lambda m: m.pop("name"), "name"),
        (lambda m: m.update(name=5), "name"),
        (lambda m: m.update(surprise=1), "surprise"),
        (lambda m: m.update(parameters=[]), "parameters"),
        (lambda m: m["graphs"]["affinity"].pop("sha256"), "sha256"),
        (lambda m: m["graphs"].clear(), "no graph"),
        (lambda m: m["graphs"]["affinity"].update(outputs=[]), "outputs"),
        (lambda m: m["graphs"]["affinity"].update(tolerance=float("inf")), "tolerance"),
        (lambda m: m["graphs"]["affinity"].update(file="../evil.onnx"), "out of the bundle"),
        (lambda m: m["graphs"]["affinity"].update(file="..\\evil.onnx"), "out of the bundle"),
        (lambda m: m["graphs"]["affinity"].update(file="C:evil.onnx"), "out of the bundle"),
    ],
)
def test_odd_manifests(bundle, change, word):
    edit_manifest(bundle, change)
    with pytest.raises(BundleError, match=word):
        verify(Bundle(bundle), CPU)


def test_a_changed_byte_of_the_manifest_is_noticed(bundle):
    text = (bundle / "manifest.json").read_text()
    (bundle / "manifest.json").write_text(text.replace('"phi": 1e-08', '"phi": 2e-08'))
    with pytest.raises(BundleError, match="SHA-256 does not match"):
        Bundle(bundle)


def announced(content: bytes, name: str, size: int) -> bytes:
    """A zip file whose list says that a file unpacks to so many bytes."""
    at = content.index(b"PK\x01\x02")
    while content[at + 46 : at + 46 + len(name)] != name.encode():
        at = content.index(b"PK\x01\x02", at + 4)
    return content[: at + 24] + struct.pack("<I", size) + content[at + 28 :]


@pytest.mark.parametrize(
    ("name", "size"),
    [("manifest.json", 5 << 20), ("affinity.onnx", 3 << 30), ("golden.npz", 3 << 30)],
)
def test_what_unpacks_to_too_much_is_refused_unread(bundle, tmp_path, name, size):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in bundle.iterdir():
            archive.write(file, file.name)
    path.write_bytes(announced(path.read_bytes(), name, size))

    def read():
        opened = Bundle(path)
        opened.graph("affinity")
        opened.golden()

    with pytest.raises(BundleError, match=rf"{name} would take .* MiB are read"):
        read()


def test_golden_vectors_that_unpack_to_too_much_are_refused_unread(bundle):
    golden = (bundle / "golden.npz").read_bytes()
    first = zipfile.ZipFile(bundle / "golden.npz").namelist()[0]
    (bundle / "golden.npz").write_bytes(announced(golden, first, 3 << 30))
    digest = hashlib.sha256((bundle / "golden.npz").read_bytes()).hexdigest()
    edit_manifest(bundle, lambda manifest: manifest.update(golden_sha256=digest))
    with pytest.raises(BundleError, match=r"golden.npz would take .* MiB are read"):
        Bundle(bundle).golden()


def test_weights_in_other_files_are_refused(bundle):
    model = onnx.load(bundle / "affinity.onnx")
    onnx.external_data_helper.convert_model_to_external_data(
        model, location="weights.bin", size_threshold=0
    )
    onnx.save(model, bundle / "affinity.onnx")
    digest = hashlib.sha256((bundle / "affinity.onnx").read_bytes()).hexdigest()
    edit_manifest(bundle, lambda m: m["graphs"]["affinity"].update(sha256=digest))
    with pytest.raises(BundleError, match="lie in other files"):
        Bundle(bundle).graph("affinity")


def test_a_graph_that_is_none_is_refused(bundle):
    for content in (b"", b"no graph at all", bytes(100), b"\x0a\xff\xff\xff\xff\x7f"):
        (bundle / "affinity.onnx").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        edit_manifest(bundle, lambda m, d=digest: m["graphs"]["affinity"].update(sha256=d))
        with pytest.raises((BundleError, BackendError)):
            Bundle(bundle).load("affinity", CPU)


def test_no_changed_bit_of_a_zip_is_used(bundle, tmp_path):
    """Seeded flips all over the file: each is either harmless or a BundleError."""
    path = tmp_path / "flipped.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in bundle.iterdir():
            archive.write(file, file.name)
    whole = path.read_bytes()
    expected = {name: Bundle(path).graph(name) for name in ("affinity",)}
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 300):
        content = bytearray(whole)
        content[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        try:
            opened = Bundle(path)
            assert opened.graph("affinity") == expected["affinity"]
            opened.golden()
        except BundleError:
            pass


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("multiple", "x"),
        ("multiple", 0),
        ("multiple", None),
        ("working_size", "big"),
        ("sigma", "abc"),
        ("sigma", -1.0),
        ("global_step", 12.5),
        ("local_edges", "false"),
        ("phi", float("nan")),
    ],
)
def test_odd_parameters(bundle, name, value):
    edit_manifest(bundle, lambda manifest: manifest["parameters"].update({name: value}))
    with pytest.raises(BundleError, match=name):
        load(bundle)


def test_export_refuses_to_replace_other_things(bundle, tmp_path):
    checkpoint, identity = save_tiny_checkpoint(tmp_path / "c.pt"), Identity("lga")
    other = tmp_path / "keep"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="something else"):
        export_bundle("lga", checkpoint, other, identity)
    assert (other / "thesis.txt").read_text() == "years of work"
    with pytest.raises(FileExistsError, match="is a file"):
        export_bundle("lga", checkpoint, checkpoint, identity)
    with pytest.raises(ValueError, match="a checkpoint of lga, not of disco"):
        export_bundle("disco", checkpoint, bundle, identity)
    before = Bundle(bundle).manifest
    # A bundle may be replaced.
    export_bundle("lga", checkpoint, bundle, identity, working_size=32)
    assert Bundle(bundle).manifest.parameters["working_size"] == 32
    assert before.parameters["working_size"] == 64
    assert {p.name for p in tmp_path.iterdir()} == {"c.pt", "keep", "tiny"}


@pytest.mark.parametrize("content", [b"{", b"[]", b"[" * 100_000, b"\xff\xfe", b""])
def test_manifest_that_is_no_json(bundle, content):
    (bundle / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match="manifest"):
        Bundle(bundle)


def test_not_a_bundle(tmp_path):
    with pytest.raises(BundleError, match="neither a model"):
        find_bundle("no-such-model")
    with pytest.raises(BundleError, match=r"manifest\.json is missing"):
        find_bundle(tmp_path)
    (tmp_path / "x.zip").write_bytes(b"not a zip")
    with pytest.raises(BundleError, match="zip"):
        find_bundle(tmp_path / "x.zip")
    with pytest.raises(BundleError, match="no such bundle"):
        Bundle(tmp_path / "nothing")


def test_manifest_round_trip(bundle):
    manifest = Bundle(bundle).manifest
    assert Manifest.from_json(manifest.to_json(), "x") == manifest


def test_unknown_graph_and_parameter(bundle):
    with pytest.raises(BundleError, match="affinity"):
        Bundle(bundle).graph("other")
    with pytest.raises(BundleError, match="other"):
        Bundle(bundle).parameter("other")


def test_default_bundles_are_sound():
    assert "lga" in default_bundles()
    for name in default_bundles():
        bundle = find_bundle(name)
        assert all(check.passed for check in verify(bundle, CPU))
        assert bundle.manifest.quality
        assert bundle.manifest.licence
