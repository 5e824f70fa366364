"""``colordeploy exemplar``: colour photos like an example."""

from __future__ import annotations

from pathlib import Path

import click

from ..pictures.encoding import save_picture
from ..pictures.geometry import WorkingSize
from ..runtime.graph import Target
from .options import (
    SizeType,
    expand_pictures,
    load_for,
    outputs_for,
    progress,
    say,
    target_options,
    verbosity_options,
)


@click.command()
@click.argument("photos", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    required=True,
    help="Picture whose colours are taken; encoded once.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Picture to write, or a folder for several.",
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
@target_options
@verbosity_options
def exemplar(
    photos: tuple[Path, ...],
    reference: Path,
    output: Path,
    model: str,
    k: int | None,
    r: int | None,
    seed: int,
    size: WorkingSize,
    show_matches: bool,
    target: Target,
) -> None:
    """Colour PHOTOS like a reference: files, folders or patterns such as 'frames/*.png'."""
    pictures = expand_pictures(photos)
    files = outputs_for(pictures, output, several=len(photos) > 1 or photos[0].is_dir())
    with load_for("exemplar", model, target) as loaded:
        encoded = loaded.encode_reference(reference, size=size)
        say(f"{reference}: {encoded.places} places to choose from", level=2)
        for photo, file in progress(list(zip(pictures, files, strict=True)), "photos"):
            canvas = loaded.prepare(photo, size=size)
            save_picture(canvas.render(encoded, k=k, r=r, seed=seed), file)
            if show_matches:
                shown = canvas.match_picture(encoded, k=k, r=r, seed=seed)
                save_picture(shown, file.with_suffix(".matches.png"))
    say(f"{output}: {len(pictures)} {'picture' if len(pictures) == 1 else 'pictures'}")
