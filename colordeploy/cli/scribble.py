"""``colordeploy scribble``: colour one photo from strokes."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ..batch import Incoming, JobOptions, Produced, find_sources, make_plan
from ..cancellation import CancelToken
from ..pictures.encoding import Options
from ..pictures.geometry import WorkingSize
from ..runtime.graph import Target
from .jobs import Job, PicturesCommand, output_options
from .options import SizeType, load_for, say, target_options, verbosity_options


@click.command(cls=PicturesCommand)
@click.argument("photo", type=click.Path(path_type=Path))
@click.argument("strokes", type=click.Path(path_type=Path))
@click.option("--model", default="lga", show_default=True, help="lga, levin, or a bundle's path.")
@click.option("--size", type=SizeType(), help="Working short side, or 'native'.")
@output_options
@target_options
@verbosity_options
def scribble(
    photo: Path,
    strokes: Path,
    output: str,
    model: str,
    size: WorkingSize,
    page: int | None,
    max_megapixels: float | None,
    encoding: Options,
    overwrite: bool,
    target: Target,
) -> None:
    """Colour PHOTO from STROKES, a transparent PNG of the same size with coloured marks on it."""
    limit = None if max_megapixels is None else round(max_megapixels * 1e6)
    options = JobOptions(encoding, page=page or 1, max_pixels=limit, overwrite=overwrite)
    job = Job(make_plan(find_sources([photo]), output, options), output, options, None, "photos")
    started = time.perf_counter()
    with load_for("scribble", model, target) as loaded:
        ready = time.perf_counter()

        def colored(picture: Incoming, cancel: CancelToken) -> Produced:
            begun = time.perf_counter()
            with loaded.prepare(picture.take(), size=size, cancel=cancel) as canvas:
                prepared = time.perf_counter()
                result = canvas.render(strokes, cancel=cancel, **job.pixels)
                rendered = time.perf_counter()
                (height, width), working = canvas.size, canvas.working_size
            say(f"{width}x{height}, {rendered - begun:.2f} s with {model}")
            say(
                f"load {ready - started:.3f} s, prepare {prepared - begun:.3f} s (working size "
                f"{working[1]}x{working[0]}), render {rendered - prepared:.3f} s",
                level=2,
            )
            return Produced(result)

        job.run(colored)
