"""SSCN on a pretrained encoder: places of a picture and of a reference are matched by its features.

Both are seen in grey by the same frozen encoder, so like things are alike before anything is
learned. Cells of 8x8 pixels are compared at every stride of the features, each level by the cosine
of its principal components, and one learned level more; two heads weigh the levels differently:
`kind` asks the deep ones what a thing is (the first stage: tone), `detail` asks them all which
place it is. What a cell hears is not only the mean colour of its matches but how their colours
depend on their lightness: an affine model that the picture's own lightness turns into edges.

A decoder that knows colours by itself (DISCO's) hears that at strides 16, 8 and 4, and chooses for
each place between its own answer, the heads' colours and the reference's mean colour.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from colordeploy.pictures.color import AB_BINS

from ..encoders.calm import CalmEncoder
from ..encoders.efficientnet_lite import Version
from ..encoders.trunk import CELL, STRIDE, Trunk, Widths, larger

PLACE = 8  # pixels of a cell that is matched
AB_SCALE = 110.0
HEADS = ("kind", "detail")
_VALUES = 7  # of a place: L, a, b, their products L L, L a, L b, and a a + b b
_STYLE = 6  # means and deviations of L, a and b
_HEARD = 4  # a, b and how sure, of a head; how far its colours spread
_RIDGE = 4e-4  # of lightness's variance, against slopes that nothing supports


@dataclass(frozen=True)
class MatchedConfig:
    """Shape of the network.

    Attributes
    ----------
    encoder : str
        The published network whose shape the encoder has.
    trunk : (int, int, int, int)
        Channels at strides 32, 16, 8 and 4.
    levels : (int, int, int, int)
        Principal components that are compared at strides 4, 8, 16 and 32.
    learned : int
        Channels of the learned level.
    """

    encoder: Version = "lite0"
    trunk: Widths = (192, 160, 104, 72)
    levels: Widths = (12, 20, 48, 64)
    learned: int = 32

    @property
    def parts(self) -> tuple[int, ...]:
        """Channels of each level, the learned one last."""
        return (*self.levels, self.learned)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "trunk": list(self.trunk), "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> MatchedConfig:
        return cls(**{
            **values, "trunk": tuple(values["trunk"]), "levels": tuple(values["levels"])
        })  # fmt: skip


class Reference(NamedTuple):
    """What a reference gives, whatever is coloured with it.

    Attributes
    ----------
    features : (B, N, d)
        Of each of the N = H / 8 * W / 8 places in reading order: what it is matched by, then the
        mean over its pixels of L, a, b, L L, L a, L b, a a + b b.
    style : (B, 6)
        The picture's means and deviations of L, a and b.
    activation : (B, N)
        How far a place is from the picture's mean: rare ones are looked at first.
    """

    features: Tensor
    style: Tensor
    activation: Tensor


class Colored(NamedTuple):
    """Results of both stages.

    Attributes
    ----------
    coarse, fine : (B, 2, H / 4, W / 4)
        ab / 110.
    queries : (B, M, a)
    keys : (B, S, a)
        Of `detail`; their product over the root of a is its score.
    """

    coarse: Tensor
    fine: Tensor
    queries: Tensor
    keys: Tensor


class Matcher(nn.Module):
    """What cells of 8x8 pixels are compared by.

    Parameters
    ----------
    channels : (int, int, int, int)
        Of the encoder's features at strides 4, 8, 16 and 32.
    """

    def __init__(self, config: MatchedConfig, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.parts = config.parts
        self.components = nn.ModuleList(
            nn.Conv2d(given, kept, 1, bias=False)
            for given, kept in zip(channels, config.levels, strict=True)
        )
        self.learned = nn.Sequential(
            nn.Conv2d(sum(config.levels) + 1, 128, 1),
            nn.ReLU(),
            nn.Conv2d(128, config.learned, 1),
        )
        # How much each level counts for each head, before softplus.
        scales = [[-4.0, -4.0, 7.0, 9.0, -4.0], [4.0, 6.0, 10.0, 8.0, 4.0]]
        self.scales = nn.Parameter(torch.tensor(scales))

    def forward(self, light: Tensor, features: list[Tensor]) -> Tensor:
        """Lightness (B, 1, H, W) in [0, 1] and normalized features to (B, N, a): each level of
        unit length.
        """
        found = []
        for stride, feature, component in zip(
            (4, 8, 16, 32), features, self.components, strict=True
        ):
            x = component(feature)
            if stride < PLACE:
                x = functional.avg_pool2d(x, PLACE // stride)
            elif stride > PLACE:
                x = larger(x, stride // PLACE)
            found.append(x)
        seen = functional.avg_pool2d(light * 4 - 2, PLACE)
        own = self.learned(torch.cat([*found, seen], dim=1))
        units = [
            x.float() * torch.rsqrt(x.float().square().sum(dim=1, keepdim=True) + 1e-6)
            for x in (*found, own)
        ]
        return torch.cat(units, dim=1).flatten(2).transpose(1, 2)

    def weights(self, head: int) -> Tensor:
        """(a,): what the products of a head's score count."""
        scales = functional.softplus(self.scales[head])
        return torch.cat([s.expand(n) for s, n in zip(scales, self.parts, strict=True)])


