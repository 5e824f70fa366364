"""``colordeploy sketch``: colour line art."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from ..batch import Incoming, Produced
from ..cancellation import CancelToken
from ..pictures.geometry import WorkingSize
from ..runtime.graph import Target
from .jobs import Job, PicturesCommand, job_options
from .options import SizeType, load_for, say, target_options, verbosity_options


@click.command(cls=PicturesCommand)
@click.argument("lineart", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--model", default="rasc", show_default=True, help="rasc, or a bundle's path.")
@click.option("--style", type=click.IntRange(min=0), help="Seed of a style; else the predicted.")
@click.option("--flat", is_flag=True, help="One colour for each region, no shading.")
@click.option(
    "--samples",
    type=click.IntRange(min=1, max=100),
    help="Write a contact sheet instead: the predicted style, then styles 0, 1, 2 ...",
)
@click.option(
    "--layers", is_flag=True, help="Also write NAME.lines.png and NAME.colors.png to paint on."
)
@click.option("--size", type=SizeType(), help="Working short side, or 'native'.")
@job_options("lineart", lambda layers, **_: ("lines", "colors") if layers else ())
@target_options
@verbosity_options
def sketch(
    job: Job,
    model: str,
    style: int | None,
    flat: bool,
    samples: int | None,
    layers: bool,
    size: WorkingSize,
    target: Target,
) -> None:
    """Colour LINEART: files, folders or patterns such as 'pages/*.png'."""
    if samples is not None and (layers or style is not None):
        raise click.UsageError("--samples shows many styles; leave --style and --layers out")
    with load_for("sketch", model, target) as loaded:

        def colored(drawing: Incoming, cancel: CancelToken) -> Produced:
            with loaded.prepare(drawing.take(), size=size, cancel=cancel) as canvas:
                say(f"{drawing.name}: {int(canvas.regions.max())} regions", level=2)
                if samples is not None:
                    return Produced(contact_sheet(canvas, samples, flat))
                result = canvas.render(style, flat=flat, cancel=cancel, **job.pixels)
                if not layers:
                    return Produced(result)
                lines, colors = canvas.layers(style, flat=flat)
                return Produced(result, {"lines": lines, "colors": colors})

        job.run(colored)


def contact_sheet(canvas: Any, samples: int, flat: bool) -> NDArray[np.uint8]:
    """The drawing in so many styles, about as many columns as rows."""
    styles = [None, *range(samples - 1)]
    pictures = [canvas.render(style, flat=flat) for style in styles]
    columns = int(np.ceil(np.sqrt(samples)))
    height, width = canvas.size
    rows = -(-samples // columns)
    sheet = np.full((rows * (height + 4) - 4, columns * (width + 4) - 4, 3), 255, np.uint8)
    for i, picture in enumerate(pictures):
        y, x = (i // columns) * (height + 4), (i % columns) * (width + 4)
        sheet[y : y + height, x : x + width] = picture
    return sheet
