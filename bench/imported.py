"""Imported networks beside the official PyTorch pipelines, on a photo of a megapixel, two threads.

    python bench/imported.py [--only ddcolor ...] [--rounds 5] [--out bench/results/imported]

Needs checkouts of the official code, named by the environment variables of
``tests/importing/official/checkouts.py``, and opencv-python-headless, scikit-image and einops. Both
sides have the same synthetic weights and the same decoded photo of 1024x1024 pixels, and make a
uint8 picture of that size; rounds alternate. Before any time is printed the colours of both are
compared for a picture of the network's own size, before they are composed. A network with hints
gets twelve strokes; an edit is another stroke set on the same canvas, for which the official code
does everything anew.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import colordeploy
from colordeploy import Stroke
from colordeploy.importing import Described, import_network

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
from peers import official_colorizers as peers

from tests.importing.official.cases import CASES, Case
from tests.importing.official.checkouts import CHECKOUTS, folder_of, modules_of

THREADS = 2
LIMIT = 1e-3  # of ab
SIDE = 1024
NETWORK_SIDES = {"ddcolor": 512}  # others as in `CASES`


def photo() -> NDArray[np.uint8]:
    file = Path(__file__).parents[1] / "examples" / "colosseum.jpg"
    picture = Image.open(file).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def strokes(seed: int, count: int = 12) -> list[Stroke]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        y, x = rng.integers(50, SIDE - 50, 2)
        color = tuple(int(v) for v in rng.integers(30, 226, 3))
        made.append(Stroke([(int(y), int(x)), (int(y), int(x) + 20)], color, 8))
    return made


def pipeline(name: str, case: Case, folder: Path, side: int) -> peers.Pipeline:
    """The official one for a case."""
    if name == "ddcolor":
        with modules_of(folder, "ddcolor") as (package,):
            return peers.ddcolor(package, case.net, side)
    if name == "icolorit":
        ab = 110 * np.moveaxis(case.fed[0][0, 1:].numpy(), 0, -1)
        return peers.icolorit(case.net, side, case.fed[1], ab)
    with modules_of(folder, "colorizers.util") as (util,):
        return peers.zhang(util, case.net, side, case.fed[1:])


def imported(case: Case, folder: Path) -> Path:
    case.export(folder / "network.onnx")
    described = Described.by_preset(case.preset, name="x", licence="none", trained_on="nothing")
    import_network(folder / "network.onnx", folder / "bundle", described)
    return folder / "bundle"


def difference(model: Any, case: Case) -> float:
    with model.prepare(case.picture) as canvas:
        ours = canvas.chroma if case.strokes is None else canvas.chroma_of(case.strokes)
    return float(np.abs(ours - case.ab).max())


def clocked(call: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = call()
    return 1e3 * (time.perf_counter() - begin), result


def measured(name: str, rounds: int) -> dict[str, Any]:
    """Medians in milliseconds, and how far the colours differ."""
    checkout, make, _, side = CASES[name]
    side, found = NETWORK_SIDES.get(name, side), folder_of(checkout)
    if found is None:
        raise SystemExit(f"{name}: {CHECKOUTS[checkout]} has to name a checkout")
    case, rgb = make(found, side, small=False), photo()
    official = pipeline(name, case, found, side)
    times: dict[str, list[float]] = {"official": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder:
        bundle = imported(case, Path(folder))
        with colordeploy.load(bundle, device="cpu", threads=THREADS) as model:
            off = difference(model, case)
            if not off < LIMIT:
                raise SystemExit(f"{name}: the two differ by {off:.2g} in ab")
            guidance = [] if case.strokes is None else [strokes(0)]
            for turn in range(rounds + 1):
                theirs, _ = clocked(lambda: official(rgb))
                ours, _ = clocked(lambda: model(rgb, *guidance))
                times["official"].append(theirs)
                times["ours"].append(ours)
                if guidance:
                    canvas = model.prepare(rgb)
                    canvas.render(strokes(0))
                    edit, _ = clocked(lambda c=canvas, t=turn: c.render(strokes(t + 1)))
                    times.setdefault("edit", []).append(edit)
    medians = {key: float(np.median(values[1:])) for key, values in times.items()}
    return {"side": side, "ab differs by": off, **medians}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("bench/results/imported"))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    import cv2

    cv2.setNumThreads(THREADS)
    record: dict[str, Any] = {"threads": THREADS, "photo": SIDE, "rounds": arguments.rounds}
    lines = [
        f"{SIDE}x{SIDE}, {THREADS} threads, medians of {arguments.rounds} alternating rounds, ms",
        f"{'':18s}{'network':>8s}{'official':>10s}{'ours':>9s}{'official / ours':>17s}{'edit':>9s}"
        f"{'ab differs by':>15s}",
    ]
    for name in arguments.only:
        row = record[name] = measured(name, arguments.rounds)
        row["official / ours"] = row["official"] / row["ours"]
        edit = f"{row['edit']:9.0f}" if "edit" in row else f"{'':9s}"
        lines.append(
            f"{name:18s}{row['side']:8d}{row['official']:10.0f}"
            f"{row['ours']:9.0f}{row['official / ours']:17.2f}{edit}{row['ab differs by']:15.1e}"
        )
    print("\n".join(lines))
    arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    arguments.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
