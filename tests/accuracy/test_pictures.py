"""Whole pictures in simulated half precision."""

from __future__ import annotations

import numpy as np
import pytest

import colordeploy
from colordeploy.accuracy import pictures as module
from colordeploy.accuracy.pictures import Fidelity, colored, compare, fidelity
from colordeploy.bundle import default_bundles, find_bundle
from colordeploy.errors import BackendError, InputError
from colordeploy.runtime.graph import Target
from colordeploy.runtime.open_vino import has_bfloat16


@pytest.mark.parametrize("name", list(default_bundles()))
def test_fp16_holds_on_every_bundle(name, photo_like):
    picture = photo_like
    if find_bundle(name).manifest.method == "rasc":
        picture = np.full((96, 128, 3), 255, np.uint8)
        picture[20:70, [30, 31, 90, 91]] = 0
        picture[[20, 21, 69, 70], 30:92] = 0
    found = fidelity(find_bundle(name), "fp16", [picture])
    assert found.pictures == 1
    assert 0 <= found.mean <= found.percentile <= found.largest
    assert found.mean < 0.5
    assert found.psnr > 35  # equal where graphs stay in float32 (sscn), or regions white (rasc)


@pytest.mark.openvino
def test_bf16_on_this_cpu(photo_like):
    if not has_bfloat16():
        pytest.skip("this CPU has no bfloat16")
    for name in ("lga", "disco"):
        target = Target("openvino", "cpu", 1, "bf16")
        found = fidelity(find_bundle(name), "bf16", [photo_like], target)
        assert 0 < found.mean < 1
        assert found.psnr > 35


def test_more_error_is_a_failure(photo_like, monkeypatch):
    monkeypatch.setattr(module, "MAXIMUM_MEAN_AB", 1e-4)
    with pytest.raises(BackendError, match=r"lga in bf16 is off by .* ab on average"):
        fidelity(find_bundle("lga"), "bf16", [photo_like])
    with pytest.raises(InputError, match="no pictures"):
        fidelity(find_bundle("lga"), "bf16", [])


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((5.0, 0.2, 1.0), None),
        ((5.0, 1.1, 2.0), "off by 1.10 ab on average (allowed: 1)"),
        ((50.0, 0.2, 8.5), "off by 8.50 ab for 99.9 % of the pixels (allowed: 8)"),
        ((121.0, 0.42, 3.0), "off by 121.00 ab at the worst pixel (allowed: 60)"),
        ((np.nan, 0.2, 1.0), "off by nan ab at the worst pixel (allowed: 60)"),
    ],
)
def test_each_limit_counts(figures, said):
    largest, mean, percentile = figures
    assert Fidelity(1, largest, mean, percentile, 50.0).excess() == said


def test_two_models_are_compared(photo_like):
    with colordeploy.load("disco", device="cpu") as disco, colordeploy.load("lga") as lga:
        same = compare(disco, disco, [photo_like, photo_like])
        assert same == Fidelity(2, 0.0, 0.0, 0.0, 100.0)
        assert str(same) == (
            "2 pictures: off by 0.000 ab on average, 0.00 at most for 99.9 % of the pixels, 0.0 at "
            "most, PSNR 100.0 dB"
        )
        with pytest.raises(InputError, match="lga one of lga"):
            compare(disco, lga, [photo_like])
        canvas = disco.prepare(photo_like)
        assert np.array_equal(colored(disco, photo_like), canvas.render(canvas.anchors))
    with colordeploy.load("levin") as levin, colordeploy.load("levin") as other:
        assert compare(levin, other, [photo_like]).largest == 0
