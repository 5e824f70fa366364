"""The feature network of DISCO: one feature vector for each pixel (Sec. 4.1)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils import spectral_norm


def conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1)


def spectral_conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A convolution divided by its largest singular value; in evaluation by the stored one."""
    return spectral_norm(conv(inputs, outputs, stride))


def _group(inputs: int, outputs: int, stride: int, count: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i in range(count):
        first = i == 0
        layers.append(spectral_conv(inputs if first else outputs, outputs, stride if first else 1))
        layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.BatchNorm2d(outputs))


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), conv(inputs, outputs))


class Backbone(nn.Module):
    """Gray (B, 1, H, W) to features (B, tokens, H, W), none negative.

    Parameters
    ----------
    width : int
        Channels at full size inside; eight times as many at an eighth.
    tokens : int
        Channels of the result.
    """

    def __init__(self, width: int = 64, tokens: int = 64) -> None:
        super().__init__()
        w1, w2, w4, w8 = width, 2 * width, 4 * width, 8 * width
        self.conv1_2 = _group(1, w1, 1, 2)
        self.conv2_3 = _group(w1, w2, 2, 3)
        self.conv3_3 = _group(w2, w4, 2, 3)
        self.conv4_3 = _group(w4, w8, 2, 3)
        self.conv5_3 = _group(w8, w8, 1, 3)
        self.conv6_3 = _group(w8, w8, 1, 3)
        self.conv7_3 = _group(w8, w8, 1, 3)
        self.conv8up = _up(w8, w4)
        self.conv3short8 = nn.Sequential(conv(w4, w4))
        self.conv8_3 = nn.Sequential(
            nn.ReLU(), conv(w4, w4), nn.ReLU(), conv(w4, w4), nn.ReLU(), nn.BatchNorm2d(w4)
        )
        self.conv9up = _up(w4, w2)
        self.conv9_2 = nn.Sequential(conv(w2, w2), nn.ReLU(), nn.BatchNorm2d(w2))
        self.conv10up = _up(w2, tokens)
        self.conv10_2 = nn.Sequential(nn.ReLU(), conv(tokens, tokens), nn.ReLU())

    def forward(self, gray: Tensor) -> Tensor:
        quarter = self.conv3_3(self.conv2_3(self.conv1_2(gray)))
        x = self.conv7_3(self.conv6_3(self.conv5_3(self.conv4_3(quarter))))
        x = self.conv8_3(self.conv8up(x) + self.conv3short8(quarter))
        x = self.conv9_2(self.conv9up(x))
        return self.conv10_2(self.conv10up(x))
