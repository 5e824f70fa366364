"""Official networks with synthetic weights, what their own code makes of a picture, and our words
for the same.

Each is built by its repository's code, at its own width or narrow enough for a small file. The
pictures are as large as the network's input, so that no resizing stands between the two sides.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from colordeploy.pictures.color import lab_of

from .checkouts import modules_of

_NARROW = 32  # of how many channels one is left


@dataclass(frozen=True, eq=False)
class Case:
    """One network and one picture.

    Attributes
    ----------
    preset : str
    net : torch.nn.Module
        In evaluation mode, as it is exported.
    fed : tuple of Tensor
        What the official code gave it.
    free : tuple of int
        Inputs (and the output, -1) whose sides are free in the export.
    picture : (h, w) or (h, w, 3) uint8
    strokes : (h, w, 4) uint8 or None
    ab : (h, w, 2) float32
        CIE a and b that the official code got, before it composes them with the lightness.
    """

    preset: str
    net: nn.Module
    fed: tuple[torch.Tensor, ...]
    free: tuple[int, ...]
    picture: NDArray[np.uint8]
    strokes: NDArray[np.uint8] | None
    ab: NDArray[np.float32]

    def export(self, path: Path) -> None:
        """Write the network as an ONNX file."""
        names = [f"input{i}" for i in range(len(self.fed))]
        axes = {(names[i] if i >= 0 else "output"): {2: "h", 3: "w"} for i in self.free}
        torch.onnx.export(
            self.net, self.fed, str(path), opset_version=17, dynamo=False, input_names=names,
            output_names=["output"], dynamic_axes=axes,
        )  # fmt: skip


class Scaled(nn.Module):
    """A network whose colours have the size that colours have, whatever its weights."""

    def __init__(self, net: nn.Module, factor: float) -> None:
        super().__init__()
        self.net, self.factor = net, factor

    def forward(self, *given: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.factor * self.net(*given)
        return found


def picture_of(side: int, seed: int = 5) -> NDArray[np.uint8]:
    """A grey picture with edges and slopes."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    values = 0.5 + 0.25 * np.sin(7 * x + 3 * y) + 0.15 * (x > 0.6) - 0.2 * (y + x > 1.3)
    values = values + 0.03 * rng.standard_normal((side, side))
    return (255 * np.clip(values, 0, 1)).astype(np.uint8)


