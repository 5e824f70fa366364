"""A small program of a customer's, checked with ``mypy --strict``; see test_consumer.py."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

import colordeploy
from colordeploy import (
    Anchor,
    AutomaticCanvas,
    AutomaticModel,
    CancelToken,
    ExemplarCanvas,
    ExemplarModel,
    LineArtCanvas,
    LineArtModel,
    ProviderOptions,
    Reference,
    ScribbleCanvas,
    ScribbleModel,
    Stroke,
)


class Editor:
    """Holds one canvas of each method."""

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        options = ProviderOptions()
        self.scribble: ScribbleModel = colordeploy.load("lga", device="cpu", options=options)
        self.automatic: AutomaticModel = colordeploy.load("disco", max_concurrency=2)
        self.exemplar: ExemplarModel = colordeploy.load("sscn", threads=2)
        self.line_art: LineArtModel = colordeploy.load("rasc", build="never")
        self.token = CancelToken()
        self.canvas: ScribbleCanvas = self.scribble.prepare(
            picture, size=256, cancel=self.token, progress=self.report
        )
        self.anchored: AutomaticCanvas = self.automatic.prepare(picture, anchors=4, seed=1)
        self.example: ExemplarCanvas = self.exemplar.prepare(picture)
        self.drawn: LineArtCanvas = self.line_art.prepare(picture)

    def report(self, done: float, what: str) -> None:
        logging.getLogger(__name__).info("%3.0f %% %s", 100 * done, what)

    def draw(self, strokes: list[Stroke], view: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        part: NDArray[np.uint8] = self.canvas.render(strokes, region=view, cancel=self.token)
        return part

    def preview(self, anchors: list[Anchor]) -> NDArray[np.uint16]:
        small: NDArray[np.uint16] = self.anchored.render(anchors, size=512, output="rgb16")
        return small

    def like(self, reference: Reference) -> NDArray[np.float32]:
        lab: NDArray[np.float32] = self.example.render(reference, k=64, r=64, output="lab")
        return lab

    def paint(self, seed: int, memory: NDArray[np.uint8]) -> None:
        self.drawn.render(seed, flat=True, out=memory, saturation=1.2)

    def close(self) -> int:
        self.canvas.close()
        held: int = self.anchored.nbytes
        for model in (self.scribble, self.automatic, self.exemplar, self.line_art):
            model.close()
        return held + colordeploy.trim()
