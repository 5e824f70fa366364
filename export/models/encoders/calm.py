"""A calm encoder: EfficientNet-Lite for grey pictures that does not see what nobody sees.

The published network is moved far by JPEG blocks, by noise of one grey level and by a shift of
one pixel. Here every strided convolution has an even, wider kernel about the middle of its cell
(so that it can low-pass what it samples, and a mirrored picture has mirrored features), and all
is trained to give the average of the published network's features over small distortions
(``export.training.encoder``).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .efficientnet_lite import Block, EfficientNetLite, Version, pretrained, slow_in_half

_STEM_KERNEL, _KERNEL = 8, 6  # of the strided convolutions


class CenteredConv(nn.Conv2d):
    """A strided convolution with an even kernel about the middle of each 2x2 cell."""

    def __init__(self, inputs: int, outputs: int, kernel: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, 2, padding=kernel // 2 - 1, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        if slow_in_half(self, x):
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float())
        return super().forward(x)


def _softened(kernel: Tensor) -> Tensor:
    """A kernel averaged over the four shifts of half a pixel: the two-tap box in each direction,
    the mildest low-pass, which makes an odd kernel even about its middle.
    """
    boxed = sum(functional.pad(kernel, (x, 1 - x, y, 1 - y)) for x in (0, 1) for y in (0, 1)) / 4
    assert isinstance(boxed, Tensor)
    return boxed


def _framed(kernel: Tensor, size: int) -> Tensor:
    """A kernel with a frame of zeros; the odd pixel comes first, where TensorFlow's padding leaves
    it out.
    """
    after = (size - kernel.shape[3]) // 2
    before = size - kernel.shape[3] - after
    return functional.pad(kernel, (before, after, before, after))


class CalmEncoder(nn.Module):
    """Features of a lightness (B, 1, H, W) in [0, 1], sides multiples of 32.

    Parameters
    ----------
    version : str
        Of the published network whose shape this has: "lite0" or "lite2".
    """

    def __init__(self, version: Version = "lite0") -> None:
        super().__init__()
        net = EfficientNetLite(version)
        self.version = version
        self.channels = net.channels
        self.stem = CenteredConv(1, net.stem.out_channels, _STEM_KERNEL)
        self.stages = net.stages
        for stage in self.stages:
            first = stage[0]  # type: ignore[index]
            if first.depthwise.stride[0] == 2:
                inner = first.depthwise.out_channels
                first.depthwise = CenteredConv(inner, inner, _KERNEL, groups=inner)

    def forward(self, light: Tensor) -> list[Tensor]:
        """Features at strides 4, 8, 16 and 32."""
        x = functional.relu6(self.stem(light * (255.0 / 128.0) - 127.0 / 128.0))
        found = []
        for place, stage in enumerate(self.stages):
            x = stage(x)
            if place in (1, 2, 4, 6):
                found.append(x)
        return found

    @torch.no_grad()
    def start_from(self, net: EfficientNetLite) -> None:
        """Take the published weights over, kernels of strided convolutions in a frame of zeros.

        Only the stem's is softened: measured by the features of mirrored pictures, the published
        network lies within a pixel or two of the cells' middles, against what its padding says.
        """
        gray = _softened(net.stem.weight.sum(dim=1, keepdim=True))
        self.stem.weight.copy_(_framed(gray, _STEM_KERNEL))
        self.stem.bias.copy_(net.stem.bias)  # type: ignore[union-attr, arg-type]
        for own, given in zip(self.stages, net.stages, strict=True):
            for mine, theirs in zip(own, given, strict=True):  # type: ignore[call-overload]
                assert isinstance(theirs, Block)
                state = theirs.state_dict()
                if isinstance(mine.depthwise, CenteredConv):
                    state["depthwise.weight"] = _framed(theirs.depthwise.weight, _KERNEL)
                mine.load_state_dict(state)


def calm_start(version: Version = "lite0") -> CalmEncoder:
    """An encoder that training starts from: the published weights in the wider kernels."""
    encoder = CalmEncoder(version)
    encoder.start_from(pretrained(version))
    return encoder
