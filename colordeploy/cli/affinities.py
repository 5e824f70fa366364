"""``colordeploy affinities``: LGA-Net's Fig. 6 for any picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..pictures.geometry import WorkingSize
from ..runtime.graph import Target
from .options import PointType, SizeType, load_for, say, target_options, verbosity_options

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Dark to bright, evenly spaced; in between linear.
_COLORS = ("#000004", "#320a5e", "#781c6d", "#bc3754", "#ed6925", "#fbb61a", "#fcffa4")


@click.command()
@click.argument("photo", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Picture to write."
)
@click.option("--at", type=PointType(), help="Pixel looked at; the middle by default.")
@click.option("--model", default="lga", show_default=True, help="lga, levin, or a bundle's path.")
@click.option("--size", type=SizeType(), help="Working short side, or 'native'.")
@target_options
@verbosity_options
def affinities(
    photo: Path,
    output: Path,
    at: tuple[int, int] | None,
    model: str,
    size: WorkingSize,
    target: Target,
) -> None:
    """Draw the affinities of PHOTO.

    Five panels: the picture, affinities with the left and the lower neighbour (bright is 1, dark
    is 0), affinities of one point (red) with the global points (squares) and with every pixel.
    These two are drawn by decades, from 1 down to 1e-8: there are many points, so small affinities
    count.
    """
    import numpy as np
    from PIL import Image, ImageDraw

    from colordeploy.pictures.decoding import read_luma
    from colordeploy.pictures.encoding import picture_format, save_picture

    picture_format(output)
    with load_for("scribble", model, target) as loaded:
        canvas = loaded.prepare(photo, size=size)
        height, width = canvas.size
        y, x = at or (height // 2, width // 2)
        grey = np.repeat((read_luma(photo) * 255 + 0.5).astype(np.uint8)[..., None], 3, axis=2)
        panels = [grey, _heat(canvas.local_affinity(0, -1)), _heat(canvas.local_affinity(1, 0))]
        marked = Image.fromarray(grey // 2)
        draw = ImageDraw.Draw(marked)
        radius = max(2, round(3 * min(height, width) / min(canvas.working_size)))
        points, weights = canvas.global_affinity(y, x)
        colors = _heat(_logarithmic(weights)[None])[0]
        for (py, px), color in zip(points, colors, strict=True):
            box = (px - radius, py - radius, px + radius, py + radius)
            draw.rectangle(box, fill=tuple(int(c) for c in color), outline="#4060c0")
        panels += [np.asarray(marked), _heat(_logarithmic(canvas.affinity(y, x)))]
        for index in (0, 3, 4):
            picture = Image.fromarray(panels[index])
            box = (x - radius, y - radius, x + radius, y + radius)
            ImageDraw.Draw(picture).rectangle(box, outline="red", width=max(1, radius // 2))
            panels[index] = np.asarray(picture)
    gap = np.full((height, max(2, width // 50), 3), 255, np.uint8)
    row = [part for panel in panels for part in (panel, gap)][:-1]
    save_picture(np.concatenate(row, axis=1), output)
    say(f"{output}: picture, left, down, global points of ({y}, {x}), all pixels")


def _logarithmic(affinity: NDArray[Any]) -> NDArray[Any]:
    """Map 1e-8 .. 1 to 0 .. 1 by decades."""
    import numpy as np

    return np.asarray(1 + np.log10(np.maximum(affinity, 1e-8)) / 8)


def _heat(plane: NDArray[Any]) -> NDArray[Any]:
    """Map (H, W) in [0, 1] to (H, W, 3) uint8."""
    import numpy as np
    from PIL import ImageColor

    stops = np.array([ImageColor.getrgb(color) for color in _COLORS], dtype=float)
    positions = np.linspace(0, 1, len(stops))
    channels = [np.interp(plane, positions, stops[:, c]) for c in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)
