"""One GIMP for all tests without a screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .gimp import Gimp, build, environment


@pytest.fixture(scope="session")
def plug_ins() -> Path:
    """The plug-in, built and installed."""
    return build()


@pytest.fixture(scope="session")
def gimp(plug_ins: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gimp]:
    """GIMP without a screen."""
    folder = tmp_path_factory.mktemp("gimp") / "home"
    with Gimp(folder, plug_ins, environment()) as running:
        yield running
