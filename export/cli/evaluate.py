"""``python -m export evaluate``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group()
def evaluate() -> None:
    """Measure quality by the papers' own protocols, on held-out data."""


@evaluate.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True,
              help="Folder of the photo archive (index.csv and tar files).")  # fmt: skip
@click.option("--bundle", default="lga", show_default=True, help="Bundle to evaluate.")
@click.option("--r-gp", help="Bundle trained without global points.")
@click.option("--r-ap", help="Bundle trained without local edges.")
@click.option("--r-nlb", help="Bundle trained without the non-local block.")
@click.option("--size", default=256, show_default=True, help="Working short side.")
@click.option("--limit", type=int, help="So many photos only.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--lpips", type=click.Path(path_type=Path, exists=True),
              help="State dict of lpips.LPIPS(net='alex'); adds that column.")  # fmt: skip
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON.")
def lga(
    data: Path,
    bundle: str,
    r_gp: str | None,
    r_ap: str | None,
    r_nlb: str | None,
    size: int,
    limit: int | None,
    workers: int,
    lpips: Path | None,
    json_file: Path | None,
) -> None:
    """LGA-Net against levin and its own ablations, on the validation split.

    R_GP and R_AP fall back to switching that part of --bundle off, marked "(switched off)";
    R_NLB needs weights of its own and is left out without them.
    """
    from ..evaluation.scribble import Method, table
    from ..evaluation.scribble import evaluate as run

    methods = {"levin": Method(None), "lga": Method(bundle)}
    if r_gp:
        methods["R_GP"] = Method(r_gp)
    else:
        methods["R_GP (switched off)"] = Method(bundle, global_points=False)
    if r_ap:
        methods["R_AP"] = Method(r_ap)
    else:
        methods["R_AP (switched off)"] = Method(bundle, local_edges=False)
    if r_nlb:
        methods["R_NLB"] = Method(r_nlb)
    result = run(data, methods, size=size, limit=limit, workers=workers, lpips=lpips)
    click.echo(table(result))
    if json_file:
        json_file.write_text(json.dumps(result, indent=1) + "\n")
