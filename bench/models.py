"""Every model end to end against PyTorch, with the same pre- and post-processing.

    python bench/models.py [--model lga ...] [--peer torch.compile ...] [--size 1024] [--rounds 5]
                           [--out bench/results/models]

A synthetic photo of about a megapixel (a drawing for rasc), decoded, two threads, full-resolution
output. A peer is the same pipeline with the shipped bundle's network, not folded, in PyTorch in
place of each graph; for lga also with KLU, the solver of the paper's authors, in place of ours (its
matrix and analysis are given; only factorization and solution count). There are three:

* PyTorch: eager, in float32;
* torch.compile: the same, compiled with the defaults for fixed shapes. Compiling (a C++ compiler is
  needed) is in the first of two turns that do not count; what could not be compiled is run eagerly
  and is named;
* eager bfloat16: under autocast to bfloat16, whose pictures are other ones: see its PSNR (it says
  nothing for lga, whose matrix is given).

For disco and sscn a fourth, "former network", is eager PyTorch with the network of the version
before, in the shape of the papers; its pictures are other ones.

Ours runs three times: as it is loaded by default (ONNX Runtime, float32), on OpenVINO in float32,
and, on a CPU that has it, on OpenVINO in bfloat16 (how far shipped models' colours are off then:
bench/precision.py).

Networks have the shipped bundle's shape and random weights, so that all can be made from one.
Rounds alternate, and the pictures are compared before any time is printed. An edit is a second
render with changed guidance. Cold start: a fresh process each, import to first picture.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

import colordeploy
from colordeploy.bench.report import peak_memory
from colordeploy.bench.workload import Job, jobs, method_of
from colordeploy.bundle import find_bundle
from colordeploy.methods.model import ModelOptions
from colordeploy.models import model_of
from colordeploy.native import Propagator
from colordeploy.pictures.rendering import Rendering
from colordeploy.pictures.strokes import constraints_of
from colordeploy.runtime.open_vino import has_bfloat16
from export.bundling import lga
from export.evaluation.metrics import psnr

sys.path.insert(0, str(Path(__file__).parent))
from peers.sparse_solvers import Klu
from peers.torch_graphs import Mode, Network, TorchGraph, former_networks, networks

THREADS = 2
MODELS = ("lga", "disco", "sscn", "rasc")
PEERS: dict[str, Mode] = {
    "PyTorch": "eager",
    "torch.compile": "compile",
    "eager bfloat16": "bfloat16",
}
OURS = {  # backend, precision
    "ours": ("onnxruntime", "auto"),
    "ours, OpenVINO": ("openvino", "fp32"),
    **({"ours, OpenVINO bf16": ("openvino", "bf16")} if has_bfloat16() else {}),
}
FORMER = "former network"
MINIMUM_PSNR = 45.0  # of pictures in the same precision
MINIMUM_PSNR_HALF = 30.0  # of ours in bfloat16
SCOPES = ("end to end", "edit")
WARM_UP = 2


class KluCanvas:
    """A scribble canvas whose system KLU solves; matrix and analysis are made outside of clocks."""

    def __init__(self, canvas: Any, matrices: dict[bytes, Any]) -> None:
        self._canvas, self._matrices = canvas, matrices

    def render(self, strokes: Any) -> NDArray[np.uint8]:
        canvas = self._canvas
        marks = constraints_of(strokes, canvas.size, canvas.working_size)
        klu, matrix = self._matrices[marks.mask.tobytes()]
        klu.factorize(matrix)
        right = np.where(marks.mask[..., None], marks.chroma, 0.0).reshape(-1, 2)
        chroma = klu.solve(right).reshape(*canvas.working_size, 2)
        photo = canvas.photo
        return photo.compose(photo.layer(chroma), Rendering.of(photo.size))


def peer_of(name: str, path: Path, made: dict[str, Network], mode: Mode) -> Any:
    """Our model with PyTorch in place of its graphs."""
    graphs = {n: TorchGraph(network, mode) for n, network in made.items()}
    bundle = find_bundle(path if name != "lga" else name)
    return model_of(bundle, graphs.__getitem__, ModelOptions("cpu", THREADS))


def klu_matrices(model: Any, job: Job) -> dict[bytes, Any]:
    """Systems of both stroke sets, analyzed."""
    canvas = model.prepare(job.picture)
    result = {}
    first = job.guidance(model, canvas)
    for strokes in (first, job.edit(model, canvas, first)):
        marks = constraints_of(strokes, canvas.size, canvas.working_size)
        propagator: Propagator = canvas.propagator
        matrix = propagator.matrix(marks.mask).tocsr()
        klu = Klu()
        klu.analyze(matrix)
        result[marks.mask.tobytes()] = (klu, matrix)
    return result


def colored(model: Any, job: Job, wrap: Callable[[Any], Any]) -> tuple[dict[str, float], Any, Any]:
    """Times in ms, the picture, and the picture after the edit."""
    times = {}
    begin = time.perf_counter()
    canvas = wrap(model.prepare(job.picture))
    prepared = time.perf_counter()
    guidance = job.guidance(model, canvas)  # what the user does takes no time here
    given = time.perf_counter()
    picture = canvas.render(job.encoded(model, guidance))
    times["render"] = time.perf_counter() - given
    times["end to end"] = prepared - begin + times["render"]
    other = job.edit(model, canvas, guidance)
    begin = time.perf_counter()
    changed = canvas.render(other)
    times["edit"] = time.perf_counter() - begin
    return {n: 1e3 * t for n, t in times.items()}, picture, changed


def same(canvas: Any) -> Any:
    return canvas


def arithmetic(model: Any, job: Job) -> float:
    """GFLOP of the networks for one picture, counted by PyTorch."""
    with FlopCounterMode(display=False) as counter:
        colored(model, job, same)
    return counter.get_total_flops() / 1e9


def peak_rate() -> float:
    """GFLOP/s of a large matrix product in single precision, the best of ten."""
    a, b = torch.rand(2048, 2048), torch.rand(2048, 2048)
    best = min(_clocked(lambda: a @ b) for _ in range(10))
    return 2 * 2.048**3 / best


def _clocked(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def measure(name: str, side: int, rounds: int, wanted: list[str]) -> dict[str, Any]:
    """Medians in ms and ratios to ours of the peers that are wanted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle"
        made = networks(name, path)
        peers = {peer: peer_of(name, path, made, PEERS[peer]) for peer in wanted}
        older = Path(folder) / "former"
        if former := former_networks(name, older):
            peers[FORMER] = peer_of(name, older, former, "eager")
        own = {which: loaded(path if name != "lga" else name, *how) for which, how in OURS.items()}
        ours = own["ours"]
        job = jobs(method_of(ours), (side, side))[0]
        wrap: Callable[[Any], Any] = same
        if name == "lga":
            wrap = partial(KluCanvas, matrices=klu_matrices(ours, job))
        likeness, first_turn, failures = {}, {}, {}
        times: dict[str, list[float]] = {}
        for turn in range(rounds + WARM_UP):
            found, pictures = {}, []
            for which, model in own.items():
                found[which], *theirs = colored(model, job, same)
                pictures = pictures or theirs
                if turn == 0:
                    likeness[which] = min(map(psnr, pictures, theirs))
            for peer, model in list(peers.items()):
                begin = time.perf_counter()
                found[peer], *theirs = colored(model, job, wrap)
                if turn == 0:
                    first_turn[peer] = time.perf_counter() - begin
                    likeness[peer] = min(map(psnr, pictures, theirs))
                    failures[peer] = failures_of(model)
                    if len(failures[peer]) == len(made):  # it would be eager PyTorch again
                        del peers[peer], found[peer]
            if turn < WARM_UP:
                continue
            for which, scopes in found.items():
                for scope, value in scopes.items():
                    times.setdefault(f"{which}, {scope}", []).append(value)
        for which, value in likeness.items():
            least = MINIMUM_PSNR_HALF if which.endswith("bf16") else MINIMUM_PSNR
            if which != FORMER and PEERS.get(which) != "bfloat16" and value < least:
                raise SystemExit(f"{name}: {which} differs, PSNR {value:.1f} dB")
        gflop = arithmetic(peer_of(name, path, made, "eager"), job)
    ms = {scope: float(np.median(values)) for scope, values in times.items()}
    ratios = {
        f"{peer} / {which}, {scope}": ms[f"{peer}, {scope}"] / ms[f"{which}, {scope}"]
        for peer in peers
        for which in own
        for scope in SCOPES
    }
    return {
        "ms": ms,
        "ratios": ratios,
        "PSNR to ours": likeness,
        "first turn, s": first_turn,
        "not compiled": {peer: reasons for peer, reasons in failures.items() if reasons},
        "GFLOP": gflop,
    }


