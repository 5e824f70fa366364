"""Coarser canvases for strokes that are still being drawn."""

from __future__ import annotations

import numpy as np
import pytest

import colordeploy
from colordeploy import CancelToken, Stroke
from colordeploy.errors import Cancelled, InputError

STROKES = [
    Stroke([(20, 20), (40, 30)], "#c03028", 5),
    Stroke([(90, 120), (70, 140)], "#2050c0", 5),
]


@pytest.fixture(scope="module", params=["levin", "lga"])
def model(request):
    with colordeploy.load(request.param, threads=1) as loaded:
        yield loaded


def chroma(canvas, strokes) -> np.ndarray:
    return canvas.render(strokes, output="lab")[..., 1:]


def test_a_draft_has_the_pictures_size_and_nearly_its_colours(model, photo_like):
    with model.prepare(photo_like, size=96) as canvas, canvas.draft() as draft:
        assert draft.size == canvas.size
        assert draft.working_size == (48, 64)
        exact, close = chroma(canvas, STROKES), chroma(draft, STROKES)
        difference = np.hypot(*np.moveaxis(exact - close, -1, 0))
        assert difference.mean() < 0.25 * np.hypot(*np.moveaxis(exact, -1, 0)).mean()
        # It is another result, and leaves the exact one as it is.
        assert difference.max() > 0.1
        assert np.array_equal(chroma(canvas, STROKES), exact)


def test_luma_is_that_of_the_picture(model, photo_like):
    with model.prepare(photo_like, size=96) as canvas, canvas.draft() as draft:
        exact = canvas.render(STROKES, output="lab", saturation=0.0)
        assert np.array_equal(draft.render(STROKES, output="lab", saturation=0.0), exact)


@pytest.mark.parametrize("edge", [79, 80, 81, 82])
def test_an_edge_separates_wherever_it_falls(edge):
    """Blocks that lie across an edge, and sides that blocks do not fill, leak no colour."""
    picture = np.full((121, 161), 200, np.uint8)
    picture[:, edge:] = 60
    strokes = [Stroke([(60, 20)], "#c03028", 5), Stroke([(60, 140)], "#2050c0", 5)]
    with colordeploy.load("levin", threads=1) as model:
        canvas = model.prepare(picture, size="native")
        draft = canvas.draft()
        assert draft.working_size == (61, 81)
        exact, close = chroma(canvas, strokes), chroma(draft, strokes)
    far = np.ones(161, bool)
    far[edge - 4 : edge + 4] = False
    assert np.abs(exact - close)[:, far].max() < 1.0
    assert close[60, 160, 1] < -20 < 20 < close[60, 0, 0]  # the last columns are joined, too


def test_equal_affinities_spread_as_on_the_fine_grid():
    """Between two strokes on a plain picture colours change evenly, coarse as fine."""
    strokes = [Stroke([(0, 0), (95, 0)], "#c03028", 4), Stroke([(0, 127), (95, 127)], "#2050c0", 4)]
    with colordeploy.load("levin", threads=1) as model:
        canvas = model.prepare(np.full((96, 128), 128, np.uint8), size="native")
        exact, close = chroma(canvas, strokes), chroma(canvas.draft(), strokes)
    assert np.abs(exact - close).max() < 3.0
    assert np.ptp(exact[48, :, 0]) > 30


def test_memory_is_counted_apart_and_given_back(photo_like):
    with colordeploy.load("levin") as model:
        canvas = model.prepare(photo_like, size=96)
        draft = canvas.draft()
        draft.render(STROKES)
        canvas.render(STROKES)
        assert 0 < draft.nbytes < canvas.nbytes / 2
        draft.close()
        assert draft.nbytes == 0
        canvas.render(STROKES)
        canvas.close()
        with pytest.raises(InputError, match="closed"):
            canvas.draft()


def test_a_draft_mends_a_base_and_shows_affinities(photo_like):
    with colordeploy.load("lga") as model, model.prepare(photo_like, size=96) as canvas:
        draft = canvas.draft()
        assert np.array_equal(draft.affinity(50, 70), canvas.affinity(50, 70))
        base = np.repeat(np.asarray(photo_like, np.uint8)[..., :1], 3, axis=-1)
        mended = draft.render(STROKES[:1], base=base)
        assert np.ptp(mended.astype(int), axis=-1).max() > 15


def test_cancelled_before_it_begins(photo_like):
    token = CancelToken()
    token.cancel()
    with colordeploy.load("levin") as model, model.prepare(photo_like) as canvas:
        with pytest.raises(Cancelled):
            canvas.draft(cancel=token)
        assert canvas.draft() is not None


def test_there_is_none_of_a_line():
    with colordeploy.load("levin") as model:
        assert model.prepare(np.zeros((1, 40), np.uint8), size="native").draft() is None
