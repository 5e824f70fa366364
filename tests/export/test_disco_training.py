"""DISCO's losses, anchors in training, both stages, ablations, evaluation."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from scipy.ndimage import gaussian_filter

from colordeploy.pictures.color import lab_of, lab_to_rgb, nearest_bin
from export.cli import main
from export.data import automatic
from export.data.automatic import LabBatches, bin_shares, rebalancing, soft_bins
from export.data.batches import CropSize
from export.evaluation.inception import Inception, frechet_distance, inception_score
from export.models.disco import superpixels
from export.models.disco.network import Disco
from export.training import checkpoint
from export.training.disco import (
    ColorLosses,
    ColorTraining,
    aggregation_loss,
    anchors_of,
    load_average,
)
from export.training.perceptual import VggLoss, rgb_of

from ..tiny import TINY_DISCO, put_weights, tiny_disco
from .archive import write_archive

SIZES = (CropSize(64, 64, 80, 2, 1.0),)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("photos"), photos=10, held_out=4)


def softmax_map(batch=2, side=32):
    generator = torch.Generator().manual_seed(0)
    return torch.softmax(torch.randn(batch, 9, side, side, generator=generator), dim=1)


def test_aggregation_loss_against_loops():
    """Eqs. 1 to 3 written out, pixel by pixel."""
    association, cell = softmax_map(1).double(), 16
    ab = 50 * torch.randn(1, 2, 32, 32, dtype=torch.float64)
    loss, parts = aggregation_loss(ab, association, cell, 0.3)
    pixels = [(y, x) for y in range(32) for x in range(32)]
    values = {p: np.array([*(ab[0, :, p[0], p[1]] / 110).tolist(), *p]) for p in pixels}
    total = {(i, j): (np.zeros(4), 0.0) for i in range(2) for j in range(2)}
    weights = {}
    for y, x in pixels:
        for k in range(9):
            s = (y // 16 + k // 3 - 1, x // 16 + k % 3 - 1)
            if s in total:
                a = association[0, k, y, x].item()
                weights[y, x, s] = a
                total[s] = (total[s][0] + a * values[y, x], total[s][1] + a)
    color = distance = 0.0
    for y, x in pixels:
        again = sum(weights[y, x, s] * total[s][0] / total[s][1] for s in total)
        color += np.hypot(*(values[y, x] - again)[:2]) / 1024
        distance += np.hypot(*(values[y, x] - again)[2:]) / 1024
    assert parts["color"] == pytest.approx(color, rel=1e-6)
    assert parts["distance"] == pytest.approx(distance, rel=1e-6)
    assert loss.item() == pytest.approx(color + 0.3 / 16 * distance, rel=1e-6)


def test_training_anchors_are_the_largest_of_their_colours():
    """Three plain colours: three anchors, each the largest superpixel of its colour."""
    colors = torch.tensor([[60.0, 0.0], [0.0, 60.0], [-50.0, 40.0]])
    which = torch.arange(24).reshape(4, 6) % 3
    truth = colors[which].permute(2, 0, 1)[None]
    sizes = torch.rand(1, 1, 4, 6, generator=torch.Generator().manual_seed(2))
    mask = anchors_of(truth, sizes, 3, seed=5)
    assert mask.shape == (1, 1, 4, 6)
    assert mask.sum() == 3
    for label in range(3):
        inside = torch.where(which == label, sizes[0, 0], -1.0)
        assert mask[0, 0].flatten()[inside.argmax()] == 1


def test_soft_bins_and_rebalancing():
    soft = soft_bins(5.0)
    assert np.allclose(soft.sum(axis=1), 1)
    assert (soft.argmax(axis=1) == np.arange(313)).all()
    assert ((soft > 0).sum(axis=1) == 5).all()
    middle = int(nearest_bin(np.array([0.0, 0.0])))
    neighbour = int(nearest_bin(np.array([10.0, 0.0])))
    assert soft[middle, neighbour] / soft[middle, middle] == pytest.approx(np.exp(-2))
    assert np.array_equal(soft_bins(0), np.eye(313))
    shares = np.full(313, 1e-4)
    shares[middle] = 1 - shares.sum() + 1e-4
    weights = rebalancing(shares, 0.5)
    assert shares @ weights == pytest.approx(1)
    assert weights.argmin() == middle
    far = int(nearest_bin(np.array([60.0, 60.0])))
    smooth = soft.T @ shares
    assert weights[far] / weights[middle] == pytest.approx(
        (0.5 * smooth[middle] + 0.5 / 313) / (0.5 * smooth[far] + 0.5 / 313), rel=1e-5
    )
    assert np.allclose(rebalancing(shares, 0), 1)
    spread = [np.ptp(np.log(rebalancing(shares, s))) for s in (0.0, 0.15, 0.5, 0.9)]
    assert spread == sorted(spread)  # the stronger, the more unlike


def test_shares_count_the_photos_colours(archive):
    shares = bin_shares(LabBatches(archive, 0, 0, 0))
    assert shares.sum() == pytest.approx(1)
    photo = LabBatches(archive, 0, 0, 0).items[0].rgb()
    own = np.bincount(nearest_bin(lab_of(photo[::20, ::20])[..., 1:]).ravel(), minlength=313)
    assert shares[own.argmax()] > 0


def test_batches_hold_what_the_picture_has(archive):
    batches = LabBatches(archive, 3, 0, 4, SIZES)
    batch = batches.batch(1)
    assert batch.gray.shape == (2, 1, 64, 64)
    assert batch.ab.shape == (2, 2, 64, 64)
    assert -1 <= batch.gray.min() < batch.gray.max() <= 1
    assert 20 < batch.ab.abs().max() < 128
    again = LabBatches(archive, 3, 1, 4, SIZES).batch(1)
    assert torch.equal(batch.ab, again.ab)


def losses_of(config=TINY_DISCO, **training):
    torch.manual_seed(0)
    net = Disco(config)
    return net, ColorLosses(net, ColorTraining(**training), np.full(313, 1 / 313))


def a_batch():
    rng = np.random.default_rng(1)
    ab = 120 * gaussian_filter(rng.normal(size=(2, 2, 64, 64)), (0, 0, 8, 8)) / 0.1
    gray = np.tanh(gaussian_filter(rng.normal(size=(2, 1, 64, 64)), (0, 0, 4, 4)) * 10)
    return automatic.LabBatch(
        torch.from_numpy(gray).float(), torch.from_numpy(np.clip(ab, -60, 60)).float()
    )


def test_loss_is_the_sum_of_its_parts():
    batch = a_batch()
    _, losses = losses_of(generation=0.5, pixels=3.0)
    loss, parts = losses(batch)
    wanted = parts["distribution"] + 0.5 * (parts["conditional"] + 3.0 * parts["pixels"])
    assert loss.item() == pytest.approx(wanted, rel=1e-5)
    assert parts["distribution"] == pytest.approx(np.log(313), rel=0.5)  # knows nothing yet


def test_ablations_change_what_they_should():
    batch = a_batch()
    config = replace(TINY_DISCO, refinement=False)
    assert "pixels" not in losses_of(config)[1](batch)[1]
    gray, ab = batch.gray, batch.ab
    net = tiny_disco(config)
    with torch.no_grad():
        found = net.analyze(gray)
        mask = torch.ones(2, 1, 4, 4)
        colors = superpixels.pool(ab, found.association, 16)[0]
        chroma = net.generate(gray, found.association, found.tokens, mask, colors)
        expected = torch.softmax(net.refined_logits(net.guide(found.tokens, mask, colors)), dim=1)
        token_ab = torch.einsum("bqhw,qc->bchw", expected, net.bins)
        assert torch.allclose(chroma, superpixels.spread(token_ab, found.association, 16))
        blind = tiny_disco(replace(TINY_DISCO, anchors=False))
        tokens = blind.analyze(gray).tokens
        assert torch.equal(blind.guide(tokens, mask, colors), blind.guide(tokens, 0 * mask, colors))
        patches = Disco(replace(TINY_DISCO, superpixels=False)).eval().associate(gray)
        assert torch.equal(patches.sum(dim=1), torch.ones(2, 64, 64))
        assert torch.equal(patches[:, 4], torch.ones(2, 64, 64))


def test_rgb_of_is_the_runtimes_formula():
    rng = np.random.default_rng(0)
    lab = np.concatenate([rng.random((1, 8, 8, 1)) * 100, rng.normal(size=(1, 8, 8, 2)) * 30], -1)
    gray = torch.from_numpy((lab[..., :1] - 50) / 50).permute(0, 3, 1, 2)
    ab = torch.from_numpy(lab[..., 1:]).permute(0, 3, 1, 2).requires_grad_()
    found = rgb_of(gray, ab)
    assert np.abs(found.detach().permute(0, 2, 3, 1).numpy() - lab_to_rgb(lab)).max() < 1e-6
    found.sum().backward()
    assert ab.grad.isfinite().all()


def test_vgg_loss_on_given_weights(tmp_path):
    torch.manual_seed(0)
    outputs = [64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512]
    places = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28]
    state, inputs = {}, 3
    for place, channels in zip(places, outputs, strict=True):
        state[f"features.{place}.weight"] = torch.randn(channels, inputs, 3, 3) / inputs**0.5 / 3
        state[f"features.{place}.bias"] = torch.zeros(channels)
        inputs = channels
    torch.save(state, tmp_path / "vgg.pt")
    batch = a_batch()
    vgg = VggLoss(tmp_path / "vgg.pt")
    truth = rgb_of(batch.gray, batch.ab)
    assert vgg(truth, truth).item() == 0
    other = (batch.ab * 0.5).requires_grad_()
    near, far = (vgg(rgb_of(batch.gray, ab), truth) for ab in (batch.ab * 0.9, other))
    assert 0 < near.item() < far.item()
    far.backward()
    assert other.grad.abs().sum() > 0
    net, _ = losses_of()
    losses = ColorLosses(net, ColorTraining(), np.full(313, 1 / 313), vgg)
    assert losses(batch)[1]["pixels"] > 0
    del state["features.12.bias"]
    torch.save(state, tmp_path / "vgg.pt")
    with pytest.raises(ValueError, match=r"features\.12\.bias"):
        VggLoss(tmp_path / "vgg.pt")


TINY_OPTIONS = (
    *("--width", 8, "--refine-width", 8, "--tokens", 16, "--layers", 2, "--heads", 2),
    *("--hidden", 32, "--learning-rate", 3e-3),
)


def run(*arguments):
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


@pytest.fixture(scope="module")
def trained(archive, tmp_path_factory):
    """Both stages, each killed once and resumed, and a bundle of such a checkpoint."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(automatic, "MIXED_SIZES", SIZES)
        first, second = folder / "superpixels.pt", folder / "disco.pt"
        for steps in (2, 4):
            run("train", "superpixels", "--data", archive, "--out", first, "--steps", steps,
                "--width", 4)  # fmt: skip
        for steps in (2, 6):
            run("train", "disco", "--data", archive, "--out", second, "--superpixels", first,
                "--steps", steps, *TINY_OPTIONS)  # fmt: skip
    bundled = folder / "bundled.pt"
    shutil.copy(second, bundled)
    put_weights(bundled, tiny_disco())
    assert "differs from PyTorch" in run(
        "bundle", "disco", "--checkpoint", bundled, "--out", folder / "bundle"
    )
    return folder


