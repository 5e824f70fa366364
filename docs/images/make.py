"""Makes the pictures of the docs from the example photo.

python docs/images/make.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import colordeploy
from colordeploy.pictures.encoding import save_picture

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"


def main() -> None:
    photo = EXAMPLES / "colosseum.jpg"
    strokes = EXAMPLES / "colosseum-strokes.png"
    grey = np.asarray(Image.open(photo).convert("RGB"))
    marks = np.asarray(Image.open(strokes))
    drawn = np.where(marks[..., 3:] > 0, marks[..., :3], grey)
    panels = [drawn, *(colordeploy.load(name)(photo, strokes) for name in ("levin", "lga"))]
    gap = np.full((grey.shape[0], 8, 3), 255, np.uint8)
    row = [part for panel in panels for part in (panel, gap)][:-1]
    save_picture(np.concatenate(row, axis=1).astype(np.uint8), HERE / "colosseum.png")


if __name__ == "__main__":
    main()
