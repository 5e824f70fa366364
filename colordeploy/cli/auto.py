"""``colordeploy auto``: colour photos without any guidance."""

from __future__ import annotations

from pathlib import Path

import click

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
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Picture to write, or a folder for several.",
)
@click.option("--model", default="disco", show_default=True, help="disco, or a bundle's path.")
@click.option("--anchors", default=8, show_default=True, help="Colour anchors, at most.")
@click.option("--sample", default=0, show_default=True, help="0 most probable; 1, 2 ... others.")
@click.option("--seed", default=0, show_default=True, help="Of the places of the anchors.")
@click.option("--size", type=SizeType(), help="Working short side, or 'native'.")
@click.option(
    "--palette", is_flag=True, help="Also write NAME.palette.png: anchors and their distributions."
)
@target_options
@verbosity_options
def auto(
    photos: tuple[Path, ...],
    output: Path,
    model: str,
    anchors: int,
    sample: int,
    seed: int,
    size: WorkingSize,
    palette: bool,
    target: Target,
) -> None:
    """Colour PHOTOS: files, folders or patterns such as 'old/*.jpg'."""
    from colordeploy.pictures.encoding import save_picture

    pictures = expand_pictures(photos)
    files = outputs_for(pictures, output, several=len(photos) > 1 or photos[0].is_dir())
    with load_for("auto", model, target) as loaded:
        for photo, file in progress(list(zip(pictures, files, strict=True)), "photos"):
            canvas = loaded.prepare(photo, anchors=anchors, seed=seed, size=size)
            save_picture(canvas.render(sample=sample), file)
            if palette:
                shown = canvas.diverse_anchors(sample)
                save_picture(canvas.palette(shown), file.with_suffix(".palette.png"))
            say(f"{file}: {len(canvas.anchors)} anchors", level=2)
    say(f"{output}: {len(pictures)} {'picture' if len(pictures) == 1 else 'pictures'}")
