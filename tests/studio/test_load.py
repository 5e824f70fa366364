"""Twenty sessions at once, within bounds: ``python -m pytest -m studio_service``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

pytestmark = pytest.mark.studio_service
COMMAND = Path(__file__).parents[2] / "bench" / "studio_load.py"


def test_twenty_draw_at_once(tmp_path):
    """The command asserts each session's colours and its bounds."""
    found = tmp_path / "a.json"
    arguments = ["--sessions", "20", "--frames", "20", "--json", str(found)]
    subprocess.run([sys.executable, str(COMMAND), *arguments], check=True, timeout=300)
    said = json.loads(found.read_text())
    assert (said["lost"], said["frames"]) == (0, 400)
