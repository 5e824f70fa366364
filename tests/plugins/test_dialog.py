"""The dialog on a screen: its preview, OK, and undo in one step. ``pytest -m gimp``.

COLORDEPLOY_SCREENSHOTS names a folder for what was seen, such as docs/images.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageGrab

from .gimp import SECONDS, Gimp, environment

pytestmark = pytest.mark.gimp
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def display():
    """A screen of its own."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt install xvfb xdotool")
    reading, writing = os.pipe()
    words = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x900x24"]
    process = subprocess.Popen(words, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as numbers:
        number = numbers.readline().strip()
    yield f":{number}"
    process.kill()
    process.wait()


def xdotool(display, *words):
    """What xdotool prints; nothing when it finds nothing."""
    done = subprocess.run(
        ["xdotool", *map(str, words)],
        env={**os.environ, "DISPLAY": display}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.split()


def waited(look):
    """What `look` finds, as soon as that is something."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError("nothing was seen in time")


def geometry(display, window):
    """left, top, width, height."""
    words = xdotool(display, "getwindowgeometry", "--shell", window)
    values = dict(word.split("=") for word in words if "=" in word)
    return tuple(int(values[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))


def shot(display, box):
    """A part of the screen."""
    left, top, width, height = box
    return ImageGrab.grab((left, top, left + width, top + height), xdisplay=display)


def colored(picture):
    """Whether anything in it is in colour; GIMP's theme is grey."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    return (np.ptp(pixels, axis=2) > 40).mean() > 0.01


def test_preview_result_and_undo(plug_ins, display, tmp_path):
    with Image.open(EXAMPLES / "colosseum.jpg") as picture:
        photo = np.asarray(picture.convert("RGB"))
    with Image.open(EXAMPLES / "colosseum-strokes.png") as picture:
        strokes = np.asarray(picture.convert("RGBA"))
    with Gimp(tmp_path / "home", plug_ins, environment(), display) as gimp:
        image, layer = gimp.opened(photo)
        marks = gimp.layer(image, strokes)
        gimp.run(f'(gimp-item-set-name {marks} "strokes")')
        gimp.run(f"(gimp-image-select-rectangle {image} CHANNEL-OP-REPLACE 0 0 250 256)")
        gimp.run(f"(gimp-image-undo-disable {image})")
        gimp.run(f"(gimp-image-undo-enable {image})")  # nothing to undo but what follows
        gimp.run(f"(gimp-display-new {image})")
        script = f'(plug-in-colordeploy-strokes 0 {image} {layer} {marks} "lga" 1.0)'

        def opened():
            gimp.send(script)
            words = ["search", "--onlyvisible", "--name", "Colorize by Strokes"]
            return waited(lambda: xdotool(display, *words))[-1]

        xdotool(display, "windowfocus", opened(), "key", "Escape")
        assert gimp.answer() == "(#f)"  # cancelled, most likely while the picture was prepared
        assert gimp.call("gimp-image-get-layers", image)[0] == 2
        window = opened()
        waited(lambda: colored(shot(display, geometry(display, window))))
        box = geometry(display, window)
        if folder := os.environ.get("COLORDEPLOY_SCREENSHOTS"):
            shot(display, box).save(Path(folder) / "gimp-dialog.png")
        left, top, width, height = box
        xdotool(display, "mousemove", left + width - 50, top + height - 26, "click", 1)
        assert int(gimp.answer().strip("()")) > 0
        assert gimp.call("gimp-image-get-layers", image)[0] == 3
        if folder:
            time.sleep(2)
            shot(display, (0, 0, 1280, 900)).save(Path(folder) / "gimp-result.png")

        # One step takes back the layer and its mask; below also the conversion to colour.
        def undo():
            main = xdotool(display, "search", "--onlyvisible", "--name", "given")[-1]
            xdotool(display, "windowfocus", main, "key", "ctrl+z")

        undo()
        waited(lambda: gimp.call("gimp-image-get-layers", image)[0] == 2)
        gray, layer = gimp.opened(photo[..., 0])
        assert gimp.one("gimp-image-base-type", gray) == 1
        gimp.run(f"(gimp-display-new {gray})")
        gimp.run(f'(plug-in-colordeploy-automatic 1 {gray} {layer} "" 8 0 0 -1 -1 TRUE 1.0)')
        assert gimp.one("gimp-image-base-type", gray) == 0
        time.sleep(2)  # until the window shows it
        undo()
        waited(lambda: gimp.one("gimp-image-base-type", gray) == 1)
        assert gimp.call("gimp-image-get-layers", gray)[0] == 1
