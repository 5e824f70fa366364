"""Large pictures through every method: time and peak memory at 1, 4, 12 and 24 megapixels.

    python bench/large_pictures.py [--model lga --model disco ...] [--out FILES]

Each picture is coloured in a process of its own, warmed up on a small one (the network always sees
the working size), so that its peak memory is its own. The example photo, enlarged; line art
methods get a drawing of circles whose lower half is screened, up to a printer's page of 35
megapixels. Guidance is the example of the method's record.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

EXAMPLES = Path(__file__).parents[1] / "examples"
MEGAPIXELS = (1, 4, 12, 24)
PAGE = 35  # megapixels, for line art
THREADS = 2


def photo(megapixels: float) -> np.ndarray:
    with Image.open(EXAMPLES / "colosseum.jpg") as opened:
        scale = (megapixels * 1e6 / (opened.width * opened.height)) ** 0.5
        size = (round(opened.width * scale), round(opened.height * scale))
        return np.asarray(opened.convert("L").resize(size, Image.Resampling.BICUBIC))


def drawing(megapixels: float) -> np.ndarray:
    side = round((megapixels * 1e6) ** 0.5)
    page = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(page)
    rng = np.random.default_rng(0)
    for x, y, radius in rng.random((40, 3)) * (side, side, side / 5):
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, outline=0, width=max(1, side // 200))
    drawn = np.array(page)
    pitch = max(6, side // 400)
    from_dot = (np.arange(side) % pitch - pitch / 2) ** 2
    lower = slice(side // 2, None)
    drawn[lower][from_dot[lower, None] + from_dot[None] <= (pitch / 4) ** 2] = 0
    return drawn


def is_line_art(model_name: str) -> bool:
    from colordeploy.bundle import find_bundle

    return find_bundle(model_name).manifest.method == "rasc"


def one(model_name: str, megapixels: float) -> dict[str, float]:
    """Colour one picture in this process."""
    import colordeploy
    from colordeploy.bench.report import peak_memory
    from colordeploy.bench.workload import method_of

    with colordeploy.load(model_name, device="cpu", threads=THREADS) as model:
        method = method_of(model)
        make = drawing if method.subject == "drawing" else photo

        def colour(picture: np.ndarray) -> tuple[float, float]:
            begin = time.perf_counter()
            canvas = model.prepare(picture)
            middle = time.perf_counter()
            rgb = np.stack([picture, picture // 2, picture // 3], axis=-1)  # some colour to take
            guidance = method.example_guidance(model, canvas, rgb, np.random.default_rng(0))
            given = time.perf_counter()
            if method.encode_guidance is not None:
                guidance = method.encode_guidance(model, guidance)
            result = canvas.render(guidance)
            end = time.perf_counter()
            if result.shape != (*picture.shape, 3) or result.std() < 1:
                raise SystemExit("that is no picture")
            return middle - begin, end - given

        colour(make(0.1))
        picture = make(megapixels)
        before = peak_memory()
        prepare, render = colour(picture)
    peak = peak_memory()
    return {"prepare": prepare, "render": render, "before": before, "peak": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", help="name or bundle; any number")
    parser.add_argument("--out", type=Path, default=Path("bench/results/large_pictures"))
    parser.add_argument("--one", nargs=2, metavar=("MODEL", "MP"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(one(arguments.one[0], float(arguments.one[1]))))
        return
    rows = []
    lines = [
        f"{THREADS} threads; seconds; peak memory of the whole process in MiB (the runtime, the",
        "model and the decoded picture included)",
        f"{'model':8s}{'MP':>4s}{'prepare':>9s}{'render':>8s}{'peak':>7s}",
    ]
    print("\n".join(lines))
    for model in arguments.model or ("lga", "disco", "sscn", "rasc"):
        pages = (PAGE,) if is_line_art(model) else ()
        for megapixels in MEGAPIXELS + pages:
            command = [sys.executable, __file__, "--one", model, str(megapixels)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            row = {"model": Path(model).name, "megapixels": megapixels, **json.loads(output)}
            rows.append(row)
            lines.append(
                f"{row['model']:8s}{megapixels:4d}{row['prepare']:9.2f}{row['render']:8.2f}"
                f"{row['peak']:7.0f}"
            )
            print(lines[-1], flush=True)
    arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    arguments.out.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
