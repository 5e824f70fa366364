"""DISCO at run time: anchors, diverse results, edits, sizes, the command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import colordeploy
from colordeploy import Anchor
from colordeploy.accuracy.golden import verify
from colordeploy.bundle import find_bundle
from colordeploy.cli import cli
from colordeploy.errors import ColorDeployError, InputError
from colordeploy.methods.automatic.anchors import diverse_order
from colordeploy.pictures.color import AB_BINS, compose_lab, lab_of
from colordeploy.pictures.decoding import read_lightness
from colordeploy.pictures.geometry import resize
from colordeploy.runtime.graph import Target
from export.bundling.disco import specification
from export.bundling.specification import write
from export.bundling.writer import Identity

from ..recording import recorded_model
from ..tiny import tiny_disco

REFERENCE = Path(__file__).parents[1] / "export" / "disco_reference" / "picture_c.npz"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("disco") / "bundle"
    identity = Identity("tiny")
    write(specification(tiny_disco()), path, identity, trained_on="nothing")
    return path


@pytest.fixture(scope="module")
def model(bundle):
    with colordeploy.load(bundle, device="cpu", threads=1) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def canvas(model, photo_like):
    return model.prepare(photo_like, anchors=6, seed=1)


def test_anchors_lie_in_the_picture_and_know_their_colours(canvas, photo_like):
    anchors = canvas.anchors
    assert 1 <= len(anchors) <= 6
    lightness = read_lightness(photo_like)
    for anchor in anchors:
        assert 0 <= anchor.y < 120
        assert 0 <= anchor.x < 160
        expected = lightness[round(anchor.y), round(anchor.x)]
        # A canvas holds a hundredth of CIE L.
        assert anchor.lightness == 100 * float(np.float32(expected) / np.float32(100))
        assert len(anchor.candidates) == 10
        probabilities = [p for _, p in anchor.candidates]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < sum(probabilities) <= 1 + 1e-6
        assert anchor.ab == anchor.candidates[0][0]
        shown = compose_lab(np.array([anchor.lightness]), np.array([anchor.ab]))[0]
        assert anchor.color == tuple(shown)
        assert anchor.candidate_colors[0] == anchor.color


def test_same_picture_and_seed_same_colours(model, canvas, photo_like):
    again = model.prepare(photo_like, anchors=6, seed=1)
    assert again.anchors == canvas.anchors
    assert np.array_equal(again.render(), canvas.render())
    places = {
        tuple((a.y, a.x) for a in model.prepare(photo_like, anchors=6, seed=s).anchors)
        for s in range(8)
    }
    assert len(places) > 1


@pytest.mark.fault(46)
def test_the_lightness_is_the_pictures_own(model):
    rng = np.random.default_rng(0)
    gray = rng.random((70, 90)).astype(np.float32)
    picture = model.prepare(gray).render()
    assert picture.shape == (70, 90, 3)
    assert np.abs(lab_of(picture / 255.0)[..., 0] - read_lightness(gray)).max() < 0.5
    assert (picture.max(axis=2) != picture.min(axis=2)).any()


@pytest.mark.fault(9)
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (16, 16), (17, 33), (300, 40), (129, 700)])
@pytest.mark.parametrize("size", [None, 64, "native"])
def test_any_size(model, shape, size):
    gray = np.linspace(0, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape)
    canvas = model.prepare(gray, anchors=1, size=size)
    assert canvas.render().shape == (*shape, 3)
    for anchor in canvas.anchors:
        assert 0 <= anchor.y <= shape[0] - 1
        assert 0 <= anchor.x <= shape[1] - 1


@pytest.mark.fault(9)
def test_a_small_picture_gets_fewer_anchors(model, caplog):
    with caplog.at_level("INFO", logger="colordeploy"):
        gray = np.linspace(0, 1, 32 * 20, dtype=np.float32).reshape(32, 20)
        canvas = model.prepare(gray, size="native")
    assert 1 <= len(canvas.anchors) <= 4
    assert "8 anchors were asked for, and this picture has 4" in caplog.text
    assert canvas.render().shape == (32, 20, 3)


def test_a_caller_may_recolour_move_add_and_remove(canvas):
    anchors = canvas.anchors
    base = canvas.render()
    assert np.array_equal(canvas.render(anchors), base)
    red = replace(anchors[0], ab=(70.0, 50.0))
    recoloured = canvas.render([red, *anchors[1:]])
    assert not np.array_equal(recoloured, base)
    moved = canvas.render([replace(red, y=119.9, x=0.0), *anchors[1:]])
    assert not np.array_equal(moved, recoloured)
    assert not np.array_equal(canvas.render([*anchors, Anchor(3, 150, (-60.0, 50.0))]), base)
    assert not np.array_equal(canvas.render(anchors[:1]), base)
    base[:] = 0  # the caller's own memory
    assert canvas.render().any()


def test_an_anchor_for_a_place(canvas):
    """Where a found anchor is, it is the same; elsewhere it has candidates of its own."""
    own = canvas.anchors[0]
    assert canvas.anchor_at(own.y, own.x) == own
    other = canvas.anchor_at(3, 7.5)
    assert (other.y, other.x, len(other.candidates)) == (3, 7.5, 10)
    probabilities = [probability for _, probability in other.candidates]
    assert probabilities == sorted(probabilities, reverse=True)
    canvas.render([own, other])
    for place in ((-2, 3), (3, 10_000), (float("nan"), 3)):
        with pytest.raises(InputError, match="anchor"):
            canvas.anchor_at(*place)


def test_an_edit_runs_the_second_graph_only(bundle, photo_like):
    recorded, graphs = recorded_model(bundle)
    with recorded:
        canvas = recorded.prepare(photo_like)
        canvas.render()
        canvas.render([replace(canvas.anchors[0], ab=(0.0, 0.0))])
        canvas.render([replace(canvas.anchors[0], ab=(0.0, 0.0))])  # nothing is new
    assert {name: len(graph.runs) for name, graph in graphs.items()} == {
        "analyze": 1, "generate": 2,
    }  # fmt: skip


def test_diverse_results_follow_the_official_rule():
    with np.load(REFERENCE) as file:
        candidates, wanted = file["topk_all"], file["diverse_labels"]
    for row in range(candidates.shape[1]):
        for column in range(candidates.shape[2]):
            best = candidates[:, row, column]
            order = diverse_order(AB_BINS[best])
            found = best[order[:3]]
            assert found[0] == wanted[0, row, column]
            if found[1] != wanted[1, row, column]:  # a tie, which the original breaks at random
                first = AB_BINS[found[0]]
                assert np.linalg.norm(AB_BINS[found[1]] - first) == pytest.approx(
                    np.linalg.norm(AB_BINS[wanted[1, row, column]] - first)
                )


def test_samples_differ_and_are_ordered(canvas):
    pictures = [canvas.render(sample=n) for n in range(3)]
    assert not np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[1], pictures[2])
    chosen = [canvas.diverse_anchors(n)[0].ab for n in range(10)]
    assert len(set(chosen)) == 10
    assert set(chosen) == {ab for ab, _ in canvas.anchors[0].candidates}


def test_palette(canvas):
    picture = canvas.palette()
    assert picture.shape[0] == 32 * len(canvas.anchors)
    assert tuple(picture[16, 10]) == canvas.anchors[0].color
    assert tuple(picture[16, 57]) == canvas.anchors[0].color  # the most probable comes first


@pytest.mark.parametrize(
    ("anchors", "word"),
    [
        ([], "no anchors"),
        ([Anchor(-1, 5, (0, 0))], "outside"),
        ([Anchor(5, 160, (0, 0))], "outside"),
        ([Anchor(float("nan"), 5, (0, 0))], "outside"),
        ([Anchor(5, 5, (109, 109))], "no colour"),
        ([Anchor(5, 5, (float("inf"), 0))], "two numbers"),
        ([Anchor(5, 5, (1, 2, 3))], "two numbers"),
    ],
)
def test_bad_anchors_are_refused(canvas, anchors, word):
    with pytest.raises(InputError, match=word):
        canvas.render(anchors)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"anchors": 0}, "at least 1"),
        ({"anchors": 2.5}, "whole"),
        ({"seed": -1}, "seed"),
        ({"size": 0}, "size"),
    ],
)
def test_bad_numbers_are_refused(model, photo_like, arguments, word):
    with pytest.raises(InputError, match=word):
        model.prepare(photo_like, **arguments)


def test_bad_samples_and_closed_models(canvas, bundle, photo_like):
    for sample in (-1, 10, 1.0):
        with pytest.raises(InputError, match="sample"):
            canvas.render(sample=sample)
    with pytest.raises(InputError, match="leave anchors out"):
        canvas.render(canvas.anchors, sample=1)
    closed = colordeploy.load(bundle, device="cpu")
    closed.close()
    with pytest.raises(InputError, match="closed"):
        closed.prepare(photo_like)


def test_command(bundle, photo_like, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        Image.fromarray(np.roll(photo_like, 7 * i, axis=1)).save(folder / f"p{i}.png")
    (folder / "notes.txt").write_text("no picture")
    out = tmp_path / "out"
    run = CliRunner()
    # Photos in colour would be copied out of a folder.
    base = ["--model", str(bundle), "--threads", "1", "--colour-pages", "recolour"]
    done = run.invoke(cli, ["auto", str(folder), "-o", str(out), "--palette", *base])
    assert done.exit_code == 0, done.output
    assert {p.name for p in out.iterdir()} == {
        f"p{i}{kind}.png" for i in range(3) for kind in ("", ".palette")
    }
    one = tmp_path / "one.webp"
    done = run.invoke(cli, ["auto", str(folder / "p0.png"), "-o", str(one), *base])
    assert done.exit_code == 0, done.output
    assert np.array_equal(np.asarray(Image.open(one)), np.asarray(Image.open(out / "p0.png")))
    done = run.invoke(cli, ["auto", str(folder / "p[12].png"), "-o", str(tmp_path / "g"), *base])
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "g").iterdir())) == 2


def test_command_keeps_anchors_of_a_photo(bundle, photo_like, tmp_path, model):
    """Of a grey one what the model makes of it, of one in colour its own; at any size."""
    gray = Image.fromarray(photo_like).convert("L")
    gray.save(tmp_path / "first.png")
    gray.resize((80, 60)).save(tmp_path / "small.png")
    Image.fromarray(photo_like).save(tmp_path / "colour.png")

    def colored(photo: str, kept: str, *more: str) -> np.ndarray:
        out = tmp_path / "out.png"
        arguments = [str(tmp_path / photo), "-o", str(out), "--anchors-from", str(tmp_path / kept)]
        base = ["--model", str(bundle), "--threads", "1", "--size", "native", "--overwrite", *more]
        done = CliRunner().invoke(cli, ["auto", *arguments, *base])
        assert done.exit_code == 0, done.exception
        return np.asarray(Image.open(out))

    canvas = model.prepare(tmp_path / "first.png", size="native")
    assert np.array_equal(colored("first.png", "first.png"), canvas.render(canvas.anchors))
    assert np.array_equal(
        colored("first.png", "first.png", "--sample", "2"), canvas.render(sample=2)
    )
    own = canvas.anchors_from(tmp_path / "colour.png")
    assert np.array_equal(colored("first.png", "colour.png"), canvas.render(own))
    assert colored("small.png", "first.png", "--palette").shape == (60, 80, 3)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["{photo}", "-o", "{out}/a.png", "--anchors-from", "{missing}"], "no such file"),
        (
            ["{photo}", "-o", "{out}/a.png", "--anchors-from", "{photo}", "--sample", "1"],
            "has its own",
        ),
        (["{missing}", "-o", "{out}/a.png"], "no such file"),
        (["{empty}", "-o", "{out}"], "no pictures"),
        (["{photo}", "-o", "{out}/a.xyz"], "suffix"),
        (["{photo}", "-o", "{photo}"], "would replace the picture itself"),
        (["{photo}", "-o", "{out}/a.png", "--seed", "-1"], "seed"),
        (["{photo}", "-o", "{out}/a.png", "--model", "levin"], "needs one of disco"),
    ],
)
def test_command_says_what_is_wrong(bundle, photo_like, tmp_path, arguments, word):
    photo = tmp_path / "photo.png"
    Image.fromarray(photo_like).save(photo)
    (tmp_path / "empty").mkdir()
    places = {
        "missing": tmp_path / "none.png", "photo": photo, "empty": tmp_path / "empty",
        "out": tmp_path,
    }  # fmt: skip
    filled = [argument.format(**places) for argument in arguments]
    if "--model" not in filled:
        filled += ["--model", str(bundle)]
    done = CliRunner().invoke(cli, ["auto", *filled, "--threads", "1"])
    assert done.exit_code == 1
    assert isinstance(done.exception, ColorDeployError)
    assert word in str(done.exception)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "photo.png"]


def test_anchors_take_the_colours_of_another_picture(bundle, photo_like):
    """At each superpixel the mean of SP-Pooling, against training's own."""
    import torch

    from export.models.disco import superpixels

    recorded, graphs = recorded_model(bundle)
    canvas = recorded.prepare(photo_like, anchors=6, seed=1)
    found = canvas.anchors_from(photo_like)
    assert [(a.y, a.x) for a in found] == [(a.y, a.x) for a in canvas.anchors]
    height, width = canvas.working_size
    working = np.clip(resize(photo_like.astype(np.float32) / 255, (height, width)), 0, 1)
    ab = lab_of(working)[..., 1:]
    padding = [(0, -side % 16) for side in (height, width)]
    ((_, outputs),) = graphs["analyze"].runs
    association = outputs["association"][0].copy()
    association[:, height:] = 0  # the padding is none of the picture
    association[:, :, width:] = 0
    padded = np.moveaxis(np.pad(ab, [*padding, (0, 0)]), -1, 0)
    means, _ = superpixels.pool(
        torch.from_numpy(padded)[None], torch.from_numpy(association)[None], 16
    )
    for anchor in found:
        row = int(anchor.y * height / photo_like.shape[0]) // 16
        column = int(anchor.x * width / photo_like.shape[1]) // 16
        assert anchor.ab == pytest.approx(means[0, :, row, column].tolist(), abs=1e-3)
    gray = canvas.anchors_from(np.full_like(photo_like, 99))
    assert all(np.hypot(*a.ab) < 0.01 for a in gray)
    canvas.render(found)


