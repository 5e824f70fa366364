"""Every model end to end against eager PyTorch, with the same pre- and post-processing.

    python bench/models.py [--model lga ...] [--size 1024] [--rounds 9] [--out bench/results/models]

A made-up photo of about a megapixel (a drawing for rasc), decoded, two threads, full-resolution
output. The peer is the same pipeline with the shipped bundle's network in eager PyTorch in place of
each graph, not folded, in float32; for lga also with KLU, the solver of the paper's authors, in
place of ours (its matrix and analysis are given; only factorization and solution count). Networks
have the shipped bundle's shape and random weights, so that both sides can be made from one. Rounds
alternate, and both pictures are compared before any time is printed. An edit is a second render
with changed guidance. Cold start: a fresh process each, import to first picture.
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
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import colordeploy
from colordeploy.bench.report import peak_memory
from colordeploy.bench.workload import Job, edited, jobs
from colordeploy.bundle import find_bundle
from colordeploy.native import Propagator
from colordeploy.strokes import constraints, read_strokes
from colordeploy.upsample import colorize_full_size
from export.bundling import disco, lga, rasc, sscn
from export.bundling.writer import Identity
from export.evaluation.metrics import psnr
from export.models.disco.network import Disco, DiscoConfig
from export.models.lga import LGAConfig, LGANet
from export.models.rasc.network import Rasc, RascConfig
from export.models.sscn.network import Sscn, SscnConfig

sys.path.insert(0, str(Path(__file__).parent))
from peers.sparse_solvers import Klu

THREADS = 2
MODELS = ("lga", "disco", "sscn", "rasc")
LEAST_PSNR = 45.0


class TorchGraph:
    """A graph's network in eager PyTorch, in the graph's place."""

    device = "cpu"
    why = "PyTorch"

    def __init__(self, module: nn.Module, outputs: list[str]) -> None:
        self._module, self._outputs = module, outputs

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        with torch.no_grad():
            found = self._module(**{n: torch.from_numpy(np.array(a)) for n, a in inputs.items()})
        tensors = found if isinstance(found, tuple) else (found,)
        return {n: t.numpy() for n, t in zip(self._outputs, tensors, strict=True)}

    def close(self) -> None:
        pass


def made(name: str, path: Path) -> dict[str, TorchGraph]:
    """Write a bundle of the shipped shape, and give its graphs in PyTorch."""
    torch.manual_seed(0)
    shape = find_bundle(name).parameter("network") if name != "lga" else None
    identity = Identity(f"{name}-bench")
    if name == "lga":
        opened = find_bundle(name)
        config = LGAConfig.from_dict(opened.parameter("network"))
        net = LGANet(config).eval()
        net.load_state_dict(lga.bundle_weights(opened))
        return {"affinity": TorchGraph(lga.AffinityGraph(net), ["features", "log_alpha"])}
    if name == "disco":
        net = Disco(DiscoConfig(**shape)).train()
        with torch.no_grad():
            for _ in range(4):  # running statistics
                found = net.analyze(torch.rand(2, 1, 64, 64) * 2 - 1)
                net.generate(torch.rand(2, 1, 64, 64), found.association, found.tokens,
                             torch.ones(2, 1, 4, 4), torch.zeros(2, 2, 4, 4))  # fmt: skip
        net.eval()
        disco.write(net, path, identity, trained_on="nothing", quality={}, half=False)
        return {
            "analyze": TorchGraph(disco.AnalyzeGraph(net), list(disco.OUTPUTS)),
            "generate": TorchGraph(disco.GenerateGraph(net), ["ab"]),
        }
    if name == "sscn":
        net = Sscn(SscnConfig(**shape)).train()
        with torch.no_grad():
            for _ in range(4):
                lab = torch.rand(2, 3, 64, 64) * 2 - 1
                found = net.encode_reference(lab)
                net.colorize(lab[:, :1], found.style, found.features)
        net.eval()
        sscn.write(net, path, identity, trained_on="nothing", quality={})
        modules = {
            "encode_reference": sscn.EncodeReferenceGraph(net),
            "colorize": sscn.ColorizeGraph(net),
        }
        return {n: TorchGraph(module, sscn.OUTPUTS[n]) for n, module in modules.items()}
    net = Rasc(RascConfig.from_dict(shape)).train()
    with torch.no_grad():
        for _ in range(4):
            net(torch.rand(2, 1, 64, 64) * 2 - 1, torch.randint(0, 4, (2, 64, 64)))
    net.eval()
    rasc.write(net, path, identity, trained_on="nothing", quality={})
    return {n: TorchGraph(m, outputs) for n, (m, outputs) in rasc.named_graphs(net).items()}


class KluCanvas:
    """A scribble canvas whose system KLU solves; matrix and analysis are made outside of clocks."""

    def __init__(self, canvas: Any, matrices: dict[bytes, Any]) -> None:
        self._canvas, self._matrices = canvas, matrices

    def render(self, strokes: Any) -> NDArray[np.uint8]:
        canvas = self._canvas
        marks = constraints(read_strokes(strokes, canvas.size), canvas.working_size)
        klu, matrix = self._matrices[marks.mask.tobytes()]
        klu.factorize(matrix)
        right = np.where(marks.mask[..., None], marks.chroma, 0.0).reshape(-1, 2)
        chroma = klu.solve(right).reshape(*canvas.working_size, 2)
        return colorize_full_size(canvas._luma, canvas._working_luma, chroma)


def peer_of(name: str, path: Path, graphs: dict[str, TorchGraph]) -> Any:
    """Our model with PyTorch in place of its graphs."""
    model = colordeploy.load(path if name != "lga" else name, device="cpu", threads=THREADS)
    for graph in model.graphs.values():
        graph.close()
    model._graphs = graphs
    if name == "lga":
        model._source._graph = graphs["affinity"]
    return model


def klu_matrices(model: Any, job: Job) -> dict[bytes, Any]:
    """Systems of both stroke sets, analyzed."""
    canvas = model.prepare(job.picture)
    result = {}
    for strokes in (job.guidance, job.edit):
        marks = constraints(read_strokes(strokes, canvas.size), canvas.working_size)
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
    guidance = job.guidance
    if model.method == "sscn":
        guidance = model.encode_reference(guidance)
    canvas = wrap(model.prepare(job.picture))
    prepared = time.perf_counter()
    picture = canvas.render(guidance)
    end = time.perf_counter()
    times["end to end"], times["render"] = end - begin, end - prepared
    other = edited(job, canvas, model)
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


def measure(name: str, side: int, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle"
        graphs = made(name, path)
        peer = peer_of(name, path, graphs)
        ours = colordeploy.load(path if name != "lga" else name, device="cpu", threads=THREADS)
        job = jobs(ours.method, (side, side))[0]
        wrap: Callable[[Any], Any] = same
        if name == "lga":
            wrap = partial(KluCanvas, matrices=klu_matrices(ours, job))
        times: dict[str, list[float]] = {}
        for turn in range(rounds + 2):
            theirs, wanted, wanted_edit = colored(peer, job, wrap)
            own, found, found_edit = colored(ours, job, same)
            if turn == 0:
                worst = min(psnr(found, wanted), psnr(found_edit, wanted_edit))
                if worst < LEAST_PSNR:
                    raise SystemExit(f"{name}: the two differ, PSNR {worst:.1f} dB")
            if turn < 2:
                continue
            for scope, value in theirs.items():
                times.setdefault(f"PyTorch, {scope}", []).append(value)
            for scope, value in own.items():
                times.setdefault(f"ours, {scope}", []).append(value)
        gflop = arithmetic(peer, job)
    medians = {scope: float(np.median(values)) for scope, values in times.items()}
    ratios = {
        scope: medians[f"PyTorch, {scope}"] / medians[f"ours, {scope}"]
        for scope in ("end to end", "edit")
    }
    return {"ms": medians, "ratios": ratios, "PSNR between them": worst, "GFLOP": gflop}


_COLD_OURS = """
import sys
import numpy as np
import colordeploy
from colordeploy.bench.workload import jobs
model = colordeploy.load("lga", device="cpu", threads=2)
(job, *_) = jobs("lga", (int(sys.argv[1]),) * 2)
model.prepare(job.picture).render(job.guidance)
"""


# Weights and matrix lie ready, so that the peer imports no more than it needs.
_COLD_PEER = """
import sys
import numpy as np
import scipy.sparse
import torch
from colordeploy.bench.workload import jobs
from colordeploy.image import read_luma, resize, working_shape
from colordeploy.strokes import constraints, read_strokes
from colordeploy.upsample import colorize_full_size
from export.models.lga import LGAConfig, LGANet
sys.path.insert(0, sys.argv[3])
from peers.sparse_solvers import Klu
torch.set_num_threads(2)
saved = torch.load(sys.argv[2] + "/net.pt", weights_only=True)
net = LGANet(LGAConfig.from_dict(saved["config"])).eval()
net.load_state_dict(saved["weights"])
matrix = scipy.sparse.load_npz(sys.argv[2] + "/matrix.npz")
(job, *_) = jobs("lga", (int(sys.argv[1]),) * 2)
luma = read_luma(job.picture)
shape = working_shape(luma.shape, None, 256)
small = np.clip(resize(luma, shape), 0, 1)
with torch.no_grad():
    plane = torch.from_numpy(small)[None, None]
    net.features(plane), net.alpha(plane)
