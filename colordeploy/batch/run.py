"""Run a plan: while pictures are worked on, the next is read and the last one written.

Reading and writing have a thread each, working has one or several. The caller's thread only waits,
so that Ctrl-C is heard at once; pictures wait in between one at a time, and only while memory
allows it.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..cancellation import CancelToken
from ..errors import Cancelled, ColorDeployError
from ..files import writing
from ..native.resources import free_memory
from ..pictures.encoding import encode, picture_format
from ..pictures.openraster import Document
from ..pictures.picture import Picture, floats
from .inputs import STDIN
from .plan import Item, JobOptions, Plan
from .report import Outcome, Report, Status

__all__ = ["Incoming", "Produced", "run_job"]

_LOG = logging.getLogger("colordeploy")
_BYTES_A_PIXEL = 40  # that a picture takes at its highest, all it goes through taken together
_LOOK = 0.1  # seconds between looks at the token
_PATIENCE = 0.5  # seconds that a picture in hand is given to end after an interruption


@dataclass(frozen=True, eq=False)
class Produced:
    """What the work on one picture gives.

    Attributes
    ----------
    picture : (H, W, 3) or (H, W, 4) uint8 or uint16
    extras : dict of str to such arrays, or Document
        Further pictures, by the names that the plan knows.
    """

    picture: NDArray[Any]
    extras: dict[str, NDArray[Any] | Document] = field(default_factory=dict)


class Incoming:
    """A picture on its way to the work, which takes it: nobody holds its samples any longer then.

    Attributes
    ----------
    name : str
        Of its file.
    """

    def __init__(self, picture: Picture) -> None:
        self.name = picture.name
        self._pictures = [picture]

    def take(self) -> Picture:
        """Give the picture away; once."""
        return self._pictures.pop()


Work = Callable[[Incoming, CancelToken], Produced]
Told = Callable[[Outcome, int, int], None]


def run_job(
    plan: Plan,
    work: Work,
    options: JobOptions,
    *,
    workers: int = 1,
    told: Told | None = None,
    cancel: CancelToken | None = None,
) -> Report:
    """Do what was planned.

    Parameters
    ----------
    plan : Plan
    work : callable
        From an `Incoming` picture to what is `Produced`; called in threads of its own. It should
        heed the token that it is given.
    options : JobOptions
        Those of the plan.
    workers : int
        Pictures that are worked on at once; see `Plan.workers`.
    told : callable, optional
        Called with (outcome, number of pictures that are finished, of all) after each.
    cancel : CancelToken, optional
        When it is set, or on KeyboardInterrupt, the job ends within a second: the picture in hand
        is finished or removed. It is set when the job ends by an error, too: work ends by it.

    Returns
    -------
    Report
        Failures are in there; with ``options.fail_fast`` the first one is raised.

    Raises
    ------
    ColorDeployError
        With ``options.fail_fast``, or when the only picture of a plan failed.
    """
    return _Job(plan, work, options, workers, told, cancel or CancelToken()).run()


@dataclass
class _Read:
    """The pages that were read."""

    pictures: list[Picture]
    seconds: float


@dataclass
class _Made:
    """Results of pages: each with its picture, the samples of which are gone."""

    pages: list[tuple[Picture, Produced]] = field(default_factory=list)
    status: Status = "done"


@dataclass
class _InHand:
    """A picture that is read and worked on."""

    index: int
    item: Item
    making: Future[_Made | None]


class _Job:
    def __init__(
        self,
        plan: Plan,
        work: Work,
        options: JobOptions,
        workers: int,
        told: Told | None,
        cancel: CancelToken,
    ) -> None:
        self._plan, self._work, self._options, self._told = plan, work, options, told
        self._workers, self._cancel = workers, cancel
        self._working: deque[_InHand] = deque()  # in the order of the plan
        self._writing: Future[None] | None = None
        self._report = Report([_outcome(item) for item in plan.items])
        self._finished = 0
        self._open: Path | None = None  # the unfinished file of the writer
        self._lock = threading.Lock()

    def run(self) -> Report:
        started = time.perf_counter()
        counts = {"read": 1, "work": self._workers, "write": 1}
        pools = [ThreadPoolExecutor(n, f"colordeploy-{name}") for name, n in counts.items()]
        clean = False
        try:
            self._all(*pools)
            clean = True
        except (KeyboardInterrupt, Cancelled):
            self._report.interrupted = True
            self._cancel.cancel()
        except BaseException:
            if self._writing is not None:  # it was done before the other failed
                wait([self._writing], timeout=_PATIENCE)
            self._cancel.cancel()  # nobody wants what is worked on still
            raise
        finally:
            for pool in pools:
                pool.shutdown(wait=clean, cancel_futures=True)
            if not clean:
                self._abandon(pools)
            self._report.seconds = time.perf_counter() - started
        return self._report

    def _all(
        self, reader: ThreadPoolExecutor, worker: ThreadPoolExecutor, writer: ThreadPoolExecutor
    ) -> None:
        for index, item in enumerate(self._plan.items):
            if item.done:
                self._finish(index, "skipped")
                continue
            if item.error is not None:
                self._fail(index, item.error)
                continue
            while len(self._working) > self._workers or not self._room_for(item):
                self._hand_on(writer)
            reading = reader.submit(self._read, item)
            making = worker.submit(self._make, index, item, reading)
            self._working.append(_InHand(index, item, making))
        while self._working or self._writing is not None:
            self._hand_on(writer)

    def _hand_on(self, writer: ThreadPoolExecutor) -> None:
        """Wait for the first picture in work and have it written, or for what is being written."""
        first = self._working.popleft() if self._working else None
        made = None if first is None else self._result(first.making, first.index)
        if self._writing is not None:
            self._wait(self._writing)
            self._writing = None
        if first is not None and made is not None:
            self._writing = writer.submit(self._write, first.index, first.item, made)

    def _result(self, future: Future[Any], index: int) -> Any:
        """What a step gave; None when it failed, which is said."""
        try:
            return self._wait(future)
        except (KeyboardInterrupt, Cancelled):
            raise
        except Exception as error:  # whatever a picture does must not end the job
            self._fail(index, error)
            return None

    def _wait(self, future: Future[Any]) -> Any:
        """What a step gave; a cancellation ends the waiting, whatever the step does."""
        while not wait([future], timeout=_LOOK).done:
            self._cancel.raise_if_cancelled()
        return future.result()

    def _room_for(self, item: Item) -> bool:
        """Whether memory is there for one more picture; for one alone it always counts as there."""
        if not self._working and self._writing is None:
            return True
        there = free_memory()
        pixels = item.pixels + sum(other.item.pixels for other in self._working)
        return there is None or pixels * _BYTES_A_PIXEL <= there

    def _read(self, item: Item) -> _Read:
        started = time.perf_counter()
        self._cancel.raise_if_cancelled()
        path, limit = item.source.path, self._options.max_pixels
        if path == STDIN:
            data = sys.stdin.buffer.read()
            page = self._options.page
            pictures = [Picture.from_bytes(data, item.label, page=page, max_pixels=limit)]
        else:
            pictures = [Picture.open(path, page=page, max_pixels=limit) for page in item.pages]
        return _Read(pictures, time.perf_counter() - started)

    def _make(self, index: int, item: Item, reading: Future[_Read]) -> _Made | None:
        """Results of a picture's pages; None when there is nothing to write."""
        read = reading.result()
        del reading
        started = time.perf_counter()
        self._note(index, read=read.seconds)
        results = _Made()
        while read.pictures:
            self._cancel.raise_if_cancelled()
            picture = read.pictures.pop(0)
            if picture.has_color():
                name = f"{item.label} has colours already"
                if self._plan.color_pages == "skip":
                    _LOG.warning("%s, and is skipped", name)
                    self._finish(index, "skipped")
                    return None
                if self._plan.color_pages == "copy":
                    _LOG.warning("%s, and is copied", name)
                    results.status = "copied"
                    results.pages.append((picture, Produced(_as_it_is(picture, self._options))))
                    continue
                _LOG.warning("%s, which are replaced", name)
            kept = replace(picture, samples=np.empty((*picture.size, 0), np.uint8))
            incoming = Incoming(picture)
            del picture
            results.pages.append((kept, self._work(incoming, self._cancel)))
        self._note(index, work=time.perf_counter() - started)
        return results

    def _write(self, index: int, item: Item, made: _Made) -> None:
        started = time.perf_counter()
        try:
            for name, target in item.extras.items():
                for _, result in made.pages:
                    if name in result.extras:
                        self._save_extra(target, result.extras[name])
            pages: list[tuple[Any, Picture | None]]
            pages = [(result.picture, picture) for picture, result in made.pages]
            made.pages.clear()  # a large result is held by the encoder alone
            self._save(item.target, pages)
        except (KeyboardInterrupt, Cancelled):
            raise
        except Exception as error:  # whatever a picture does must not end the job
            self._fail(index, error)
            return
        self._note(index, write=time.perf_counter() - started)
        self._finish(index, made.status)

    def _save_extra(self, target: Path, extra: NDArray[Any] | Document) -> None:
        if not isinstance(extra, Document):
            self._save(target, [(extra, None)])
            return
        with writing(target) as file, self._noted(file):
            extra.write(_Stoppable(file, self._cancel))  # type: ignore[arg-type]

    def _save(self, target: Path, pages: list[tuple[Any, Picture | None]]) -> None:
        options = self._options.encoding
        if str(target) == "-":
            content = _Stoppable(sys.stdout.buffer, self._cancel)
            encode(pages, "PNG", options, content, "the standard output")  # type: ignore[arg-type]
            sys.stdout.buffer.flush()
            return
        try:
            kind = picture_format(target, options)
        except ColorDeployError:
            kind = "PNG"  # a pipe or a device is called anything
        with writing(target) as file, self._noted(file):
            encode(pages, kind, options, _Stoppable(file, self._cancel), str(target))  # type: ignore[arg-type]

    @contextmanager
    def _noted(self, file: BinaryIO) -> Iterator[None]:
        name = getattr(file, "name", None)
        self._open = Path(name) if isinstance(name, str) else None
        try:
            yield
        finally:
            self._open = None

    def _abandon(self, pools: list[ThreadPoolExecutor]) -> None:
        """Wait a little for what is in hand, then leave nothing of it behind."""
        deadline = time.monotonic() + _PATIENCE
        threads = [thread for pool in pools for thread in pool._threads]
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if (unfinished := self._open) is not None:
            with suppress(OSError):
                unfinished.unlink()

    def _note(self, index: int, **values: Any) -> None:
        with self._lock:
            self._report.outcomes[index] = replace(self._report.outcomes[index], **values)

    def _finish(self, index: int, status: Status) -> None:
        self._note(index, status=status)
        with self._lock:
            self._finished += 1
        if self._told is not None:
            self._told(self._report.outcomes[index], self._finished, len(self._plan.items))

    def _fail(self, index: int, error: Exception) -> None:
        if self._options.fail_fast or len(self._plan.items) == 1:
            raise error
        text = " ".join(str(error).split()) or type(error).__name__
        if not isinstance(error, ColorDeployError):
            text = f"{type(error).__name__}: {text}"
        name = self._plan.items[index].label
        self._note(index, error=text if name in text else f"{name}: {text}")
        self._finish(index, "failed")


def _outcome(item: Item) -> Outcome:
    return Outcome(str(item.source.path), str(item.target), item.pages)


def _as_it_is(picture: Picture, options: JobOptions) -> NDArray[Any]:
    """A picture's own colours, as what is written."""
    samples = picture.samples
    if samples.ndim == 2:
        samples = np.repeat(samples[..., None], 3, axis=-1)
    if options.encoding.depth == 16:
        samples = np.rint(floats(samples) * 65535).astype(np.uint16)
    elif samples.dtype != np.uint8:
        samples = np.rint(samples * 255).astype(np.uint8)
    return samples


class _Stoppable:
    """A file that ends the writing when the job is cancelled.

    It has no descriptor, so that encoders hand their parts to it one by one.
    """

    def __init__(self, file: BinaryIO, cancel: CancelToken) -> None:
        self._file, self._cancel = file, cancel

    def write(self, data: Any) -> int:
        self._cancel.raise_if_cancelled()
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)