def dots_of(side: int, seed: int = 6, count: int = 12) -> NDArray[np.uint8]:
    """Strokes of 2x2 pixels at even places, each of one colour, as a layer (h, w, 4)."""
    rng = np.random.default_rng(seed)
    layer = np.zeros((side, side, 4), np.uint8)
    for _ in range(count):
        y, x = 2 * rng.integers(0, side // 2, 2)
        layer[y : y + 2, x : x + 2] = (*rng.integers(30, 226, 3), 255)
    return layer


def awake(net: nn.Module, coarse: bool) -> nn.Module:
    """Weights and running statistics that are not trivial.

    Parameters
    ----------
    coarse : bool
        Round weights to 64ths, so that files of them are small.
    """
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim > 1:
                nn.init.kaiming_normal_(parameter)
            else:
                parameter.add_(0.1 * torch.randn_like(parameter))
            if coarse:
                parameter.mul_(64).round_().div_(64)
        for name, buffer in net.named_buffers():
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return net.eval()


@contextmanager
def _narrow() -> Iterator[None]:
    """Layers that are made within have a fraction of the channels that they are asked for."""

    def fewer(kind: type[nn.Module], places: int) -> Callable[..., nn.Module]:
        def make(*channels: int, **others: Any) -> nn.Module:
            left = [c // _NARROW if c >= _NARROW and c != 313 else c for c in channels[:places]]
            return kind(*left, *channels[places:], **others)

        return make

    with (
        mock.patch.object(nn, "Conv2d", fewer(nn.Conv2d, 2)),
        mock.patch.object(nn, "ConvTranspose2d", fewer(nn.ConvTranspose2d, 2)),
        mock.patch.object(nn, "BatchNorm2d", fewer(nn.BatchNorm2d, 1)),
    ):
        yield


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


def _at_size(net: nn.Module, fed: tuple[torch.Tensor, ...]) -> tuple[nn.Module, torch.Tensor]:
    """The network with its largest colour at 60, and its output."""
    with torch.no_grad():
        factor = 60 / float(net(*fed).abs().max())
        scaled = Scaled(net, round(factor, 3 - int(np.floor(np.log10(factor)))))
        return scaled, scaled(*fed)


def _planes(found: torch.Tensor) -> NDArray[np.float32]:
    return np.moveaxis(found[0].numpy(), 0, -1).copy()


def zhang_eccv16(folder: Path, side: int, small: bool) -> Case:
    """Zhang et al., ECCV 2016: CIE L by the repository's own preprocessing."""
    picture = picture_of(side)
    torch.manual_seed(2)
    with modules_of(folder, "colorizers.eccv16", "colorizers.util") as (module, util):
        with _narrow() if small else _as_it_is():
            norm = nn.BatchNorm2d  # the repository's default was bound before
            net = module.ECCVGenerator(norm_layer=norm)
        net = awake(net, small)
        rgb = np.repeat(picture[..., None], 3, axis=2)
        _, lightness = util.preprocess_img(rgb, HW=(side, side))
        net, found = _at_size(net, (lightness,))
    return Case("zhang-eccv16", net, (lightness,), (0, -1), picture, None, _planes(found))


def zhang_siggraph17(folder: Path, side: int, small: bool) -> Case:
    """Zhang et al., SIGGRAPH 2017, with hints: their CIE a and b, and 1 where they are.

    The repository has no strokes: it takes a and b, so those are by our formula.
    """
    picture, strokes = picture_of(side), dots_of(side)
    torch.manual_seed(3)
    with modules_of(folder, "colorizers.siggraph17", "colorizers.util") as (module, util):
        with _narrow() if small else _as_it_is():
            norm = nn.BatchNorm2d
            net = module.SIGGRAPHGenerator(norm_layer=norm)
        net = awake(net, small)
        rgb = np.repeat(picture[..., None], 3, axis=2)
        _, lightness = util.preprocess_img(rgb, HW=(side, side))
        marked = strokes[..., 3:] > 0
        ab = np.where(marked, lab_of(strokes[..., :3] / np.float32(255))[..., 1:], 0.0)
        hints = [torch.from_numpy(np.moveaxis(v, -1, 0)[None].astype("f4")) for v in (ab, marked)]
        fed = (lightness, *hints)
        with torch.no_grad():
            found = net(*fed)  # tanh keeps it within 110
    return Case("zhang-siggraph17", net, fed, (0, 1, 2, -1), picture, strokes, _planes(found))


def icolorit(folder: Path, side: int, small: bool) -> Case:
    """iColoriT: a picture in colour at the hints, and a mask that is true elsewhere."""
    strokes = dots_of(side)
    rgb = np.repeat(picture_of(side)[..., None], 3, axis=2)
    marked = strokes[..., 3] > 0
    rgb[marked] = strokes[marked][:, :3]
    size = {"embed_dim": 8, "depth": 2, "num_heads": 2} if small else {
        "embed_dim": 192, "depth": 12, "num_heads": 3,
    }  # fmt: skip
    torch.manual_seed(4)
    with modules_of(folder, "modeling", "utils") as (modeling, utils):
        net = modeling.IColoriT(
            img_size=side, patch_size=16, in_chans=4, num_classes=512, mlp_ratio=4, qkv_bias=True,
            norm_layer=functools.partial(nn.LayerNorm, eps=1e-6), init_values=0.0, use_rpb=True,
            avg_hint=True, head_mode="cnn", **size,
        )  # fmt: skip
        net = awake(net, small)
        images = torch.from_numpy(np.moveaxis(rgb, -1, 0)[None] / np.float32(255))
        lab = utils.rgb2lab(images)
        mask = torch.from_numpy(~marked[::2, ::2].reshape(1, -1))
        with torch.no_grad():
            net.head.head.weight.mul_(0.2)  # tanh is flat far out
            tokens = net(lab.clone(), mask.clone())
    rows = side // 16
    patches = tokens[0].numpy().reshape(rows, rows, 16, 16, 2).swapaxes(1, 2)
    ab = 110 * patches.reshape(side, side, 2)
    return Case("icolorit", net, (lab, mask), (), rgb, strokes, ab)


def ddcolor(folder: Path, side: int, small: bool, exact: bool = True) -> Case:
    """DDColor: what its pipeline gives the network, and gets.

    Parameters
    ----------
    exact : bool
        With CIE Lab by its formula, in place of OpenCV's approximation of it. The colours of the
        picture that the pipeline composes in the end are none then.
    """
    picture = picture_of(side)
    torch.manual_seed(1)
    with modules_of(folder, "ddcolor", "ddcolor.model", "ddcolor.pipeline") as modules:
        package, model, pipeline = modules
        with _small_ddcolor(model) if small else _as_it_is():
            net = package.DDColor(
                "convnext-t", "MultiScaleColorDecoder", input_size=[side, side],
                num_output_channels=2, last_norm="Spectral", do_normalize=False,
                num_queries=20 if small else 100, num_scales=3, dec_layers=3 if small else 9,
                nf=16 if small else 512,
            )  # fmt: skip
        net = awake(net, small)
        settled = torch.from_numpy(picture / np.float32(255)).expand(1, 3, side, side)
        with torch.no_grad():
            for _ in range(3):  # spectral norms
                net.train()(settled)
        net, _ = _at_size(net.eval(), (settled,))
        seen: dict[str, Any] = {}
        net.register_forward_hook(lambda module, given, out: seen.update(given=given, out=out))
        bgr = np.repeat(picture[..., None], 3, axis=2)
        with mock.patch.object(pipeline.cv2, "cvtColor", _exact) if exact else _as_it_is():
            package.ColorizationPipeline(net, input_size=side).process(bgr)
        net._forward_hooks.clear()
    fed = tuple(tensor.clone() for tensor in seen["given"])
    return Case("ddcolor", net, fed, (), picture, None, _planes(seen["out"]))


def _exact(values: NDArray[np.float32], code: int) -> NDArray[np.float32]:
    """`cv2.cvtColor` of grey values for the conversions of DDColor's pipeline, by the formulas."""
    import cv2

    exact = values.astype(np.float64)
    if code == cv2.COLOR_BGR2Lab:
        gray = exact[..., 1]
        linear = np.where(gray > 0.04045, ((gray + 0.055) / 1.055) ** 2.4, gray / 12.92)
        root = np.where(
            linear > (6 / 29) ** 3, np.cbrt(linear), linear * (29 / 6) ** 2 / 3 + 4 / 29
        )
        found = np.stack([116 * root - 16, 0 * root, 0 * root], axis=-1)
    else:
        root = (exact[..., 0] + 16) / 116
        linear = np.where(root > 6 / 29, root**3, (root - 4 / 29) * 3 * (6 / 29) ** 2)
        gray = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
        found = np.repeat(gray[..., None], 3, axis=-1)
    return found.astype(np.float32)


@contextmanager
def _small_ddcolor(model: Any) -> Iterator[None]:
    """DDColor's parts with a few channels each."""
    encoder, decoder = model.ConvNeXt, model.MultiScaleColorDecoder

    def narrow_encoder(depths: list[int], dims: list[int]) -> nn.Module:
        return encoder(depths=[1, 1, 2, 1], dims=[8, 8, 16, 16], layer_scale_init_value=1.0)

    def narrow_decoder(in_channels: list[int], **others: Any) -> nn.Module:
        return decoder(
            [16, 16, 8], hidden_dim=8, nheads=2, dim_feedforward=16, color_embed_dim=8, **others
        )

    with (
        mock.patch.object(model, "ConvNeXt", narrow_encoder),
        mock.patch.object(model, "MultiScaleColorDecoder", narrow_decoder),
    ):
        yield


CASES: dict[str, tuple[str, Callable[..., Case], int, int]] = {
    # checkout, its case, side of the small one, side of the official one
    "ddcolor": ("ddcolor", ddcolor, 64, 256),
    "zhang-eccv16": ("zhang", zhang_eccv16, 64, 256),
    "zhang-siggraph17": ("zhang", zhang_siggraph17, 64, 256),
    "icolorit": ("icolorit", icolorit, 64, 224),
}
