"""What a program that holds a canvas relies on, for every method (CONTRACT: "For a host")."""

from __future__ import annotations

import copy
import gc
import importlib
import pickle
import threading
import time

import numpy as np
import pytest

import colordeploy
from colordeploy import Anchor, CancelToken, Stroke
from colordeploy.errors import BackendError, Cancelled, ColorDeployError, InputError
from colordeploy.pictures.color import lab_of

NAMES = ("levin", "lga", "disco", "sscn", "rasc")


@pytest.fixture(scope="module")
def drawing():
    page = np.full((120, 160), 255, np.uint8)
    page[20:90, [30, 31, 90, 91]] = 0
    page[[20, 21, 89, 90], 30:92] = 0
    return page


class Held:
    """A model, a canvas and guidance for it."""

    def __init__(self, name, picture, reference):
        self.name, self.picture = name, picture
        self.model = colordeploy.load(name, device="cpu", threads=2)
        self.canvas = self.model.prepare(picture)
        self.guidance = {
            "levin": [Stroke([(50, 60), (50, 100)], "#c03020", 4), Stroke([(10, 20)], "blue", 3)],
            "disco": None,
            "rasc": 7,
        }.get(name)
        if name == "lga":
            self.guidance = [Stroke([(50, 60), (50, 100)], "#c03020", 4)]
        if name == "sscn":
            self.guidance = self.model.encode_reference(reference)

    def render(self, **keywords):
        return self.canvas.render(self.guidance, **keywords)


@pytest.fixture(scope="module", params=NAMES)
def held(request, photo_like, drawing):
    picture = drawing if request.param == "rasc" else photo_like
    made = Held(request.param, picture, np.ascontiguousarray(photo_like[:, ::-1]))
    yield made
    made.model.close()


def test_a_region_is_that_part_of_the_whole(held):
    for output in ("rgb8", "rgb16", "lab"):
        whole = held.render(output=output)
        for y0, x0, y1, x1 in ((0, 0, 120, 160), (7, 9, 63, 150), (119, 159, 120, 160)):
            part = held.render(region=(y0, x0, y1, x1), output=output)
            assert part.dtype == whole.dtype
            assert np.array_equal(part, whole[y0:y1, x0:x1])


@pytest.mark.parametrize(
    "region", [(0, 0, 0, 5), (0, 0, 121, 5), (-1, 0, 5, 5), (5, 5, 4, 9), (0, 0, 5), "all", 3]
)
def test_regions_outside(held, region):
    with pytest.raises(InputError, match="region"):
        held.render(region=region)


def test_a_preview_is_the_whole_smaller(held):
    whole = held.render()
    small = held.render(size=60)
    assert small.shape == (60, 80, 3)
    halved = whole.reshape(60, 2, 80, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - halved).mean() < 6
    assert np.array_equal(held.render(size=500), whole)  # never enlarged
    for size in (0, -1, 2.5, True, "big"):
        with pytest.raises(InputError, match="size"):
            held.render(size=size)
    with pytest.raises(InputError, match="not both"):
        held.render(size=60, region=(0, 0, 5, 5))


def test_outputs_agree(held):
    rgb8, rgb16, lab = (held.render(output=name) for name in ("rgb8", "rgb16", "lab"))
    assert (rgb8.dtype, rgb16.dtype, lab.dtype) == (np.uint8, np.uint16, np.float32)
    assert np.abs(rgb8.astype(int) * 257 - rgb16).max() <= 129 + 257 * (held.name == "rasc")
    assert np.abs(lab_of(rgb16 / np.float32(65535)) - lab).max() < 0.6
    with pytest.raises(InputError, match="rgb8, rgb16, lab"):
        held.render(output="rgb")


def test_saturation(held):
    def chroma(**keywords):
        return np.hypot(*np.moveaxis(held.render(output="lab", **keywords)[..., 1:], -1, 0))

    plain = chroma()
    assert np.array_equal(held.render(saturation=1.0), held.render())
    assert chroma(saturation=0.0).max() < 0.6
    muted = chroma(saturation=0.5)
    inside = plain > 5  # what is out of gamut at 1 is not half of it
    assert np.median(muted[inside] / plain[inside]) == pytest.approx(0.5, abs=0.1)
    assert chroma(saturation=2.0).mean() >= plain.mean()
    for value in (-0.1, 2.1, float("nan"), "vivid"):
        with pytest.raises(InputError, match="saturation"):
            held.render(saturation=value)


