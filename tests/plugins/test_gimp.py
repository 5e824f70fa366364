"""The plug-in in GIMP: what it shows is what Python renders. ``pytest -m gimp``.

GIMP composes the layer's chroma with the photo's lightness itself (LCH Color), in CIE Lab of D50
where the library's is of D65, and rounds what leaves sRGB channel by channel: so what is seen is
within CLOSE of Python's result, the layer's own pixels within a level.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import colordeploy
from colordeploy import Anchor
from colordeploy.native.color import compose_lab, lab_of

from .gimp import Gimp, GimpError

pytestmark = pytest.mark.gimp
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CLOSE = 3.0  # levels of 255, the worst of all pixels
STRONG = 5.0  # the same for colours that reach the rim of sRGB


@pytest.fixture(scope="module")
def photo():
    """(256, 348, 3) uint8."""
    with Image.open(EXAMPLES / "colosseum.jpg") as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.fixture(scope="module")
def layer():
    """Its strokes."""
    with Image.open(EXAMPLES / "colosseum-strokes.png") as picture:
        return np.asarray(picture.convert("RGBA"))


@pytest.fixture(scope="module")
def models():
    """Python's models by name, loaded when asked for."""
    loaded = {}

    def load(name):
        if name not in loaded:
            graphs = {} if name == "levin" else {"backend": "onnxruntime"}
            loaded[name] = colordeploy.load(name, device="cpu", **graphs)
        return loaded[name]

    return load


@pytest.fixture(scope="module")
def automatic(models, photo):
    """Python's automatic result."""
    return models("disco").prepare(photo).render()


def automatically(gimp, image, layer, **changes):
    """Run the procedure; returns the new layer."""
    values = {
        "model": '""', "anchors": 8, "sample": 0, "places": 0, "path": -1, "colors": -1,
        "others": True, "saturation": 1.0, **changes,
    }  # fmt: skip
    return gimp.one("plug-in-colordeploy-automatic", 1, image, layer, *values.values())


def close(seen, expected, most=CLOSE):
    difference = np.abs(seen - expected.astype(float))
    assert difference.max() <= most, (difference.max(), difference.mean())


def test_automatic(gimp, photo, automatic):
    image, layer = gimp.opened(photo)
    made = automatically(gimp, image, layer)
    assert gimp.offsets(made) == (0, 0, 348, 256)
    assert gimp.one("gimp-layer-get-mode", made) == gimp.one("+", "LAYER-MODE-LCH-COLOR")
    assert gimp.call("gimp-image-get-layers", image)[0] == 2
    pixels = gimp.pixels(image, made)
    np.testing.assert_array_equal(pixels[..., :3], automatic)
    assert pixels[..., 3].min() == 255
    close(gimp.seen(image), automatic)
    np.testing.assert_array_equal(gimp.pixels(image, layer)[..., :3], photo)  # as it was


@pytest.mark.parametrize(
    "precision",
    ["U8-LINEAR", "U16-LINEAR", "U16-GAMMA", "U32-LINEAR", "U32-GAMMA", "HALF-LINEAR", "HALF-GAMMA",
     "FLOAT-LINEAR", "FLOAT-GAMMA", "DOUBLE-LINEAR", "DOUBLE-GAMMA"],
)  # fmt: skip
def test_precisions(gimp, photo, models, precision):
    image, layer = gimp.opened(photo)
    gimp.convert(image, precision)
    given = gimp.seen(image)  # 8 linear bits are another picture
    automatically(gimp, image, layer)
    seen = gimp.seen(image)
    expected = models("disco").prepare(given / 255).render(output="rgb16") / 257
    close(seen, expected, 9 if precision == "U8-LINEAR" else CLOSE)


@pytest.mark.parametrize("precision", ["U8-GAMMA", "FLOAT-LINEAR"])
def test_grey(gimp, photo, models, precision):
    image, layer = gimp.opened(photo)
    gimp.run(f"(gimp-image-convert-grayscale {image})")
    gimp.convert(image, precision)
    given = gimp.seen(image)
    assert gimp.one("gimp-image-base-type", image) == 1
    automatically(gimp, image, layer)
    assert gimp.one("gimp-image-base-type", image) == 0
    close(gimp.seen(image), models("disco").prepare(given / 255).render(output="rgb16") / 257)


