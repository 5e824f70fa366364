"""Training's colouring layer against the paper's way (KLU), forward and backward.

    python bench/coloring_layer.py [--batch 16] [--size 128] [--out bench/results/coloring_layer]

One call of `laplacian_coloring` and its backward pass for a whole batch, the factorization shared
by both, two threads; against the same linear algebra with KLU, matrices given ready: for each
picture one factorization and two solutions (analysis once for the batch). Features are random and
smooth; x and its gradient by the hints are checked against KLU's.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from colordeploy.native import Propagator
from export.training.coloring_layer import GraphOptions, laplacian_coloring

sys.path.insert(0, str(Path(__file__).parent))
from peers.sparse_solvers import Klu

SIGMA, ALPHA, ROUNDS = 0.05, 1.0, 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--out", type=Path, default=Path("bench/results/coloring_layer"))
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    rng = np.random.default_rng(0)
    shape = (arguments.batch, 8, arguments.size, arguments.size)
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), (0, 0, 4, 4))
    features = torch.tensor(smooth * 0.5, dtype=torch.float32, requires_grad=True)
    mask = torch.from_numpy(rng.random((shape[0], *shape[2:])) < 0.01)
    hints = torch.rand(shape[0], 2, *shape[2:], requires_grad=True)
    sigma = torch.tensor(SIGMA, requires_grad=True)
    alpha = torch.full((shape[0],), ALPHA, requires_grad=True)
    upstream = torch.rand(shape[0], 2, *shape[2:])
    options = GraphOptions(threads=2)

    matrices = [
        Propagator(f.detach().permute(1, 2, 0).numpy(), sigma=SIGMA, alpha=ALPHA).matrix(m.numpy())
        for f, m in zip(features, mask, strict=True)
    ]
    klu = Klu()
    klu.analyze(matrices[0])
    columns = hints.detach() * mask[:, None]
    rhs = [c.permute(1, 2, 0).reshape(-1, 2).double().numpy() for c in columns]
    gradients = [u.permute(1, 2, 0).reshape(-1, 2).double().numpy() for u in upstream]

    ours, forward, theirs = [], [], []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        x = laplacian_coloring(features, sigma, alpha, mask, hints, options)
        forward.append(time.perf_counter() - begin)
        for leaf in (features, hints, sigma, alpha):
            leaf.grad = None
        x.backward(upstream)
        ours.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        expected = []
        for matrix, b, g in zip(matrices, rhs, gradients, strict=True):
            klu.factorize(matrix)
            expected.append((klu.solve(b), klu.solve(g)))
        theirs.append(time.perf_counter() - begin)
    found = [(x.detach()[i], hints.grad[i]) for i in range(shape[0])]
    worst = 0.0
    for (own_x, own_g), (klu_x, klu_g), m in zip(found, expected, mask, strict=True):
        worst = max(worst, np.abs(own_x.permute(1, 2, 0).reshape(-1, 2).numpy() - klu_x).max())
        masked = klu_g * m.numpy().reshape(-1, 1)
        scale = np.abs(masked).max()
        difference = np.abs(own_g.permute(1, 2, 0).reshape(-1, 2).numpy() - masked).max()
        worst = max(worst, difference / scale)
    if not worst < 1e-3:
        raise SystemExit(f"the two differ by {worst:.2g}")
    own, klu_time, first = (1e3 * float(np.median(t)) for t in (ours, theirs, forward))
    text = (
        f"batch of {shape[0]} at {shape[2]}x{shape[3]}, milliseconds (medians of {ROUNDS}): "
        f"forward and backward {own:.0f} (forward {first:.0f}), two threads; KLU, one thread as it "
        f"comes, factorizations and solutions alone: {klu_time:.0f}; ratio {klu_time / own:.1f}; "
        f"largest difference {worst:.1e}"
    )
    print(text)
    arguments.out.with_suffix(".txt").write_text(text + "\n")
    record = {
        "batch": shape[0],
        "size": shape[2],
        "ms": own,
        "forward_ms": first,
        "klu_ms": klu_time,
    }
    arguments.out.with_suffix(".json").write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
