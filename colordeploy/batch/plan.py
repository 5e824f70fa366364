"""What a job will do: which page of which file becomes which file; checked before any work."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from ..errors import ColorDeployError, InputError
from ..files import check_writable
from ..pictures.encoding import Options, picture_format
from ..pictures.opening import Outline, outline_of, says_ours
from .inputs import STDIN, Source

__all__ = ["MAXIMUM_WORKERS", "ColorPages", "Item", "JobOptions", "Plan", "make_plan"]

_LOG = logging.getLogger("colordeploy")
ColorPages: TypeAlias = Literal["copy", "skip", "recolour"]
_SHOWN = 3  # names in a message
_SMALL = 12_000_000  # pixels up to which several pictures are worked on at once
MAXIMUM_WORKERS = 8  # pictures that are worked on at once


@dataclass(frozen=True)
class JobOptions:
    """What is wanted of a job.

    Attributes
    ----------
    encoding : Options
        Depth, quality and compression of results.
    suffix : str
        Of results in a folder, with the dot.
    page : int, optional
        The only page of each file, from 1 on; by default all.
    max_pixels : int, optional
        See `colordeploy.Picture.open`.
    color_pages : {"copy", "skip", "recolour"}, optional
        What becomes of pictures that have colours; by default one that is named alone is
        recoloured, others are copied.
    overwrite : bool
        Whether files may be replaced that are no earlier results.
    skip_existing : bool
        Whether results that are newer than their pictures are left alone.
    fail_fast : bool
        Whether the first failure ends the job.
    """

    encoding: Options = field(default_factory=Options)
    suffix: str = ".png"
    page: int | None = None
    max_pixels: int | None = None
    color_pages: ColorPages | None = None
    overwrite: bool = False
    skip_existing: bool = False
    fail_fast: bool = False


@dataclass(frozen=True)
class Item:
    """One file that a job writes.

    Attributes
    ----------
    source : Source
    pages : sequence of int
        Pages of the source that it holds, from 1 on; several only in a TIFF.
    target : Path
        "-" is the standard output.
    extras : dict of str to Path
        Further files of this picture, by name.
    pixels : int
        Of its largest page, 0 when that is not known.
    error : ColorDeployError, optional
        Why it cannot be done, found while planning.
    done : bool
        Whether it is there already and is skipped.
    """

    source: Source
    pages: tuple[int, ...]
    target: Path
    extras: dict[str, Path] = field(default_factory=dict)
    pixels: int = 0
    error: ColorDeployError | None = None
    done: bool = False

    @property
    def label(self) -> str:
        """The source's name, with the page where it has several."""
        name = "the standard input" if self.source.path == STDIN else str(self.source.path)
        return name if self.pages in ((), (1,)) else f"{name} (page {self.pages[0]})"


@dataclass(frozen=True)
class Plan:
    """A checked job.

    Attributes
    ----------
    items : list of Item
    alone : bool
        Whether one picture was named, by its own name.
    color_pages : {"copy", "skip", "recolour"}
    """

    items: list[Item]
    alone: bool
    color_pages: ColorPages

    def workers(self, threads: int) -> int:
        """How many pictures to work on at once with so many threads in all.

        Several small ones with a thread or so each keep processors busier than one with all of
        them. Of large ones a single picture does, and takes its memory.
        """
        sizes = [item.pixels for item in self.items if not item.done and item.error is None]
        if not sizes or not all(0 < pixels <= _SMALL for pixels in sizes):
            return 1
        return min(threads, len(sizes), MAXIMUM_WORKERS)


def make_plan(
    sources: Sequence[Source],
    output: str,
    options: JobOptions,
    *,
    extras: Sequence[str] = (),
) -> Plan:
    """Plan a job and check it: names, places, sizes; folders for results are made.

    Parameters
    ----------
    sources : sequence of Source
    output : str
        A file name for one picture that was named itself, "-" for the standard output; a folder for
        all others, and where it is one or ends with a slash.
    options : JobOptions
    extras : sequence of str
        Names of further files of each picture: ``palette`` is NAME.palette.png.

    Raises
    ------
    InputError
        When anything would be lost or cannot be written. A picture that is broken is no reason:
        its item says so.
    """
    if not output:
        raise InputError("the output has an empty name; name a file, a folder or -")
    alone = len(sources) == 1 and sources[0].named
    outlines = [_outline(source, options) for source in sources]
    target = Path(output)
    into_folder = output.endswith(("/", os.sep)) or (target.is_dir() and output != "-")
    if alone and not into_folder:
        items = _for_file(sources[0], outlines[0], target, options, extras)
    else:
        if target.exists() and not target.is_dir():
            raise InputError(f"{output} is a file; for several pictures name a folder")
        if output == "-" or (target.suffix and not into_folder and _is_format(target)):
            raise InputError(
                f"{output} is the name of one picture, and there are several or a folder of them; "
                "name a folder (with a slash at its end if it is to be called so)"
            )
        picture_format(Path(f"x{options.suffix}"), options.encoding)
        items = _for_folder(sources, outlines, target, options, extras)
    _check_names(items)
    items = [_checked(item, options) for item in items]
    _check_existing(items, options)
    _check_places(items, target if not alone or into_folder else None)
    pages = options.color_pages or ("recolour" if alone else "copy")
    return Plan(items, alone, pages)


def _is_format(path: Path) -> bool:
    try:
        picture_format(path)
    except InputError:
        return False
    return True


def _outline(source: Source, options: JobOptions) -> Outline | ColorDeployError:
    if source.path == STDIN:
        return Outline(0, 0, 1)  # known when it has been read
    try:
        return outline_of(source.path, options.page, options.max_pixels)
    except ColorDeployError as error:
        return error


