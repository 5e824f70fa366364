"""``python -m export evaluate``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


@click.group()
def evaluate() -> None:
    """Measure quality by the papers' own protocols, on held-out data."""


def _common(bundle: str, *, lpips: bool = True) -> Callable[..., Callable[..., None]]:
    """Options of every evaluation."""
    options = [
        click.option("--data", type=click.Path(path_type=Path, exists=True), required=True,
                     multiple=True,
                     help="Folder of the photo archive; can be repeated."),
        click.option("--bundle", default=bundle, show_default=True, help="Bundle to evaluate."),
        click.option("--size", default=256, show_default=True, help="Working short side."),
        click.option("--limit", type=int, help="So many photos only."),
        click.option("--workers", default=2, show_default=True, help="Processes."),
        click.option("--json", "json_file", type=click.Path(path_type=Path),
                     help="Also write JSON."),
    ]  # fmt: skip
    if lpips:
        options.append(
            click.option("--lpips", type=click.Path(path_type=Path, exists=True),
                         help="State dict of lpips.LPIPS(net='alex'); adds that column.")
        )  # fmt: skip

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _report(result: dict[str, Any], text: str, json_file: Path | None) -> None:
    click.echo(text)
    if json_file:
        json_file.write_text(json.dumps(result, indent=1) + "\n")


@evaluate.command()
@_common("lga")
@click.option("--r-gp", help="Bundle trained without global points.")
@click.option("--r-ap", help="Bundle trained without local edges.")
@click.option("--r-nlb", help="Bundle trained without the non-local block.")
def lga(
    data: tuple[Path, ...],
    bundle: str,
    size: int,
    limit: int | None,
    workers: int,
    lpips: Path | None,
    json_file: Path | None,
    r_gp: str | None,
    r_ap: str | None,
    r_nlb: str | None,
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
    _report(result, table(result), json_file)


@evaluate.command()
@_common("disco")
@click.option("--anchors", type=int, multiple=True, default=(8,), show_default=True,
              help="How many anchors; may be given several times (Fig. 11).")  # fmt: skip
@click.option("--no-anchors", help="Bundle trained without the anchor branch.")
@click.option("--mini-patch", help="Bundle trained on grid cells instead of superpixels.")
@click.option("--no-refinement", help="Bundle trained without RefineNet.")
@click.option("--post-refinement", help="Bundle whose RefineNet was trained afterwards.")
@click.option("--true-clusters", is_flag=True,
              help="Also with the anchors placed by the true colours.")  # fmt: skip
@click.option("--inception", type=click.Path(path_type=Path, exists=True),
              help="TorchScript like inception-2015-12-05.pt; adds FID and IS.")  # fmt: skip
def disco(
    data: tuple[Path, ...],
    bundle: str,
    size: int,
    limit: int | None,
    workers: int,
    lpips: Path | None,
    json_file: Path | None,
    anchors: tuple[int, ...],
    no_anchors: str | None,
    mini_patch: str | None,
    no_refinement: str | None,
    post_refinement: str | None,
    true_clusters: bool,
    inception: Path | None,
) -> None:
    """DISCO and its ablations (Tables 3 and 4, Fig. 11), on the validation split."""
    from ..evaluation.automatic import Setting, table
    from ..evaluation.automatic import evaluate as run

    settings = {f"auto, {k} anchors": Setting(bundle, k) for k in anchors}
    if true_clusters:
        settings["clusters of true colours"] = Setting(bundle, anchors[0], true_clusters=True)
    ablations = {
        "no anchor branch": no_anchors,
        "mini-patches": mini_patch,
        "no refinement": no_refinement,
        "post refinement": post_refinement,
    }
    for name, path in ablations.items():
        if path:
            settings[name] = Setting(path, anchors[0])
    result = run(
        data, settings, size=size, limit=limit, workers=workers, lpips=lpips, inception=inception
    )
    _report(result, table(result), json_file)


@evaluate.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True,
              multiple=True,
              help="Folder of the line art archive; can be repeated.")  # fmt: skip
@click.option("--bundle", default="rasc", show_default=True, help="Bundle to evaluate.")
@click.option("--no-regions", help="Bundle trained without regions.")
@click.option("--map-only", help="Bundle trained with the region map as an input only.")
@click.option("--patches", multiple=True, help="Bundle trained on fixed patches; any number.")
@click.option("--size", default=256, show_default=True,
              help="Working short side; smaller drawings are enlarged to it.")  # fmt: skip
