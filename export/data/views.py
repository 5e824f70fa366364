"""A drawing as other pens, pencils and hands would have it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from .drawings import XDOG_SIGMAS, Drawing, gray_array, rgb_array, xdog

Tone = tuple[int, int, int]
Pair = tuple[NDArray[np.float32], NDArray[np.float32]]  # line (H, W) and colours (H, W, 3), [0, 1]

# OpenMoji draws people in yellow; these are its own skin tones, and how often each is taken.
_YELLOW = (0xFC, 0xEA, 0x2B)
_SKIN = ((0xFA, 0xDC, 0xBC), (0xDE, 0xBB, 0x90), (0xC1, 0x9A, 0x65), (0xA5, 0x79, 0x39),
         (0x5C, 0x3D, 0x0F))  # fmt: skip
_TONES = (0.45, 0.2, 0.12, 0.13, 0.1)
_SKIN_SHARE = 0.8
_SAME_TONE = 0.06  # of 1, in each channel
_LEAST_SKIN = 0.005  # of a picture's pixels
_OWN_LINES = 0.75  # of the views of a pair; the others get XDoG's


def plain(drawing: Drawing, rng: np.random.Generator) -> Pair:
    """A pair as it is; XDoG's lines where a picture has none."""
    rgb = rgb_array(drawing.color)
    if drawing.line is not None:
        return gray_array(drawing.line), rgb
    return xdog(rgb, float(rng.choice(XDOG_SIGMAS))), rgb


def varied(drawing: Drawing, rng: np.random.Generator) -> Pair:
    """A pair turned, resized, moved and maybe mirrored, its lines of another width and darkness,
    now and then uneven as a pencil's; people's yellow skin mostly in a natural tone.
    """
    rgb = rgb_array(drawing.color)
    own = drawing.line is not None and rng.random() < _OWN_LINES
    if _has_skin(drawing) and rng.random() < _SKIN_SHARE:
        tone = _SKIN[int(rng.choice(len(_SKIN), p=_TONES))]
        rgb = _recolored(rgb, _YELLOW, tone)
    move = _motion(rgb.shape[:2], rng)
    rgb = np.stack([_moved(rgb[..., c], move) for c in range(3)], axis=-1)
    if own:
        assert drawing.line is not None
        line = _moved(gray_array(drawing.line), move)
    else:
        sharp = xdog(rgb, float(rng.choice(XDOG_SIGMAS)))
        line = 1 - 1.3 * (1 - gaussian_filter(sharp, float(rng.uniform(0.3, 0.7))))
    return _another_pen(np.clip(line, 0, 1), rng, thinner=own), rgb


def skin_versions(drawing: Drawing) -> list[NDArray[np.float32]]:
    """The colours (H, W, 3) of a drawing, and, where it is one of OpenMoji's people, those that it
    has in OpenMoji's other skin colours: the archive holds one of six pictures of the same lines.
    """
    rgb = rgb_array(drawing.color)
    if not _has_skin(drawing):
        return [rgb]
    tones = (_YELLOW, *_SKIN)
    shares = [float(_near(rgb, tone).mean()) for tone in tones]
    own = tones[int(np.argmax(shares))]
    if max(shares) < _LEAST_SKIN:
        return [rgb]
    return [rgb, *(_recolored(rgb, own, tone) for tone in tones if tone != own)]


def _has_skin(drawing: Drawing) -> bool:
    return "people-body" in drawing.category


def _near(rgb: NDArray[np.float32], tone: Tone) -> NDArray[np.bool_]:
    off = np.abs(rgb - np.array(tone, np.float32) / 255).max(axis=2)
    return np.asarray(off < _SAME_TONE)


def _recolored(rgb: NDArray[np.float32], before: Tone, after: Tone) -> NDArray[np.float32]:
    return np.where(_near(rgb, before)[..., None], np.array(after, np.float32) / 255, rgb)


def _motion(
    shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[float, float, float, float, float, float]:
    """An affine map in Pillow's order, about the picture's middle."""
    scale = float(np.exp(rng.uniform(np.log(0.72), np.log(1.15))))
    angle = np.deg2rad(float(np.clip(rng.normal(0, 6), -15, 15)))
    mirror = -1 if rng.random() < 0.5 else 1
    cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
    turn = np.array([[mirror * cosine, mirror * -sine], [sine, cosine]])
    middle = (np.array(shape[1::-1]) - 1) / 2
    room = max(0.0, (1 - scale) * min(shape[:2]) / 2) + 6
    offset = middle - turn @ (middle + rng.uniform(-room, room, 2))
    return (
        float(turn[0, 0]), float(turn[0, 1]), float(offset[0]),
        float(turn[1, 0]), float(turn[1, 1]), float(offset[1]),
    )  # fmt: skip


def _moved(
    plane: NDArray[np.float32], move: tuple[float, float, float, float, float, float]
) -> NDArray[np.float32]:
    picture = Image.fromarray(np.ascontiguousarray(plane))
    moved = picture.transform(
        picture.size, Image.Transform.AFFINE, move, Image.Resampling.BICUBIC, fillcolor=1.0
    )
    return np.asarray(moved, np.float32).clip(0, 1)


def _another_pen(
    line: NDArray[np.float32], rng: np.random.Generator, *, thinner: bool
) -> NDArray[np.float32]:
    """Other width and darkness; XDoG's lines, which are thin, get no thinner."""
    kind = rng.random()
    if kind < 0.3:
        share = float(rng.uniform(0.3, 1))
        line = (1 - share) * line + share * minimum_filter(line, 3)
    elif kind < 0.5 and thinner:
        share = float(rng.uniform(0.2, 0.7))
        line = (1 - share) * line + share * maximum_filter(line, 3)
    ink = 1 - line
    if rng.random() < 0.4:
        grain = gaussian_filter(rng.normal(size=line.shape), float(rng.uniform(0.8, 3)))
        ink = ink * np.clip(1 - 0.25 * np.abs(grain / grain.std()), 0.3, 1)
    if rng.random() < 0.5:
        ink = ink * float(rng.uniform(0.45, 1))
    return np.clip(1 - ink, 0, 1).astype(np.float32)
