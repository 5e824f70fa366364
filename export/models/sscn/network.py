"""SSCN whole: the reference is encoded once, then colours as many pictures as wanted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .coarse import CoarseTransfer

AB_SCALE = 110.0
AB_GAIN = 4.0  # inside of the encoder, where chroma else is a fourth of the lightness's size
MATCH_GAIN = 2.0  # of queries' and keys' first weights: attention starts out telling places apart
MULTIPLE = 32  # of height and width


@dataclass(frozen=True)
class SscnConfig:
    """Shape of SSCN. The paper gives no channel counts; the defaults keep a bundle below 16 MB.

    Attributes
    ----------
    width : int
        Channels of the encoder's first block; 2, 4, 8, 8 and 8 times as many in the next ones.
    coarse_width : int
        Of the coarse stage's first layers (VGG-19: 64).
    decoder_width : int
        Of the decoder's last block; 2, 4, 8 and 8 times as many in the ones before it. Narrower
        than the encoder, whose work on a reference is done once for many pictures.
    style : int
        Length of the style vector.
    attention : int
        Channels of queries, keys and values.
    classes : int
        Of the classifier, whose activation map selects the reference's features.
    """

    width: int = 24
    coarse_width: int = 12
    decoder_width: int = 16
    style: int = 128
    attention: int = 64
    classes: int = 2

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Reference(NamedTuple):
    """What a reference gives, whatever is coloured with it.

    Attributes
    ----------
    features : (B, N, d)
        Of each of the N = H / 4 * W / 4 places, in reading order.
    style : (B, n + 6)
        What the last block says, then the picture's means and deviations of L, a and b.
    activation : (B, N)
        Class activation map of the most probable class.
    class_logits : (B, classes)
    """

    features: Tensor
    style: Tensor
    activation: Tensor
    class_logits: Tensor


class Colored(NamedTuple):
    """Results of both stages.

    Attributes
    ----------
    coarse, fine : (B, 2, H, W)
        ab / 110.
    bins : (B, 313, H / 4, W / 4)
        Logits of the colour bins, for the histogram loss (Eq. 5); at quarter size, since 313 maps
        at full size are more than all the rest.
    queries : (B, N, a)
    keys : (B, S, a)
        Of the attention; their scaled product is how well places match.
    """

    coarse: Tensor
    fine: Tensor
    bins: Tensor
    queries: Tensor
    keys: Tensor


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.skip = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        )
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        # Pooled, not strided: a strided 1x1 convolution looks at a quarter of the pixels only.
        small = functional.avg_pool2d(x, 2) if self.stride == 2 else x
        return torch.relu(self.main(x) + self.skip(small))


class _Fusion(nn.Module):
    """A step of the U-Net decoder: the coarse result's features of a scale, and attended ones."""

    def __init__(self, inputs: int, features: int, attended: int, outputs: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inputs + features + attended, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )

    def forward(self, x: Tensor, features: Tensor, attended: Tensor | None) -> Tensor:
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.main(torch.cat([t for t in (x, features, attended) if t is not None], dim=1))


