"""A fifth method, for the test of the door that methods enter by: one tint over everything."""

from __future__ import annotations

import numpy as np

from colordeploy.methods import FreeDimension, Method
from colordeploy.methods.canvas import Canvas
from colordeploy.methods.model import Model, check_graphs, open_graphs
from colordeploy.methods.prepare import Preparation


class ToyCanvas(Canvas):
    def __init__(self, model, photo):
        super().__init__(model, photo.size, photo.working_size)
        self._photo = photo

    device = "cpu"

    def render(self, tint, **keywords):
        def layer(steps):
            graph = self._model.open_graphs()["tint"]
            plane = self._photo.network_input(1)
            ab = graph.run({"gray": plane, "tint": np.float32([tint])}, cancel=steps.cancel)["ab"]
            return self._photo.layer(np.moveaxis(ab[0], 0, -1))

        return self._rendered(tuple(tint), layer, keywords, self._photo.compose)

    def _held(self):
        return self._photo.nbytes

    def _layer_bytes(self, layer):
        return layer.nbytes

    def _free(self):
        del self._photo


class ToyModel(Model):
    def prepare(self, image, **keywords):
        with Preparation(self, keywords) as preparation:
            return ToyCanvas(self, preparation.photo(image, 64, "lab"))


def _create(bundle, load, options):
    wanted = {"tint": ({"gray", "tint"}, {"ab"})}
    check_graphs(bundle, wanted)
    return ToyModel(bundle.manifest.name, "toy", open_graphs(load, wanted), options)


METHODS = (
    Method(
        name="toy",
        summary="one tint over everything",
        subject="photo",
        command="toy",
        create=_create,
        example_guidance=lambda model, canvas, picture, rng: (20.0, 30.0),
        example_edit=lambda model, canvas, picture, rng, before: (-20.0, 10.0),
        dimensions={"colors": FreeDimension(lambda h, w: 1, lambda h, w: 2, lambda h, w: 4)},
    ),
)