def test_indexed(gimp, photo, models):
    image, layer = gimp.opened(photo)
    gimp.run(f'(gimp-image-convert-indexed {image} 0 0 32 FALSE FALSE "")')
    given = gimp.seen(image)
    automatically(gimp, image, layer)
    close(gimp.seen(image), models("disco").prepare(given / 255).render(output="rgb16") / 257, 9)


def test_offsets_and_alpha(gimp, photo, models):
    image, _ = gimp.opened(photo)
    part = np.dstack([photo[40:240, 20:320], np.full((200, 300), 255, np.uint8)])
    part[:60, :80, 3] = 0
    other = gimp.layer(image, part, 70, -30)
    made = automatically(gimp, image, other)
    assert gimp.offsets(made) == (70, -30, 300, 200)
    white = part[..., :3].copy()
    white[part[..., 3] == 0] = 255
    expected = models("disco").prepare(white).render()
    seen = gimp.seen(image)
    close(seen[30:170, 70:], expected[60:, :278])
    close(seen[:, :70], photo[:, :70], 0)  # nothing beside it
    close(seen[:30, 70:150], photo[:30, 70:150], 0)  # nor below its transparent part
    assert not gimp.pixels(image, made)[:60, :80, 3].any()


def test_selection(gimp, photo, automatic):
    image, layer = gimp.opened(photo)
    gimp.run(f"(gimp-image-select-rectangle {image} CHANNEL-OP-REPLACE 50 60 100 90)")
    made = automatically(gimp, image, layer)
    assert gimp.one("gimp-layer-get-mask", made) > 0
    seen = gimp.seen(image)
    close(seen[60:150, 50:150], automatic[60:150, 50:150])
    seen[60:150, 50:150] = photo[60:150, 50:150]
    close(seen, photo, 0)


def test_a_layer_in_a_group(gimp, photo, automatic):
    image, layer = gimp.opened(photo)
    group = gimp.one("gimp-layer-group-new", image)
    gimp.run(f"(gimp-image-insert-layer {image} {group} 0 0)")
    gimp.run(f"(gimp-image-reorder-item {image} {layer} {group} 0)")
    made = automatically(gimp, image, layer)
    assert gimp.one("gimp-item-get-parent", made) == group
    close(gimp.seen(image), automatic)


@pytest.mark.parametrize("name", ["levin", "lga"])
def test_strokes(gimp, photo, layer, models, name):
    image, below = gimp.opened(photo)
    strokes = gimp.layer(image, np.ascontiguousarray(layer[10:200, 30:]), 30, 10)
    made = gimp.one("plug-in-colordeploy-strokes", 1, image, below, strokes, f'"{name}"', 1.0)
    shown = np.zeros_like(layer)
    shown[10:200, 30:] = layer[10:200, 30:]
    expected = models(name).prepare(photo).render(shown)
    np.testing.assert_array_equal(gimp.pixels(image, made)[..., :3], expected)
    # Python keeps the photo's luma, the layer mode its CIE lightness.
    lab = lab_of(expected / 255)
    lightness = lab_of(photo / 255)[..., 0].ravel()
    composed = compose_lab(lightness, lab[..., 1:].reshape(-1, 2)).reshape(photo.shape)
    close(gimp.seen(image, hidden=[strokes]), composed, STRONG)


@pytest.mark.parametrize("coarse", [False, True])
def test_example(gimp, photo, models, coarse):
    reference = np.ascontiguousarray(photo[::-1] * np.array([1.0, 0.8, 0.5])).astype(np.uint8)
    image, layer = gimp.opened(photo)
    _, example = gimp.opened(reference[:200])
    made = gimp.one("plug-in-colordeploy-example", 1, image, layer, example, '""', coarse, 1.0)
    model = models("sscn")
    expected = model.prepare(photo).render(reference[:200], coarse=coarse)
    np.testing.assert_array_equal(gimp.pixels(image, made)[..., :3], expected)
    close(gimp.seen(image), expected)