class Sscn(nn.Module):
    """Pictures are Lab in the networks' scale: (L - 50) / 50 and ab / 110, (B, 3, H, W)."""

    def __init__(self, config: SscnConfig) -> None:
        super().__init__()
        self.config = config
        w = [config.width * factor for factor in (1, 2, 4, 8, 8, 8)]
        self.encoder = nn.ModuleList(
            _Residual(3 if i == 0 else w[i - 1], w[i], 1 if i == 0 else 2) for i in range(6)
        )
        self.to_style = nn.Sequential(
            nn.Linear(w[5], config.style), nn.ReLU(), nn.Linear(config.style, config.style)
        )
        self.classifier = nn.Linear(w[4], config.classes, bias=False)
        self.coarse = CoarseTransfer(config.coarse_width, config.style)
        nn.init.zeros_(self.coarse.out.weight)
        channels, inner = 3 + sum(w[:4]), config.attention
        self.query = nn.Linear(channels, inner, bias=False)
        self.key = nn.Linear(channels, inner, bias=False)
        self.value = nn.Linear(channels, inner, bias=False)
        with torch.no_grad():  # the same: like places match before anything is learned
            self.query.weight.mul_(MATCH_GAIN)
            self.key.weight.copy_(self.query.weight)
        # From 1/32 to full size; attended features join at 1/8, 1/4 and 1/2.
        attended = (0, inner, inner, inner, 0)
        self.decoder = nn.ModuleList()
        below = w[5]
        outputs = [config.decoder_width * factor for factor in (8, 8, 4, 2, 1)]
        for features, extra, out in zip(reversed(w[:5]), attended, outputs, strict=True):
            self.decoder.append(_Fusion(below, features, extra, out))
            below = out
        self.out = nn.Conv2d(below, 2, 3, padding=1)  # on top of the colours looked at
        nn.init.zeros_(self.out.weight)
        self.bins = nn.Conv2d(outputs[2], 313, 1)

    def encode(self, lab: Tensor) -> list[Tensor]:
        """The picture itself, chroma enlarged, and the features of the six blocks."""
        x = torch.cat([lab[:, :1], AB_GAIN * lab[:, 1:]], dim=1)
        features = [x]
        for block in self.encoder:
            x = block(x)
            features.append(x)
        return features

    def places(self, features: list[Tensor]) -> Tensor:
        """The picture and the first four blocks' features at quarter size, joined: (B, N, d)."""
        joined = torch.cat(
            [
                functional.avg_pool2d(features[0], 4),
                functional.avg_pool2d(features[1], 4),
                functional.avg_pool2d(features[2], 2),
                features[3],
                functional.interpolate(features[4], scale_factor=2.0, mode="nearest"),
            ],
            dim=1,
        )
        return joined.flatten(2).transpose(1, 2)

    def encode_reference(self, lab: Tensor) -> Reference:
        """What the reference (B, 3, H, W) gives."""
        features = self.encode(lab)
        style = self.to_style(features[6].mean(dim=(2, 3)))
        deviation = (lab.var(dim=(2, 3), unbiased=False) + 1e-6).sqrt()
        style = torch.cat([style, lab.mean(dim=(2, 3)), deviation], dim=1)
        logits = self.classifier(features[5].mean(dim=(2, 3)))
        chosen = self.classifier.weight[logits.argmax(dim=1)]  # (B, channels)
        activation = (features[5] * chosen.unsqueeze(2).unsqueeze(3)).sum(dim=1, keepdim=True)
        activation = functional.interpolate(
            activation, scale_factor=4.0, mode="bilinear", align_corners=False
        )
        return Reference(self.places(features), style, activation.flatten(1), logits)

    def colorize(self, gray: Tensor, style: Tensor, selected: Tensor) -> Colored:
        """Colour gray (B, 1, H, W) by a style and the selected reference features (B, S, d).

        All places selected is the dense attention.
        """
        coarse = torch.tanh(self.coarse(gray, style))
        features = self.encode(torch.cat([gray, coarse], dim=1))
        height, width = features[3].shape[2:]
        queries, keys = self.query(self.places(features)), self.key(selected)
        weights = queries @ keys.transpose(1, 2) * self.config.attention**-0.5
        weights = torch.softmax(weights, dim=2)
        attended = weights @ self.value(selected)
        attended = attended.transpose(1, 2).unflatten(2, (height, width))
        # The colours themselves that were looked at; the decoder only changes them. So attention
        # learns what to look at from the first step on.
        seen = weights @ (selected[:, :, 1:3] / AB_GAIN)
        seen = torch.atanh(seen.float().clamp(-0.95, 0.95))
        seen = functional.interpolate(
            seen.transpose(1, 2).unflatten(2, (height, width)),
            scale_factor=4.0,
            mode="bilinear",
            align_corners=False,
        )
        at_scale = (
            None,
            functional.avg_pool2d(attended, 2),
            attended,
            functional.interpolate(attended, scale_factor=2.0, mode="nearest"),
            None,
        )
        x, quarter = features[6], features[3]
        for step, extra in enumerate(at_scale):
            x = self.decoder[step](x, features[5 - step], extra)
            if step == 2:
                quarter = x
        return Colored(coarse, torch.tanh(seen + self.out(x)), self.bins(quarter), queries, keys)


def select(activation: Tensor, k: int, r: int, generator: torch.Generator) -> Tensor:
    """Indices (B, k + r) of the k most active places and r of the others, for training."""
    order = activation.argsort(dim=1, descending=True, stable=True)
    rest = order[:, k:]
    drawn = torch.rand(rest.shape, generator=generator).argsort(dim=1)[:, :r]
    return torch.cat([order[:, :k], rest.gather(1, drawn)], dim=1)