def _for_file(
    source: Source,
    outline: Outline | ColorDeployError,
    target: Path,
    options: JobOptions,
    extras: Sequence[str],
) -> list[Item]:
    """Items of one picture that was given a name for its result."""
    if str(target) != "-" and not _is_special(target):
        picture_format(target, options.encoding)
    several = target.suffix.lower() in (".tif", ".tiff")
    return _items(source, outline, target, options, extras, together=several)


def _is_special(target: Path) -> bool:
    """Pipes and devices: they are called anything, and get PNG then."""
    return target.exists() and not target.is_file() and not _is_format(target)


def _for_folder(
    sources: Sequence[Source],
    outlines: Sequence[Outline | ColorDeployError],
    folder: Path,
    options: JobOptions,
    extras: Sequence[str],
) -> list[Item]:
    """Items whose results go into a folder: NAME.png, or NAME.jpg.png where two would meet."""
    stems = Counter(folder / s.folder / _stem(s.path) for s in sources)
    items = []
    for source, outline in zip(sources, outlines, strict=True):
        place = folder / source.folder
        name = _stem(source.path)
        if stems[place / name] > 1:
            name = source.path.name
        target = place / f"{name}{options.suffix}"
        together = options.suffix in (".tif", ".tiff")
        items += _items(source, outline, target, options, extras, together=together)
    return items


def _stem(path: Path) -> str:
    return "stdin" if path == STDIN else path.stem


def _items(
    source: Source,
    outline: Outline | ColorDeployError,
    target: Path,
    options: JobOptions,
    extras: Sequence[str],
    *,
    together: bool,
) -> list[Item]:
    further = {name: _sibling(target, _ending(name)) for name in extras}
    if isinstance(outline, ColorDeployError):
        return [Item(source, (), target, further, error=outline)]
    pixels = outline.width * outline.height
    pages = (options.page,) if options.page else tuple(range(1, outline.pages + 1))
    if len(pages) == 1 or (together and not extras):
        return [Item(source, pages, target, further, pixels)]
    if str(target) == "-":
        raise InputError(
            f"{source.path} has {outline.pages} pages, and the standard output takes one picture; "
            "choose one with --page, or name a folder"
        )
    _LOG.info("%s has %d pages, each becomes a picture", source.path, outline.pages)
    digits = max(3, len(str(outline.pages)))
    items = []
    for page in pages:
        one = _sibling(target, f"-{page:0{digits}}{target.suffix}")
        further = {name: _sibling(one, _ending(name)) for name in extras}
        items.append(Item(source, (page,), one, further, pixels))
    return items


def _ending(extra: str) -> str:
    """Of a further file's name: .NAME.png, or .ora for layers in one file."""
    return ".ora" if extra == "ora" else f".{extra}.png"


def _sibling(target: Path, ending: str) -> Path:
    name = target.name.removesuffix(target.suffix) if target.suffix else target.name
    return target.with_name(f"{name}{ending}")


def _targets(item: Item) -> list[Path]:
    return [item.target, *item.extras.values()]


def _check_names(items: Sequence[Item]) -> None:
    """No two results have the same name, and none that of another picture of the job."""
    wanted: dict[str, Item] = {}
    inputs = {os.path.realpath(item.source.path): item.source.path for item in items}
    for item in items:
        for target in _targets(item):
            if str(target) == "-":
                continue
            place = os.path.realpath(target)
            if place in wanted:
                raise InputError(
                    f"{wanted[place].label} and {item.label} would both become {target}; rename "
                    "one, or do them one after the other into two folders"
                )
            wanted[place] = item
            if place in inputs and place != os.path.realpath(item.source.path):
                raise InputError(
                    f"the result of {item.label} would replace {inputs[place]}, which is a picture "
                    "of this job; choose another folder"
                )


def _checked(item: Item, options: JobOptions) -> Item:
    if not options.skip_existing or item.error is not None or str(item.target) == "-":
        return item
    try:
        made = min(target.stat().st_mtime_ns for target in _targets(item))
        return replace(item, done=made >= item.source.path.stat().st_mtime_ns)
    except OSError:
        return item


def _check_existing(items: Sequence[Item], options: JobOptions) -> None:
    """Without --overwrite, only earlier results are replaced."""
    if options.overwrite:
        return
    foreign = []
    for item in items:
        if item.done or item.error is not None:
            continue
        for target in _targets(item):
            if str(target) == "-" or not target.is_file():
                continue
            if os.path.realpath(target) == os.path.realpath(item.source.path):
                raise InputError(
                    f"the result would replace the picture itself, {target}; name another file, or "
                    "say --overwrite"
                )
            if not says_ours(target):
                foreign.append(target)
    if foreign:
        names = ", ".join(map(str, foreign[:_SHOWN])) + (" ..." if len(foreign) > _SHOWN else "")
        raise InputError(
            f"{len(foreign)} {'file is' if len(foreign) == 1 else 'files are'} in the way that no "
            f"earlier run has made: {names}; choose another folder or name, --skip-existing, or "
            "--overwrite"
        )


def _check_places(items: Sequence[Item], folder: Path | None) -> None:
    """Folders for results are made; each place can be written."""
    places = {item.target.parent for item in items if str(item.target) != "-"}
    if folder is not None:
        for place in sorted(places | {folder}):
            try:
                place.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"cannot make the folder {place}: {error.strerror}") from None
    for item in items:
        if str(item.target) != "-" and not item.done and item.error is None:
            for target in _targets(item):
                check_writable(target)
