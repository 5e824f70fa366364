"""``colordeploy auto``: colour photos without any guidance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..batch import Incoming, Produced
from ..cancellation import CancelToken
from ..errors import InputError
from ..pictures.geometry import WorkingSize
from ..pictures.picture import Picture
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
    "--anchors-from",
    type=click.Path(path_type=Path),
    metavar="PHOTO",
    help="Keep the anchors of this photo, of a film say, in all; one in colour gives its colours.",
)
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
    anchors_from: Path | None,
    palette: bool,
    target: Target,
) -> None:
    """Colour PHOTOS: files, folders or patterns such as 'old/*.jpg'."""
    workers = job.workers(target)
    with load_for("auto", model, target, workers=workers) as loaded:
        if not loaded.anchored and (sample or palette or anchors_from):
            raise InputError(
                f"{model} is an imported network, which has one result and no anchors; leave "
                "--sample, --palette and --anchors-from out"
            )
        wanted = {"anchors": anchors, "seed": seed, "size": size}
        kept = None if anchors_from is None else _Kept(loaded, anchors_from, sample, wanted)

        def colored(photo: Incoming, cancel: CancelToken) -> Produced:
            with loaded.prepare(photo.take(), **wanted, cancel=cancel) as canvas:
                said = canvas.anchors if kept is None else kept.on(canvas)
                say(f"{photo.name}: {len(said)} anchors", level=2)
                guidance = {"sample": sample} if kept is None else {"anchors": said}
                result = canvas.render(**guidance, cancel=cancel, **job.pixels)
                if not palette:
                    return Produced(result)
                shown = canvas.palette(canvas.diverse_anchors(sample) if kept is None else said)
                return Produced(result, {"palette": shown})

        job.run(colored, workers=workers)


class _Kept:
    """Anchors of one photo for others: the same places, as parts of height and width, and colours.

    Those of a photo in colour have its colours there; of others, what the model makes of it.
    """

    def __init__(self, model: Any, path: Path, sample: int, wanted: dict[str, Any]) -> None:
        picture = Picture.open(path)
        with model.prepare(picture, **wanted) as canvas:
            if not picture.has_color():
                self._anchors = canvas.diverse_anchors(sample)
            elif sample:
                raise InputError(
                    f"--sample {sample} chooses among the model's colours, and {path} has its own; "
                    "leave --sample out, or give a grey photo"
                )
            else:
                self._anchors = canvas.anchors_from(picture)
            self._size = canvas.size

    def on(self, canvas: Any) -> list[Any]:
        """The anchors in another picture's pixels."""
        (height, width), (own_height, own_width) = canvas.size, self._size
        down, across = height / own_height, width / own_width
        return [
            replace(
                anchor,
                y=min(max((anchor.y + 0.5) * down - 0.5, 0.0), height - 1.0),
                x=min(max((anchor.x + 0.5) * across - 0.5, 0.0), width - 1.0),
            )
            for anchor in self._anchors
        ]
