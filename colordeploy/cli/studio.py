"""``colordeploy studio``: a page to colour in, served on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import BackendError
from ..runtime.graph import Target
from .options import say, target_options, verbosity_options


@click.command()
@click.argument("picture", type=click.Path(path_type=Path), required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Default: 8765, or a free one where that is taken; 0 takes a free one.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--model",
    "bundles",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="BUNDLE",
    help="A further model, an imported one say; can be repeated.",
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@target_options
@verbosity_options
def studio(
    picture: Path | None,
    port: int | None,
    host: str,
    bundles: tuple[Path, ...],
    no_browser: bool,
    target: Target,
) -> None:
    """Serve a page to colour PICTURE in: strokes, anchors, examples, line art."""
    try:
        from ..studio import serve
    except ImportError as error:
        raise BackendError(
            f"the studio needs more packages ({error.name}): pip install 'colordeploy[studio]'"
        ) from None
    import colordeploy

    def load(name: str) -> Any:
        from ..methods import all_methods

        bundled = {method.name: method.bundled for method in all_methods()}
        graphs: dict[str, Any] = {"backend": target.backend, "precision": target.precision}
        chosen = graphs if bundled.get(name, True) else {}
        return colordeploy.load(name, device=target.device, threads=target.threads, **chosen)

    def told(address: str) -> None:
        say(f"the studio is at {address}")
        say("Ctrl-C ends it")

    serve(
        picture, host=host, port=port, loader=load, bundles=bundles, browser=not no_browser,
        told=told,
    )  # fmt: skip
