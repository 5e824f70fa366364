"""What became of each picture of a job."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from ..files import write_whole

__all__ = ["Outcome", "Report", "Status"]

Status: TypeAlias = Literal["done", "copied", "skipped", "failed", "left"]
_WORDS = {
    "copied": "copied (in colour already)", "skipped": "skipped", "failed": "failed", "left": "left"
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of one picture.

    Attributes
    ----------
    source, target : str
    pages : sequence of int
    status : {"done", "copied", "skipped", "failed", "left"}
        "left" is what an interrupted job did not come to.
    read, work, write : float
        Seconds; they overlap with those of other pictures.
    error : str
        Why it failed, else empty.
    """

    source: str
    target: str
    pages: tuple[int, ...] = ()
    status: Status = "left"
    read: float = 0.0
    work: float = 0.0
    write: float = 0.0
    error: str = ""


@dataclass
class Report:
    """What became of a job.

    Attributes
    ----------
    outcomes : list of Outcome
        In the order of the plan.
    seconds : float
    interrupted : bool
    """

    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False
    started: str = field(default_factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%S%z"))

    @property
    def counts(self) -> Counter[str]:
        """How many pictures there are of each status."""
        return Counter(outcome.status for outcome in self.outcomes)

    @property
    def failed(self) -> bool:
        """Whether any picture failed."""
        return self.counts["failed"] > 0

    def summary(self) -> str:
        """One line: how many of each, and how long it took."""
        counts = self.counts
        done = counts["done"]
        parts = [f"{done} {'picture' if done == 1 else 'pictures'}"]
        parts += [f"{counts[status]} {word}" for status, word in _WORDS.items() if counts[status]]
        return f"{', '.join(parts)} in {self.seconds:.1f} s"

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        content = {
            "started": self.started,
            "seconds": round(self.seconds, 3),
            "interrupted": self.interrupted,
            "counts": dict(self.counts),
            "pictures": [asdict(outcome) for outcome in self.outcomes],
        }
        write_whole(path, (json.dumps(content, indent=1) + "\n").encode())
