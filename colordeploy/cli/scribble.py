"""``colordeploy scribble``: colour one photo from strokes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from ..batch import Incoming, JobOptions, Produced, find_sources, make_plan
from ..bundle import default_bundles
from ..cancellation import CancelToken
from ..errors import InputError
from ..pictures.encoding import Options
from ..pictures.geometry import WorkingSize
from ..pictures.picture import Picture
from ..runtime.graph import Target
from .jobs import Job, PicturesCommand, output_options
from .options import SizeType, load_for, say, target_options, verbosity_options


@click.command(cls=PicturesCommand)
@click.argument("photo", type=click.Path(path_type=Path))
@click.argument("strokes", type=click.Path(path_type=Path))
@click.option("--model", default="lga", show_default=True, help="lga, levin, or a bundle's path.")
@click.option(
    "--base",
    metavar="FILE|auto|BUNDLE",
    help="Coloured picture that the strokes mend; auto: the automatic method's own result.",
)
@click.option(
    "--reach",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="How far from a stroke a base changes: 0 the stroke alone, 1 the picture.",
)
@click.option("--size", type=SizeType(), help="Working short side, or 'native'.")
@output_options
@target_options
@verbosity_options
def scribble(
    photo: Path,
    strokes: Path,
    output: str,
    model: str,
    base: str | None,
    reach: float,
    size: WorkingSize,
    page: int | None,
    max_megapixels: float | None,
    encoding: Options,
    overwrite: bool,
    target: Target,
) -> None:
    """Colour PHOTO from STROKES, a transparent PNG of the same size with coloured marks on it.

    With --base the strokes mend a coloured version of it, and only that near them changes.
    """
    limit = None if max_megapixels is None else round(max_megapixels * 1e6)
    options = JobOptions(encoding, page=page or 1, max_pixels=limit, overwrite=overwrite)
    job = Job(make_plan(find_sources([photo]), output, options), output, options, None, "photos")
    started = time.perf_counter()
    with load_for("scribble", model, target) as loaded:
        ready = time.perf_counter()

        def colored(picture: Incoming, cancel: CancelToken) -> Produced:
            taken = picture.take()
            mended = {} if base is None else {"base": _base(base, taken, target), "reach": reach}
            begun = time.perf_counter()
            with loaded.prepare(taken, size=size, cancel=cancel) as canvas:
                prepared = time.perf_counter()
                result = canvas.render(strokes, cancel=cancel, **mended, **job.pixels)
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


def _base(name: str, photo: Picture, target: Target) -> Any:
    """A coloured picture from a file, or from an automatic model for this photo."""
    bundle = "disco" if name == "auto" else name
    path = Path(bundle)
    if bundle in default_bundles() or path.is_dir() or path.suffix.lower() == ".zip":
        with load_for("auto", bundle, target) as automatic:
            return automatic(photo)
    if not path.exists():
        raise InputError(
            f"--base {name} is neither a file nor a model; give a coloured picture, auto, or an "
            "automatic model's name or bundle"
        )
    return path
