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
from ..pictures.rendering import preview_shape
from ..runtime.graph import Target
from .jobs import Job, PicturesCommand, job_options
from .options import SizeType, load_for, say, target_options, verbosity_options

_SHEET = 4096  # pixels of a contact sheet's sides, at most
_GAP = 4  # pixels between its pictures


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
@click.option(
    "--ora", is_flag=True, help="Also write NAME.ora: lines, shading and flat colours as layers."
)
@click.option(
    "--hints",
    type=click.Path(path_type=Path),
    help="Transparent PNG of the drawing's size with dabs of colour; one drawing only.",
)
@click.option(
    "--unhinted",
    type=click.Choice(["coloured", "white"]),
    default="coloured",
    show_default=True,
    help="Regions without a hint.",
)
@click.option(
    "--gap",
    type=click.IntRange(min=0, max=62),
    help="Widest gap in a line that is closed, in pixels; default: 6 per 256 of the short side.",
)
@click.option("--size", type=SizeType(), help="Working short side, or 'native'.")
@job_options(
    "lineart",
    lambda layers, ora, **_: (("lines", "colors") if layers else ()) + (("ora",) if ora else ()),
)
@target_options
@verbosity_options
def sketch(
    job: Job,
    model: str,
    style: int | None,
    flat: bool,
    samples: int | None,
    layers: bool,
    ora: bool,
    hints: Path | None,
    unhinted: str,
    gap: int | None,
    size: WorkingSize,
    target: Target,
) -> None:
    """Colour LINEART: files, folders or patterns such as 'pages/*.png'."""
    if samples is not None and (layers or ora or style is not None or hints is not None):
        raise click.UsageError(
            "--samples shows many styles; leave --style, --hints, --layers and --ora out"
        )
    if hints is not None and len(job.plan.items) > 1:
        raise click.UsageError(
            f"--hints belongs to one drawing, and there are {len(job.plan.items)}; name one"
        )
    if unhinted == "white" and (hints is None or style is not None):
        raise click.UsageError("--unhinted white goes with --hints, and without --style")
    chosen: Any = "hints" if unhinted == "white" else style
    radii = None if gap is None else _radii(gap)
    workers = job.workers(target)
    with load_for("sketch", model, target, workers=workers) as loaded:

        def colored(drawing: Incoming, cancel: CancelToken) -> Produced:
            taken = drawing.take()
            with loaded.prepare(taken, size=size, radii=radii, cancel=cancel) as canvas:
                del taken
                say(f"{drawing.name}: {int(canvas.regions.max())} regions", level=2)
                if samples is not None:
                    return Produced(contact_sheet(canvas, samples, flat))
                result = canvas.render(chosen, hints, flat=flat, cancel=cancel, **job.pixels)
                extras: dict[str, Any] = {}
                if layers:
                    names = ("lines", "colors")
                    extras |= zip(names, canvas.layers(chosen, hints, flat=flat), strict=True)
                if ora:
                    extras["ora"] = canvas.document(chosen, hints, flat=flat)
                return Produced(result, extras)

        job.run(colored, workers=workers)


def _radii(gap: int) -> tuple[int, ...]:
    """Of balls that close gaps up to so wide: the largest, and two smaller ones for corners."""
    largest = -(-gap // 2)
    return tuple(sorted({largest, round(largest * 2 / 3), round(largest / 3)}, reverse=True))


def contact_sheet(canvas: Any, samples: int, flat: bool) -> NDArray[np.uint8]:
    """The drawing in so many styles, about as many columns as rows; `_SHEET` pixels a side at most.

    Only one of the pictures is in memory besides the sheet.
    """
    columns = int(np.ceil(np.sqrt(samples)))
    rows = -(-samples // columns)
    height, width = canvas.size
    room = min(1.0, _SHEET / (rows * (height + _GAP)), _SHEET / (columns * (width + _GAP)))
    side = max(1, int(room * min(height, width)))
    height, width = preview_shape(canvas.size, side)
    down, across = height + _GAP, width + _GAP
    sheet = np.full((rows * down - _GAP, columns * across - _GAP, 3), 255, np.uint8)
    for i, style in enumerate((None, *range(samples - 1))):
        y, x = i // columns * down, i % columns * across
        out = sheet[y : y + height, x : x + width]
        canvas.render(style, flat=flat, size=side, out=out)
    return sheet