marks = constraints(read_strokes(job.guidance, luma.shape), shape)
klu = Klu()
klu.analyze(matrix)
klu.factorize(matrix)
right = np.where(marks.mask[..., None], marks.chroma, 0.0).reshape(-1, 2)
colorize_full_size(luma, small, klu.solve(right).reshape(*shape, 2))
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
        ((_, matrix), *_) = klu_matrices(model, jobs("lga", (side, side))[0]).values()
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
        job = jobs(model.method, (side, side))[0]
        model.prepare(job.picture).render(job.guidance)
    return peak_memory()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=Path("bench/results/models"))
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    if arguments.one:
        print(one(arguments.one[0], int(arguments.one[1])))
        return
    rate = peak_rate()
    record: dict[str, Any] = {"threads": THREADS, "size": arguments.size, "GFLOP/s": rate}
    lines = [
        f"{arguments.size}x{arguments.size}, {THREADS} threads, medians of {arguments.rounds} "
        f"alternating rounds in ms; a matrix product runs at {rate:.0f} GFLOP/s here",
        f"{'':7s}{'PyTorch':>9s}{'ours':>9s}{'ratio':>7s}{'edit: PyTorch':>15s}{'ours':>9s}"
        f"{'ratio':>7s}{'GFLOP':>8s}{'share':>7s}{'MiB':>6s}",
    ]
    for name in arguments.model or MODELS:
        row = measure(name, arguments.size, arguments.rounds)
        row["peak MiB"] = peak_of(name, arguments.size)
        both = row["ms"]["ours, end to end"] + row["ms"]["ours, edit"]
        row["arithmetic's share"] = 1e3 * row["GFLOP"] / rate / both
        record[name] = row
        lines.append(
            f"{name:7s}{row['ms']['PyTorch, end to end']:9.1f}{row['ms']['ours, end to end']:9.1f}"
            f"{row['ratios']['end to end']:7.2f}{row['ms']['PyTorch, edit']:15.1f}"
            f"{row['ms']['ours, edit']:9.1f}{row['ratios']['edit']:7.2f}{row['GFLOP']:8.1f}"
            f"{row['arithmetic' + chr(39) + 's share']:7.0%}{row['peak MiB']:6.0f}"
        )
        print("\n".join(lines[-3:]) if len(lines) == 3 else lines[-1], flush=True)
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
