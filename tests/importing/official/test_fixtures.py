"""What official code gave its networks, and got: the same by an import (see README.md)."""

from __future__ import annotations

import numpy as np
import pytest

import colordeploy
from colordeploy import AutomaticModel, ScribbleModel
from colordeploy.accuracy.golden import verify
from colordeploy.bundle import Bundle
from colordeploy.importing import Described, import_network
from colordeploy.runtime.graph import Target

from ...recording import recorded_model
from .fixtures import FIXTURES, STEP, read

LIMIT = 1e-3  # in ab


@pytest.fixture(scope="module", params=FIXTURES)
def official(request, tmp_path_factory):
    """The numbers of one network, and a bundle of it."""
    folder = tmp_path_factory.mktemp("official")
    numbers = read(request.param)
    (folder / "network.onnx").write_bytes(numbers["graph"].tobytes())
    described = Described.by_preset(
        request.param, name=request.param, licence="none", trained_on="nothing"
    )
    import_network(folder / "network.onnx", folder / "bundle", described)
    return numbers, folder / "bundle"


def chroma_of(canvas, numbers):
    return canvas.chroma_of(numbers["strokes"]) if "strokes" in numbers else canvas.chroma


def test_the_colours_are_theirs(official):
    numbers, bundle = official
    with colordeploy.load(bundle, device="cpu", threads=1) as model:
        assert isinstance(model, ScribbleModel if "strokes" in numbers else AutomaticModel)
        ours = chroma_of(model.prepare(numbers["picture"]), numbers)[::STEP, ::STEP]
    assert np.abs(numbers["ab"]).max() > 20
    assert np.abs(ours - numbers["ab"]).max() < LIMIT


def test_the_network_is_given_the_same(official):
    numbers, bundle = official
    model, graphs = recorded_model(bundle)
    with model:
        chroma_of(model.prepare(numbers["picture"]), numbers)
    ((inputs, _),) = graphs["network"].runs
    fed = [numbers[name] for name in sorted(numbers) if name.startswith("fed")]
    for ours, theirs in zip(inputs.values(), fed, strict=True):
        if ours.ndim == 4:
            ours = ours[:, :, ::STEP, ::STEP]
        assert ours.dtype == theirs.dtype
        if theirs.dtype == bool:
            assert np.array_equal(ours, theirs)
            continue
        # iColoriT ignores the colours where its mask says that there is no hint.
        used = 1 if ours.shape[1] == 3 and "strokes" in numbers else ours.shape[1]
        error = np.abs(ours[:, :used] - theirs[:, :used]).max()
        assert error < 1e-4 * max(1.0, float(np.abs(theirs).max()))


def test_its_golden_vectors_hold(official):
    _, bundle = official
    assert all(check.passed for check in verify(Bundle(bundle), Target(device="cpu")))
