"""Throughput of jobs: pictures read, coloured and written side by side, against one by one.

    python bench/jobs.py [--pictures 4] [--megapixels 60] [--format png] [--old CHECKOUT]
                         [--out FILE]

The example photo, enlarged, with grain, as grey JPEG files; `auto` (disco) writes them into a
folder. One by one is a loop of read, prepare, render and `save_picture`, as a caller writes it,
with all threads for one picture; a job of small ones shares the threads out among several. Both
run in this process with the model loaded, in turns; the pixels of both are compared. With
another checkout whose core is built in place, its command and this one's take turns as well, each
a process from start to end (their models may differ: on so large pictures they are a small part).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import colordeploy
from colordeploy.batch import Incoming, JobOptions, Produced, find_sources, make_plan, run_job

THREADS = 2
PHOTO = Path(__file__).parents[1] / "examples" / "colosseum.jpg"


def make_photos(folder: Path, count: int, megapixels: float) -> None:
    """Grey photographs of this size, each with grain of its own."""
    with Image.open(PHOTO) as opened:
        photo = opened.convert("L")
    scale = (megapixels * 1e6 / (photo.width * photo.height)) ** 0.5
    large = photo.resize((round(photo.width * scale), round(photo.height * scale)))
    values = np.asarray(large, np.int16)
    for number in range(count):
        grain = np.random.default_rng(number).integers(-4, 5, values.shape, np.int8)
        noisy = np.clip(values + grain, 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"photo{number}.jpg", quality=92)


def one_by_one(model: Any, sources: list[Path], out: Path, suffix: str) -> float:
    """Seconds of a loop."""
    started = time.perf_counter()
    for source in sources:
        picture = colordeploy.Picture.open(source)
        with model.prepare(picture) as canvas:
            result = canvas.render()
        colordeploy.save_picture(result, out / f"{source.stem}{suffix}", like=picture)
    return time.perf_counter() - started


def as_a_job(models: dict[int, Any], folder: Path, out: Path, suffix: str) -> float:
    """Seconds of a job; `models` by their numbers of threads."""
    options = JobOptions(suffix=suffix, overwrite=True)
    plan = make_plan(find_sources([folder]), str(out), options)
    workers = plan.workers(THREADS)
    model = models[THREADS // workers]

    def work(picture: Incoming, cancel: colordeploy.CancelToken) -> Produced:
        with model.prepare(picture.take(), cancel=cancel) as canvas:
            return Produced(canvas.render(cancel=cancel))

    started = time.perf_counter()
    report = run_job(plan, work, options, workers=workers)
    assert not report.failed
    return time.perf_counter() - started


def command(checkout: Path, folder: Path, out: Path) -> float:
    """Seconds of ``colordeploy auto`` of a checkout over a folder."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "from colordeploy.cli import main; main()", "auto", folder,
         "-o", out], check=True, env={**os.environ, "PYTHONPATH": str(checkout)}, cwd=checkout,
        capture_output=True,
    )  # fmt: skip
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=4)
    parser.add_argument("--megapixels", type=float, default=60)
    parser.add_argument("--format", default="png")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--old", type=Path, help="another checkout, with a built core")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    suffix = f".{arguments.format}"
    times: dict[str, list[float]] = {"one by one": [], "job": []}
    models = {n: colordeploy.load("disco", threads=n) for n in (1, THREADS)}
    model = models[THREADS]
    with tempfile.TemporaryDirectory() as name:
        folder, loop, job = (Path(name) / part for part in ("in", "loop", "job"))
        for path in (folder, loop, job):
            path.mkdir()
        make_photos(folder, arguments.pictures, arguments.megapixels)
        sources = sorted(folder.iterdir())
        for each in models.values():
            with each.prepare(sources[0], size=64) as canvas:
                canvas.render()
        for _ in range(arguments.rounds):
            times["one by one"].append(one_by_one(model, sources, loop, suffix))
            times["job"].append(as_a_job(models, folder, job, suffix))
            if arguments.old:
                here = Path(__file__).resolve().parents[1]
                for what, checkout in (("old command", arguments.old), ("command", here)):
                    seconds = command(checkout.resolve(), folder, Path(name) / "command")
                    times.setdefault(what, []).append(seconds)
        for path in sorted(loop.iterdir()):
            with Image.open(path) as one, Image.open(job / path.name) as other:
                assert np.array_equal(np.asarray(one), np.asarray(other)), path.name
    best = {what: min(seconds) for what, seconds in times.items()}
    lines = [
        f"{arguments.pictures} photos of {arguments.megapixels:g} megapixels, JPEG to "
        f"{arguments.format}, auto (disco), {THREADS} threads, best of "
        f"{arguments.rounds}",
        *(
            f"{what:12s} {seconds:6.1f} s  {arguments.pictures / seconds:6.3f} pictures a second"
            for what, seconds in best.items()
        ),
        f"throughput   {best['one by one'] / best['job']:.2f} times; pixels equal",
    ]
    if arguments.old:
        lines.append(f"command      {best['old command'] / best['command']:.2f} times the old one")
    print("\n".join(lines))
    if arguments.out:
        arguments.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    Image.MAX_IMAGE_PIXELS = None
    main()
