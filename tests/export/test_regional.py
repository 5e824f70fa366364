"""RASC's region transformer: its parts against slow references, its samples, its training."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image, ImageDraw

from colordeploy.bundle import find_bundle
from colordeploy.methods.line_art.tokens import GEOMETRY, region_tokens
from colordeploy.native import cover_lines, region_map
from export.bundling.weights import part, weights
from export.cli import main
from export.data.drawings import DrawingArchive, gray_array, rgb_array
from export.data.regional import RegionBatches, assembled, collect, sample_of
from export.data.views import plain, skin_versions, varied
from export.models.rasc.regional import Regions, pool, relations
from export.training.log import read_log
from export.training.regional import load_regional, palette_of, revealed

from ..tiny import tiny_regional
from .archive import write_drawings


def page(side=64):
    """A house beside a sun: lines, colours."""
    line = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(line)
    draw.rectangle((8, 30, 36, 56), outline=0, width=2)
    draw.ellipse((42, 6, 58, 22), outline=0, width=2)
    lines = np.asarray(line, np.float32) / 255
    rgb = np.ones((side, side, 3), np.float32)
    rgb[30:57, 8:37] = (0.8, 0.2, 0.1)
    rgb[8:21, 44:57] = (1.0, 0.9, 0.2)
    return lines, rgb * lines[..., None]


def tokens_of(line):
    labels = region_map(line)
    covered, count = cover_lines(labels), int(labels.max()) + 1
    places = np.zeros((count, 2), np.intp)
    return labels, covered, region_tokens(labels, covered, line, count, places)


def test_region_tokens_against_loops():
    line, _ = page()
    labels, covered, tokens = tokens_of(line)
    count = labels.max()
    assert tokens.geometry.shape == (count, GEOMETRY)
    for i in range(count):
        y, x = np.nonzero(labels == i + 1)
        cells = np.zeros((16, 16))
        np.add.at(cells, (y // 4, x // 4), 1 / len(y))
        assert np.allclose(tokens.shares[i], cells, atol=1e-6)
        low, high = np.array([y.min(), x.min()]), np.array([y.max(), x.max()]) + 1
        assert np.allclose(tokens.geometry[i, 4:8], 2 * np.r_[low, high] / 64 - 1, atol=1e-6)
        middle = 2 * (np.array([y.mean(), x.mean()]) + 0.5) / 64 - 1
        assert np.allclose(tokens.geometry[i, 2:4], middle, atol=1e-5)
        touching = np.zeros(count)
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            moved = np.roll(covered, (dy, dx), (0, 1))
            inner = np.s_[1:-1, 1:-1]  # the frame is of one region
            other = moved[inner][(covered[inner] == i + 1) & (moved[inner] != i + 1)]
            touching += np.bincount(other, minlength=count + 1)[1:]
        assert np.allclose(tokens.borders[i] * touching.sum(), touching, atol=1e-3)


def test_regions_without_a_pixel_are_where_they_are_said_to_be():
    labels = np.ones((32, 32), np.int32)
    places = np.zeros((3, 2), np.intp)
    places[2] = 9, 21
    tokens = region_tokens(labels, labels, np.ones((32, 32), np.float32), 3, places)
    assert tokens.shares[1].sum() == 1
    assert tokens.shares[1, 2, 5] == 1
    assert np.isfinite(tokens.geometry).all()


def test_pooling_is_the_mean_over_the_regions():
    _, _, tokens = tokens_of(page()[0])
    draw = torch.Generator().manual_seed(1)
    features = [torch.rand(1, 3, 16 >> i, 16 >> i, generator=draw) for i in range(4)]
    found = pool(features, torch.from_numpy(tokens.shares)[None])[0]
    for level, feature in enumerate(features):
        large = feature[0].repeat_interleave(2**level, 1).repeat_interleave(2**level, 2)
        for i, shares in enumerate(torch.from_numpy(tokens.shares)):
            mean = (large * shares).sum(dim=(1, 2))
            assert torch.allclose(found[i, 3 * level : 3 * level + 3], mean, atol=1e-5)


def described(net, padding=0):
    draw = torch.Generator().manual_seed(2)
    _, _, tokens = tokens_of(page()[0])
    geometry, borders = (torch.from_numpy(a)[None] for a in (tokens.geometry, tokens.borders))
    count = geometry.shape[1]
    pooled = torch.randn(1, count, net.pooled_mean.numel(), generator=draw)
    whole = torch.randn(1, net.whole_mean.numel(), generator=draw)

    def wider(x, *axes):
        pads = [0, 0] * x.ndim
        for axis in axes:
            pads[2 * (x.ndim - 1 - axis) + 1] = padding
        return torch.nn.functional.pad(x, pads)

    regions = Regions(wider(geometry, 1), wider(borders, 1, 2), wider(torch.ones(1, count), 1))
    return net.describe(wider(pooled, 1), whole, regions), regions, count


def test_padding_and_order_change_nothing():
    net = tiny_regional()
    with torch.no_grad():
        colors = []
        for padding in (0, 3):
            found, regions, count = described(net, padding)
            hints, known = torch.full((1, count + padding, 3), 0.3), torch.zeros(1, count + padding)
            known[:, 0] = 1
            logits = net.logits(found, regions, found.style, hints, known)
            colors.append(net.colors(logits)[:, :count])
        assert torch.allclose(colors[0], colors[1], atol=1e-5)
        assert relations(regions).shape == (1, count + 4, count + 4, 6)


def test_hints_and_styles_change_other_regions():
    net = tiny_regional()
    with torch.no_grad():
        found, regions, count = described(net)

        def painted(style, hints, known):
            return net.colors(net.logits(found, regions, style, hints, known))

        nothing, none = torch.zeros(1, count, 3), torch.zeros(1, count)
        known = none.clone()
        known[:, 0] = 1
        base = painted(found.style, nothing, none)
        assert torch.equal(base, painted(found.style, nothing + 0.7, none))  # not known: not heard
        assert torch.allclose(base, painted(2 * found.style, nothing, none), atol=1e-6)
        assert (base - painted(-found.style, nothing, none)).abs().max() > 1e-3
        red, blue = torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0])
        apart = painted(found.style, nothing + red, known) - painted(
            found.style, nothing + blue, known
        )
        assert apart[:, 1:].abs().max() > 1e-4


def pooled(light, shares):
    rows, columns = shares.shape[1:]
    cells = light.reshape(rows, 4, columns, 4).mean(axis=(1, 3))
    mean = (shares * cells).sum(axis=(1, 2))[:, None]
    return np.repeat(mean, 5, axis=1), np.full(2, light.mean(), np.float32)


def test_samples_hold_the_true_colours():
    line, rgb = page()
    sample = sample_of((line, rgb), pooled)
    labels = region_map(line)
    house = labels[45, 20] - 1
    assert np.abs(sample.colors[house] - np.array([204, 51, 26])).max() <= 1
    assert sample.areas.sum() == (labels > 0).sum()
    assert sample_of((np.ones((64, 64), np.float32), rgb), pooled) is None


def test_batches(tmp_path):
    folder = write_drawings(tmp_path)
    kept = tmp_path / "kept"
    samples = collect(folder, "train", 0, pooled, kept)
    again = collect(folder, "train", 0, None, kept)  # out of the file
    assert len(samples) == len(again) > 0
    for one, other in zip(samples, again, strict=True):
        for name in ("pooled", "whole", "geometry", "borders", "colors", "areas"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
    palette = palette_of(samples, 4)
    batch = assembled(samples, palette)
    assert torch.allclose(batch.weights.sum(dim=2), torch.ones(()))
    assert torch.allclose((batch.shares > 0).float(), batch.regions.present)
    batches = RegionBatches(samples, "", palette, 3, 0, 2)
    assert torch.equal(batches.batch(1).colors, batches.batch(1).colors)


def test_views(tmp_path):
    drawing = DrawingArchive(write_drawings(tmp_path), "train", color_only=False).drawings[0]
    line, rgb = plain(drawing, np.random.default_rng(0))
    assert np.array_equal(line, gray_array(drawing.line))
    assert np.array_equal(rgb, rgb_array(drawing.color))
    for seed in range(12):
        line, rgb = varied(drawing, np.random.default_rng(seed))
        assert line.shape == rgb.shape[:2]
        assert line.dtype == rgb.dtype == np.float32
        assert 0 <= min(line.min(), rgb.min()) <= max(line.max(), rgb.max()) <= 1
        again = varied(drawing, np.random.default_rng(seed))
        assert np.array_equal(line, again[0])


def test_people_in_other_skin_colors(tmp_path):
    drawing = DrawingArchive(write_drawings(tmp_path), "train", color_only=False).drawings[0]
    rgb = np.full((16, 16, 3), 255, np.uint8)
    rgb[4:12, 4:12] = 0xDE, 0xBB, 0x90  # the second of OpenMoji's natural tones
    rgb[0, 0] = 20, 90, 200
    content = io.BytesIO()
    Image.fromarray(rgb).save(content, "WEBP", lossless=True)
    person = replace(drawing, category="people-body/person", color=content.getvalue())
    versions = [(v * 255).round().astype(np.uint8) for v in skin_versions(person)]
    assert np.array_equal(versions[0], rgb)
    skins = [tuple(version[8, 8].tolist()) for version in versions]
    assert len(set(skins)) == 6
    assert (0xFC, 0xEA, 0x2B) in skins
    for version in versions:
        elsewhere = np.any(version != rgb, axis=2)
        elsewhere[4:12, 4:12] = False
        assert not elsewhere.any()
    assert len(skin_versions(replace(person, category="objects/tool"))) == 1
    rgb[...] = 255
    content = io.BytesIO()
    Image.fromarray(rgb).save(content, "WEBP", lossless=True)
    assert len(skin_versions(replace(person, color=content.getvalue()))) == 1  # no skin


def test_half_of_the_drawings_have_no_hint():
    torch.manual_seed(0)
    shares = revealed(4000, 50).mean(dim=1)
    assert (shares == 0).float().mean() == pytest.approx(0.55, abs=0.06)
    assert shares.max() > 0.8


@pytest.mark.training
def test_training_and_bundle(tmp_path):
    out, data = tmp_path / "r.pt", write_drawings(tmp_path)
    arguments = ["train", "rasc", "--encoder", "disco", "--data", str(data), "--out", str(out),
                 "--views", "2", "--learning-rate", "1e-3", "--style", "8"]  # fmt: skip
    done = CliRunner().invoke(main, [*arguments, "--steps", "3"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(main, [*arguments, "--steps", "4"], catch_exceptions=False)
    rows = read_log(out.with_suffix(".log.jsonl"))
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert all(np.isfinite(row["loss"]) for row in rows)
    net, state = load_regional(out)
    assert net.config.style == 8
    assert state["step"] == 4
    published = part(weights(find_bundle("disco")), "encoder")
    assert all(torch.equal(net.encoder.state_dict()[k], v) for k, v in published.items())
    bundle = tmp_path / "bundle"
    done = CliRunner().invoke(
        main, ["bundle", "rasc", "--checkpoint", str(out), "--out", str(bundle)],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert set(manifest["graphs"]) == {"encode", "describe", "paint"}
    assert "ImageNet" in manifest["trained_on"]
