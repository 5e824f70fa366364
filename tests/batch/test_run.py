"""A job does what was planned: whatever a picture does, side by side, and ends at once."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colordeploy.batch import (
    Incoming,
    JobOptions,
    Produced,
    Report,
    find_sources,
    make_plan,
    run_job,
)
from colordeploy.batch import run as job_module
from colordeploy.cancellation import CancelToken
from colordeploy.errors import InputError
from colordeploy.pictures.encoding import Options, save_picture
from colordeploy.pictures.picture import Picture


@pytest.fixture
def inside(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def red(incoming: Incoming, cancel: CancelToken) -> Produced:
    picture = incoming.take()
    result = np.zeros((*picture.size, 3), np.uint8)
    result[..., 0] = picture.samples if picture.samples.ndim == 2 else picture.samples[..., 0]
    return Produced(result, {"mask": np.zeros((2, 2, 3), np.uint8)})


def run(
    given: list[str], output: str, work=red, extras=(), told=None, cancel=None, workers=1,
    **options
) -> Report:  # fmt: skip
    sources = find_sources([Path(g) for g in given], Path(output))
    wanted = JobOptions(**options)
    plan = make_plan(sources, output, wanted, extras=extras)
    return run_job(plan, work, wanted, workers=workers, told=told, cancel=cancel)


def make(*names: str, size: tuple[int, int] = (30, 20)) -> None:
    for place, name in enumerate(names):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size, 10 * place + 10).save(name, "PNG")


def test_a_folder(inside):
    make("in/a.png", "in/b.png", "in/c.png")
    seen = []
    report = run(
        ["in"], "out", extras=("mask",), told=lambda o, done, count: seen.append((done, count))
    )
    assert report.counts == {"done": 3}
    assert seen == [(1, 3), (2, 3), (3, 3)]
    for place, name in enumerate("abc"):
        assert Picture.open(f"out/{name}.png").samples[0, 0].tolist() == [10 * place + 10, 0, 0]
        assert Path(f"out/{name}.mask.png").exists()
    assert all(outcome.work > 0 and outcome.write > 0 for outcome in report.outcomes)


@pytest.mark.fault(20)
@pytest.mark.parametrize("where", ["reading", "work", "writing"])
def test_a_picture_that_fails_is_named_and_the_rest_is_done(inside, where):
    make(*(f"in/{n}.png" for n in range(5)))
    if where == "reading":
        data = Path("in/2.png").read_bytes()
        Path("in/2.png").write_bytes(data[: len(data) // 2])

    def work(picture: Incoming, cancel: CancelToken) -> Produced:
        if picture.name == "in/2.png":
            if where == "work":
                raise RuntimeError("no luck\nat all")
            return Produced(np.zeros((0, 0, 3), np.uint8))
        return red(picture, cancel)

    report = run(["in"], "out", work)
    assert report.counts == {"done": 4, "failed": 1}
    (failed,) = [o for o in report.outcomes if o.status == "failed"]
    assert failed.error.count("in/2.png") == 1 or where == "writing"
    assert "\n" not in failed.error
    assert sorted(p.name for p in Path("out").iterdir()) == ["0.png", "1.png", "3.png", "4.png"]
    assert "4 pictures, 1 failed" in report.summary()


def test_fail_fast(inside):
    make(*(f"in/{n}.png" for n in range(5)))
    Path("in/1.png").write_bytes(b"hello")
    with pytest.raises(InputError, match=r"in/1\.png"):
        run(["in"], "out", fail_fast=True)
    assert len(list(Path("out").iterdir())) <= 1


def test_fail_fast_ends_the_work_on_the_others(inside):
    make(*(f"in/{n}.png" for n in range(4)))
    begun, ended = threading.Event(), threading.Event()

    def work(picture: Incoming, cancel: CancelToken) -> Produced:
        if picture.name == "in/1.png":
            begun.wait(20)
            raise ValueError("no colours")
        if picture.name == "in/2.png":
            begun.set()
            until = time.monotonic() + 20
            while time.monotonic() < until:
                if cancel.cancelled:
                    ended.set()
                cancel.raise_if_cancelled()
                time.sleep(0.01)
        return red(picture, cancel)

    started = time.monotonic()
    with pytest.raises(ValueError, match="no colours"):
        run(["in"], "out", work, workers=2, fail_fast=True)
    assert ended.wait(5)
    assert time.monotonic() - started < 5
    assert [p.name for p in Path("out").iterdir()] == ["0.png"]


def test_what_is_saved_when_a_job_is_cancelled_has_not_failed(inside, monkeypatch):
    make(*(f"in/{n}.png" for n in range(3)))
    token, original = CancelToken(), job_module.encode

    def encode_cancelled(pages, kind, options, file, name):
        if name.endswith("1.png"):
            token.cancel()
        original(pages, kind, options, file, name)

    monkeypatch.setattr(job_module, "encode", encode_cancelled)
    report = run(["in"], "out", cancel=token)
    assert report.interrupted
    assert report.counts == {"done": 1, "left": 2}
    assert [p.name for p in Path("out").iterdir()] == ["0.png"]


def test_the_report(inside):
    make("in/a.png", "in/b.png")
    Path("in/c.png").write_bytes(b"hello")
    run(["in"], "out").save(inside / "report.json")
    content = json.loads((inside / "report.json").read_text())
    assert content["counts"] == {"done": 2, "failed": 1}
    assert content["pictures"][0]["source"] == "in/a.png"
    assert content["pictures"][0]["target"] == "out/a.png"
    assert "in/c.png" in content["pictures"][2]["error"]


@pytest.mark.fault(43, "5d")
@pytest.mark.parametrize(
    ("wanted", "status"), [("copy", "copied"), ("skip", "skipped"), (None, "copied")]
)
def test_pictures_in_colour(inside, wanted, status, caplog):
    make("in/a.png")
    colors = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    Image.fromarray(colors).save("in/b.png")
    with caplog.at_level(logging.WARNING, "colordeploy"):
        report = run(["in"], "out", color_pages=wanted)
    assert [o.status for o in report.outcomes] == ["done", status]
    assert "in/b.png has colours already" in caplog.text
    if status == "copied":
        np.testing.assert_array_equal(Picture.open("out/b.png").samples, colors)
    else:
        assert not Path("out/b.png").exists()
    again = run(["in/b.png"], "b.png")  # alone it is recoloured
    assert [o.status for o in again.outcomes] == ["done"]
    assert (Picture.open("b.png").samples[..., 1] == 0).all()


@pytest.mark.fault(15)
def test_pages_become_pages(inside):
    images = [Image.new("L", (8, 6), 60 * n + 20) for n in range(3)]
    images[0].save("a.tif", save_all=True, append_images=images[1:])
    run(["a.tif"], "b.tif")
    for number in (1, 2, 3):
        picture = Picture.open("b.tif", page=number)
        assert picture.pages == 3
        assert picture.samples[0, 0].tolist() == [60 * number - 40, 0, 0]


def test_metadata_alpha_and_depth(inside):
    rgba = np.full((6, 8, 4), 200, np.uint8)
    rgba[2, 3, 3] = 0
    exif = Image.Exif()
    exif[0x0110] = "Box camera"
    Image.fromarray(rgba).save("a.png", exif=exif, dpi=(300, 300))

    def deep(picture: Incoming, cancel: CancelToken) -> Produced:
        return Produced(np.full((*picture.take().size, 3), 12345, np.uint16))

    run(["a.png"], "b.tif", deep, encoding=Options(depth=16))
    back = Picture.open("b.tif")
    assert back.samples.dtype == np.float32
    assert back.alpha is not None
    assert back.metadata.dpi == pytest.approx((300, 300), abs=0.1)
    assert b"Box camera" in back.metadata.exif


def test_standard_input_and_output(inside, monkeypatch, capfdbinary):
    make("a.png")
    stdin = io.TextIOWrapper(io.BytesIO(Path("a.png").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    run(["-"], "-")
    assert Picture.from_bytes(capfdbinary.readouterr().out).samples[0, 0].tolist() == [10, 0, 0]


def test_steps_overlap(inside, monkeypatch):
    """Reading, work and writing of 0.1 s each: 5 pictures take less than 12 of 15 steps."""
    make(*(f"in/{n}.png" for n in range(5)))
    original, encode = Picture.open, job_module.encode

    def slow_open(*arguments, **named):
        time.sleep(0.1)
        return original(*arguments, **named)

    def slow_work(picture: Incoming, cancel: CancelToken) -> Produced:
        time.sleep(0.1)
        return red(picture, cancel)

    def slow_encode(*arguments):
        time.sleep(0.1)
        encode(*arguments)

    monkeypatch.setattr(Picture, "open", slow_open)
    monkeypatch.setattr(job_module, "encode", slow_encode)
    assert run(["in"], "out", slow_work).seconds < 1.2


def test_several_are_worked_on_at_once_and_written_in_their_order(inside):
    make(*(f"in/{n}.png" for n in range(7)))
    together, written = threading.Barrier(3, timeout=30), []

    def work(picture: Incoming, cancel: CancelToken) -> Produced:
        if not picture.name.endswith("6.png"):  # twice three at once
            together.wait()
        return red(picture, cancel)

    report = run(["in"], "out", work, workers=3, told=lambda o, *_: written.append(o.source))
    assert report.counts == {"done": 7}
    assert written == [str(Path("in") / f"{n}.png") for n in range(7)]
    for n in range(7):
        assert Picture.open(f"out/{n}.png").samples[0, 0].tolist() == [10 * n + 10, 0, 0]


def test_one_of_several_fails(inside):
    make(*(f"in/{n}.png" for n in range(5)))

    def work(picture: Incoming, cancel: CancelToken) -> Produced:
        if picture.name.endswith("2.png"):
            raise ValueError("no colours")
        return red(picture, cancel)

    assert run(["in"], "out", work, workers=2).counts == {"done": 4, "failed": 1}
    with pytest.raises(ValueError, match="no colours"):
        run(["in"], "again", work, workers=2, fail_fast=True)


def test_one_after_the_other_when_memory_is_short(inside, monkeypatch):
    make(*(f"in/{n}.png" for n in range(4)))
    monkeypatch.setattr(job_module, "free_memory", lambda: 0)
    held, most = [0], [0]
    original = Picture.open

    def counted(*arguments, **named):
        held[0] += 1
        most[0] = max(most[0], held[0])
        return original(*arguments, **named)

    def told(outcome, done, count):
        held[0] -= 1

    monkeypatch.setattr(Picture, "open", counted)
    assert run(["in"], "out", told=told).counts == {"done": 4}
    assert most[0] == 1


@pytest.mark.parametrize("step", ["work", "writing"])
def test_cancelled_within_a_second(inside, step, monkeypatch):
    """The picture in hand is removed, the rest left, what is finished stays."""
    make(*(f"in/{n}.png" for n in range(4)))
    token, busy = CancelToken(), threading.Event()

    def work(picture: Incoming, cancel: CancelToken) -> Produced:
        if step == "work" and picture.name == "in/2.png":
            busy.set()
            while True:
                cancel.raise_if_cancelled()
                time.sleep(0.01)
        return red(picture, cancel)

    def slow_encode(pages, kind, options, file, name):
        for _ in range(10_000 if "2.png" in name else 1):
            file.write(b"x")
            if "2.png" in name:
                busy.set()
                time.sleep(0.01)

    if step == "writing":
        monkeypatch.setattr(job_module, "encode", slow_encode)
    ended = []

    def stop() -> None:
        busy.wait(20)
        for _ in range(2_000):  # the writer may be behind
            if Path("out/0.png").exists():
                break
            time.sleep(0.01)
        ended.append(time.monotonic())
        token.cancel()

    threading.Thread(target=stop).start()
    report = run(["in"], "out", work, cancel=token)
    assert time.monotonic() - ended[0] < 1
    assert report.interrupted
    assert report.counts["left"] >= 1
    # 1.png may just have been in the writer's hand.
    assert {"0.png"} <= {p.name for p in Path("out").iterdir()} <= {"0.png", "1.png"}


def test_skipped_and_done_again(inside):
    make("in/a.png", "in/b.png")
    save_picture(np.zeros((2, 2, 3), np.uint8), "a.png")
    run(["in"], "out")
    first = Path("out/a.png").stat().st_mtime_ns
    assert run(["in"], "out", skip_existing=True).counts == {"skipped": 2}
    assert Path("out/a.png").stat().st_mtime_ns == first
    assert run(["in"], "out").counts == {"done": 2}
