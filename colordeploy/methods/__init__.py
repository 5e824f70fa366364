"""The methods: one room each, with a record of itself (`Method`) that the rest of the house reads.

A new method enters by a package with a ``METHODS`` tuple and its name in `ROOMS`
(docs/contributing.md).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from .method import FreeDimension, GraphLoader, Method, Subject

__all__ = [
    "ROOMS",
    "FreeDimension",
    "GraphLoader",
    "Method",
    "Subject",
    "all_methods",
    "find_method",
]

# Modules whose METHODS are known, in the order in which people are told of them.
ROOMS: tuple[str, ...] = (
    "colordeploy.methods.scribble",
    "colordeploy.methods.automatic",
    "colordeploy.methods.exemplar",
    "colordeploy.methods.line_art",
    "colordeploy.methods.imported",
)


def all_methods() -> Iterator[Method]:
    """Yield the record of every method; a room is imported when it is reached."""
    for room in ROOMS:
        yield from importlib.import_module(room).METHODS


def find_method(name: str) -> Method | None:
    """Return the record of a method; None when no room has it."""
    return next((method for method in all_methods() if method.name == name), None)
