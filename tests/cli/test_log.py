"""The log on the command line: shown while a command runs, and gone with it."""

from __future__ import annotations

import logging

import pytest
from click.testing import CliRunner

from colordeploy.cli import cli


@pytest.mark.parametrize(
    "arguments", [["auto", "-v", "--no-such"], ["auto", "-v"], ["doctor", "-v"]]
)
def test_nothing_stays_behind(arguments):
    """Also when the arguments turn out to be wrong after -v has been heeded."""
    logger = logging.getLogger("colordeploy")
    before = list(logger.handlers), logger.level
    CliRunner().invoke(cli, arguments)
    assert (list(logger.handlers), logger.level) == before
