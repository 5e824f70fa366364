"""``colordeploy auto``: colour photos without any guidance."""

from __future__ import annotations

from pathlib import Path

import click

from ..batch import Incoming, Produced
from ..cancellation import CancelToken
from ..errors import InputError
from ..methods.automatic import AutomaticModel
from ..pictures.geometry import WorkingSize
from ..runtime.graph import Target
from .jobs import Job, PicturesCommand, job_options
from .options import SizeType, load_for, say, target_options, verbosity_options


@click.command(cls=PicturesCommand)
@click.argument("photos", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--model", default="disco", show_default=True, help="disco, or a bundle's path.")
@click.option("--anchors", default=8, show_default=True, help="Colour anchors, at most.")
@click.option("--sample", default=0, show_default=True, help="0 most probable; 1, 2 ... others.")
@click.option("--seed", default=0, show_default=True, help="Of the places of the anchors.")
@click.option("--size", type=SizeType(), help="Working short side, or 'native'.")
@click.option(
    "--palette", is_flag=True, help="Also write NAME.palette.png: anchors and their distributions."
)
@job_options("photos", lambda palette, **_: ("palette",) if palette else ())
@target_options
@verbosity_options
def auto(
    job: Job,
    model: str,
    anchors: int,
    sample: int,
    seed: int,
    size: WorkingSize,
    palette: bool,
    target: Target,
) -> None:
    """Colour PHOTOS: files, folders or patterns such as 'old/*.jpg'."""
    with load_for("auto", model, target) as loaded:
        anchored = isinstance(loaded, AutomaticModel)  # an imported network has no anchors
        if not anchored and (sample or palette):
            raise InputError(
                f"{model} is an imported network, which has one result and no anchors; leave "
                "--sample and --palette out"
            )

        def colored(photo: Incoming, cancel: CancelToken) -> Produced:
            if not anchored:
                with loaded.prepare(photo.take(), size=size, cancel=cancel) as plain:
                    return Produced(plain.render(cancel=cancel, **job.pixels))
            wanted = {"anchors": anchors, "seed": seed, "size": size, "cancel": cancel}
            with loaded.prepare(photo.take(), **wanted) as canvas:
                say(f"{photo.name}: {len(canvas.anchors)} anchors", level=2)
                result = canvas.render(sample=sample, cancel=cancel, **job.pixels)
                if not palette:
                    return Produced(result)
                shown = canvas.palette(canvas.diverse_anchors(sample))
                return Produced(result, {"palette": shown})

        job.run(colored)