@click.option("--styles", type=click.IntRange(2), default=5, show_default=True,
              help="Random styles of each drawing.")  # fmt: skip
@click.option("--limit", type=int, help="So many drawings only.")
@click.option("--threads", default=2, show_default=True)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON.")
def rasc(
    data: tuple[Path, ...],
    bundle: str,
    no_regions: str | None,
    map_only: str | None,
    patches: tuple[str, ...],
    size: int,
    styles: int,
    limit: int | None,
    threads: int,
    json_file: Path | None,
) -> None:
    """RASC and its ablations (Tables II and IV), on the validation split."""
    from ..evaluation.sketch import evaluate as run
    from ..evaluation.sketch import table

    bundles = {"rasc": bundle}
    bundles |= {"no regions": no_regions} if no_regions else {}
    bundles |= {"region map only": map_only} if map_only else {}
    bundles |= {f"patches ({Path(path).name})": path for path in patches}
    result = run(data, bundles, size=size, styles=styles, limit=limit, threads=threads)
    _report(result, table(result), json_file)


@evaluate.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, multiple=True,
              help="Folder of the line art archive; can be repeated.")  # fmt: skip
@click.option("--bundle", default="rasc", show_default=True, help="Bundle to evaluate.")
@click.option("--limit", type=int, help="So many drawings only.")
@click.option("--threads", default=2, show_default=True)
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="Also draw the curves.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON.")
def hints(
    data: tuple[Path, ...],
    bundle: str,
    limit: int | None,
    threads: int,
    picture: Path | None,
    json_file: Path | None,
) -> None:
    """Hints on line art: quality against the share of regions that have one (Hint-AUC)."""
    from ..evaluation.hints import evaluate as run
    from ..evaluation.hints import plot, table

    result = run(data, bundle, limit=limit, threads=threads)
    _report(result, table(result), json_file)
    if picture:
        plot(result, picture)


@evaluate.command()
@_common("sscn", lpips=False)
@click.option("--dense", help="Bundle trained with dense attention; by default --bundle.")
@click.option("--grid", is_flag=True, help="Instead, k and r as in Fig. 9, on TPS references.")
def sscn(
    data: tuple[Path, ...],
    bundle: str,
    size: int,
    limit: int | None,
    workers: int,
    json_file: Path | None,
    dense: str | None,
    grid: bool,
) -> None:
    """SSCN against transferred statistics (Table 1), its stages and attentions, on the validation
    split.
    """
    from ..evaluation.exemplar import AUGMENTATIONS, Setting, table
    from ..evaluation.exemplar import evaluate as run
    from ..evaluation.exemplar import grid as settings_of_grid

    settings = {
        "sscn": Setting(bundle),
        "first stage": Setting(bundle, coarse=True),
        "dense": Setting(dense or bundle, dense=True),
    }
    if grid:
        settings = settings_of_grid(bundle, dense)
    result = run(
        data, settings, kinds=("TPS",) if grid else AUGMENTATIONS, size=size, limit=limit,
        workers=workers,
    )  # fmt: skip
    _report(result, table(result), json_file)


@evaluate.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, multiple=True,
              help="Folder of the photo archive; can be repeated.")  # fmt: skip
@click.option("--bundle", default="sscn", show_default=True, help="A bundle of SSCN's.")
@click.option("--limit", type=int, help="So many photos only.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON.")
def matching(
    data: tuple[Path, ...], bundle: str, limit: int | None, json_file: Path | None
) -> None:
    """Whether SSCN matches like with like: photos of one category as each other's references."""
    from ..evaluation.matching import evaluate as run
    from ..evaluation.matching import table

    result = run(data, bundle, limit=limit)
    _report(result, table(result), json_file)


@evaluate.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, multiple=True,
              help="Folder of the archive; can be repeated.")  # fmt: skip
@click.option("--bundle", default="disco", show_default=True, help="A bundle, or levin.")
@click.option("--limit", type=int, help="So many photos only.")
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON.")
def jumps(
    data: tuple[Path, ...], bundle: str, limit: int | None, workers: int, json_file: Path | None
) -> None:
    """How far colours jump when a photo is changed in a way that nobody sees."""
    from ..evaluation.jumps import evaluate as run
    from ..evaluation.jumps import table

    result = run(data, bundle, limit=limit, workers=workers)
    _report(result, table(result), json_file)


