"""``colordeploy scribble``: colour one photo from strokes."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ..pictures.geometry import WorkingSize
from ..runtime.graph import Target
from .options import SizeType, load_for, say, target_options, verbosity_options


@click.command()
@click.argument("photo", type=click.Path(path_type=Path))
@click.argument("strokes", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Picture to write."
)
@click.option("--model", default="lga", show_default=True, help="lga, levin, or a bundle's path.")
@click.option("--size", type=SizeType(), help="Working short side, or 'native'.")
@target_options
@verbosity_options
def scribble(
    photo: Path,
    strokes: Path,
    output: Path,
    model: str,
    size: WorkingSize,
    target: Target,
) -> None:
    """Colour PHOTO from STROKES, a transparent PNG of the same size with coloured marks on it."""
    from colordeploy.pictures.encoding import picture_format, save_picture

    picture_format(output)  # an odd suffix is found out before the work, not after it
    started = time.perf_counter()
    with load_for("scribble", model, target) as loaded:
        ready = time.perf_counter()
        canvas = loaded.prepare(photo, size=size)
        prepared = time.perf_counter()
        picture = canvas.render(strokes)
    rendered = time.perf_counter()
    save_picture(picture, output)
    height, width = canvas.size
    say(f"{output}: {width}x{height}, {rendered - ready:.2f} s with {model}")
    say(
        f"load {ready - started:.3f} s, prepare {prepared - ready:.3f} s (working size "
        f"{canvas.working_size[1]}x{canvas.working_size[0]}), render {rendered - prepared:.3f} s",
        level=2,
    )
