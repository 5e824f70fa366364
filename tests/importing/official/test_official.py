"""Official networks at their own width with synthetic weights, run by their own code, exported,
imported: the same colours before composition.

Runs where checkouts are (`checkouts.CHECKOUTS` says which variables name them) with
opencv-python-headless, scikit-image and einops: ``python -m pytest -m slow tests/importing``.
"""

from __future__ import annotations

import numpy as np
import pytest

import colordeploy
from colordeploy.importing import Described, import_network

from .cases import CASES, ddcolor
from .checkouts import CHECKOUTS, folder_of
from .fixtures import read

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
LIMIT = 1e-3  # in ab


@pytest.fixture
def checkout():
    """Where the checkout of a network is."""

    def find(name):
        folder = folder_of(name)
        if folder is None:
            pytest.skip(f"{CHECKOUTS[name]} names no checkout")
        for module in ("cv2", "skimage", "einops"):
            pytest.importorskip(module)
        return folder

    return find


def ours(case, tmp_path):
    """Our chroma for a case, and what its network was given."""
    case.export(tmp_path / "network.onnx")
    described = Described.by_preset(case.preset, name="x", licence="none", trained_on="nothing")
    import_network(tmp_path / "network.onnx", tmp_path / "bundle", described)
    with colordeploy.load(tmp_path / "bundle", device="cpu", threads=2) as model:
        canvas = model.prepare(case.picture)
        given = model.network.given(canvas.photo)
        strokes = case.strokes
        return canvas.chroma if strokes is None else canvas.chroma_of(strokes), given


@pytest.mark.parametrize("name", CASES)
def test_full_width(name, checkout, tmp_path):
    folder, make, _, side = CASES[name]
    case = make(checkout(folder), side, small=False)
    found, _ = ours(case, tmp_path)
    assert np.abs(case.ab).max() > 20
    assert np.abs(found - case.ab).max() < LIMIT


@pytest.mark.parametrize("name", CASES)
def test_the_fixtures_are_what_the_code_makes(name, checkout):
    folder, make, side, _ = CASES[name]
    case, numbers = make(checkout(folder), side, small=True), read(name)
    assert np.array_equal(case.picture, numbers["picture"])
    assert np.abs(case.ab[::2, ::2] - numbers["ab"]).max() < LIMIT


def test_ddcolor_with_opencvs_lab(checkout, tmp_path):
    """OpenCV's Lab of float32 is an approximation: what goes in is as far off as that is."""
    case = ddcolor(checkout("ddcolor"), 256, small=False, exact=False)
    _, given = ours(case, tmp_path)
    (fed,) = given.values()
    assert np.abs(fed - case.fed[0].numpy()).max() < 2e-3
