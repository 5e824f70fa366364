"""Memory that a large picture file takes, read, coloured and written as a job does it.

    python bench/file_memory.py [--megapixels 100] [--kind jpeg ...] [--method disco ...]
        [--format png] [--out FILE]

Each kind and method in a process of its own, after a small picture has been through the same: the
highest resident memory less that before, as a multiple of the picture's decoded RGB size (3 bytes
a pixel; 6 with 16 bits). Default sizes; the layer of strokes of `lga` and the reference of `sscn`
have the picture's size, and count for nothing in the multiple.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

from colordeploy import Picture, save_picture
from colordeploy.pictures.metadata import Metadata

PHOTO = Path(__file__).parents[1] / "examples" / "colosseum.jpg"
KINDS = (
    "jpeg", "jpeg colour", "jpeg rotated", "jpeg profile", "png alpha", "png colour alpha",
    "png 16", "png 16 colour", "png 16 colour rotated", "tiff", "tiff 16",
)  # fmt: skip
METHODS = ("disco", "lga", "levin", "sscn")


def make(kind: str, megapixels: float, path: Path) -> None:
    """Write a photograph of this size: grey, or brown where it has colour."""
    with Image.open(PHOTO) as opened:
        scale = (megapixels * 1e6 / (opened.width * opened.height)) ** 0.5
        size = (round(opened.width * scale), round(opened.height * scale))
        photo = opened.convert("L").resize(size)
    words = kind.split()[1:]
    exif = Image.Exif()
    exif[0x0112] = 6 if "rotated" in words else 1
    if "16" in words:
        deep = np.asarray(photo, np.uint16) * 257
        if "colour" in words:
            deep = np.stack([deep, deep - deep // 8, deep - deep // 4], axis=-1)
            like = Picture(np.empty((*deep.shape[:2], 0)), metadata=Metadata(exif.tobytes()))
            save_picture(deep, path.with_suffix(".png"), like=like)
            path.with_suffix(".png").rename(path)
            return
        picture = Image.fromarray(deep)
    else:
        planes = [photo] * 3
        if "colour" in words or "profile" in words:
            planes = [photo, photo.point(lambda v: v - v // 8), photo.point(lambda v: v - v // 4)]
        picture = Image.merge("RGB", planes)
        if "alpha" in words:
            alpha = Image.linear_gradient("L").resize(size)
            bands = (*planes, alpha) if "colour" in words else (photo, alpha)
            picture = Image.merge("RGBA" if "colour" in words else "LA", bands)
    more: dict[str, Any] = {}
    if kind.startswith("tiff"):
        more["compression"] = "tiff_lzw"
    if "profile" in words:
        more["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    form = {"jpeg": "JPEG", "png": "PNG", "tiff": "TIFF"}[kind.split()[0]]
    if form == "JPEG":
        more["quality"] = 92
    picture.save(path, form, compress_level=1, exif=exif, **more)


def measure(large: Path, small: Path, method: str, suffix: str) -> float:
    """Bytes taken at the highest, of this process, by colouring a picture."""
    import colordeploy
    from colordeploy.batch import Incoming, JobOptions, Produced, find_sources, make_plan, run_job

    with colordeploy.load(method, threads=2) as model, tempfile.TemporaryDirectory() as folder:

        def colour(source: Path) -> None:
            guidance = (source.with_name(f"{source.name} guidance.png"),)

            def work(picture: Incoming, cancel: colordeploy.CancelToken) -> Produced:
                with model.prepare(picture.take(), cancel=cancel) as canvas:
                    return Produced(
                        canvas.render(*(() if method == "disco" else guidance), cancel=cancel)
                    )

            options = JobOptions()
            plan = make_plan(find_sources([source]), f"{folder}/{source.stem}.{suffix}", options)
            assert not run_job(plan, work, options).failed

        colour(small)
        before = status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the highest begins anew
        colour(large)
        return status("VmHWM") - before


def make_guidance(method: str, path: Path) -> None:
    """Strokes or a reference of the size of a picture."""
    with Image.open(path) as opened:
        width, height = opened.size
        if opened.getexif().get(0x0112) == 6:
            width, height = height, width
    guidance = path.with_name(f"{path.name} guidance.png")
    if method == "sscn":
        with Image.open(PHOTO) as photo:
            tinted = ImageOps.colorize(photo.convert("L"), "#203050", "#ffe0b0", "#c06040")
            tinted.resize((width, height)).save(guidance, compress_level=1)
    elif method != "disco":
        layer = Image.new("RGBA", (width, height))
        for place, color in enumerate(((200, 40, 30, 255), (40, 60, 200, 255))):
            left, top = width * (1 + place) // 4, height // 3
            layer.paste(color, (left, top, left + width // 20 + 1, top + height // 20 + 1))
        layer.save(guidance, compress_level=1)


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
    parser.add_argument("--method", action="append", choices=METHODS)
    parser.add_argument("--format", default="png")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        large, small, method, suffix = arguments.one
        print(measure(Path(large), Path(small), method, suffix))
        return
    lines = [f"{arguments.megapixels:g} megapixels, two threads, to {arguments.format}"]
    print(lines[0])
    for kind in arguments.kind or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            large, small = Path(folder) / "large", Path(folder) / "small"
            make(kind, arguments.megapixels, large)
            make(kind, 0.5, small)
            for method in arguments.method or METHODS[:1]:
                for path in (large, small):
                    make_guidance(method, path)
                command = [sys.executable, __file__, "--one", str(large), str(small), method]
                done = subprocess.run(
                    [*command, arguments.format], check=True, stdout=subprocess.PIPE, text=True
                )
                taken = float(done.stdout)
                decoded = arguments.megapixels * 1e6 * (6 if "16" in kind else 3)
                lines.append(
                    f"{kind:22s} {method:6s} {taken / 2**20:6.0f} MiB  "
                    f"{taken / decoded:.2f} times its size"
                )
                print(lines[-1], flush=True)
    if arguments.out:
        arguments.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None
    main()
