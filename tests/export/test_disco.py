"""DISCO's network and graphs against the official implementation and slow references."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch
from click.testing import CliRunner

from colordeploy.accuracy.golden import verify
from colordeploy.bundle import Bundle
from colordeploy.pictures.color import AB_BINS
from colordeploy.runtime.graph import Target
from export.bundling.disco import specification
from export.bundling.specification import write
from export.bundling.writer import Identity
from export.cli import main
from export.models.disco import superpixels
from export.models.disco.network import Disco, DiscoConfig

from ..tiny import tiny_disco
from .tensorrt import compile_graph

REFERENCE = Path(__file__).parent / "disco_reference"
LIMIT = 1e-4


def reference_weights() -> dict[str, torch.Tensor]:
    sys.path.insert(0, str(REFERENCE))
    try:
        from weights import make_weights
    finally:
        sys.path.pop(0)
    entries = json.loads((REFERENCE / "state_dict.json").read_text())["entries"]
    return {name: torch.from_numpy(np.array(a)) for name, a in make_weights(entries, 1).items()}


@pytest.fixture(scope="module")
def expected():
    with np.load(REFERENCE / "picture_c.npz") as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def official():
    """The paper-size network with the synthetic weights of the official run."""
    net = Disco(DiscoConfig()).eval()
    net.load_state_dict(reference_weights())
    return net


@pytest.fixture(scope="module")
def tiny():
    return tiny_disco()


@pytest.fixture(scope="module")
def spec(tiny):
    return specification(tiny)  # which rounds its weights


def close(found, wanted, limit=LIMIT):
    assert np.abs(np.asarray(found, np.float64) - wanted).max() < limit


def check_everything(expected, analyze, generate):
    """`analyze` and `generate` as functions of arrays, against the official numbers."""
    found = analyze(expected["gray"])
    close(found["association"][:, :, ::4, ::4], expected["affinity_sub4"], 3e-4)  # stored as f16
    close(found["tokens"], expected["tokens"])
    close(found["color_features"], expected["wild_out"])
    close(found["sizes"], expected["spixel_sizes"])
    best = np.argsort(-found["probabilities"][0], axis=0, kind="stable")[
        : len(expected["topk_all"])
    ]
    assert np.array_equal(best, expected["topk_all"])
    for prefix, mask, colors in (
        ("", "hint_mask", "anchor_colors"),
        ("user_", "user_mask", "user_colors"),
    ):
        ab = generate(
            expected["gray"], found["association"], found["tokens"], expected[mask],
            expected[colors] * 110,
        )  # fmt: skip
        close(ab[:, :, ::2, ::2] / 110, expected[f"{prefix}enhanced_ab_sub2"])


def test_network_reproduces_the_official_numbers(official, expected):
    def analyze(gray):
        with torch.no_grad():
            found = official.analyze(torch.from_numpy(gray))
        arrays = {name: tensor.numpy() for name, tensor in found._asdict().items()}
        return {**arrays, "probabilities": arrays["logits"]}

    def generate(*arrays):
        with torch.no_grad():
            return official.generate(*(torch.from_numpy(a) for a in arrays)).numpy()

    check_everything(expected, analyze, generate)
    with torch.no_grad():
        tokens, mask = torch.from_numpy(expected["tokens"]), torch.from_numpy(expected["hint_mask"])
        colors = torch.from_numpy(expected["anchor_colors"] * 110)
        close(official.guide(tokens, mask, colors).numpy(), expected["dec_out"])
        labels = official.nearest_bins(colors)[0].numpy()
    assert np.array_equal(labels, expected["anchor_labels"])


@pytest.mark.slow
def test_graphs_of_an_imported_checkpoint_reproduce_them_too(official, expected, tmp_path):
    checkpoint = tmp_path / "disco-beta.pth.rar"
    torch.save(
        {"epoch": 1, "state_dict": official.state_dict(), "best_loss": 0.5, "optimizer": {}},
        checkpoint,
    )
    out = tmp_path / "bundle"
    done = CliRunner().invoke(
        main, ["import", "disco", "--official", str(checkpoint), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    bundle = Bundle(out)
    assert bundle.manifest.licence == "MIT"
    target = Target(device="cpu", threads=1)
    graphs = {name: bundle.load(name, target) for name in ("analyze", "generate")}

    def generate(gray, association, tokens, mask, colors):
        inputs = {"gray": gray, "association": association, "tokens": tokens}
        return graphs["generate"].run({**inputs, "mask": mask, "colors": colors})["ab"]

    check_everything(expected, lambda gray: graphs["analyze"].run({"gray": gray}), generate)


def test_an_official_file_with_other_entries_says_which(tmp_path):
    state = Disco(DiscoConfig()).state_dict()
    state.pop("repnet.conv9_2.0.weight")
    state["repnet.extra"] = torch.zeros(1)
    state["enhanceNet.outConv.bias"] = torch.zeros(3)
    path = tmp_path / "odd.pth"
    for content, words in (
        ({"state_dict": state}, ("repnet.conv9_2.0.weight", "repnet.extra", "(3,) instead")),
        ({"weights": 1}, ("no 'state_dict'",)),
        (7, ("no 'state_dict'",)),
    ):
        torch.save(content, path)
        arguments = ["import", "disco", "--official", str(path), "--out", str(tmp_path / "b")]
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 1
        for word in words:
            assert word in done.output.replace("\n", " ")
    path.write_bytes(b"not a checkpoint")
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert "cannot be read" in done.output
    assert not (tmp_path / "b").exists()


def slow_pool(features, association, cell):
    """Pixel by pixel, straight from the definition."""
    channels, height, width = features.shape
    h, w = height // cell, width // cell
    total, mass, size = np.zeros((channels, h, w)), np.zeros((h, w)), np.zeros((h, w))
    for y in range(height):
        for x in range(width):
            best = association[:, y, x].max()
            for k in range(9):
                i, j = y // cell + k // 3 - 1, x // cell + k % 3 - 1
                if 0 <= i < h and 0 <= j < w:
                    total[:, i, j] += association[k, y, x] * features[:, y, x]
                    mass[i, j] += association[k, y, x]
                    size[i, j] += association[k, y, x] == best
    return total / cell**2 / (mass / cell**2 + 1e-8), mass / cell**2, size / cell**2


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 2)])
def test_superpixels_follow_the_definition(shape):
    rng = np.random.default_rng(shape)
    cell, channels = 4, 5
    height, width = shape[0] * cell, shape[1] * cell
    features = rng.normal(size=(channels, height, width))
    association = rng.dirichlet(np.ones(9), (height, width)).transpose(2, 0, 1)
    tokens = rng.normal(size=(channels, *shape))
    batch = [torch.from_numpy(a)[None] for a in (features, association, tokens)]
    pooled, mass = superpixels.pool(batch[0], batch[1], cell)
    wanted = slow_pool(features, association, cell)
    assert np.allclose(pooled[0], wanted[0])
    assert np.allclose(mass[0, 0], wanted[1])
    assert np.allclose(superpixels.sizes(batch[1], cell)[0, 0], wanted[2])
    spread = superpixels.spread(batch[2], batch[1], cell)[0].numpy()
    for y in range(height):
        for x in range(width):
            total = np.zeros(channels)
            for k in range(9):
                i, j = y // cell + k // 3 - 1, x // cell + k % 3 - 1
                if 0 <= i < shape[0] and 0 <= j < shape[1]:
                    total += association[k, y, x] * tokens[:, i, j]
            assert np.allclose(spread[:, y, x], total)


def test_cells_there_and_back():
    x = torch.arange(2 * 3 * 8 * 12).reshape(2, 3, 8, 12)
    assert torch.equal(superpixels.from_cells(superpixels.cells(x, 4), 4), x)


@pytest.mark.parametrize("size", [(1, 16, 16), (3, 32, 80), (1, 112, 48)])
def test_graphs_at_any_size(spec, size):
    batch, height, width = size
    gray = torch.rand(batch, 1, height, width) * 2 - 1
    mask = (torch.rand(batch, 1, height // 16, width // 16) < 0.5).float()
    colors = torch.tensor(AB_BINS[::40].T, dtype=torch.float32)[None, :, :1, None]
    colors = colors.expand(batch, 2, height // 16, width // 16).contiguous()
    wanted = spec.graph("analyze").run({"gray": gray})
    handed = {"gray": gray, "association": wanted["association"], "tokens": wanted["tokens"]}
    handed |= {"mask": mask, "colors": colors}
    ab = spec.graph("generate").run(handed)["ab"]
    run = {
        name: ort.InferenceSession(spec.exported(name).content, providers=["CPUExecutionProvider"])
        for name in ("analyze", "generate")
    }
    found = run["analyze"].run(None, {"gray": gray.numpy()})
    for tensor, array in zip(wanted.values(), found, strict=True):
        close(array, tensor.numpy())
    inputs = {name: tensor.numpy() for name, tensor in handed.items()}
    close(run["generate"].run(None, inputs)[0] / 110, ab.numpy() / 110)


def test_bundle_of_half_weights_verifies(spec, tmp_path):
    checks = write(spec, tmp_path / "b", Identity("tiny"), trained_on="nothing")
    assert all(check.passed for check in checks)
    again = verify(Bundle(tmp_path / "b"), Target(device="cpu", threads=1))
    assert [check.graph for check in again] == ["analyze", "generate"]
    assert all(check.passed for check in again)


@pytest.mark.parametrize("name", ["analyze", "generate"])
def test_tensorrt_rtx_compiles_the_graphs(spec, name):
    graph = spec.exported(name)
    assert compile_graph(graph.content, graph.inputs) > 10_000
