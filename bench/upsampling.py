"""Edge-aware against bilinear chroma upsampling on real photos.

The true chroma of a photo is reduced to the working size and brought back; what is lost is measured
against the photo itself. ``--choose`` compares parameters on training photos; the table is made
on the validation split, per source of the photos.

    python bench/upsampling.py --data FOLDER [--choose] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from colordeploy.native import GuidedChroma
from colordeploy.pictures.color import chroma_of, compose, luma_of
from colordeploy.pictures.geometry import resize, working_shape
from export.data.photos import Photo, PhotoArchive
from export.evaluation.metrics import ms_ssim, psnr


def enlarged(chroma: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Chroma (h, w, 2) bilinearly at another size."""
    planes = [Image.fromarray(np.ascontiguousarray(chroma[..., c])) for c in range(2)]
    size = shape[1], shape[0]
    return np.stack([np.asarray(p.resize(size, Image.Resampling.BILINEAR)) for p in planes], -1)


def scores(photo: Photo, short: int, methods: dict[str, dict[str, float] | None]):
    """PSNR and MS-SSIM of every method on one photo."""
    rgb = photo.rgb()
    truth = (rgb * 255).round().astype(np.uint8)
    luma, chroma = luma_of(rgb), chroma_of(rgb)
    shape = working_shape(luma.shape, short, short)
    small_luma, small = resize(luma, shape), resize(chroma, shape)
    result = {}
    for name, parameters in methods.items():
        if parameters is None:
            picture = compose(luma, enlarged(small, luma.shape))
        else:
            picture = GuidedChroma(small, small_luma, **parameters).compose(luma)
        result[name] = (psnr(picture, truth), 100 * ms_ssim(picture, truth))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--choose", action="store_true", help="compare parameters (training split)")
    parser.add_argument("--working", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    methods: dict[str, dict[str, float] | None] = {"bilinear": None, "guided": {}}
    photos = PhotoArchive(arguments.data, "train" if arguments.choose else "val").photos
    photos = [photo for photo in photos if min(photo.picture().size) >= 176]
    if arguments.choose:
        photos = photos[::30]
        methods = {"bilinear": None} | {
            f"r={r} eps={eps:g} power={power}": {"radius": r, "epsilon": eps, "power": power}
            for r in (1, 2)
            for eps in (1e-3, 1e-2)
            for power in (0, 2, 8)
        }
    table: dict[str, dict[str, dict[str, list[float]]]] = {}
    for short in arguments.working:
        by_source: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
        for photo in photos:
            for name, score in scores(photo, short, methods).items():
                by_source[photo.source][name].append(score)
                by_source["all"][name].append(score)
        print(f"\nworking size {short} (dB PSNR / MS-SSIM x 100)")
        table[str(short)] = {}
        for source, rows in sorted(by_source.items()):
            means = {name: np.mean(values, axis=0) for name, values in rows.items()}
            table[str(short)][source] = {n: [float(v) for v in m] for n, m in means.items()}
            cells = "  ".join(f"{n}: {m[0]:.3f} / {m[1]:.3f}" for n, m in means.items())
            print(f"{source:14s} n={len(rows['bilinear']):4d}  {cells}")
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
