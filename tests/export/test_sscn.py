"""SSCN's parts by their equations, references, losses, training that resumes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from colordeploy.pictures.color import AB_BINS
from export.bundling.specification import write
from export.bundling.sscn import specification
from export.bundling.writer import Identity
from export.cli import main
from export.data import references
from export.data.batches import CropSize
from export.data.references import ReferenceBatches, Warp, palette, random_warp, warped
from export.evaluation.exemplar import augmentation, transfer
from export.models.sscn.coarse import AdaptiveNorm
from export.models.sscn.network import Sscn, select
from export.training import checkpoint
from export.training.log import read_log
from export.training.sscn import SscnLosses, SscnTraining, SscnWeights, load_average

from ..tiny import TINY_SSCN, tiny_sscn
from .archive import write_archive
from .tensorrt import compile_graph

SIZES = (CropSize(64, 64, 80, 2, 1.0),)


def pictures(batch=2, side=64):
    rng = np.random.default_rng(0)
    smooth = rng.random((batch, 3, side // 8, side // 8))
    lab = torch.from_numpy(smooth.astype(np.float32) * 2 - 1)
    return torch.nn.functional.interpolate(lab, size=(side, side), mode="bilinear") * 0.5


@pytest.fixture(scope="module")
def net():
    return tiny_sscn()


def test_adain_by_hand():
    torch.manual_seed(0)
    norm = AdaptiveNorm(3, 4).double()
    x, style = torch.randn(2, 3, 5, 6).double(), torch.randn(2, 4).double()
    found = norm(x, style)
    for b, c in np.ndindex(2, 3):
        plane = x[b, c]
        scale, shift = norm.affine(style[b])[c], norm.affine(style[b])[3 + c]
        deviation = (plane.var(unbiased=False) + 1e-5).sqrt()
        assert torch.allclose(found[b, c], scale * (plane - plane.mean()) / deviation + shift)


def test_attention_by_its_equations(net):
    """Eqs. 2 and 3 written out for one place, through the network's own layers."""
    with torch.no_grad():
        reference = net.encode_reference(pictures())
        assert reference.features.shape == (2, 256, 8 * 15 + 3)
        assert reference.activation.shape == (2, 256)
        gray = pictures()[:, :1]
        coarse = torch.tanh(net.coarse(gray, reference.style))
        places = net.places(net.encode(torch.cat([gray, coarse], dim=1)))
        selected = reference.features[:, 10:40]
        query = net.query(places[0, 77])
        scores = torch.stack([query @ net.key(f) for f in selected[0]]) / TINY_SSCN.attention**0.5
        attended = (torch.softmax(scores, 0)[:, None] * net.value(selected[0])).sum(dim=0)
        seen = {}
        handle = net.decoder[2].register_forward_hook(
            lambda _, inputs, __: seen.update(extra=inputs[2])
        )
        colored = net.colorize(gray, reference.style, selected)
        handle.remove()
        assert torch.allclose(seen["extra"][0].flatten(1)[:, 77], attended, atol=1e-5)
        assert torch.equal(colored.coarse, coarse)
        assert colored.fine.shape == (2, 2, 64, 64)
        assert colored.bins.shape == (2, len(AB_BINS), 16, 16)
        assert colored.fine.abs().max() <= 1


def test_order_of_the_selected_does_not_matter(net):
    with torch.no_grad():
        reference = net.encode_reference(pictures())
        gray = pictures()[:, :1]
        some = reference.features[:, ::7]
        turned = net.colorize(gray, reference.style, some.flip(1)).fine
        assert torch.allclose(net.colorize(gray, reference.style, some).fine, turned, atol=1e-5)


