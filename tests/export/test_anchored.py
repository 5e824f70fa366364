"""DISCO on a pretrained encoder: hints, pairs of views, training, graphs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime as ort
import pytest
import torch
from click.testing import CliRunner

from colordeploy.bundle import Bundle
from colordeploy.pictures.color import AB_BINS
from colordeploy.runtime.graph import Target
from export.bundling.anchored import bundle_weights, specification
from export.bundling.specification import write
from export.bundling.writer import Identity
from export.cli import main
from export.data.batches import CropSize
from export.data.hinted import PairBatches
from export.models.disco.decoder import (
    AnchorAttention,
    AnchoredNetwork,
    DecoderConfig,
    Restraint,
    SceneAttention,
)
from export.training.encoder import EncoderTraining, load_encoder, train_encoder
from export.training.hinted import DecoderTraining, load_anchored, train_decoder

from ..tiny import TINY_ANCHORED, tiny_anchored
from .archive import write_archive
from .tensorrt import compile_graph


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def net():
    return tiny_anchored()


@pytest.fixture(scope="module")
def spec(net):
    return specification(net)


def test_the_views_of_a_pair_have_the_same_colours_at_the_same_places(archive):
    batch = PairBatches(archive, 0, 0, 9, (CropSize(128, 140, 160, 6, 1.0),)).batch(3)
    first, second = batch.ab.chunk(2)
    size = first.shape[2]
    steps = (torch.arange(size) + 0.5) * 4
    a, b, c, d, side, mirrored = batch.map.T
    x, y = a[:, None] * steps + b[:, None], c[:, None] * steps + d[:, None]
    x = torch.where(mirrored[:, None] > 0, side[:, None] - x, x)
    at = torch.stack([2 * x[:, None].expand(-1, size, -1) / 128 - 1,
                      2 * y[:, :, None].expand(-1, -1, size) / 128 - 1], dim=3)  # fmt: skip
    moved = torch.nn.functional.grid_sample(second, at, align_corners=False)
    inside = (at.abs() < 0.9).all(dim=3)[:, None]
    apart = ((moved - first).abs() * inside).sum() / inside.sum() / 2
    assert float(apart) < 0.05 * float(first.abs().mean())
    # Hints are the truth of their cells; some photos have none.
    cells = torch.nn.functional.avg_pool2d(batch.ab, 4)
    assert torch.equal(batch.colors, cells * batch.mask)
    counts = batch.mask.sum(dim=(1, 2, 3))
    assert (counts == 0).any()
    assert (counts > 0).any()


def test_attention_without_anchors_hears_nothing_and_with_one_its_colour():
    torch.manual_seed(0)
    attention = AnchorAttention(8, heads=2, keys=4)
    tokens = torch.randn(1, 8, 3, 5)
    mask, colors = torch.zeros(1, 1, 3, 5), torch.rand(1, 2, 3, 5)
    assert not attention(tokens, mask, colors * mask).any()
    mask[0, 0, 1, 2] = 1
    with torch.no_grad():
        attention.nothing.fill_(-30.0)  # nobody heeds nothing
        heard = attention(tokens, mask, colors * mask).unflatten(1, (2, 3))
    wanted = torch.cat([colors[0, :, 1, 2], torch.ones(1)])
    assert torch.allclose(heard, wanted[None, None, :, None, None].expand_as(heard), atol=1e-3)


def test_tokens_hear_of_the_whole_picture():
    """Attention written out for one token: means of two by two tokens, by likeness and nearness."""
    torch.manual_seed(0)
    block = SceneAttention(6, heads=2, keys=3)
    tokens = torch.randn(1, 6, 4, 8)
    assert torch.equal(block(tokens), tokens)  # a fresh one adds nothing
    with torch.no_grad():
        block.told.weight.normal_()
        block.out.weight.normal_()
        query, pooled = block.query(tokens), torch.nn.functional.avg_pool2d(tokens, 2)
        key, value = block.key(pooled), block.value(pooled)
        row, column = 1, 6
        heard = torch.zeros(6)
        for head in range(2):
            part, channels = slice(3 * head, 3 * head + 3), slice(3 * head, 3 * head + 3)
            near = torch.nn.functional.softplus(block.nearness[head])
            scores = [
                query[0, part, row, column] @ key[0, part, y, x] / 3**0.5
                - near * ((2 * y + 0.5 - row) ** 2 + (2 * x + 0.5 - column) ** 2) ** 0.5 / 2
                for y in range(2)
                for x in range(4)
            ]
            weights = torch.softmax(torch.stack(scores), dim=0)
            heard[channels] = value[0, channels].flatten(1) @ weights
        told = tokens[0, :, row, column] + block.told.weight[:, :, 0, 0] @ heard
        hidden = torch.relu(block.hidden.weight[:, :, 0, 0] @ told + block.hidden.bias)
        wanted = told + block.out.weight[:, :, 0, 0] @ hidden
        assert torch.allclose(block(tokens)[0, :, row, column], wanted, atol=1e-5)


def test_fresh_blocks_change_nothing(net):
    plain = replace(TINY_ANCHORED, context=(0, 0))
    without = AnchoredNetwork(plain).eval()
    kept = {n: v for n, v in net.state_dict().items() if n in without.state_dict()}
    without.load_state_dict(kept)
    other = AnchoredNetwork(TINY_ANCHORED).eval()
    other.load_state_dict({**other.state_dict(), **kept})
    given = torch.rand(1, 1, 64, 96), torch.ones(1, 1, 4, 6), torch.rand(1, 2, 4, 6) * 40
    assert torch.equal(other(*given), without(*given))
    assert not torch.allclose(net(*given), without(*given))


def test_uncertain_answers_are_held_back(net, monkeypatch):
    decoder = net.decoder
    monkeypatch.setattr(decoder, "restraint", Restraint(certainty=0.5, lift=0.0))
    chosen = int(np.argmin(np.abs(AB_BINS - [60, 40]).sum(axis=1)))
    sure = torch.full((1, len(AB_BINS), 1, 1), -20.0)
    sure[0, chosen] = 20.0
    found = decoder.restrained(sure)[0, :, 0, 0]
    assert torch.allclose(found, torch.tensor([60.0, 40.0]), atol=0.1)
    unsure = sure.clone()
    unsure[0, int(np.argmin(np.abs(AB_BINS - [-40, 20]).sum(axis=1)))] = 19.0
    mean, variance = decoder.answer(unsure)
    assert float(variance) > 500
    held = float(decoder.restrained(unsure).norm())
    assert held < 0.9 * float(mean.norm())
    monkeypatch.setattr(decoder, "restraint", Restraint(certainty=0.5, lift=0.5))
    assert held < float(decoder.restrained(unsure).norm()) < 1.5 * held
    assert torch.allclose(decoder.restrained(sure)[0, :, 0, 0], found, atol=0.1)


@pytest.mark.parametrize("size", [(1, 32, 32), (2, 64, 160)])
def test_graphs_at_any_size(spec, size):
    batch, height, width = size
    gray = torch.rand(batch, 1, height, width) * 2 - 1
    mask = (torch.rand(batch, 1, height // 16, width // 16) < 0.4).float()
    colors = torch.rand(batch, 2, height // 16, width // 16) * 60 - 30
    wanted = spec.graph("analyze").run({"gray": gray})
    handed = {name: wanted[name] for name in ("tokens", "middle", "fine")}
    handed |= {"mask": mask, "colors": colors}
    wanted |= spec.graph("generate").run(handed)
    assert wanted["ab"].shape == (batch, 2, height // 4, width // 4)
    found = {}
    for name, inputs in (("analyze", {"gray": gray}), ("generate", handed)):
        content = spec.exported(name).content
        session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
        results = session.run(None, {n: t.numpy() for n, t in inputs.items()})
        found |= dict(zip((o.name for o in session.get_outputs()), results, strict=True))
    for name, tensor in wanted.items():
        assert np.abs(found[name] - tensor.numpy()).max() < 1e-3, name


def test_weights_come_back_out_of_a_bundle(spec, tmp_path):
    write(spec, tmp_path / "b", Identity("tiny"), trained_on="nothing")
    opened = Bundle(tmp_path / "b")
    values = bundle_weights(opened)
    config = DecoderConfig.from_dict({**opened.parameter("network"), "normalized": False})
    net = AnchoredNetwork(config).eval()
    net.load_state_dict(values)
    again = specification(net)
    for graph, inputs in spec.cases["small"].items():
        for name, wanted in spec.graph(graph).run(inputs).items():
            assert torch.allclose(again.graph(graph).run(inputs)[name], wanted, atol=1e-4), name


@pytest.mark.parametrize("name", ["analyze", "generate"])
def test_tensorrt_compiles_the_graphs(spec, name):
    graph = spec.exported(name)
    assert compile_graph(graph.content, graph.inputs) > 10_000


@pytest.mark.training
def test_from_photos_to_a_bundle(archive, tmp_path):
    """Encoder, decoder, bundle, figures; the manifest says where everything comes from."""
    encoder, out = tmp_path / "encoder.pt", tmp_path / "decoder.pt"
    train_encoder(archive, encoder, "lite0", EncoderTraining(steps=1, side=64, batch=2))
    seen = load_encoder(encoder).state_dict()
    sizes = (CropSize(64, 70, 90, 2, 1.0),)
    train_decoder(archive, seen, out, TINY_ANCHORED, DecoderTraining(steps=2), sizes)
    net, state = load_anchored(out)
    assert state["step"] == 2
    before = {name: value.clone() for name, value in net.encoder.state_dict().items()}
    train_decoder(archive, seen, out, TINY_ANCHORED, DecoderTraining(steps=3), sizes)
    after = load_anchored(out)[0].encoder.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())  # frozen
    done = CliRunner().invoke(
        main, ["bundle", "disco", "--checkpoint", str(out), "--out", str(tmp_path / "b")]
    )
    assert done.exit_code == 0, done.output
    bundle = Bundle(tmp_path / "b")
    assert bundle.manifest.trained_on.startswith("9 photos: made 9 (CC0)")
    assert "EfficientNet-Lite0 (Google, Apache-2.0), trained on ImageNet" in (
        bundle.manifest.trained_on
    )
    assert bundle.load("analyze", Target(device="cpu", threads=1)).run(
        {"gray": np.zeros((1, 1, 64, 96), np.float32)}
    )["probabilities"].shape == (1, 313, 4, 6)