class Heard(NamedTuple):
    """What cells heard from the reference by one head.

    Attributes
    ----------
    values : (B, 7, h, w)
        Those of `Reference.features`, as attention weighs them.
    score : (B, 1, h, w)
        Of the best match.
    """

    values: Tensor
    score: Tensor

    def told(self) -> Tensor:
        """(B, 3, h, w): a, b, and how far the colours spread."""
        ab = self.values[:, 1:3]
        spread = self.values[:, 6:7] - ab.square().sum(dim=1, keepdim=True)
        return torch.cat([ab, torch.sqrt(spread.clamp(min=0.0) + 1e-6)], dim=1)

    def at(self, light: Tensor) -> Tensor:
        """Colours (B, 2, H / 4, W / 4) that the matches have at a lightness of that size."""
        v = self.values
        variance = (v[:, 3:4] - v[:, :1].square()).clamp(min=0.0) + _RIDGE
        slope = ((v[:, 4:6] - v[:, :1] * v[:, 1:3]) / variance).clamp(-3.0, 3.0)
        model = torch.cat([slope, v[:, 1:3] - slope * v[:, :1]], dim=1)
        model = larger(model, PLACE // STRIDE)
        return (model[:, :2] * light + model[:, 2:]).clamp(-1.0, 1.0)


class MatchedNetwork(nn.Module):
    """Pictures are Lab in the networks' scale: (L - 50) / 50, ab / 110; sides multiples of 32."""

    moments: Tensor

    def __init__(self, config: MatchedConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = CalmEncoder(config.encoder).requires_grad_(False)
        guided = _HEARD * len(HEADS) + 2
        self.decoder = Trunk(
            self.encoder.channels, config.trunk, (guided, guided, guided + 2), normalized=False
        )
        self.matcher = Matcher(config, self.encoder.channels)
        fine = config.trunk[3]
        self.head = nn.Conv2d(fine, len(AB_BINS), 1)  # the decoder's own answer
        self.choice = nn.Conv2d(fine, len(HEADS) + 3, 1)
        self.change = nn.Conv2d(fine, 2, 1)
        self.sure = nn.Parameter(torch.tensor([[0.5, 8.0], [0.5, 18.0]]))  # slope, middle of scores
        for layer in (self.choice, self.change):
            nn.init.zeros_(layer.weight)
        with torch.no_grad():  # own, kind, detail, detail by lightness, the mean colour
            assert self.choice.bias is not None
            assert self.change.bias is not None
            self.choice.bias.copy_(torch.tensor([0.0, 0.0, 2.0, 2.0, -1.0]))
            self.change.bias.zero_()
        moments = torch.tensor(AB_BINS, dtype=torch.float32).T / AB_SCALE
        self.register_buffer("moments", moments[:, :, None, None].contiguous(), persistent=False)

    def see(self, gray: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Lightness in [0, 1] and normalized features of gray (B, 1, H, W)."""
        light = (gray + 1) / 2
        with torch.no_grad():
            features = self.encoder(light)
        return light, features

    def encode_reference(self, lab: Tensor) -> Reference:
        """What the reference (B, 3, H, W) gives."""
        light, features = self.see(lab[:, :1])
        matched = self.matcher(light, self.decoder.normal(features))
        a, b = lab[:, 1:2], lab[:, 2:3]
        values = [light, a, b, light * light, light * a, light * b, a * a + b * b]
        pooled = functional.avg_pool2d(torch.cat(values, dim=1), PLACE)
        mean, deviation = lab.mean(dim=(2, 3)), (lab.var(dim=(2, 3), unbiased=False) + 1e-6).sqrt()
        apart = -(matched * matched.mean(dim=1, keepdim=True)).sum(dim=2)
        return Reference(
            torch.cat([matched, pooled.flatten(2).transpose(1, 2)], dim=2),
            torch.cat([mean, deviation], dim=1),
            apart,
        )

    def listen(self, matched: Tensor, selected: Tensor, shape: tuple[int, int]) -> list[Heard]:
        """What the places of a picture (B, M, a) hear from selected ones (B, S, d), by head."""
        keys, values = selected[:, :, :-_VALUES], selected[:, :, -_VALUES:]
        found = []
        for head in range(len(HEADS)):
            scores = (matched * self.matcher.weights(head)) @ keys.transpose(1, 2)
            heard = torch.softmax(scores, dim=2) @ values
            best = scores.amax(dim=2, keepdim=True)
            found.append(Heard(*(x.transpose(1, 2).unflatten(2, shape) for x in (heard, best))))
        return found

    def colorize(self, gray: Tensor, style: Tensor, selected: Tensor) -> Colored:
        """Colour gray (B, 1, H, W) by a style and the selected reference features (B, S, d)."""
        light, features = self.see(gray)
        scene = self.decoder.scene(light, features)
        matched = self.matcher(light, self.decoder.normal(features))
        shape = (gray.shape[2] // PLACE, gray.shape[3] // PLACE)
        heard = self.listen(matched, selected, shape)
        kind, detail = (h.told() for h in heard)
        sure = [
            self.sure[i, 0] * (h.score - self.sure[i, 1]) for i, h in enumerate(heard)
        ]  # logits
        tone = style[:, 1:3, None, None]
        guidance = [tone.expand(-1, -1, *shape)]
        for told, logit in zip((kind, detail), sure, strict=True):
            share = torch.sigmoid(logit)
            guidance += [told[:, :2] * share, share, told[:, 2:]]
        at8 = torch.cat(guidance, dim=1)
        small = functional.avg_pool2d(light, STRIDE)
        by_light = heard[1].at(small)
        at4 = torch.cat([larger(at8, PLACE // STRIDE), by_light], dim=1)
        fine = self.decoder.joined(scene, functional.avg_pool2d(at8, CELL // PLACE), at8, at4)
        own = functional.conv2d(torch.softmax(self.head(fine), dim=1), self.moments)
        certain = larger(torch.cat(sure, dim=1), PLACE // STRIDE)
        none = torch.zeros_like(certain[:, :1])
        logits = self.choice(fine) + torch.cat([none, certain, certain[:, 1:], none], dim=1)
        chosen = torch.softmax(logits, dim=1)
        colors = [own, *(larger(t[:, :2], PLACE // STRIDE) for t in (kind, detail)), by_light,
                  tone.expand_as(own)]  # fmt: skip
        mixed = sum(
            (chosen[:, i : i + 1] * color for i, color in enumerate(colors)), torch.zeros_like(own)
        )
        queries = matched * self.matcher.weights(1) * matched.shape[2] ** 0.5
        return Colored(
            larger(kind[:, :2], PLACE // STRIDE), mixed + self.change(fine), queries,
            selected[:, :, :-_VALUES],
        )  # fmt: skip


def from_disco(given: dict[str, Tensor], config: MatchedConfig) -> dict[str, Tensor]:
    """DISCO's weights (`export.bundling.weights`) under the names that they have in here.

    What its heads of the attention to anchors told becomes what `detail` tells; all other guidance
    counts nothing at first.
    """
    own = MatchedNetwork(config).state_dict()
    found: dict[str, Tensor] = {}
    guided = _HEARD * len(HEADS) + 2
    token = config.trunk[1]
    for name, value in given.items():
        if name.startswith("encoder."):
            found[name] = value
        elif name in ("decoder.head.weight", "decoder.head.bias"):
            found[name.removeprefix("decoder.")] = value
        elif name in own and value.shape == own[name].shape:
            found[name] = value
        elif name in own:  # the first convolution of a guided level
            wider = torch.zeros_like(own[name])
            if name.startswith("decoder.hinted."):
                wider[:, :token] = value[:, :token]
                told = value[:, token:-3].unflatten(1, (-1, 3)).sum(dim=1)  # a, b, weight
                wider[:, token + guided - _HEARD : token + guided - 1] = told
            else:
                wider[:, : value.shape[1]] = value
            found[name] = wider
    return found
