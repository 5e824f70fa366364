"""RASC's region formulation, sketches, losses and training, against slow references."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from colordeploy.bundle import Bundle
from colordeploy.native import region_max
from export.cli import main
from export.data.batches import CropSize
from export.data.drawings import DrawingArchive, DrawingBatches, xdog
from export.evaluation.sketch import region_deviation
from export.models.rasc import regions
from export.models.rasc.discriminator import Discriminator
from export.models.rasc.network import Rasc, RascConfig, StyledConv, normalized
from export.training import checkpoint
from export.training.log import read_log
from export.training.rasc import (
    RascLosses,
    RascTraining,
    StyleReader,
    load_average,
    pyramid_difference,
)

from ..tiny import put_weights, tiny_rasc
from .archive import write_drawings
from .tensorrt import compile_graph


def labelled(batch=2, side=8, count=5):
    generator = torch.Generator().manual_seed(3)
    features = torch.relu(torch.randn(batch, 3, side, side, generator=generator))
    labels = torch.randint(0, count, (batch, side, side), generator=generator)
    labels[1] = labels[1].clamp_max(2)  # the second picture has fewer regions
    return features, labels


def test_aggregate_and_broadcast_against_loops():
    features, labels = labelled()
    found = regions.aggregate(features, labels, 5)
    for b in range(2):
        for k in range(5):
            for c in range(3):
                inside = features[b, c][labels[b] == k]
                assert found[b, k, c] == (inside.max() if len(inside) else 0)
    back = regions.broadcast(found, labels)
    assert back.shape == features.shape
    for b, c, y, x in np.ndindex(*back.shape):
        assert back[b, c, y, x] == found[b, labels[b, y, x], c]
    assert np.array_equal(found[0].numpy(), region_max(features[0].numpy(), labels[0].numpy(), 5))


def test_aggregate_passes_gradients_to_the_largest():
    features, labels = labelled()
    features = (features + torch.rand_like(features)).requires_grad_()
    regions.aggregate(features, labels, 5).sum().backward()
    assert features.grad.sum() == 3 * (5 + 3)
    assert set(features.grad.unique().tolist()) == {0.0, 1.0}


def test_correlation_is_attention_without_the_padding():
    torch.manual_seed(0)
    layer = regions.Correlation(4).double()
    x = torch.randn(1, 6, 4, dtype=torch.float64)
    present = torch.ones(1, 6, dtype=torch.float64)
    present[0, 4:] = 0
    found = layer(x, present)
    alone = layer(x[:, :4], present[:, :4])
    assert torch.allclose(found[:, :4], alone)
    weights = torch.softmax(layer.query(x[0, :4]) @ layer.key(x[0, :4]).T / 2.0, dim=1)
    assert torch.allclose(alone[0], weights @ layer.value(x[0, :4]))


def test_styled_convolution_is_stylegans():
    """Weights scaled by input channel, normalized by output channel, one set a picture."""
    torch.manual_seed(0)
    layer = StyledConv(3, 5, 4).double()
    x, style = torch.randn(2, 3, 6, 7).double(), torch.randn(2, 4).double()
    found = layer(x, style)
    for b in range(2):
        weight = layer.weight * layer.scale(style[b])[None, :, None, None]
        weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        y = torch.nn.functional.conv2d(x[b : b + 1], weight, layer.bias, padding=1)
        assert torch.allclose(found[b], torch.nn.functional.leaky_relu(y[0], 0.2))


def test_network_by_its_equation():
    """The last block: patterns times (features plus the styled convolution of the larger map)."""
    net = tiny_rasc()
    line = torch.where(torch.rand(1, 1, 16, 16) < 0.8, 1.0, -1.0)
    labels = torch.arange(16).repeat(16, 1)[None] // 4
    with torch.no_grad():
        sketch = net.encode(line)
        assert [tuple(f.shape[1:]) for f in sketch.features] == [(6, 16, 16), (8, 8, 8), (10, 4, 4)]
        assert all((f >= 0).all() for f in sketch.features)
        patterns = net.patterns(sketch.features, labels, 4)
        style = normalized(torch.randn(1, 8))
        x = sketch.features[-1]
        for i, level in enumerate((2, 1, 0)):
            if i:
                x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
            x = patterns[level] * (sketch.features[level] + net.decoder[i].conv(x, style))
        assert torch.allclose(net(line, labels, style), net.to_rgb(x), atol=1e-5)
        for part in patterns:  # all of a region is alike
            for k in range(4):
                inside = part[0, :, regions.shrink_labels(labels, 16 // part.shape[2])[0] == k]
                assert (inside == inside[:, :1]).all()


def test_batches_are_coloured_alone():
    """A picture's colours do not depend on what else is in the batch."""
    net = tiny_rasc()
    line = torch.where(torch.rand(2, 1, 16, 16) < 0.8, 1.0, -1.0)
    labels = torch.stack([torch.arange(16).repeat(16, 1) // 2, torch.zeros(16, 16).long()])
    with torch.no_grad():
        both = net(line, labels)
        assert torch.allclose(both[1:], net(line[1:], labels[1:]), atol=1e-5)


def test_xdog_draws_the_edges():
    rgb = np.ones((60, 60, 3), np.float32)
    rgb[20:40, 20:40] = (0.2, 0.3, 0.8)
    for sigma in (0.4, 0.9):
        sketch = xdog(rgb, sigma)
        assert sketch.shape == (60, 60)
        dark = sketch < 0.5
        assert dark[20:40, 20:22].any(axis=1).all()  # on the dark side of the edge
        inner = np.zeros((60, 60), bool)
        inner[25:35, 25:35] = True
        outer = np.ones((60, 60), bool)
        outer[15:45, 15:45] = False
        assert not dark[inner | outer].any()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_drawings(tmp_path_factory.mktemp("drawings"))


def test_archive_and_batches(archive):
    assert len(DrawingArchive(archive, "val", color_only=True).drawings) == 3
    train = DrawingArchive(archive, "train", color_only=True)
    assert [d.line is None for d in train.drawings].count(True) == 2
    assert "5 pairs" in train.summary()
    sizes = (CropSize(32, 32, 48, 6, 1.0),)
    batch = DrawingBatches(archive, 0, 0, 4, sizes).batch(2)
    assert batch.line.shape == (6, 1, 32, 32)
    assert batch.rgb.shape == (6, 3, 32, 32)
    assert (batch.line >= -1).all()
    assert (batch.line <= 1).all()
    assert (batch.labels[batch.line[:, 0] < 0.5] == 0).all()
    assert (batch.labels.amax(dim=(1, 2)) >= 1).all()
    black = batch.line[:, 0] < -0.9  # the truth has the lines, also where they were made up
    assert batch.rgb.amax(dim=1)[black].max() < 0
    assert torch.equal(batch.rgb, DrawingBatches(archive, 0, 2, 4, sizes).batch(2).rgb)


def losses_of(**training):
    torch.manual_seed(0)
    net = Rasc(RascConfig(widths=(4, 6, 8), style=4, hidden=6))
    discriminator = Discriminator(width=4, levels=2)
    optimizer = torch.optim.Adam(discriminator.parameters(), 1e-3, betas=(0.0, 0.99))
    plan = RascTraining(**training)
    reader = StyleReader(net.config.style) if plan.posterior > 0 else None
    losses = RascLosses(net, discriminator, reader, optimizer, plan, pyramid_difference)
    return net, discriminator, losses


def test_losses(archive):
    batch = DrawingBatches(archive, 0, 0, 4, (CropSize(32, 32, 48, 4, 1.0),)).batch(0)
    net, discriminator, losses = losses_of(perceptual=3.0, mode_seeking=0.0, r1_every=2)
    before = {k: v.clone() for k, v in discriminator.state_dict().items()}
    loss, numbers = losses(batch)
    assert loss.item() == pytest.approx(
        numbers["adversarial"] + 3 * numbers["perceptual"], rel=1e-4
    )
    loss.backward()  # reaches the generator only
    assert all(p.grad is not None for p in net.to_rgb.parameters())
    assert all(p.requires_grad for p in discriminator.parameters())
    assert "r1" in numbers
    assert "r1" not in losses(batch)[1]
    assert any(not torch.equal(before[k], v) for k, v in discriminator.state_dict().items())
    loss, numbers = losses(batch)  # a style read off the truth; every third one is random
    assert "divergence" not in losses_of(posterior=0.0)[2](batch)[1]
    parts = numbers["perceptual"] + numbers["perceptual_read"]
    assert loss.item() == pytest.approx(
        numbers["adversarial"] + 3 * parts + 0.02 * numbers["divergence"], rel=1e-4
    )
    apart = losses_of(mode_seeking=1.0)[2](batch)[0]
    assert apart > losses_of(mode_seeking=0.0)[2](batch)[0]


def run(*arguments):
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


OPTIONS = ("--widths", "4,6,8", "--style", 4, "--side", 64, "--batch", 2)


@pytest.fixture(scope="module")
def trained(archive, tmp_path_factory):
    """Two runs: one left alone, one that stopped after two steps and went on; a bundle of such a
    checkpoint.
    """
    folder = tmp_path_factory.mktemp("trained")
    for name, plan in (("one", [4]), ("two", [2, 4])):
        for steps in plan:
            run("train", "rasc", "--data", archive, "--out", folder / f"{name}.pt", "--steps",
                steps, *OPTIONS)  # fmt: skip
    shutil.copy(folder / "two.pt", folder / "bundled.pt")
    put_weights(folder / "bundled.pt", tiny_rasc())
    run("bundle", "rasc", "--checkpoint", folder / "bundled.pt", "--out", folder / "bundle",
        "--working-size", 64)  # fmt: skip
    return folder


def test_training_resumes_with_its_discriminator(trained):
    one, two = (checkpoint.load(trained / f"{name}.pt") for name in ("one", "two"))
    for part in ("net", "average", "discriminator"):
        assert all(torch.equal(one[part][k], two[part][k]) for k in one[part])
    assert [r["step"] for r in read_log(trained / "two.log.jsonl")] == [1, 2, 3, 4]
    with Image.open(trained / "two.sheet.png") as sheet:
        assert sheet.size == (6 * 64, 2 * 64)
    assert load_average(trained / "two.pt")[0].config.widths == (4, 6, 8)


def test_evaluation(archive, trained, tmp_path):
    output = run("evaluate", "rasc", "--data", archive, "--bundle", trained / "bundle",
                 "--no-regions", trained / "bundle", "--threads", 1, "--styles", 3,
                 "--json", tmp_path / "r.json")  # fmt: skip
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["drawings"] == 3
    rows = result["rows"]
    assert rows["rasc"] == rows["no regions"]
    assert rows["rasc"]["lines"] < 0.05
    assert rows["rasc"]["best_psnr"] >= rows["rasc"]["psnr"] > 0
    assert rows["rasc"]["psnr_any_skin"] >= rows["rasc"]["psnr"]
    assert rows["truth"]["deviation"] < 3
    assert "| rasc |" in output
    assert "best of 4" in output


def test_how_far_the_colours_of_drawings_jump(archive, tmp_path):
    output = run("evaluate", "jumps", "--data", archive, "--bundle", "rasc", "--limit", 1,
                 "--json", tmp_path / "j.json")  # fmt: skip
    result = json.loads((tmp_path / "j.json").read_text())
    assert result["pictures"] == 1
    assert all(0 <= row["mean"] == row["worst"] for row in result["rows"].values())
    assert result["rows"]["one level brighter"]["mean"] < 20
    assert "| mirrored |" in output


def test_region_deviation_by_hand():
    labels = np.array([[0, 1, 1, 2, 2]], np.int32)
    ab = np.zeros((1, 5, 2))
    ab[0, :, 0] = (50, 10, 20, 7, 7)
    assert region_deviation(ab, labels) == pytest.approx(np.sqrt(2 * 25 / 4))


@pytest.mark.parametrize("name", ["encode", "correlate", "decode"])
def test_tensorrt_compiles_every_graph(trained, name):
    bundle = Bundle(trained / "bundle")
    assert compile_graph(bundle.graph(name), bundle.manifest.graphs[name].inputs) > 0


@pytest.mark.training
def test_no_regions_and_patches_train(archive, tmp_path):
    for option in (("--regions", "none"), ("--regions", "map"), ("--patches", 8)):
        out = tmp_path / f"{option[1]}.pt"
        run("train", "rasc", "--data", archive, "--out", out, "--steps", 1, *OPTIONS, *option)
        run("bundle", "rasc", "--checkpoint", out, "--out", tmp_path / f"b{option[1]}")