@evaluate.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, multiple=True,
              help="Folder of the photo archive; can be repeated.")  # fmt: skip
@click.option("--bundle", default="disco", show_default=True, help="A bundle of DISCO's or SSCN's.")
@click.option(
    "--match", "pattern", default="", help="Regular expression on source/category/licence/name."
)
@click.option("--count", default=10, show_default=True, help="So many photos.")
@click.option("--out", type=click.Path(path_type=Path), required=True,
              help="Picture to write; the photos' credits go beside it as .txt.")  # fmt: skip
def sheet(data: tuple[Path, ...], bundle: str, pattern: str, count: int, out: Path) -> None:
    """Held-out photos to look at: grey, automatic, another sample, true anchors, truth; of SSCN
    with another photo of the same category as the reference.
    """
    from PIL import Image

    from colordeploy.bundle import find_bundle

    from ..evaluation.sheets import chosen, credits, pair_sheet, paired
    from ..evaluation.sheets import sheet as draw

    photos = chosen(data, pattern, count)
    if find_bundle(bundle).manifest.method == "sscn":
        pairs = paired(data, photos)
        drawn = pair_sheet(pairs, bundle)
        photos = [photo for pair in pairs for photo in pair]
    else:
        drawn = draw(photos, bundle)
    Image.fromarray(drawn).save(out, quality=88)
    out.with_suffix(".txt").write_text(credits(photos, data) + "\n")
    click.echo(f"{out}: {', '.join(photo.name for photo in photos)}")


@evaluate.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, multiple=True,
              help="Folder of the line art archive; can be repeated.")  # fmt: skip
@click.option("--bundle", default="rasc", show_default=True, help="Bundle of line art.")
@click.option("--match", "pattern", default="", help="Regular expression on source/category/name.")
@click.option("--count", default=10, show_default=True, help="So many drawings.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Picture to write.")
def drawings(data: tuple[Path, ...], bundle: str, pattern: str, count: int, out: Path) -> None:
    """Held-out drawings to look at: lines, truth, predicted style, three random styles, hints."""
    from PIL import Image

    from ..evaluation.drawing_sheets import chosen
    from ..evaluation.drawing_sheets import sheet as draw

    found = chosen(data, pattern, count)
    Image.fromarray(draw(found, bundle)).quantize(128).save(out, optimize=True)
    click.echo(f"{out}: {', '.join(drawing.name for drawing in found)}")


@evaluate.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, multiple=True,
              help="Folder of the photo archive; can be repeated.")  # fmt: skip
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), required=True,
              help="Of `train decoder`.")  # fmt: skip
@click.option("--count", default=60, show_default=True, help="So many training photos.")
def restraint(data: tuple[Path, ...], checkpoint: Path, count: int) -> None:
    """How much to hold uncertain colours back: PSNR against colourfulness on training photos."""
    from ..evaluation.restraint import measure, table

    click.echo(table(measure(data, checkpoint, count)))


@evaluate.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True, multiple=True,
              help="Folder of the photo archive, or of drawings for a line art base.")  # fmt: skip
@click.option("--base", default="disco", show_default=True, help="Bundle that makes the bases.")
@click.option("--bundle", default="lga", show_default=True, help="Bundle of the strokes.")
@click.option("--drawings", is_flag=True, help="--data holds drawings.")
@click.option("--reach", default=0.5, show_default=True, help="As for scribble.")
@click.option("--limit", default=60, show_default=True, help="So many pictures.")
@click.option("--sheet", "sheet_file", type=click.Path(path_type=Path),
              help="Also draw the first twelve.")  # fmt: skip
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Also write JSON.")
def mending(
    data: tuple[Path, ...],
    base: str,
    bundle: str,
    drawings: bool,
    reach: float,
    limit: int,
    sheet_file: Path | None,
    json_file: Path | None,
) -> None:
    """Strokes that mend a coloured base: PSNR by their number, on the validation split."""
    from ..evaluation.mending import drawing_cases, photo_cases, sheet, table
    from ..evaluation.mending import evaluate as run

    cases = (drawing_cases if drawings else photo_cases)(data, base, limit)
    if sheet_file is not None:
        from PIL import Image

        shown = cases[:: max(1, len(cases) // 12)][:12]
        Image.fromarray(sheet(shown, bundle, reach)).save(sheet_file, quality=88)
    result = {"base": base, **run(cases, bundle, reach)}
    _report(result, table(result), json_file)
