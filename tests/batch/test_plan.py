"""What a job will do is known, and checked, before the first picture."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colordeploy.batch import JobOptions, Plan, find_sources, make_plan
from colordeploy.errors import InputError
from colordeploy.pictures.encoding import Options, save_picture


@pytest.fixture
def inside(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(*names: str, size: tuple[int, int] = (4, 4)) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size).save(name, "PNG")


def pages(name: str, count: int) -> None:
    images = [Image.new("L", (4, 4), 40 * n) for n in range(count)]
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    images[0].save(name, save_all=True, append_images=images[1:])


def planned(given: list[str], output: str, extras: tuple[str, ...] = (), **options) -> Plan:
    sources = find_sources([Path(g) for g in given], Path(output), recursive=True)
    return make_plan(sources, output, JobOptions(**options), extras=extras)


def targets(plan: Plan) -> list[str]:
    return [str(item.target) for item in plan.items]


def test_names_in_a_folder(inside):
    """NAME.png; where two meet, all of them keep their suffix."""
    make("in/a.jpg", "in/a.png", "in/b.tif", "in/sub/a.jpg")
    plan = planned(["in"], "out")
    assert targets(plan) == ["out/a.jpg.png", "out/a.png.png", "out/b.png", "out/sub/a.png"]
    assert (inside / "out" / "sub").is_dir()
    assert plan.color_pages == "copy"
    assert targets(planned(["in/b.tif"], "out", suffix=".jpg")) == ["out/b.jpg"]


@pytest.mark.fault(24)
def test_one_picture_and_a_pattern_that_matches_one(inside):
    """One rule whatever the number of matches."""
    make("in/a.jpg")
    alone = planned(["in/a.jpg"], "result.webp")
    assert (targets(alone), alone.alone, alone.color_pages) == (["result.webp"], True, "recolour")
    assert targets(planned(["in/*.jpg"], "out")) == ["out/a.png"]
    assert targets(planned(["in/a.jpg"], "new/")) == ["new/a.png"]
    assert targets(planned(["in"], "x.png/")) == ["x.png/a.png"]
    assert targets(planned(["in/a.jpg"], "-")) == ["-"]
    for output, word in (
        ("", "empty name"),
        ("plain", "suffix"),
        ("in/missing/a.png", "no folder"),
    ):
        with pytest.raises(InputError, match=word):
            planned(["in/a.jpg"], output)
    with pytest.raises(InputError, match=r"result\.png is the name of one picture"):
        planned(["in"], "result.png")
    with pytest.raises(InputError, match="- is the name of one picture"):
        planned(["in"], "-")
    make("file")
    with pytest.raises(InputError, match="file is a file"):
        planned(["in"], "file")


@pytest.mark.fault(22)
def test_nothing_is_lost(inside):
    make("in/a.jpg", "in/b.png", "out/a.png")
    with pytest.raises(InputError, match=r"1 file is in the way .*out/a\.png.*--overwrite"):
        planned(["in"], "out")
    assert len(planned(["in"], "out", overwrite=True).items) == 2
    with pytest.raises(InputError, match="would replace the picture itself"):
        planned(["in/b.png"], "in/b.png")
    planned(["in/b.png"], "in/b.png", overwrite=True)
    make("in/b.jpg", "in/b.jpg.png")
    with pytest.raises(InputError, match=r"result of in/b\.jpg would replace in/b\.jpg\.png"):
        planned(["in"], "in", overwrite=True)
    save_picture(np.zeros((4, 4, 3), np.uint8), "out/a.png")
    assert len(planned(["in/a.jpg"], "out").items) == 1  # an earlier result


@pytest.mark.fault(22)
def test_extras_take_part(inside):
    """x.palette.png beside a picture that is called so."""
    make("in/x.jpg", "in/x.palette.jpg")
    with pytest.raises(InputError, match=r"would both become out/x\.palette\.png"):
        planned(["in"], "out", extras=("palette",))
    plan = planned(["in/x.jpg"], "out/", extras=("palette",))
    assert plan.items[0].extras == {"palette": Path("out/x.palette.png")}


@pytest.mark.fault(23)
def test_places_are_checked_before(inside):
    make("in/a.png", "closed")
    with pytest.raises(InputError, match="cannot make the folder closed/out"):
        planned(["in"], "closed/out")
    with pytest.raises(InputError, match=r"cannot (make|write)"):
        planned(["in"], "/proc/out")


@pytest.mark.fault(15)
def test_pages(inside):
    pages("in/scan.tif", 3)
    pages("in/film.gif", 12)
    plan = planned(["in"], "out")
    assert targets(plan)[:2] == ["out/film-001.png", "out/film-002.png"]
    assert targets(plan)[-1] == "out/scan-003.png"
    assert [item.pages for item in plan.items][-3:] == [(1,), (2,), (3,)]
    assert plan.items[-1].label == "in/scan.tif (page 3)"
    together = planned(["in"], "out", suffix=".tif")
    assert targets(together) == ["out/film.tif", "out/scan.tif"]
    assert together.items[1].pages == (1, 2, 3)
    assert targets(planned(["in/scan.tif"], "a.png")) == [f"a-00{n}.png" for n in (1, 2, 3)]
    assert targets(planned(["in/scan.tif"], "a.png", page=2)) == ["a.png"]
    with pytest.raises(InputError, match="3 pages, and the standard output takes one"):
        planned(["in/scan.tif"], "-")


def test_broken_pictures_are_known_and_the_rest_goes_on(inside):
    make("in/a.png", "in/large.png")
    Path("in/broken.png").write_bytes(b"hello")
    make("in/large.png", size=(200, 200))
    plan = planned(["in", "in/missing.png"], "out", max_pixels=1000)
    errors = {item.label: str(item.error) for item in plan.items if item.error}
    assert set(errors) == {"in/broken.png", "in/large.png", "in/missing.png"}
    assert "200x200" in errors["in/large.png"]


@pytest.mark.fault(25)
def test_skip_existing(inside):
    make("in/a.png", "in/b.png", "in/c.png", "out/a.png", "out/b.png")
    os.utime("in/b.png", (2e9, 2e9))  # changed after its result
    with pytest.raises(InputError, match=r"in the way .*out/b\.png"):
        planned(["in"], "out", skip_existing=True)
    plan = planned(["in"], "out", skip_existing=True, overwrite=True)
    assert [item.done for item in plan.items] == [True, False, False]


def test_encoding_is_checked_before(inside):
    make("in/a.png")
    with pytest.raises(InputError, match="16 use"):
        planned(["in"], "out", suffix=".jpg", encoding=Options(depth=16))
    with pytest.raises(InputError, match="no quality"):
        planned(["in/a.png"], "b.png", encoding=Options(quality=50))


def test_how_many_are_worked_on_at_once(inside):
    make(*(f"in/{n}.png" for n in range(5)))
    plan = planned(["in"], "out")
    assert [plan.workers(threads) for threads in (1, 2, 64)] == [1, 2, 5]
    make("in/large.png", size=(4000, 3001))
    assert planned(["in"], "out").workers(4) == 1  # it takes all threads and its memory
    Path("in/large.png").write_bytes(b"no picture")
    assert planned(["in"], "out").workers(4) == 4  # what cannot be done does not count
    assert Plan([], alone=False, color_pages="copy").workers(4) == 1
