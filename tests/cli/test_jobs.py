"""Jobs of the command line, as a user runs them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

_COMMAND = [sys.executable, "-c", "from colordeploy.cli import main; main()"]


def run(*arguments: object, status: int = 0, **options) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [*_COMMAND, *map(str, arguments)], capture_output=True, timeout=120, check=False, **options
    )
    assert done.returncode == status, done.stderr
    assert b"Traceback" not in done.stderr
    return done


@pytest.fixture
def inside(tmp_path, photo_like, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    gray = Image.fromarray(photo_like).convert("L")
    Path("in/sub").mkdir(parents=True)
    for name in ("a.jpg", "a.png", "b [1940].jpg", "\N{GRINNING FACE}.png", "sub/c.jpg"):
        gray.save(f"in/{name}")
    return tmp_path


def results(folder: str) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file())


@pytest.mark.fault(20, 21, 22, 24, 43)
def test_a_folder_with_a_broken_picture(inside, photo_like):
    """Faults 20, 21, 22, 24, 43: four kinds of trouble in one job."""
    Path("in/broken.jpg").write_bytes(Path("in/a.jpg").read_bytes()[:500])
    Path("in/._a.jpg").write_bytes(b"x")
    Path("in/Thumbs.db").write_bytes(b"x")
    Image.fromarray(photo_like).save("in/colour.png")
    done = run("auto", "in", "-o", "out", "--recursive", "--report", "r.json", status=1)
    lines = done.stderr.decode().splitlines()
    assert any(re.match(r"colordeploy: in/broken\.jpg is a truncated", line) for line in lines)
    assert any("in/colour.png has colours already, and is copied" in line for line in lines)
    assert re.match(r"out: 5 pictures, 1 copied .*, 1 failed in", lines[-1])
    assert results("out") == [
        "a.jpg.png", "a.png.png", "b [1940].png", "colour.png", "sub/c.png",
        "\N{GRINNING FACE}.png",
    ]  # fmt: skip
    assert np.array_equal(np.asarray(Image.open("out/colour.png")), photo_like)
    assert json.loads(Path("r.json").read_text())["counts"] == {"done": 5, "copied": 1, "failed": 1}
    again = run("auto", "in", "-o", "out", "--recursive", "--skip-existing", status=1)
    assert b"0 pictures, 6 skipped, 1 failed" in again.stderr


@pytest.mark.fault(22, 23, 42)
def test_nothing_is_replaced_and_nothing_begun(inside):
    before = results(".")
    for arguments, word in (
        (("in", "-o", "in/a.jpg"), "is a file"),
        (("in/a.jpg", "-o", "in/a.png"), "in the way"),
        (("in/a.png", "-o", "in/a.png"), "the picture itself"),
        (("in", "-o", "/proc/out"), "cannot make the folder"),
        (("in/a.jpg", "-o", ""), "empty name"),
        (("in/none*.jpg", "-o", "out"), "no pictures"),
        (("in", "-o", "out.png"), "one picture"),
        (("in/a.jpg", "-o", "b.jpg", "--depth", "16"), r"16 use \.png"),
        (("in/a.jpg", "-o", "b.png", "--max-megapixels", "0.001"), "limit of 0.001 megapixels"),
    ):
        done = run("auto", *arguments, status=1)
        (line,) = done.stderr.decode().splitlines()
        assert re.search(rf"^colordeploy: .*{word}", line)
    assert results(".") == before


@pytest.mark.fault(44)
def test_names_with_a_dash(inside):
    Path("in/a.jpg").rename("-dash.jpg")
    behind = run("auto", "--", "-dash.jpg", "-o", "out.png", status=2)
    assert b"write ./-dash.jpg" in behind.stderr
    assert b"write ./-dash.jpg" in run("auto", "-dash.jpg", "-o", "out.png", status=2).stderr
    run("auto", "./-dash.jpg", "-o", "out/")
    assert results("out") == ["-dash.png"]


@pytest.mark.fault(26, 42)
def test_standard_input_and_output(inside):
    """Faults 26, 42: ``-`` on both sides; only the picture is on stdout."""
    done = run("auto", "-", "-o", "-", input=Path("in/a.jpg").read_bytes())
    run("auto", "in/a.jpg", "-o", "direct.png")
    Path("piped.png").write_bytes(done.stdout)
    assert np.array_equal(np.asarray(Image.open("piped.png")), np.asarray(Image.open("direct.png")))


def test_palette_and_layers_are_planned(inside):
    run("auto", "in/a.jpg", "-o", "x.png", "--palette")
    assert Path("x.palette.png").exists()
    Path("x.palette.png").unlink()
    Image.new("L", (5, 5)).save("x.palette.png")  # somebody's picture
    done = run("auto", "in/a.jpg", "-o", "x.png", "--palette", status=1)
    assert b"x.palette.png" in done.stderr


@pytest.mark.fault(40)
def test_lines_without_a_terminal(inside, monkeypatch):
    """Fault 40: count, rate and time left now and then."""
    script = (
        "import colordeploy.cli.progress as p; p._EVERY = 0.0\n"
        "from colordeploy.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "auto", "in", "-o", "out"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"1 of 4 photos, [\d.]+ a (second|minute), [\d a-z]+ left", lines[0])
    assert len(lines) == 4


@pytest.mark.fault(25, 39)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption(inside, number):
    """Faults 25, 39: status 130 within a second, nothing half-done, and it goes on."""
    Image.open("in/a.png").resize((3000, 2200)).save("in/a.png")
    for place in range(12):
        Path(f"in/more{place}.png").write_bytes(Path("in/a.png").read_bytes())
    process = subprocess.Popen(
        [*_COMMAND, "auto", "in", "-o", "out"], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(Path().glob("out/[!.]*")):
        time.sleep(0.02)
    started = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - started < 1.5  # a second, and a busy machine
    assert process.returncode == 130
    assert "--skip-existing goes on" in said
    for name in results("out"):
        assert not name.startswith(".")
        Image.open(f"out/{name}").load()
    assert 0 < len(results("out")) < 16


def test_scribble_takes_the_same_care(inside, strokes_rgba):
    Image.fromarray(strokes_rgba).save("strokes.png")
    run("scribble", "in/a.jpg", "strokes.png", "-o", "in/a.png", "--model", "levin", status=1)
    run("scribble", "in/a.jpg", "strokes.png", "-o", "out.webp", "--model", "levin")
    run("scribble", "in/a.jpg", "strokes.png", "-o", "out.webp", "--model", "levin")
    os.mkfifo("pipe")
    reader = subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE)
    run("scribble", "in/a.jpg", "strokes.png", "-o", "pipe", "--model", "levin")
    assert reader.communicate(timeout=20)[0].startswith(b"\x89PNG")
    assert Path("pipe").is_fifo()