def test_activation_is_the_classes_map(net):
    with torch.no_grad():
        reference = net.encode_reference(pictures())
        features = net.encode(pictures())[5]
        for b in range(2):
            weight = net.classifier.weight[reference.class_logits[b].argmax()]
            cam = torch.einsum("chw,c->hw", features[b], weight)
            found = reference.activation[b].reshape(16, 16)
            wanted = torch.nn.functional.interpolate(
                cam[None, None], scale_factor=4, mode="bilinear"
            )
            assert torch.allclose(found, wanted[0, 0], atol=1e-5)
        # Its mean over the picture is the class's logit (Zhou et al. 2016).
        logit = (
            torch.einsum("chw,c->", features[0], net.classifier.weight[1]) / features[0, 0].numel()
        )
        assert logit == pytest.approx(reference.class_logits[0, 1].item(), rel=1e-4)


def test_selection():
    activation = torch.tensor([[0.1, 5.0, 3.0, 3.0, -1.0, 0.0], [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]])
    chosen = select(activation, 2, 3, torch.Generator().manual_seed(0))
    assert chosen[:, :2].tolist() == [[1, 2], [0, 1]]  # ties: the first
    for row in chosen:
        assert len(set(row.tolist())) == 5
    again = select(activation, 2, 3, torch.Generator().manual_seed(0))
    assert torch.equal(chosen, again)


def test_warps():
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:48, 0:64].astype(np.float32) / 64
    picture = np.stack([rows, columns, rows * columns], axis=-1)
    assert np.abs(warped(picture, Warp(), rng) - picture).max() < 1e-4
    turned = warped(picture, Warp(angle=180), rng)
    assert np.abs(turned - picture[::-1, ::-1]).max() < 1e-4
    mirrored = warped(picture, Warp(mirrored=True), rng)
    assert np.abs(mirrored - picture[:, ::-1]).max() < 1e-4
    part = warped(picture, Warp(window=(0.5, 0.25, 0.5, 0.5)), rng)
    assert part[0, 0, 0] == pytest.approx(0.5 * 47 / 64, abs=1e-3)
    assert part[-1, -1, 1] == pytest.approx(0.75 * 63 / 64, abs=1e-3)
    mild, violent = (
        np.abs(warped(picture, Warp(bend=b), np.random.default_rng(1)) - picture).mean()
        for b in (references.MILD, references.VIOLENT)
    )
    assert 0 < mild < violent
    warps = [random_warp(rng) for _ in range(200)]
    assert 30 < sum(w.bend == references.VIOLENT for w in warps) < 110
    assert all(w.window[0] + w.window[2] <= 1 for w in warps)


def test_palettes_hold_the_pictures_colours():
    rng = np.random.default_rng(0)
    rgb = rng.random((20, 30, 3)).astype(np.float32)
    stripes = palette(rgb, rng)
    assert stripes.shape == rgb.shape
    colors = np.unique(stripes.reshape(-1, 3), axis=0)
    assert 3 <= len(colors) <= 8
    own = {tuple(c) for c in rgb.reshape(-1, 3)}
    assert all(tuple(c) in own for c in colors)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("photos"))


def test_batches(archive):
    batches = ReferenceBatches(archive, 0, 0, 3, SIZES)
    batch = batches.batch(1)
    assert batch.gray.shape == (2, 1, 64, 64)
    assert batch.reference.shape == (2, 3, 64, 64)
    assert batches.categories == {"made/none": 0}
    assert batch.category.tolist() == [0, 0]
    assert -1 <= batch.gray.min() < batch.gray.max() <= 1
    assert 0.1 < batch.ab.abs().max() < 1
    assert torch.equal(
        batch.reference, ReferenceBatches(archive, 0, 1, 3, SIZES).batch(1).reference
    )


def test_loss_is_the_weighted_sum(archive):
    torch.manual_seed(0)
    batch = ReferenceBatches(archive, 0, 0, 3, SIZES).batch(0)
    for dense in (False, True):
        net = Sscn(TINY_SSCN)
        loss, parts = SscnLosses(net, SscnTraining(dense=dense))(batch)
        wanted = sum(value * parts[name] for name, value in vars(SscnWeights()).items())
        assert loss.item() == pytest.approx(wanted, rel=1e-4)
    loss.backward()
    assert all(p.grad is not None for p in net.parameters())