def loaded(bundle: str | Path, backend: str, precision: str) -> Any:
    return colordeploy.load(
        bundle, backend=backend, device="cpu", threads=THREADS, precision=precision
    )


def failures_of(model: Any) -> dict[str, str]:
    """Which graphs could not be compiled, and why."""
    return {name: graph.failure for name, graph in model.graphs.items() if graph.failure}


_COLD_OURS = """
import sys
import numpy as np
import colordeploy
from colordeploy.bench.workload import jobs, method_of
model = colordeploy.load("lga", device="cpu", threads=2)
(job, *_) = jobs(method_of(model), (int(sys.argv[1]),) * 2)
canvas = model.prepare(job.picture)
canvas.render(job.guidance(model, canvas))
"""


# Weights and matrix lie ready, so that the peer imports no more than it needs.
_COLD_PEER = """
import sys
import numpy as np
import scipy.sparse
import torch
from colordeploy.bench.workload import jobs
from colordeploy.methods import find_method
from colordeploy.pictures.decoding import read_luma
from colordeploy.pictures.geometry import resize, working_shape
from colordeploy.pictures.strokes import constraints_of
from colordeploy.runtime.open_vino import has_bfloat16
from colordeploy.native import GuidedChroma
from export.models.lga import LGAConfig, LGANet
sys.path.insert(0, sys.argv[3])
from peers.sparse_solvers import Klu
torch.set_num_threads(2)
saved = torch.load(sys.argv[2] + "/net.pt", weights_only=True)
net = LGANet(LGAConfig.from_dict(saved["config"])).eval()
net.load_state_dict(saved["weights"])
matrix = scipy.sparse.load_npz(sys.argv[2] + "/matrix.npz")
(job, *_) = jobs(find_method("lga"), (int(sys.argv[1]),) * 2)
luma = read_luma(job.picture)
shape = working_shape(luma.shape, None, 256)
small = np.clip(resize(luma, shape), 0, 1)
with torch.no_grad():
    plane = torch.from_numpy(small)[None, None]
    net.features(plane), net.alpha(plane)
marks = constraints_of(job.guidance(None, None), luma.shape, shape)
klu = Klu()
klu.analyze(matrix)
klu.factorize(matrix)
right = np.where(marks.mask[..., None], marks.chroma, 0.0).reshape(-1, 2)
GuidedChroma(klu.solve(right).reshape(*shape, 2), small).compose(luma)
"""


