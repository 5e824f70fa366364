"""``colordeploy exemplar``: colour photos like an example."""

from __future__ import annotations

from pathlib import Path

import click

from ..batch import Incoming, Produced
from ..cancellation import CancelToken
from ..pictures.geometry import WorkingSize
from ..runtime.graph import Target
from .jobs import Job, PicturesCommand, job_options
from .options import SizeType, load_for, say, target_options, verbosity_options


@click.command(cls=PicturesCommand)
@click.argument("photos", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    required=True,
    help="Picture whose colours are taken; encoded once.",
)
@click.option("--model", default="sscn", show_default=True, help="sscn, or a bundle's path.")
@click.option("-k", type=click.IntRange(min=0), help="Most telling places of the reference.")
@click.option("-r", type=click.IntRange(min=0), help="Random other places.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of those.")
@click.option("--size", type=SizeType(), help="Working short side, or 'native'.")
@click.option(
    "--show-matches",
    is_flag=True,
    help="Also write NAME.matches.png: the places selected, and where a few points looked.",
)
@job_options("photos", lambda show_matches, **_: ("matches",) if show_matches else ())
@target_options
@verbosity_options
def exemplar(
    job: Job,
    reference: Path,
    model: str,
    k: int | None,
    r: int | None,
    seed: int,
    size: WorkingSize,
    show_matches: bool,
    target: Target,
) -> None:
    """Colour PHOTOS like a reference: files, folders or patterns such as 'frames/*.png'."""
    workers = job.workers(target)
    with load_for("exemplar", model, target, workers=workers) as loaded:
        encoded = loaded.encode_reference(reference, size=size)
        say(f"{reference}: {encoded.places} places to choose from", level=2)

        def colored(photo: Incoming, cancel: CancelToken) -> Produced:
            with loaded.prepare(photo.take(), size=size, cancel=cancel) as canvas:
                chosen = {"k": k, "r": r, "seed": seed}
                result = canvas.render(encoded, **chosen, cancel=cancel, **job.pixels)
                if not show_matches:
                    return Produced(result)
                return Produced(result, {"matches": canvas.match_picture(encoded, **chosen)})

        job.run(colored, workers=workers)