def test_both_stages_train_and_the_first_stays_frozen(trained):
    net, state = load_average(trained / "disco.pt")
    first = checkpoint.load(trained / "superpixels.pt")
    assert state["step"] == 6
    assert first["step"] == 4
    for name, value in first["average"].items():
        assert torch.equal(net.segnet.state_dict()[name], value)
    log = [json.loads(line) for line in (trained / "disco.log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in log] == [1, 2, 3, 4, 5, 6]
    assert (trained / "disco.curves.png").stat().st_size > 1000


def test_post_refinement_trains_refinenet_alone(archive, trained, monkeypatch):
    monkeypatch.setattr(automatic, "MIXED_SIZES", SIZES)
    run("train", "disco", "--data", archive, "--out", trained / "post.pt", "--start",
        trained / "disco.pt", "--steps", 2, "--refinement", "post", *TINY_OPTIONS)  # fmt: skip
    before, _ = load_average(trained / "disco.pt")
    after, _ = load_average(trained / "post.pt")
    changed = {
        name.split(".")[0]
        for name, value in after.state_dict().items()
        if not torch.equal(value, before.state_dict()[name])
    }
    assert changed == {"enhanceNet"}


def test_training_wants_its_first_stage(archive, tmp_path):
    done = CliRunner().invoke(
        main, ["train", "disco", "--data", str(archive), "--out", str(tmp_path / "x.pt")]
    )
    assert done.exit_code == 2
    assert "train superpixels" in done.output


def test_training_learns_one_batch():
    net, losses = losses_of()
    net.segnet.eval()
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    batch, history = a_batch(), []
    for _ in range(40):
        loss, _ = losses(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert np.mean(history[-5:]) < 0.8 * history[0]


def test_evaluation_prints_the_table(archive, trained, tmp_path):
    class Fake(torch.nn.Module):
        def forward(self, x: torch.Tensor, return_features: bool = False) -> torch.Tensor:
            mean = x.float().mean(dim=(2, 3)) / 255.0
            return mean if return_features else torch.softmax(5.0 * mean, dim=1)

    with pytest.deprecated_call():
        torch.jit.script(Fake()).save(tmp_path / "inception.pt")
    output = run(
        "evaluate", "disco", "--data", archive, "--bundle", trained / "bundle", "--size", "64",
        "--workers", "1", "--anchors", "3", "--anchors", "8", "--true-clusters",
        "--mini-patch", trained / "bundle", "--inception", tmp_path / "inception.pt",
        "--json", tmp_path / "result.json",
    )  # fmt: skip
    result = json.loads((tmp_path / "result.json").read_text())
    rows = result["rows"]
    assert result["photos"] == 4
    assert rows["truth"]["psnr"] == 100
    assert rows["gray"]["colorfulness"] < 0.1  # what rounding leaves
    assert rows["gray"]["psnr"] < 30
    assert rows["truth"]["colorfulness"] > 20
    names = ["auto, 3 anchors", "auto, 8 anchors", "clusters of true colours", "mini-patches"]
    assert list(rows) == ["truth", "gray", *(n + star for n in names for star in ("", "*"))]
    assert rows["mini-patches"] == rows["auto, 3 anchors"]  # the same bundle
    assert rows["auto, 3 anchors"] != rows["auto, 8 anchors"]
    assert rows["auto, 3 anchors"]["fid"] > rows["truth"]["fid"] == pytest.approx(0, abs=1e-6)
    assert "| auto, 3 anchors* |" in output


def test_frechet_distance_and_inception_score_by_hand(tmp_path):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4000, 3))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8)
    assert frechet_distance(a, a + np.array([1, 2, 0])) == pytest.approx(5)
    scaled = frechet_distance(a, 2 * a)  # tr(S + 4 S - 4 S) and the means' distance
    cov, mean = np.cov(a, rowvar=False), a.mean(axis=0)
    assert scaled == pytest.approx(np.trace(cov) + mean @ mean)
    assert inception_score(np.eye(4)) == pytest.approx(4)
    assert inception_score(np.full((5, 4), 0.25)) == pytest.approx(1)
    (tmp_path / "no.pt").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="TorchScript"):
        Inception(tmp_path / "no.pt")