def test_anchors_relocated_to_another_pictures_colours(model):
    """A picture in two plain colours: two clusters, and an anchor in each."""
    picture = np.zeros((96, 128, 3), np.uint8)
    picture[:, :64], picture[:, 64:] = (200, 40, 40), (40, 60, 200)
    canvas = model.prepare(picture, anchors=2)
    found = canvas.anchors_from(picture, relocate=True)
    assert len(found) == 2
    assert (found[0].x < 64) != (found[1].x < 64)
    wanted = lab_of(np.array([[200, 40, 40], [40, 60, 200]]) / 255)[:, 1:]
    for anchor in found:
        distance = np.linalg.norm(wanted - anchor.ab, axis=1)  # superpixels reach over the edge
        assert distance.argmin() == (anchor.x > 64)


@pytest.mark.parametrize("shape", [(119, 160, 3), (120, 160)])
def test_colours_need_a_colour_picture_of_the_same_size(canvas, shape):
    with pytest.raises(InputError, match="120x160"):
        canvas.anchors_from(np.zeros(shape, np.uint8))


def test_the_shipped_model():
    """The bundle of the package: verified, small, colourful, and it obeys its anchors."""
    from export.evaluation.metrics import colorfulness

    bundle = find_bundle("disco")
    assert sum(path.stat().st_size for path in bundle.path.iterdir()) < 16_000_000
    assert all(check.passed for check in verify(bundle, Target(device="cpu", threads=1)))
    photo = Path(__file__).parents[2] / "examples" / "colosseum.jpg"
    with colordeploy.load("disco", device="cpu", threads=1) as loaded:
        canvas = loaded.prepare(photo)
        picture = canvas.render()
        assert colorfulness(picture) > 10
        assert np.array_equal(picture, loaded.prepare(photo).render())
        towards = []
        for ab in ((60.0, 40.0), (-10.0, -40.0)):
            anchors = [replace(anchor, ab=ab) for anchor in canvas.anchors]
            towards.append(lab_of(canvas.render(anchors) / 255.0)[..., 1:].mean(axis=(0, 1)))
        assert towards[0][0] > towards[1][0] + 20
        assert towards[0][1] > towards[1][1] + 20
