"""Colouring layer, losses, resumable training."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from colordeploy.native import Affinities, Propagator
from export.models.lga import LGAConfig, LGANet
from export.training import checkpoint
from export.training.coloring_layer import GraphOptions, laplacian_coloring
from export.training.lga import LGATraining, load_average, train, widened
from export.training.log import draw_curves, read_log
from export.training.losses import (
    LossWeights,
    coloring_loss,
    laplacian_pyramid,
    rgb_offset,
    total_variation,
)

from ..tiny import TINY
from .archive import write_archive


def problem(batch=2, channels=3, height=6, width=7):
    generator = torch.Generator().manual_seed(4)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    mask = torch.zeros(batch, height, width, dtype=torch.bool)
    mask[0, 1, 2] = mask[0, 4, 4] = mask[1, 5, 0] = True
    features = normal(batch, channels, height, width)
    alpha = torch.tensor([0.5, 0.02], dtype=torch.float64)
    return (
        features,
        torch.tensor(0.8, dtype=torch.float64),
        alpha,
        mask,
        normal(batch, 2, height, width),
    )


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("local_edges", [True, False])
def test_gradcheck(local_edges, threads):
    features, sigma, alpha, mask, values = problem()
    inputs = [t.requires_grad_() for t in (features, sigma, alpha, values)]
    options = GraphOptions(global_step=3, local_edges=local_edges, phi=1e-3, threads=threads)
    assert torch.autograd.gradcheck(
        lambda f, s, a, v: laplacian_coloring(f, s, a, mask, v, options),
        inputs,
        eps=1e-6,
        atol=1e-6,
        rtol=1e-4,
    )


def test_layer_solves_the_system():
    features, sigma, alpha, mask, values = problem()
    x = laplacian_coloring(features, sigma, alpha, mask, values, GraphOptions(global_step=3))
    for i in range(2):
        affinities = Affinities.from_features(
            features[i].permute(1, 2, 0).numpy(), sigma=0.8, global_step=3
        )
        expected = Propagator(affinities, alpha=alpha[i].item()).solve(
            mask[i].numpy(), values[i].permute(1, 2, 0).numpy()
        )
        assert np.abs(x[i].permute(1, 2, 0).numpy() - expected).max() < 1e-12


def test_rgb_offset_matches_the_runtime():
    from colordeploy.pictures.color import chroma_of, luma_of

    rgb = np.random.default_rng(0).random((1, 5, 6, 3))
    chroma = torch.from_numpy(chroma_of(rgb)).permute(0, 3, 1, 2)
    expected = rgb - luma_of(rgb)[..., None]
    assert np.abs(rgb_offset(chroma).permute(0, 2, 3, 1).numpy() - expected).max() < 1e-6


def test_laplacian_pyramid_of_a_constant_is_its_size():
    """All bands of a constant are empty; the low-pass level, weighted 4^p, holds it whole."""
    constant = torch.full((2, 3, 64, 64), 0.5)
    assert laplacian_pyramid(constant).item() == pytest.approx(1.5, rel=1e-5)


def test_total_variation_by_hand():
    x = torch.tensor([[[[0.0, 1.0], [0.0, 3.0]]]])
    assert total_variation(x).item() == pytest.approx((1 + 9 + 0 + 4) / 4)


def test_loss_is_the_weighted_sum():
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.randn(2, 2, 32, 32, generator=generator) for _ in range(2))
    weights = LossWeights()
    total, parts = coloring_loss(a, b, weights)
    expected = sum(getattr(weights, n) * parts[n] for n in vars(weights))
    assert total.item() == pytest.approx(expected, rel=1e-5)
    zero, parts = coloring_loss(b, b, LossWeights(total_variation=0))
    assert zero.item() == parts["mse"] == 0


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("photos"))


SMALL = LGAConfig(widths=(4, 6, 8), joined=6, features=4)


def test_training_resumes_to_the_same_weights(archive, tmp_path, monkeypatch):
    """Killed and resumed, a run ends with the weights of one that was left alone."""
    from export.data import coloring

    sizes = (coloring.CropSize(32, 32, 48, 2, 1.0), coloring.CropSize(48, 48, 64, 1, 1.0))
    monkeypatch.setattr(coloring.ColoringBatches.__init__, "__defaults__", (sizes,))
    plan = {"learning_rate": 1e-3, "warmup": 2, "save_every": 2}
    train(archive, tmp_path / "one.pt", SMALL, LGATraining(steps=6, **plan))

    class KilledError(Exception):
        pass

    written = checkpoint.save

    def save_then_die(path, state):
        written(path, state)
        if state["step"] == 4:
            raise KilledError

    monkeypatch.setattr(checkpoint, "save", save_then_die)
    with pytest.raises(KilledError):
        train(archive, tmp_path / "two.pt", SMALL, LGATraining(steps=6, **plan))
    monkeypatch.setattr(checkpoint, "save", written)
    train(archive, tmp_path / "two.pt", SMALL, LGATraining(steps=6, **plan))
    one, two = (checkpoint.load(tmp_path / f"{name}.pt") for name in ("one", "two"))
    assert one["step"] == two["step"] == 6
    for part in ("net", "average"):
        assert all(torch.equal(one[part][k], two[part][k]) for k in one[part])
    logs = [read_log(tmp_path / f"{name}.log.jsonl") for name in ("one", "two")]
    assert [r["step"] for r in logs[1]] == [1, 2, 3, 4, 5, 6]
    assert [r["loss"] for r in logs[0]] == [r["loss"] for r in logs[1]]
    assert (tmp_path / "one.curves.png").stat().st_size > 1000
    net, _ = load_average(tmp_path / "two.pt")
    assert net.config == SMALL
    with pytest.raises(ValueError, match="another configuration"):
        train(archive, tmp_path / "two.pt", LGAConfig(), LGATraining(steps=6))


@pytest.mark.training
def test_training_learns_one_batch(archive, tmp_path, monkeypatch):
    """The same batch over and over: its loss has to fall."""
    from export.data import coloring

    sizes = (coloring.CropSize(64, 64, 96, 2, 1.0),)
    monkeypatch.setattr(coloring.ColoringBatches.__init__, "__defaults__", (sizes,))
    one_batch = coloring.ColoringBatches.batch
    monkeypatch.setattr(coloring.ColoringBatches, "batch", lambda self, step: one_batch(self, 0))
    plan = LGATraining(steps=60, learning_rate=5e-3, warmup=5, save_every=60)
    train(archive, tmp_path / "c.pt", SMALL, plan)
    losses = [record["loss"] for record in read_log(tmp_path / "c.log.jsonl")]
    assert np.mean(losses[-5:]) < 0.8 * losses[0]


def test_log_cut_off_in_the_middle_of_a_line(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert read_log(path) == [{"step": 1, "loss": 2.0}]


def test_log_drops_what_was_not_saved(tmp_path):
    from export.training.log import TrainingLog

    path = tmp_path / "log.jsonl"
    log = TrainingLog(path, 0)
    for step in (1, 2, 3):
        log.write({"step": step, "loss": 1.0 / step})
    TrainingLog(path, 2)
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 2]
    draw_curves(path, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size[0] > 100


def test_log_mse_weighs_every_picture_alike():
    """The mean over pictures of ln(MSE): halving any picture's error gains the same."""
    rng = np.random.default_rng(3)
    target = torch.zeros(2, 2, 8, 8)
    error = torch.tensor(rng.normal(size=(2, 2, 8, 8)) * 0.1, dtype=torch.float32)
    error[1] *= 0.1
    weights = LossWeights(0.0, 0.0, 0.0, log_mse=1.0)
    base, parts = coloring_loss(error, target, weights)
    halved = [error.clone(), error.clone()]
    for i in range(2):
        halved[i][i] *= 0.5
    gains = [float(base - coloring_loss(h, target, weights)[0]) for h in halved]
    assert gains[0] == pytest.approx(np.log(4) / 2, rel=1e-2)
    assert gains[1] == pytest.approx(np.log(4) / 2, rel=5e-2)
    assert parts["log_mse"] == pytest.approx(float(base))
    assert coloring_loss(error, target, LossWeights())[1]["log_mse"] == parts["log_mse"]


def test_a_wider_network_starts_as_the_narrow_one():
    narrow, wide = LGANet(TINY), LGANet(replace(TINY, widths=(4, 6, 12)))
    fitted = widened(narrow.state_dict(), wide.state_dict())
    wide.load_state_dict(fitted)
    own, new = narrow.features.bfe, wide.features.bfe
    assert torch.equal(new.conv3.weight[:8], own.conv3.weight)
    assert torch.equal(new.dilated[0].weight[:8, :8], own.dilated[0].weight)
    assert not new.dilated[0].weight[:8, 8:].any()  # old channels do not see the new ones
    assert new.dilated[0].weight[8:].any()  # which have something to learn from
    luma = torch.rand(1, 1, 16, 16)
    x = own.conv3(torch.relu(own.conv2(own.conv1(luma))))
    y = new.conv3(torch.relu(new.conv2(new.conv1(luma))))
    assert torch.equal(y[:, :8], x)
    same = widened(narrow.state_dict(), LGANet(TINY).state_dict())
    assert all(torch.equal(same[name], value) for name, value in narrow.state_dict().items())
    with pytest.raises(ValueError, match="does not fit"):
        widened(wide.state_dict(), narrow.state_dict())
