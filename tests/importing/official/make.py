"""Make the fixtures: small official networks with synthetic weights, and what their code makes.

    python -m tests.importing.official.make [NAME ...]

Needs the checkouts that `checkouts.CHECKOUTS` names, and opencv-python-headless, scikit-image and
einops.
"""

from __future__ import annotations

import io
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from .cases import CASES, Case
from .checkouts import CHECKOUTS, folder_of
from .fixtures import STEP

HERE = Path(__file__).parent


def content_of(case: Case) -> bytes:
    """The fixture of a case, compressed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.onnx"
        case.export(file)
        graph = np.frombuffer(file.read_bytes(), np.uint8)
    arrays = {"graph": graph, "picture": case.picture, "ab": case.ab[::STEP, ::STEP]}
    if case.strokes is not None:
        arrays["strokes"] = case.strokes
    for i, tensor in enumerate(case.fed):
        values = tensor.numpy()
        arrays[f"fed{i}"] = values[:, :, ::STEP, ::STEP] if values.ndim == 4 else values
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def main(names: list[str]) -> None:
    for name in names or CASES:
        checkout, make, side, _ = CASES[name]
        folder = folder_of(checkout)
        if folder is None:
            raise SystemExit(f"{name}: {CHECKOUTS[checkout]} has to name a checkout")
        content = content_of(make(folder, side, small=True))
        (HERE / f"{name}.npz").write_bytes(content)
        print(f"{name}.npz: {len(content)} bytes")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:])