def test_into_the_callers_memory(held):
    whole = held.render()
    rgba = np.full((120, 160, 4), 9, np.uint8)
    assert held.render(out=rgba[..., :3]) is not None
    assert np.array_equal(rgba[..., :3], whole)
    assert (rgba[..., 3] == 9).all()
    flipped = np.zeros((120, 160, 3), np.uint8)[::-1, ::-1]
    found = held.render(out=flipped)
    assert found is flipped
    assert np.array_equal(flipped, whole)
    planes = np.zeros((3, 40, 50), np.float32)
    held.render(out=np.moveaxis(planes, 0, -1), region=(5, 6, 45, 56), output="lab")
    assert np.array_equal(np.moveaxis(planes, 0, -1), held.render(output="lab")[5:45, 6:56])
    frozen = np.zeros((120, 160, 3), np.uint8)
    frozen.flags.writeable = False
    for wrong in (np.zeros((120, 160, 3)), np.zeros((120, 160), np.uint8), [1], frozen):
        with pytest.raises(InputError, match="out"):
            held.render(out=wrong)


def test_results_are_the_callers_own(held):
    first = held.render()
    first[:] = 0
    assert held.render().any()


def test_cancelled_before(held):
    token = CancelToken()
    token.cancel()
    before = held.render()
    with pytest.raises(Cancelled):
        held.render(cancel=token)
    with pytest.raises(Cancelled):
        held.model.prepare(held.picture, cancel=token)
    with pytest.raises(Cancelled):
        colordeploy.load(held.name, device="cpu", cancel=token)
    assert np.array_equal(held.render(), before)
    assert np.array_equal(held.model.prepare(held.picture).render(held.guidance), before)


# What neither looks at a cancellation nor can be stopped, at the end of each way.
UNSTOPPABLE = [
    ("prepare", "levin lga", "colordeploy.methods.scribble.propagated_canvas.Propagator"),
    ("prepare", "disco", "colordeploy.native.anchors.located"),
    ("prepare", "rasc", "colordeploy.methods.line_art.model.Drawing"),
    ("render", "levin lga disco sscn", "colordeploy.pictures.photo.GuidedChroma"),
    ("render", "rasc", "colordeploy.methods.line_art.region_painter.Painted"),
]


@pytest.mark.parametrize(("call", "methods", "slow"), UNSTOPPABLE)
def test_a_cancelled_call_waits_for_nothing(held, monkeypatch, call, methods, slow):
    if held.name not in methods:
        pytest.skip("another method's")
    wanted, canvas = held.render(), held.model.prepare(held.picture)
    module, _, name = slow.rpartition(".")
    real = getattr(importlib.import_module(module), name)
    begun, go_on, token = threading.Event(), threading.Event(), CancelToken()

    def held_up(*arguments, **keywords):
        begun.set()
        go_on.wait(30)
        return real(*arguments, **keywords)

    def cancel():
        begun.wait(30)
        at.append(time.perf_counter())
        token.cancel()

    work = {
        "prepare": lambda: held.model.prepare(held.picture, cancel=token),
        "render": lambda: canvas.render(held.guidance, cancel=token),
    }[call]
    at, thread = [], threading.Thread(target=cancel)
    with monkeypatch.context() as patched:
        patched.setattr(slow, held_up)
        thread.start()
        with pytest.raises(Cancelled):
            work()
        assert time.perf_counter() - at[0] < 10  # the work would go on for thirty
    go_on.set()
    thread.join()
    assert np.array_equal(canvas.render(held.guidance), wanted)


def test_cancelled_at_every_step(held):
    """A token that is cancelled at the n-th step ends the call there; the next call is right."""
    wanted = held.render()
    for n in range(10):
        token, steps = CancelToken(), []

        def progress(done, what, token=token, steps=steps, n=n):
            steps.append((done, what))
            if len(steps) == n + 1:
                token.cancel()

        try:
            held.model.prepare(held.picture, cancel=token, progress=progress)
        except Cancelled:
            assert len(steps) == n + 1
            continue
        break
    assert n >= 1
    assert np.array_equal(held.model.prepare(held.picture).render(held.guidance), wanted)


def test_progress_rises_to_the_end(held):
    for call in (
        lambda report: held.model.prepare(held.picture, progress=report),
        lambda report: held.render(progress=report),
        lambda report: colordeploy.load(held.name, device="cpu", progress=report).close(),
    ):
        seen = []
        call(lambda done, what, seen=seen: seen.append((done, what)))
        shares = [done for done, _ in seen]
        assert shares == sorted(shares)
        assert shares[0] >= 0
        assert shares[-1] == 1
        assert all(isinstance(what, str) and what for _, what in seen)


