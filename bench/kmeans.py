"""Time of `native.kmeans` for DISCO's anchors, one core, against SciPy's k-means.

    python bench/kmeans.py

256 superpixels of 64 features, 8 clusters; both start from the same centres. SciPy's does 10 rounds
without looking whether anything moves; this project's ends by DISCO's rule, after 20 at most.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from scipy.cluster.vq import kmeans2

from colordeploy.native import kmeans


def main() -> None:
    rng = np.random.default_rng(0)
    own, peer = [], []
    for _ in range(300):
        points = (
            rng.normal(size=(256, 64)) + 2 * rng.normal(size=(12, 64))[rng.integers(0, 12, 256)]
        )
        start = rng.choice(256, 8, replace=False)
        begin = time.perf_counter()
        labels, centres = kmeans(points, 8, seed=0, init=start)
        own.append(time.perf_counter() - begin)
        for cluster in range(8):
            members = points[labels == cluster]
            if len(members) and not np.allclose(members.mean(axis=0), centres[cluster]):
                raise SystemExit("a centre is not the mean of its cluster")
        begin = time.perf_counter()
        kmeans2(points, points[start].copy(), iter=10, minit="matrix", missing="warn")
        peer.append(time.perf_counter() - begin)
    text = (
        f"256 points, 64 features, 8 clusters: {1e3 * np.median(own):.3f} ms (90 % below "
        f"{1e3 * np.quantile(own, 0.9):.3f}); SciPy {1e3 * np.median(peer):.3f} ms"
    )
    print(text)
    Path("bench/results/kmeans.txt").write_text(text + "\n")


if __name__ == "__main__":
    main()