def test_training_resumes_to_the_same_weights(archive, tmp_path):
    options = ["--width", "4", "--coarse-width", "4", "--attention", "5"]

    def run(name, steps):
        done = CliRunner().invoke(
            main,
            ["train", "sscn", "--data", str(archive), "--out", str(tmp_path / f"{name}.pt"),
             "--steps", str(steps), *options],
        )  # fmt: skip
        assert done.exit_code == 0, (done.output, done.exception)

    run("one", 3)
    run("two", 2)
    run("two", 3)
    one, two = (checkpoint.load(tmp_path / f"{name}.pt") for name in ("one", "two"))
    assert all(torch.equal(one["net"][k], two["net"][k]) for k in one["net"])
    assert [r["step"] for r in read_log(tmp_path / "two.log.jsonl")] == [1, 2, 3]
    assert load_average(tmp_path / "two.pt")[0].config.classes == 1


def test_transferred_statistics_by_hand():
    rng = np.random.default_rng(0)
    reference = rng.normal((50, 10, -20), size=(6, 7, 3)).astype(np.float32)
    lightness = rng.uniform(0, 100, (4, 5)).astype(np.float32)
    found = transfer(lightness, reference, "statistics")
    assert found == pytest.approx(np.broadcast_to(reference[..., 1:].mean((0, 1)), (4, 5, 2)))
    # Dark is blue, bright is yellow; between them it goes over.
    two = np.zeros((2, 3, 3), np.float32)
    two[0], two[1] = (10, 5, -40), (90, -5, 60)
    found = transfer(np.array([[0, 10.9375, 50, 89.0625, 100]], np.float32), two, "by lightness")
    wanted = [[(5, -40), (5, -40), (0, 10), (-5, 60), (-5, 60)]]
    assert found == pytest.approx(np.array(wanted), abs=0.2)


def test_augmentations_are_those_of_the_table():
    rng = np.random.default_rng(0)
    tps, turned, cut = (augmentation(kind, rng) for kind in ("TPS", "RR", "RC"))
    assert tps.bend > 0 == tps.angle
    assert turned.angle != 0 == turned.bend
    assert cut.bend == cut.angle == 0
    assert cut.window[0] + cut.window[2] <= 1


def evaluation(archive, folder, *options):
    done = CliRunner().invoke(
        main,
        ["evaluate", "sscn", "--data", str(archive), "--bundle", str(folder / "bundle"),
         "--size", "96", "--workers", "1", "--json", str(folder / "result.json"), *options],
    )  # fmt: skip
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output, json.loads((folder / "result.json").read_text())


def test_evaluation_prints_the_tables(archive, net, tmp_path):
    write(specification(net), tmp_path / "bundle", Identity("tiny"), trained_on="nothing")
    output, result = evaluation(archive, tmp_path)
    rows = result["rows"]
    assert result["photos"] == 3
    assert list(rows) == ["statistics", "by lightness", "sscn", "first stage", "dense"]
    assert len({row["psnr"] for row in rows.values()}) == len(rows)
    for row in rows.values():
        assert row["psnr"] == pytest.approx(
            np.mean([row[f"psnr {k}"] for k in ("TPS", "RR", "RC")])
        )
    assert "| TPS | RR | RC | Mean |" in output
    assert evaluation(archive, tmp_path)[1] == result  # its chances are seeded by the photos' names


@pytest.mark.training
def test_evaluation_of_a_grid_of_places(archive, net, tmp_path):
    write(specification(net), tmp_path / "bundle", Identity("tiny"), trained_on="nothing")
    output, result = evaluation(archive, tmp_path, "--grid", "--limit", "1", "--size", "128")
    assert result["photos"] == 1
    assert "| k = 128, r = 0 |" in output
    assert output.rstrip().splitlines()[-1].startswith("| dense |")


@pytest.mark.parametrize("name", ["encode_reference", "colorize"])
def test_tensorrt_compiles_the_graphs(net, name):
    graph = specification(net).exported(name)
    assert compile_graph(graph.content, graph.inputs) > 10_000
