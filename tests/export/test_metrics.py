from __future__ import annotations

import numpy as np
import pytest
import torch

from export.evaluation.lpips import Lpips
from export.evaluation.metrics import _ssim_terms, colorfulness, ms_ssim, mse, one_tint, psnr, ssim


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 256, (192, 200, 3)).astype(np.uint8)
    return a, np.clip(a.astype(int) + rng.integers(-9, 10, a.shape), 0, 255).astype(np.uint8)


def test_psnr_by_hand():
    a = np.zeros((4, 4, 3), np.uint8)
    b = np.full((4, 4, 3), 51, np.uint8)
    assert mse(a, b) == pytest.approx(0.04)
    assert psnr(a, b) == pytest.approx(13.979, abs=1e-3)
    assert psnr(a, a) == 100


def test_ms_ssim_of_equal_and_unequal(pair):
    a, b = pair
    assert ms_ssim(a, a) == pytest.approx(1.0)
    assert ms_ssim(a, b) == pytest.approx(ms_ssim(b, a))
    assert ms_ssim(a, 255 - a) < 0.3 < ms_ssim(a, b) < 1
    with pytest.raises(ValueError, match="176"):
        ms_ssim(a[:100], b[:100])


def test_ssim_terms_of_constant_planes():
    """Two constant planes: SSIM is the luminance term alone, by hand."""
    from export.evaluation.metrics import _ssim_terms

    ssim, structure = _ssim_terms(np.full((32, 32), 0.2), np.full((32, 32), 0.6))
    assert structure == pytest.approx(1.0)
    assert ssim == pytest.approx((2 * 0.12 + 1e-4) / (0.04 + 0.36 + 1e-4))


def test_lpips_on_given_weights(tmp_path, pair):
    torch.manual_seed(0)
    shapes = {
        "1.0": (64, 3, 11),
        "2.3": (192, 64, 5),
        "3.6": (384, 192, 3),
        "4.8": (256, 384, 3),
        "5.10": (256, 256, 3),
    }
    state = {}
    for i, (name, (outputs, inputs, side)) in enumerate(shapes.items()):
        state[f"net.slice{name}.weight"] = 0.05 * torch.randn(outputs, inputs, side, side)
        state[f"net.slice{name}.bias"] = torch.zeros(outputs)
        state[f"lin{i}.model.1.weight"] = torch.rand(1, outputs, 1, 1)
    torch.save(state, tmp_path / "w.pt")
    lpips = Lpips(tmp_path / "w.pt")
    a, b = pair
    assert lpips(a, a) == 0
    assert 0 < lpips(a, b) < lpips(a, 255 - a)
    del state["lin3.model.1.weight"]
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"lin3\.model"):
        Lpips(tmp_path / "w.pt")


def test_colorfulness_by_hand():
    gray = np.random.default_rng(0).integers(0, 256, (8, 8, 1)).repeat(3, axis=2).astype(np.uint8)
    assert colorfulness(gray) == 0
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200  # one colour: no deviation, means 200 and 100
    assert colorfulness(red) == pytest.approx(0.3 * np.hypot(200, 100))
    red[:2] = 0  # halves: deviations 100 and 50, means too
    assert colorfulness(red) == pytest.approx(1.3 * np.hypot(100, 50))


def test_one_tint_by_hand():
    ab = np.zeros((4, 4, 2))
    ab[...] = (30, -40)
    assert one_tint(ab) == pytest.approx(1)
    ab[:2] *= -1
    assert one_tint(ab) == pytest.approx(0)
    ab[:2] = 0
    assert one_tint(ab) == pytest.approx(np.sqrt(0.5))


def test_ssim_is_the_mean_over_the_channels(pair):
    a, b = pair
    assert ssim(a, a) == pytest.approx(1)
    assert ms_ssim(a, b) > ssim(a, b) > ssim(a, 255 - a)
    other = a.copy()
    other[..., 0] = b[..., 0]
    assert 1 - ssim(a, other) == pytest.approx(
        (1 - _ssim_terms(a[..., 0] / 255, b[..., 0] / 255)[0]) / 3
    )