PLACES = [(60, 40), (60, 300), (200, 40), (200, 300)]  # y, x, as guides cross
RED, BLUE = (180, 60, 50), (60, 80, 170)


def anchors_at(canvas, places, others):
    """Python's anchors with the nearest ones moved, in order."""
    left = list(canvas.anchors) if others else []
    placed = []
    for y, x, color in places:
        if left:
            left.remove(min(left, key=lambda a: np.hypot(a.y - y, a.x - x)))
        lab = lab_of(np.array([[color]]) / 255)[0, 0]
        placed.append(Anchor(y, x, (float(lab[1]), float(lab[2]))))
    return placed + left


@pytest.mark.parametrize("others", [True, False])
def test_anchors_at_guides(gimp, photo, models, others):
    image, layer = gimp.opened(photo)
    for y in (60, 200):
        gimp.run(f"(gimp-image-add-hguide {image} {y})")
    for x in (40, 300):
        gimp.run(f"(gimp-image-add-vguide {image} {x})")
    colors = np.zeros((256, 348, 4), np.uint8)
    colors[150:, 250:] = (*BLUE, 255)
    shades = gimp.layer(image, colors)
    gimp.run(f"(gimp-context-set-foreground '{RED})".replace(",", ""))
    made = automatically(gimp, image, layer, places=2, colors=shades, others=others)
    canvas = models("disco").prepare(photo)
    places = [(y, x, BLUE if (y, x) == (200, 300) else RED) for y, x in PLACES]
    expected = canvas.render(anchors_at(canvas, places, others))
    difference = gimp.pixels(image, made)[..., :3].astype(int) - expected
    assert np.abs(difference).max() <= 1
    assert np.abs(expected.astype(int) - canvas.render()).max() > 20  # they count


def test_anchors_on_a_path(gimp, photo, models):
    image, layer = gimp.opened(photo)
    path = gimp.one("gimp-vectors-new", image, '"places"')
    gimp.run(f"(gimp-image-insert-vectors {image} {path} 0 0)")
    points = [c for x, y in ((40, 60), (1000, 60), (300, 200)) for c in (x, y) * 3]
    words = " ".join(str(c) for c in points)
    gimp.run(f"(gimp-vectors-stroke-new-from-points {path} 0 18 #({words}) FALSE)")
    gimp.run(f"(gimp-context-set-foreground '{BLUE})".replace(",", ""))
    made = automatically(gimp, image, layer, anchors=3, places=1, path=path)
    canvas = models("disco").prepare(photo, anchors=3)
    expected = canvas.render(anchors_at(canvas, [(60, 40, BLUE), (200, 300, BLUE)], True))
    difference = gimp.pixels(image, made)[..., :3].astype(int) - expected
    assert np.abs(difference).max() <= 1


@pytest.fixture(scope="module")
def drawing():
    """Two boxes and a circle, and dabs in two of them."""
    page = Image.new("L", (480, 320), 255)
    draw = ImageDraw.Draw(page)
    draw.rectangle((30, 30, 210, 290), outline=0, width=4)
    draw.rectangle((250, 30, 450, 150), outline=0, width=4)
    draw.ellipse((260, 170, 440, 300), outline=40, width=5)
    hints = np.zeros((320, 480, 4), np.uint8)
    hints[80:100, 100:130] = (200, 60, 40, 255)
    hints[220:240, 340:360] = (50, 90, 190, 255)
    return np.asarray(page.convert("RGB")), hints


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(("style", "seed"), [(0, 0), (1, 7), (2, 0)])
def test_line_art(gimp, drawing, models, apart, style, seed):
    page, hints = drawing
    image, layer = gimp.opened(page)
    dabs = gimp.layer(image, hints)
    made = gimp.one(
        "plug-in-colordeploy-line-art", 1, image, layer, dabs, '""', style, seed, False, apart, 1.0
    )
    expected = models("rasc").prepare(page).render({0: None, 1: seed, 2: "hints"}[style], hints)
    assert bool(gimp.one("gimp-item-is-group", made)) == apart
    close(gimp.seen(image, hidden=[dabs]), expected, 1)


