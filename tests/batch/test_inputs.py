"""Which files a job is about."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colordeploy.batch import find_sources
from colordeploy.errors import InputError
from colordeploy.pictures.encoding import save_picture


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(path, "PNG")


def found(*given: Path | str, **options) -> list[str]:
    return [str(source.path) for source in find_sources([Path(g) for g in given], **options)]


@pytest.fixture
def inside(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.fault(21)
def test_a_folder(inside, caplog):
    """What is no picture by its name is passed over, and said so with -v."""
    make(inside / "in", "b.png", "A.JPG", "._a.jpg", ".hidden.png", "sub/c.png")
    for name in ("Thumbs.db", ".DS_Store", "a.pdf", "a.mp4", "a.txt", "a.svg", "a.eps"):
        (inside / "in" / name).write_text("x")
    (inside / "in" / "x.png").mkdir()
    with caplog.at_level(logging.INFO, "colordeploy"):
        assert found("in") == ["in/A.JPG", "in/b.png"]
    assert "in/Thumbs.db is passed over" in caplog.text
    assert "in/._a.jpg is passed over" in caplog.text
    assert found("in", recursive=True) == ["in/A.JPG", "in/b.png", "in/sub/c.png"]
    folders = [str(s.folder) for s in find_sources([Path("in")], recursive=True)]
    assert folders == [".", ".", "sub"]
    with pytest.raises(InputError, match=r"in/x\.png: no pictures in there; --recursive"):
        found("in/x.png")


@pytest.mark.fault(24)
def test_names_are_taken_literally_before_they_are_patterns(inside):
    make(inside, "a [1940].png", "a 1.png", "b*.png", "b1.png")
    assert found("a [1940].png") == ["a [1940].png"]
    assert found("b*.png") == ["b*.png"]
    assert found("a ?.png") == ["a 1.png"]
    with pytest.raises(InputError, match=r"c\[1\]\.png: no pictures"):
        found("c[1].png")
    assert found("missing.png") == ["missing.png"]  # its own error comes when it is read


@pytest.mark.fault(24, 42)
def test_patterns(inside):
    make(inside / "old", "a.JPG", "b.jpg", "in/a.jpg", "in/deep/b.jpg")
    (inside / "old" / "notes.txt").write_text("x")
    (inside / "old" / "folder.jpg").mkdir()
    assert found("old/*.JPG") == ["old/a.JPG"]
    assert found("old/*") == ["old/a.JPG", "old/b.jpg"]
    assert len(found("old/*", recursive=True)) == 4
    tree = find_sources([Path("old/**/*.jpg")])
    assert [(str(s.path), str(s.folder)) for s in tree] == [
        ("old/b.jpg", "."), ("old/in/a.jpg", "in"), ("old/in/deep/b.jpg", "in/deep"),
    ]  # fmt: skip
    assert not tree[0].named


@pytest.mark.fault(42)
def test_the_same_picture_is_done_once(inside):
    make(inside, "a.png")
    (inside / "link.png").symlink_to("a.png")
    assert found("a.png", inside / "a.png", "./a.png", "link.png", "*.png") == ["a.png"]


def test_the_output_folder_is_not_searched(inside):
    make(inside, "in/a.png", "in/out/b.png")
    assert found("in", output=Path("in/out"), recursive=True) == ["in/a.png"]
    save_picture(np.zeros((4, 4, 3), np.uint8), inside / "in" / "earlier.png")
    assert found("in", output=Path("in")) == ["in/a.png"]
    assert found("in") == ["in/a.png", "in/earlier.png"]


def test_a_link_upwards_has_an_end(inside):
    make(inside, "in/a.png")
    os.symlink("..", inside / "in" / "up")
    assert found("in", recursive=True) == ["in/a.png"]


def test_links_in_a_circle_have_an_end(inside):
    """Every folder once; a name that begins like another's is another."""
    make(inside, "in/a/1.png", "in/b/2.png", "in/ab/3.png")
    for folder, other in (("a", "b"), ("b", "a"), ("ab", "a")):
        for name in "xyz":
            os.symlink(f"../{other}", inside / "in" / folder / name)
    assert found("in", recursive=True) == ["in/a/1.png", "in/a/x/2.png", "in/ab/3.png"]
    assert found("in/ab", recursive=True) == ["in/ab/3.png", "in/ab/x/1.png", "in/ab/x/x/2.png"]
