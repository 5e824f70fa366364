"""The catalogue of errors says what the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("errors_page", DOCS / "errors.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_of_this_code(maker):
    assert (DOCS / "errors.md").read_text() == maker.page(), "run python docs/errors.py"


def test_real_errors_are_in_the_catalogue(maker, tmp_path):
    """Messages that are really raised match a line of it."""
    import numpy as np

    from colordeploy import Picture, save_picture
    from colordeploy.errors import ColorDeployError

    listed = [
        re.sub(r"\\\{.*?\\\}", ".*", re.escape(text))
        for files in maker.messages().values()
        for texts in files.values()
        for text in texts
    ]
    (tmp_path / "text.png").write_text("hello")
    raised = []
    for function in (
        lambda: Picture.open(tmp_path / "missing.png"),
        lambda: Picture.open(tmp_path / "text.png"),
        lambda: save_picture(np.zeros((4, 4, 3), np.uint8), tmp_path / "a.xyz"),
        lambda: save_picture(np.zeros((4, 4, 3), np.uint16), tmp_path / "a.jpg"),
    ):
        with pytest.raises(ColorDeployError) as caught:
            function()
        raised.append(str(caught.value))
    for message in raised:
        assert any(re.fullmatch(pattern, message) for pattern in listed), message
