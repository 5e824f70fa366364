"""Jobs: many pictures, planned and checked before the first, read and written side by side."""

from __future__ import annotations

from .inputs import Source, find_sources
from .plan import Item, JobOptions, Plan, make_plan
from .report import Outcome, Report
from .run import Incoming, Produced, run_job

__all__ = [
    "Incoming",
    "Item",
    "JobOptions",
    "Outcome",
    "Plan",
    "Produced",
    "Report",
    "Source",
    "find_sources",
    "make_plan",
    "run_job",
]
