"""Memory that a large picture file takes, read, coloured and written as a job does it.

    python bench/file_memory.py [--megapixels 100] [--kind jpeg ...] [--out FILE]

Each kind in a process of its own, after a small picture has been through the same: the highest
resident memory less that before, as a multiple of the picture's decoded size (3 bytes a pixel; 6
with 16 bits). `auto` (disco) at its default size, to PNG.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

PHOTO = Path(__file__).parents[1] / "examples" / "colosseum.jpg"
KINDS = ("jpeg", "jpeg rotated", "png alpha", "tiff 16")


def make(kind: str, megapixels: float, path: Path) -> None:
    """Write a grey photograph of this size."""
    with Image.open(PHOTO) as opened:
        scale = (megapixels * 1e6 / (opened.width * opened.height)) ** 0.5
        size = (round(opened.width * scale), round(opened.height * scale))
        photo = opened.convert("L").resize(size)
    if kind.startswith("jpeg"):
        exif = Image.Exif()
        exif[0x0112] = 6 if "rotated" in kind else 1
        photo.convert("RGB").save(path, "JPEG", quality=92, exif=exif)
    elif kind == "png alpha":
        alpha = Image.linear_gradient("L").resize(size)
        Image.merge("LA", (photo, alpha)).save(path, "PNG", compress_level=1)
    else:
        Image.fromarray(np.asarray(photo, np.uint16) * 257).save(
            path, "TIFF", compression="tiff_lzw"
        )


def measure(path: Path, small: Path) -> float:
    """Bytes taken at the highest, of this process, by colouring a picture."""
    import colordeploy
    from colordeploy.batch import Incoming, JobOptions, Produced, find_sources, make_plan, run_job

    with colordeploy.load("disco", threads=2) as model, tempfile.TemporaryDirectory() as folder:

        def work(picture: Incoming, cancel: colordeploy.CancelToken) -> Produced:
            with model.prepare(picture.take(), cancel=cancel) as canvas:
                return Produced(canvas.render(cancel=cancel))

        def colour(source: Path) -> None:
            options = JobOptions()
            plan = make_plan(find_sources([source]), f"{folder}/{source.stem}.png", options)
            assert not run_job(plan, work, options).failed

        colour(small)
        before = status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the highest begins anew
        colour(path)
        return status("VmHWM") - before


def status(field: str) -> float:
    """Bytes that the system says of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return float(line.split()[1]) * 1024
    raise KeyError(field)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, default=100)
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(measure(*arguments.one))
        return
    lines = [f"{arguments.megapixels:g} megapixels, auto (disco), two threads, to PNG"]
    for kind in arguments.kind or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            large, small = Path(folder) / "large", Path(folder) / "small"
            make(kind, arguments.megapixels, large)
            make(kind, 0.5, small)
            command = [sys.executable, __file__, "--one", str(large), str(small)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
        taken = float(done.stdout)
        decoded = arguments.megapixels * 1e6 * (6 if "16" in kind else 3)
        lines.append(f"{kind:14s} {taken / 2**20:6.0f} MiB  {taken / decoded:.2f} times its size")
    print("\n".join(lines))
    if arguments.out:
        arguments.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None
    main()
