"""OpenRaster files in a painting program: ``pytest -m editors``, with Debian's krita installed.

Krita opens a display even to export; without one Debian's xvfb gives it one.
"""

from __future__ import annotations

import os
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from colordeploy.pictures.openraster import Document, DocumentLayer

pytestmark = pytest.mark.editors
SECONDS = 300


def opened(document, folder):
    """What Krita makes of a document, (H, W, 3) uint8."""
    krita = shutil.which("krita")
    if krita is None:
        pytest.skip("krita is not installed: apt install krita")
    display = [] if "DISPLAY" in os.environ else [shutil.which("xvfb-run"), "-a"]
    if None in display:
        pytest.skip("there is no display, and xvfb is not installed: apt install xvfb")
    document.save(folder / "page.ora")
    folder = folder.resolve()
    environment = {**os.environ, "HOME": str(folder)}
    command = [
        *display,
        krita,
        "--export",
        "--export-filename",
        folder / "out.png",
        folder / "page.ora",
    ]
    subprocess.run(command, env=environment, check=True, timeout=SECONDS, capture_output=True)
    with Image.open(folder / "out.png") as picture:
        return np.asarray(picture.convert("RGB"))


def document():
    """Colours below half-transparent ink, and a hidden layer that must not show."""
    rng = np.random.default_rng(5)
    flat = np.full((48, 64, 4), 255, np.uint8)
    flat[..., :3] = rng.integers(0, 256, (6, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    lines = np.zeros((48, 64, 4), np.uint8)
    lines[20:28, :, 3] = np.linspace(0, 255, 64).astype(np.uint8)
    hidden = np.full((48, 64, 4), 255, np.uint8)
    alpha = lines[..., 3:] / 255
    merged = (flat[..., :3] * (1 - alpha) + 0.5).astype(np.uint8)
    layers = [
        DocumentLayer("flat", flat),
        DocumentLayer("hints", hidden, visible=False),
        DocumentLayer("lines", lines),
    ]
    return Document(layers, merged)


def test_layers_are_laid_over_each_other(tmp_path):
    given = document()
    picture = opened(given, tmp_path).astype(int)
    assert np.array_equal(picture[:20], given.merged[:20])  # colours to the level
    assert np.abs(picture - given.merged).max() <= 1


def test_the_layers_are_what_is_seen(tmp_path):
    given = document()
    other = Document(given.layers, 255 - given.merged)  # a wrong merged picture, not looked at
    assert np.abs(opened(other, tmp_path).astype(int) - given.merged).max() <= 1
