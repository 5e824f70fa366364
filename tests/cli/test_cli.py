from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ..copied import copied


def run(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does; a traceback is never an answer."""
    command = [sys.executable, "-c", "from colordeploy.cli import main; main()"]
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def files(tmp_path, photo_like, strokes_rgba):
    Image.fromarray(photo_like).convert("L").save(tmp_path / "photo.png")
    Image.fromarray(strokes_rgba).save(tmp_path / "strokes.png")
    return tmp_path


def test_scribble_mends_a_base(files):
    photo, strokes = files / "photo.png", files / "strokes.png"
    run("auto", photo, "-o", files / "base.png")
    base = np.asarray(Image.open(files / "base.png")).astype(int)
    for given in (files / "base.png", "auto"):
        out = files / f"mended-{Path(given).stem}.png"
        run("scribble", photo, strokes, "-o", out, "--base", given, "--reach", "0.2",
            "--size", "native")  # fmt: skip
        change = np.abs(np.asarray(Image.open(out)).astype(int) - base).max(axis=2)
        marked = np.asarray(Image.open(strokes))[..., 3] > 0
        assert change[marked].mean() > 5 * change[~marked].mean()
    done = run("scribble", photo, strokes, "-o", out, "--base", "none.png", status=1)
    assert "--base none.png is neither" in done.stderr
    run("scribble", photo, strokes, "-o", out, "--reach", "2", status=2)


@pytest.mark.parametrize("model", ["lga", "levin"])
def test_scribble(files, model):
    out = files / "out.png"
    done = run("scribble", files / "photo.png", files / "strokes.png", "-o", out, "--model", model)
    assert "160x120" in done.stderr
    picture = np.asarray(Image.open(out))
    assert picture.shape == (120, 160, 3)
    assert np.ptp(picture.astype(int), axis=-1).max() > 40  # there is colour


def test_verbosity(files):
    arguments = ("scribble", files / "photo.png", files / "strokes.png", "-o", files / "o.png")
    assert run(*arguments, "-q").stderr == ""
    assert "prepare" in run(*arguments, "-v", "--size", "64").stderr


def assert_refused(done, files, *words):
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("colordeploy: ")
    for word in words:
        assert re.search(word, lines[0])
    assert sorted(p.name for p in files.iterdir()) == ["photo.png", "strokes.png"]


def test_bad_input_is_one_line_and_leaves_nothing(files, strokes_rgba):
    photo, strokes, out = files / "photo.png", files / "strokes.png", files / "out.png"
    done = run("scribble", files / "none.png", strokes, "-o", out, status=1)
    assert_refused(done, files, "none.png")
    done = run("scribble", photo, photo, "-o", out, status=1)
    assert_refused(done, files, "transparency")
    done = run("scribble", photo, strokes, "-o", files / "out.what", status=1)
    assert_refused(done, files, "suffix")
    done = run("scribble", photo, strokes, "-o", out, "--model", "none", status=1)
    assert_refused(done, files, "none")
    done = run("scribble", photo, strokes, "-o", out, "--device", "cuda", status=1)
    assert_refused(done, files, "CUDA")
    Image.fromarray(strokes_rgba[:50, :60]).save(strokes)
    done = run("scribble", photo, strokes, "-o", out, status=1)
    assert_refused(done, files, "60x50", "160x120")
    photo.write_bytes(photo.read_bytes()[:500])
    done = run("scribble", photo, strokes, "-o", out, status=1)
    assert_refused(done, files, "photo.png")


def test_wrong_usage():
    run("scribble", status=2)
    run("nothing", status=2)
    run("scribble", "a", "b", "-o", "c", "--size", "0", status=2)
    run("scribble", "a", "b", "-o", "c", "--backend", "x", status=2)
    run("affinities", "a", "-o", "c", "--at", "x", status=2)


@pytest.mark.parametrize("model", ["lga", "levin"])
def test_affinities(files, model):
    out = files / "affinities.png"
    run("affinities", files / "photo.png", "-o", out, "--at", "60,80", "--model", model)
    with Image.open(out) as picture:
        width, height = picture.size
    assert height == 120
    assert width > 5 * 160
    run("affinities", files / "photo.png", "-o", out, "--at", "500,80", status=1)


def test_models(tmp_path):
    listed = run("models", "list").stdout
    assert "levin" in listed
    assert "lga" in listed
    assert "SHA-256" in run("models", "info", "lga").stdout
    assert json.loads(run("models", "info", "lga", "--json").stdout)["name"] == "lga"
    assert run("models", "verify", "lga").stdout.startswith("ok")
    run("models", "verify", "none", status=1)
    for i in range(2):
        Image.fromarray(np.pad(np.full((80, 90), 255, np.uint8), 10 + i)).save(
            tmp_path / f"{i}.png"
        )
    pattern = ("models", "verify", "rasc", "--device", "cpu", "--pictures")
    assert "2 pictures: off by 0.0" in run(*pattern, tmp_path / "*.png").stdout
    assert "no pictures in there" in run(*pattern, tmp_path / "*.jpg", status=1).stderr


def test_models_verify_notices_damage(tmp_path):
    copy = copied("lga", tmp_path / "lga")
    content = bytearray((copy / "affinity.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "affinity.onnx").write_bytes(content)
    assert "damaged" in run("models", "verify", copy, status=1).stderr