def cold(side: int, rounds: int) -> dict[str, float]:
    """Seconds from the start of a fresh process to lga's first picture."""
    opened = find_bundle("lga")
    times: dict[str, list[float]] = {"ours": [], "PyTorch": []}
    with (
        tempfile.TemporaryDirectory() as folder,
        colordeploy.load("lga", device="cpu", threads=THREADS) as model,
    ):
        saved = {"config": opened.parameter("network"), "weights": lga.bundle_weights(opened)}
        torch.save(saved, f"{folder}/net.pt")
        ((_, matrix), *_) = klu_matrices(model, jobs(method_of(model), (side, side))[0]).values()
        scipy.sparse.save_npz(f"{folder}/matrix.npz", matrix)
        peer = [_COLD_PEER, str(side), folder, str(Path(__file__).parent)]
        for _ in range(rounds):
            for which, arguments in (("ours", [_COLD_OURS, str(side)]), ("PyTorch", peer)):
                begin = time.perf_counter()
                subprocess.run([sys.executable, "-c", *arguments], check=True, capture_output=True)
                times[which].append(time.perf_counter() - begin)
    return {which: float(np.median(values)) for which, values in times.items()}


def peak_of(name: str, side: int) -> float:
    """Of a process of its own that colours one picture with a shipped bundle, in MiB."""
    command = [sys.executable, __file__, "--one", name, str(side)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def one(name: str, side: int) -> float:
    with colordeploy.load(name, device="cpu", threads=THREADS) as model:
        job = jobs(method_of(model), (side, side))[0]
        canvas = model.prepare(job.picture)
        canvas.render(job.encoded(model, job.guidance(model, canvas)))
    return peak_memory()


def table_of(name: str, row: dict[str, Any], peers: list[str]) -> list[str]:
    """The lines of a model, and one for each graph that torch.compile gave up on."""
    share = row["arithmetic's share"]
    lines = [
        f"{name}: {row['GFLOP']:.1f} GFLOP for a picture and its edit, {share:.0%} of ours; peak "
        f"of ours {row['peak MiB']:.0f} MiB"
    ]
    for scope in SCOPES:
        for which in OURS:
            line = f"  {scope:11s}{which:20s}{row['ms'][f'{which}, {scope}']:8.1f}"
            for peer in peers:
                key = f"{peer} / {which}, {scope}"
                known = key in row["ratios"]
                line += f"{row['ms'][f'{peer}, {scope}']:15.1f}" if known else f"{'-':>15s}"
                line += f"{row['ratios'][key]:7.2f}" if known else f"{'-':>7s}"
            likeness = row["PSNR to ours"][which]
            lines.append(line + (f"{likeness:7.1f}" if which != "ours" else ""))
    for peer in peers:
        if peer in row["PSNR to ours"]:
            lines.append(f"  PSNR of {peer} to ours: {row['PSNR to ours'][peer]:.1f} dB")
    for peer, reasons in row["not compiled"].items():
        lines += [f"  {peer}: {graph} was not compiled ({why})" for graph, why in reasons.items()]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--peer", action="append", choices=list(PEERS))
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("bench/results/models"))
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    if arguments.one:
        print(one(arguments.one[0], int(arguments.one[1])))
        return
    rate = peak_rate()
    record: dict[str, Any] = {"threads": THREADS, "size": arguments.size, "GFLOP/s": rate}
    peers = arguments.peer or list(PEERS)
    columns = [*peers, FORMER]
    lines = [
        f"{arguments.size}x{arguments.size}, {THREADS} threads, medians of {arguments.rounds} "
        "alternating rounds in ms, and ratios to ours; the last column is the PSNR of each of",
        f"ours to the first, in dB; a matrix product in float32 runs at {rate:.0f} GFLOP/s here",
        f"{'':33s}{'ours':>8s}" + "".join(f"{peer:>15s}{'ratio':>7s}" for peer in columns),
    ]
    print("\n".join(lines), flush=True)
    for name in arguments.model or MODELS:
        row = measure(name, arguments.size, arguments.rounds, peers)
        row["peak MiB"] = peak_of(name, arguments.size)
        both = row["ms"]["ours, end to end"] + row["ms"]["ours, edit"]
        row["arithmetic's share"] = 1e3 * row["GFLOP"] / rate / both
        record[name] = row
        shown = table_of(name, row, columns)
        lines += shown
        print("\n".join(shown), flush=True)
    if "lga" in (arguments.model or MODELS):
        record["cold start of lga, s"] = seconds = cold(arguments.size, 3)
        lines.append(
            f"cold start of lga, process start to first picture: PyTorch and KLU "
            f"{seconds['PyTorch']:.2f} s, ours {seconds['ours']:.2f} s "
            f"({seconds['PyTorch'] / seconds['ours']:.1f} times)"
        )
        print(lines[-1])
    arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    arguments.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
