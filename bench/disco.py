"""DISCO at paper size on two CPU threads, end to end, against the official PyTorch code.

    python bench/disco.py --official CLONE [--rounds 12] [--out bench/results/disco]

CLONE is a clone of github.com/MenghanXia/DisentangledColorization; it needs opencv-python-headless,
scikit-image and tqdm. Both sides get the same synthetic weights (those of the tests' reference)
and the same decoded uint8 picture of 256x256 pixels, and make a uint8 picture; rounds alternate.
Before any time is printed, the chroma of both is compared with the same anchors given. Besides the
whole, ours is timed by stages, and so is an edit of the anchors, which runs the second graph only.
"bf16" is ours on OpenVINO in bfloat16: its chroma is other chroma, and how far it is off is printed
beside the time. On these synthetic weights, which make a network of nothing but chance, it is off
far more than on a trained one (bench/precision.py, docs/deploying.md).
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

import colordeploy
from colordeploy.bundle import Bundle
from colordeploy.native import kmeans
from colordeploy.pictures.color import AB_BINS
from colordeploy.runtime.graph import Target
from export.bundling.disco import specification
from export.bundling.specification import write
from export.bundling.writer import Identity
from export.models.disco.network import Disco, DiscoConfig

sys.path.insert(0, str(Path(__file__).parent))
from peers.official_disco import OfficialDisco

REFERENCE = Path(__file__).parents[1] / "tests" / "export" / "disco_reference"
THREADS = 2
LIMIT = 1e-3  # of ab / 110


def synthetic_weights() -> dict[str, torch.Tensor]:
    sys.path.insert(0, str(REFERENCE))
    from weights import make_weights

    entries = json.loads((REFERENCE / "state_dict.json").read_text())["entries"]
    return {name: torch.from_numpy(np.array(a)) for name, a in make_weights(entries, 1).items()}


def picture() -> NDArray[np.uint8]:
    photo = Image.open(Path(__file__).parents[1] / "examples" / "colosseum.jpg").convert("RGB")
    return np.asarray(photo.resize((256, 256), Image.Resampling.BICUBIC))


def differences(
    official: OfficialDisco, bundle: Bundle, rgb: NDArray[np.uint8], target: Target
) -> NDArray[np.float32]:
    """Of ab / 110, (2, h, w), with the official anchors given."""
    _, expected = official(rgb)
    found = bundle.load("analyze", target).run({"gray": official.gray})
    best = found["probabilities"].argmax(axis=1)
    colors = np.moveaxis(AB_BINS[best], -1, 1).astype(np.float32)
    ab = bundle.load("generate", target).run(
        {
            "gray": official.gray,
            "association": found["association"],
            "tokens": found["tokens"],
            "mask": official.mask,
            "colors": colors,
        }
    )["ab"][0]
    return np.asarray(ab / 110 - expected).reshape(2, *ab.shape[-2:])


def rendered(model: Any, rgb: NDArray[np.uint8]) -> Any:
    """The canvas of a picture that was rendered."""
    canvas = model.prepare(rgb)
    canvas.render()
    return canvas


def arithmetic(net: Disco) -> float:
    """GFLOP of one picture at 256x256, counted by PyTorch."""
    gray = torch.zeros(1, 1, 256, 256)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        found = net.analyze(gray)
        mask, colors = torch.ones(1, 1, 16, 16), torch.zeros(1, 2, 16, 16)
        net.generate(gray, found.association, found.tokens, mask, colors)
    return counter.get_total_flops() / 1e9


def peak() -> float:
    """GFLOP/s of the machine in single precision: a large matrix product, the best of ten."""
    a, b = torch.rand(2048, 2048), torch.rand(2048, 2048)
    return 2 * 2.048**3 / min(clocked(lambda: a @ b)[0] / 1e3 for _ in range(10))


def clocked(call: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = call()
    return 1e3 * (time.perf_counter() - begin), result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--official", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--out", type=Path, default=Path("bench/results/disco"))
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    weights = synthetic_weights()
    net = Disco(DiscoConfig()).eval()
    net.load_state_dict(weights)
    rgb = picture()
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle"
        spec = specification(net, half=False)
        write(spec, path, Identity("paper"), trained_on="nothing")
        official = OfficialDisco(arguments.official.resolve(), weights)
        bundle = Bundle(path)
        target = Target(device="cpu", threads=THREADS)
        worst = float(np.abs(differences(official, bundle, rgb, target)).max())
        if not worst < LIMIT:
            raise SystemExit(f"the two differ by {worst:.2g} in ab / 110")
        half = Target("openvino", "cpu", THREADS, "bf16")
        off = 110 * np.linalg.norm(differences(official, bundle, rgb, half), axis=0)
        analyze, generate = (bundle.load(name, target) for name in ("analyze", "generate"))
        with (
            colordeploy.load(path, device="cpu", threads=THREADS) as model,
            colordeploy.load(
                path, backend="openvino", device="cpu", threads=THREADS, precision="bf16"
            ) as rounded,
        ):
            for turn in range(arguments.rounds + 2):
                theirs, _ = clocked(lambda: official(rgb))
                prepare, canvas = clocked(lambda: model.prepare(rgb))
                render, _ = clocked(canvas.render)
                edited = canvas.anchors[:-1]
                edit, _ = clocked(lambda c=canvas, e=edited: c.render(e))
                half_whole, canvas = clocked(lambda: rendered(rounded, rgb))
                half_edit, _ = clocked(lambda c=canvas: c.render(c.anchors[:-1]))
                first, found = clocked(lambda: analyze.run({"gray": official.gray}))
                points = found["color_features"][0].reshape(net.config.tokens, -1).T
                cluster, _ = clocked(lambda p=points: kmeans(p, 8, seed=0))
                inputs = {
                    "gray": official.gray,
                    "association": found["association"],
                    "tokens": found["tokens"],
                    "mask": official.mask,
                    "colors": np.zeros((1, 2, 16, 16), np.float32),
                }
                second, _ = clocked(lambda i=inputs: generate.run(i))
                if turn < 2:
                    continue
                row = {
                    "official": theirs,
                    "ours": prepare + render,
                    "prepare": prepare,
                    "render": render,
                    "edit": edit,
                    "graph analyze": first,
                    "k-means": cluster,
                    "graph generate": second,
                    "bf16": half_whole,
                    "bf16, edit": half_edit,
                }
                for name, value in row.items():
                    times.setdefault(name, []).append(value)
    medians = {name: float(np.median(values)) for name, values in times.items()}
    medians["other stages"] = (
        medians["ours"] - medians["graph analyze"] - medians["k-means"] - medians["graph generate"]
    )
    gflop, rate = arithmetic(net), peak()
    share = 1e3 * gflop / rate / medians["ours"]
    record = {
        "milliseconds": medians,
        "GFLOP": gflop,
        "GFLOP/s of a matrix product": rate,
        "share of the time that is arithmetic at that rate": share,
        "official / ours": medians["official"] / medians["ours"],
        "ours / edit": medians["ours"] / medians["edit"],
        "official / bf16": medians["official"] / medians["bf16"],
        "bf16 / its edit": medians["bf16"] / medians["bf16, edit"],
        "bf16, mean error in ab": float(off.mean()),
        "largest difference of ab / 110": worst,
        "rounds": arguments.rounds,
        "threads": THREADS,
    }
    lines = [
        f"256x256, paper size, {THREADS} threads, medians of {arguments.rounds} alternating rounds;"
        f" chroma differs by at most {worst:.1e} of its scale",
        *(f"{name:16s}{value:9.2f} ms" for name, value in medians.items()),
        f"{gflop:.0f} GFLOP; a matrix product runs at {rate:.0f} GFLOP/s here, at which the "
        f"arithmetic alone takes {100 * share:.0f} % of our time",
        f"official / ours {record['official / ours']:.2f}, ours / edit {record['ours / edit']:.2f}",
        f"official / bf16 {record['official / bf16']:.2f}, bf16 / its edit "
        f"{record['bf16 / its edit']:.2f}; bf16 is off by {off.mean():.2f} ab on average on these "
        "synthetic weights",
    ]
    print("\n".join(lines))
    arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    arguments.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
