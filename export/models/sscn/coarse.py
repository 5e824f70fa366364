"""Global Color Transfer (Sec. 3.2): a gray picture in the reference's global tone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STATISTICS = 6  # means and deviations of L, a and b, at the end of a style vector


class AdaptiveNorm(nn.Module):
    """AdaIN (Eq. 1): each channel at zero mean and unit deviation, then scaled and shifted by the
    style.
    """

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.affine = nn.Linear(style, 2 * channels)
        nn.init.normal_(self.affine.weight, std=style**-0.5)
        with torch.no_grad():
            self.affine.bias[:channels] = 1.0
            self.affine.bias[channels:] = 0.0

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.affine(style).unsqueeze(2).unsqueeze(3).chunk(2, dim=1)
        return functional.instance_norm(x) * scale + shift


def _stage(inputs: int, outputs: int, count: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i in range(count):
        layers += [nn.Conv2d(inputs if i == 0 else outputs, outputs, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


class _StyledStage(nn.Module):
    """Convolutions, each followed by AdaIN."""

    def __init__(self, inputs: int, outputs: int, count: int, style: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(inputs if i == 0 else outputs, outputs, 3, padding=1) for i in range(count)
        )
        self.norms = nn.ModuleList(AdaptiveNorm(outputs, style) for _ in range(count))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = torch.relu(norm(conv(x), style))
        return x


class CoarseTransfer(nn.Module):
    """Gray (B, 1, H, W) and style (B, n + 6) to the inverse hyperbolic tangent of ab / 110,
    (B, 2, H, W).

    The style sets the mean of the result as it sets those of all layers' (Eq. 1); before anything
    is learned, that is the reference's mean colour everywhere.

    The encoder has the shape of VGG-19 up to its fourth stage, the decoder the mirrored one.

    Parameters
    ----------
    width : int
        Channels of the first stage (VGG-19: 64).
    style : int
        Length of the learned part of the style vector.
    """

    def __init__(self, width: int, style: int) -> None:
        super().__init__()
        w = [width * 2**level for level in range(4)]
        self.encoder = nn.ModuleList(
            [
                _stage(1, w[0], 2),
                _stage(w[0], w[1], 2),
                _stage(w[1], w[2], 4),
                _stage(w[2], w[3], 1),
            ]
        )
        self.decoder = nn.ModuleList(
            [
                _StyledStage(w[3], w[2], 1, style + STATISTICS),
                _StyledStage(w[2], w[1], 4, style + STATISTICS),
                _StyledStage(w[1], w[0], 2, style + STATISTICS),
                _StyledStage(w[0], w[0], 1, style + STATISTICS),
            ]
        )
        self.out = nn.Conv2d(w[0], 2, 3, padding=1)
        self.tone = nn.Linear(style + STATISTICS, 2)
        with torch.no_grad():
            nn.init.zeros_(self.tone.weight)
            nn.init.zeros_(self.tone.bias)
            self.tone.weight[:, style + 1 : style + 3] = torch.eye(2)  # means of a and b

    def forward(self, gray: Tensor, style: Tensor) -> Tensor:
        x = gray
        for level, stage in enumerate(self.encoder):
            x = stage(x if level == 0 else functional.max_pool2d(x, 2))
        for level, stage in enumerate(self.decoder):
            if level > 0:
                x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = stage(x, style)
        return self.out(x) + self.tone(style).unsqueeze(2).unsqueeze(3)
