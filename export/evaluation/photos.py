"""Scores the photos of a split one by one, in several processes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from rich.progress import track

from ..data.photos import Folders, Photo, PhotoArchive

Scores = TypeVar("Scores")
_score: Callable[[Photo], Any] | None = None  # one a process


def _start(make: Callable[[], Callable[[Photo], Any]]) -> None:
    global _score
    _score = make()


def _run(photo: Photo) -> Any:
    assert _score is not None
    return _score(photo)


def score_photos(
    data: Folders,
    make: Callable[[], Callable[[Photo], Scores]],
    *,
    split: str,
    limit: int | None,
    workers: int,
    minimum_side: int,
) -> list[Scores]:
    """What a scorer says of every photo.

    Parameters
    ----------
    data : Path
        The photo archive.
    make : callable
        Makes the scorer, once a process (it loads the models); can be pickled.
    limit : int, optional
        Every n-th photo only, so many in all.
    minimum_side : int
        Smaller photos are left out.
    """
    photos = [
        photo
        for photo in PhotoArchive(data, split).photos
        if min(photo.picture().size) >= minimum_side
    ]
    if limit is not None and limit < len(photos):
        photos = [photos[i * len(photos) // limit] for i in range(limit)]
    with ProcessPoolExecutor(workers, initializer=_start, initargs=(make,)) as pool:
        return list(track(pool.map(_run, photos), "evaluate", len(photos)))
