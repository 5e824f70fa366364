"""The training log: one JSON object a line, and its curves as a picture."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from colordeploy.files import write_whole


class TrainingLog:
    """Appends records to ``<path>``; on resuming, records past the resumed step are dropped."""

    def __init__(self, path: Path, resume_step: int) -> None:
        self._path = path
        kept = [record for record in read_log(path) if record["step"] <= resume_step]
        write_whole(path, "".join(json.dumps(record) + "\n" for record in kept).encode())

    def write(self, record: dict[str, Any]) -> None:
        rounded = {
            key: float(f"{value:.6g}") if isinstance(value, float) else value
            for key, value in record.items()
        }
        with self._path.open("a") as file:
            file.write(json.dumps(rounded) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """Records of a log; a last line that was cut off when the run was killed is left out."""
    if not path.is_file():
        return []
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    records = [json.loads(line) for line in lines[:-1]]
    with suppress(json.JSONDecodeError):
        records += [json.loads(line) for line in lines[-1:]]
    return records


def draw_curves(path: Path, picture: Path, smoothing: int = 20) -> None:
    """Draw every number of the log over the steps, one panel each, with a running mean."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    records = read_log(path)
    names = sorted({key for record in records for key in record} - {"step"})
    names = [n for n in names if any(isinstance(r.get(n), (int, float)) for r in records)]
    if not names:
        return
    columns = 3
    rows = -(-len(names) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(12, 2.6 * rows), squeeze=False)
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    for axis, name in zip(axes.flat, names, strict=False):
        pairs = [(r["step"], r[name]) for r in records if isinstance(r.get(name), (int, float))]
        steps, values = np.array(pairs, dtype=float).T
        axis.plot(steps, values, color="0.8", linewidth=0.7)
        window = min(smoothing, len(values))
        mean = np.convolve(values, np.ones(window) / window, mode="valid")
        axis.plot(steps[window - 1 :], mean, color="tab:blue")
        axis.set_title(name, fontsize=9)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(picture, dpi=80)
    pyplot.close(figure)
