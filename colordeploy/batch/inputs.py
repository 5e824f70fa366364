"""Which pictures a job is about: files, folders, patterns and the standard input."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..pictures.formats import READ_SUFFIXES
from ..pictures.opening import says_ours

__all__ = ["STDIN", "Source", "find_sources"]

_LOG = logging.getLogger("colordeploy")
STDIN = Path("-")


@dataclass(frozen=True)
class Source:
    """A picture file of a job.

    Attributes
    ----------
    path : Path
        "-" is the standard input.
    folder : Path
        Where its results go below the output folder: its place below the folder or the fixed part
        of the pattern that named it.
    named : bool
        Whether it was named itself, not found in a folder or by a pattern.
    """

    path: Path
    folder: Path = Path()
    named: bool = True


def find_sources(
    given: Sequence[str | os.PathLike[str]], output: Path | None = None, *, recursive: bool = False
) -> list[Source]:
    """Find the pictures that are meant.

    Parameters
    ----------
    given : sequence of paths
        What exists is taken as it is called; other names with ``*``, ``?`` or ``[`` are patterns.
        Of folders and patterns, files are passed over that are no pictures by their suffix, or
        hidden (as what macOS leaves beside pictures).
    output : Path, optional
        Where results go: never searched, and earlier results in it are no pictures of this job.
    recursive : bool
        Whether folders in folders are searched.

    Returns
    -------
    list of Source
        In the order given, sorted within a folder or a pattern; each file once.

    Raises
    ------
    InputError
        When a folder or a pattern holds no picture.
    """
    found: list[Source] = []
    for path in map(Path, given):
        if path != STDIN and path.is_dir():
            matches = [
                Source(file, file.parent.relative_to(path), named=False)
                for file in _in_folder(path, output, recursive)
            ]
            hint = "" if recursive else "; --recursive looks into the folders in it"
        elif path != STDIN and not os.path.lexists(path) and glob.has_magic(str(path)):
            matches = list(_of_pattern(path, output, recursive))
            hint = ""
        else:
            found.append(Source(path))
            continue
        if not matches:
            raise InputError(f"{path}: no pictures in there{hint}")
        found += matches
    return _once(found)


def _once(sources: list[Source]) -> list[Source]:
    seen: dict[str, Source] = {}
    for source in sources:
        key = os.path.realpath(source.path)
        if key in seen:
            _LOG.info("%s is given twice, and done once", source.path)
        seen.setdefault(key, source)
    return list(seen.values())


def _in_folder(
    folder: Path, output: Path | None, recursive: bool, seen: set[str] | None = None
) -> Iterator[Path]:
    """Its pictures, sorted; those of folders in it behind its own.

    Each folder once, whatever links lead to it: links that form a circle have no end.
    """
    own = None if output is None else os.path.realpath(output)
    visited = set() if seen is None else seen
    visited.add(os.path.realpath(folder))
    inner = []
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}") from None
    for entry in entries:
        if entry.is_dir():
            if os.path.realpath(entry) != own and not entry.name.startswith("."):
                inner.append(entry)
        elif _is_picture(entry, own):
            yield entry
    if recursive:
        for entry in inner:
            if os.path.realpath(entry) not in visited:
                yield from _in_folder(entry, output, recursive, visited)


def _of_pattern(pattern: Path, output: Path | None, recursive: bool) -> Iterator[Source]:
    """What a pattern matches; the tree behind its fixed part is kept."""
    fixed = Path()
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        fixed /= part
    own = None if output is None else os.path.realpath(output)
    for name in sorted(glob.glob(str(pattern), recursive=True)):
        match = Path(name)
        if match.is_dir():
            if recursive and os.path.realpath(match) != own:
                for file in _in_folder(match, output, recursive):
                    yield Source(file, file.parent.relative_to(fixed), named=False)
        elif _is_picture(match, own):
            yield Source(match, match.parent.relative_to(fixed), named=False)


def _is_picture(path: Path, output: str | None) -> bool:
    if path.name.startswith(".") or path.suffix.lower() not in READ_SUFFIXES:
        _LOG.info("%s is passed over: it is no picture by its name", path)
        return False
    in_output = output is not None and os.path.realpath(path.parent) == output
    if in_output and path.is_file() and says_ours(path):
        _LOG.info("%s is passed over: it is an earlier result", path)
        return False
    return path.is_file()