def test_line_art_on_transparent_ground(gimp, drawing, models):
    page, _ = drawing
    image, layer = gimp.opened(np.dstack([np.zeros_like(page), 255 - page[..., 0]]))
    gimp.convert(image, "U16-GAMMA")
    made = gimp.one(
        "plug-in-colordeploy-line-art", 1, image, layer, -1, '""', 0, 0, True, False, 1.0
    )
    assert gimp.pixels(image, made)[..., 3].min() == 255
    close(gimp.seen(image), models("rasc").prepare(page).render(flat=True), 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": '"nothing-there"'}, "nothing-there(.|\\n)*COLORDEPLOY_BUNDLES"),
        ({"anchors": 0}, "anchors is 0; it must be 1 to 64"),
        ({"sample": 10}, "sample is 10"),
        ({"saturation": -0.5}, "saturation is -0.5"),
        ({"places": 1}, "no path of this image"),
        ({"places": 2}, "no horizontal guide crosses"),
        ({"places": 2, "colors": "LAYER"}, "must be another layer"),
        ({"model": '"rasc"'}, "model rasc is one of rasc; here it must be one of disco"),
    ],
)
def test_bad_arguments(gimp, photo, changes, message):
    image, layer = gimp.opened(photo[:64, :64])
    changes = {k: layer if v == "LAYER" else v for k, v in changes.items()}
    with pytest.raises(GimpError, match=message):
        automatically(gimp, image, layer, **changes)
    assert gimp.call("gimp-image-get-layers", image)[0] == 1


def test_bad_layers(gimp, photo):
    image, layer = gimp.opened(photo[:64, :64])
    opaque = gimp.layer(image, photo[:64, :64])
    empty = gimp.layer(image, np.zeros((64, 64, 4), np.uint8))
    elsewhere, other = gimp.opened(np.zeros((64, 64, 4), np.uint8))
    gimp.run(f"(gimp-image-convert-grayscale {elsewhere})")
    channel = gimp.one("gimp-channel-new", image, 64, 64, '"c"', 100, "'(0 0 0)")
    gimp.run(f"(gimp-image-insert-channel {image} {channel} 0 0)")
    strokes = "plug-in-colordeploy-strokes"
    for below, above, message in (
        (layer, opaque, "no transparency"),
        (layer, layer, "another layer of this image"),
        (layer, other, "another layer of this image"),
        (layer, empty, "mark|stroke"),
        (channel, empty, "only layers"),
        (other, empty, "not in image"),
    ):
        with pytest.raises(GimpError, match=message):
            gimp.run(f'({strokes} 1 {image} {below} {above} "levin" 1.0)')
    with pytest.raises(GimpError, match="is grey"):
        gimp.run(f'(plug-in-colordeploy-example 1 {image} {layer} {other} "" 0 1.0)')
    paint = gimp.layer(elsewhere, np.full((64, 64, 4), 90, np.uint8))
    with pytest.raises(GimpError, match="grey, and so are its strokes"):
        gimp.run(f'({strokes} 1 {elsewhere} {other} {paint} "levin" 1.0)')
    blank = gimp.opened(np.full((64, 64, 3), 255, np.uint8))
    with pytest.raises(GimpError, match="line"):
        gimp.run(f'(plug-in-colordeploy-line-art 1 {blank[0]} {blank[1]} -1 "" 0 0 0 0 1.0)')
    assert gimp.call("gimp-image-get-layers", image)[0] == 3


def test_no_runtime(plug_ins, tmp_path, photo, layer):
    missing = {"COLORDEPLOY_ONNXRUNTIME": "/nowhere/libonnxruntime.so"}
    with Gimp(tmp_path / "home", plug_ins, missing) as gimp:
        image, below = gimp.opened(photo)
        with pytest.raises(GimpError, match=r"/nowhere/libonnxruntime\.so(.|\n)*colordeploy\.env"):
            automatically(gimp, image, below)
        strokes = gimp.layer(image, layer)  # levin has no networks
        gimp.run(f'(plug-in-colordeploy-strokes 1 {image} {below} {strokes} "levin" 1.0)')
        assert gimp.call("gimp-image-get-layers", image)[0] == 3