def test_close_and_bytes(held):
    canvas = held.model.prepare(held.picture)
    empty = canvas.nbytes
    assert empty > held.picture[..., :1].size
    canvas.render(held.guidance)
    assert canvas.nbytes > empty
    assert canvas.device == "cpu"
    canvas.close()
    assert canvas.nbytes == 0
    with pytest.raises(InputError, match="closed"):
        canvas.render(held.guidance)
    canvas.close()  # twice is once
    with held.model.prepare(held.picture) as block:
        block.render(held.guidance)
    with pytest.raises(InputError, match="closed"):
        block.render(held.guidance)


@pytest.mark.fault(37)
def test_pickle_and_copy_say_what_to_do(held):
    for thing in (held.model, held.canvas):
        for leave in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(ColorDeployError, match=r"colordeploy\.load"):
                leave(thing)


def test_guidance_travels():
    for thing in (Stroke([(1, 2), (3, 4)], "red", 2), Anchor(1.0, 2.0, (3.0, 4.0))):
        assert pickle.loads(pickle.dumps(thing)) == thing
        assert copy.deepcopy(thing) == thing


def test_unknown_keywords(held):
    with pytest.raises(TypeError, match="colour"):
        held.render(colour=1)
    with pytest.raises(TypeError, match="colour"):
        held.model.prepare(held.picture, colour=1)


def test_max_concurrency(photo_like):
    """The others wait, and a call that waits can be cancelled."""
    with colordeploy.load("levin", max_concurrency=1, threads=1) as model:
        inside, release = threading.Event(), threading.Event()

        def hold(done, what):
            inside.set()
            release.wait(10)

        holder = threading.Thread(target=lambda: model.prepare(photo_like, progress=hold))
        holder.start()
        assert inside.wait(10)
        token, ended = CancelToken(), []

        def wait():
            try:
                model.prepare(photo_like, cancel=token)
            except Cancelled:
                ended.append(True)

        waiter = threading.Thread(target=wait)
        waiter.start()
        time.sleep(0.05)
        assert waiter.is_alive()
        token.cancel()
        waiter.join(10)
        assert ended == [True]
        release.set()
        holder.join(10)
        model.prepare(photo_like)  # the turn was given back
    for limit in (0, -1, 1.5, True, "2"):
        with pytest.raises(InputError, match="max_concurrency"):
            colordeploy.load("levin", max_concurrency=limit)


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    "asked",
    [{"backend": "tensorrt"}, {"backend": "openvino"}, {"precision": "bf16", "device": "cpu"}],
)
def test_what_levin_cannot_heed_is_an_error(asked):
    with pytest.raises(BackendError, match=r"levin|TensorRT"):
        colordeploy.load("levin", **asked)


@pytest.mark.fault(41)
@pytest.mark.parametrize("name", ["levin", "lga"])
@pytest.mark.parametrize("device", ["cuda", "cuda:99"])
def test_a_named_device_is_honoured_or_an_error(name, device):
    with pytest.raises(BackendError, match=r"cuda|GPU|CUDA"):
        colordeploy.load(name, device=device).close()


def test_build_and_unknown_values():
    with pytest.raises(InputError, match="missing, never, always"):
        colordeploy.load("lga", build="perhaps")


@pytest.mark.fault(38)
def test_trim_frees_what_is_idle(photo_like):
    with colordeploy.load("levin", threads=1) as model:
        canvas = model.prepare(photo_like)
        before = canvas.render([Stroke([(50, 60)], "red", 4)])
        del canvas
        gc.collect()
        assert colordeploy.trim() > 0
        assert colordeploy.trim() == 0
        again = model.prepare(photo_like).render([Stroke([(50, 60)], "red", 4)])
        assert np.array_equal(again, before)


def test_threads_render_at_once(held):
    wanted = held.render()
    found = []

    def work():
        found.append(held.render(region=(3, 4, 100, 140)))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert all(np.array_equal(part, wanted[3:100, 4:140]) for part in found)


@pytest.mark.fault(47)
def test_a_region_search_does_not_wait_for_another(photo_like):
    """Canvases share no lock: preparing two pictures in two threads is not one after the other."""
    with colordeploy.load("rasc", device="cpu", threads=1) as model:
        page = np.full((200, 200), 255, np.uint8)
        page[50:150, [50, 150]] = 0
        page[[50, 150], 50:151] = 0
        results = {}

        def prepare(name):
            results[name] = model.prepare(page).regions.max()

        threads = [threading.Thread(target=prepare, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(results.values()) == {2}
