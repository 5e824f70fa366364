"""A bundle with random weights, made in a second: what the runtime does must not depend on them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch

from export.bundling.specification import bundle
from export.bundling.writer import Identity
from export.models.disco.decoder import AnchoredNetwork, DecoderConfig
from export.models.disco.network import Disco, DiscoConfig
from export.models.encoders.calm import CalmEncoder
from export.models.encoders.efficientnet_lite import SCALES, STRIDES, Scale
from export.models.encoders.trunk import Trunk
from export.models.lga import EncodedFeatures, LGAConfig, LGANet
from export.models.rasc.network import Rasc, RascConfig
from export.models.rasc.regional import RegionalConfig, RegionalNetwork
from export.models.sscn.matched import MatchedConfig, MatchedNetwork
from export.models.sscn.network import Sscn, SscnConfig
from export.training import checkpoint

# An encoder with one narrow block a stage, where a test does not ask what the published one sees:
# Lite0 is sixteen blocks, and PyTorch takes half a minute to export a graph on it.
TINY_ENCODER = "tiny"
SCALES[TINY_ENCODER] = Scale(width=0.1, depth=0.1)

P = ParamSpec("P")
T = TypeVar("T")


def _same_everywhere(make: Callable[P, T]) -> Callable[P, T]:
    """By one thread: sums by several differ in their last digits, with them the weights, and what
    one test exports would not be what others do. Trainings in tests set the number of threads.
    """

    @wraps(make)
    def made(*args: P.args, **kwargs: P.kwargs) -> T:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return make(*args, **kwargs)
        finally:
            torch.set_num_threads(before)

    return made


TINY = LGAConfig(widths=(4, 6, 8), joined=6, features=5)


@_same_everywhere
def save_tiny_checkpoint(path: Path, config: LGAConfig = TINY) -> Path:
    """Write a checkpoint as training writes it, of a small random network."""
    torch.manual_seed(0)
    net = LGANet(config)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    if isinstance(net.features.bfe, EncodedFeatures):
        _settled(net.features.bfe.trunk, net.features.bfe.encoder)
    state = net.state_dict()
    checkpoint.save(
        path,
        {
            "method": "lga",
            "config": config.to_dict(),
            "step": 1,
            "average": state,
            "data": "nothing: random weights",
        },
    )
    return path


def put_weights(checkpoint_file: Path, net: Disco | MatchedNetwork | Rasc) -> None:
    """Replace what a training made by a network that other tests export, too: see `exports`."""
    state = checkpoint.load(checkpoint_file)
    weights = net.state_dict()
    assert state["average"].keys() == weights.keys()
    config = {**state["config"], **net.config.to_dict()}
    checkpoint.save(checkpoint_file, {**state, "config": config, "average": weights})


def save_tiny_bundle(
    checkpoint_file: Path, out: Path, config: LGAConfig = TINY, working_size: int = 64
) -> Path:
    """Write a small random network as a checkpoint, and that as a bundle."""
    saved = save_tiny_checkpoint(checkpoint_file, config)
    bundle("lga", saved, out, Identity("lga"), working_size=working_size)
    return out


TINY_ENCODED = LGAConfig(
    widths=(4, 6, 5), joined=6, features=5, encoder=TINY_ENCODER, trunk=(16, 16, 12, 8)
)


def _seen(encoder: CalmEncoder) -> list[torch.Tensor]:
    """Random weights for an encoder, by He's rule, and what it makes of smooth pictures."""
    draw = torch.Generator().manual_seed(0)
    for part in encoder.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=draw)
            torch.nn.init.normal_(part.bias, std=0.1, generator=draw)  # alike, they would be one
    smooth = torch.rand(4, 1, 12, 12, generator=draw)
    with torch.no_grad():
        found: list[torch.Tensor] = encoder(
            torch.nn.functional.interpolate(smooth, size=(96, 96), mode="bilinear")
        )
    return found


def _settled(trunk: Trunk, encoder: CalmEncoder) -> None:
    """Random weights under a trunk, and features of about unit spread."""
    for stride, feature in zip(STRIDES, _seen(encoder), strict=True):
        deviation, mean = torch.std_mean(feature, dim=(0, 2, 3), keepdim=True)
        getattr(trunk, f"mean_{stride}").copy_(mean)
        getattr(trunk, f"deviation_{stride}").copy_(deviation.clamp(min=1e-3))


TINY_MATCHED = MatchedConfig(
    encoder=TINY_ENCODER, trunk=(16, 16, 12, 8), levels=(4, 5, 6, 7), learned=4
)


@_same_everywhere
def tiny_matched(config: MatchedConfig = TINY_MATCHED) -> MatchedNetwork:
    """A small random network that changes colours."""
    torch.manual_seed(0)
    net = MatchedNetwork(config)
    _settled(net.decoder, net.encoder)
    for layer in (net.choice, net.change):  # training starts these at zero
        torch.nn.init.normal_(layer.weight, std=0.1)
    return net.eval()


TINY_DISCO = DiscoConfig(
    superpixel_width=4, backbone_width=8, refine_width=8, tokens=16, layers=2, heads=2, hidden=32
)


@_same_everywhere
def tiny_disco(config: DiscoConfig = TINY_DISCO) -> Disco:
    """Make a small random network whose spectral norms and running statistics are sound."""
    torch.manual_seed(0)
    net = Disco(config).train()
    with torch.no_grad():
        for _ in range(6):
            gray = torch.rand(2, 1, 64, 64) * 2 - 1
            found = net.analyze(gray)
            net.generate(
                gray, found.association, found.tokens, torch.ones(2, 1, 4, 4),
                torch.zeros(2, 2, 4, 4),
            )  # fmt: skip
        net.mid_word_prj.weight.mul_(5)  # probabilities that differ
        net.enhanceNet.outConv.weight.mul_(10)  # colours that are seen
    return net.eval()


TINY_RASC = RascConfig(widths=(6, 8, 10), style=8, hidden=12)


@_same_everywhere
def tiny_rasc(config: RascConfig = TINY_RASC) -> Rasc:
    """Make a small random network with sound running statistics, whose styles differ."""
    torch.manual_seed(0)
    net = Rasc(config).train()
    with torch.no_grad():
        for _ in range(6):
            line = torch.where(torch.rand(2, 1, 32, 32) < 0.9, 1.0, -1.0)
            net(line, torch.randint(0, 4, (2, 32, 32)))
        net.to_rgb.weight.mul_(0.3)
    return net.eval()


TINY_REGIONAL = RegionalConfig(
    encoder=TINY_ENCODER,
    width=16,
    heads=2,
    describing=1,
    painting=1,
    reading=1,
    style=8,
    palette=12,
)


@_same_everywhere
def tiny_regional(config: RegionalConfig = TINY_REGIONAL) -> RegionalNetwork:
    """A small random transformer, whose colours differ."""
    torch.manual_seed(0)
    net = RegionalNetwork(config)
    found = [torch.std_mean(feature, dim=(0, 2, 3)) for feature in _seen(net.encoder)]
    with torch.no_grad():
        net.pooled_deviation.copy_(torch.cat([spread for spread, _ in found]))
        net.pooled_mean.copy_(torch.cat([mean for _, mean in found]))
        net.whole_deviation.copy_(found[-1][0])
        net.whole_mean.copy_(found[-1][1])
        net.head[-1].weight.mul_(6)
        net.styled.weight.mul_(3)
        net.preferences.normal_(std=0.2)
        net.hinted[-1].weight.mul_(60)
    return net.eval()


# As narrow as layers may be that are rounded to eight bits.
TINY_SSCN = SscnConfig(width=8, coarse_width=8, decoder_width=8, style=6, attention=8, classes=3)


@_same_everywhere
def tiny_sscn(config: SscnConfig = TINY_SSCN) -> Sscn:
    """Make a small random network with sound running statistics."""
    torch.manual_seed(0)
    net = Sscn(config).train()
    for layer in (net.out, net.coarse.out, net.coarse.tone):  # training starts these at zero
        torch.nn.init.normal_(layer.weight, std=0.1)
    with torch.no_grad():
        for _ in range(6):
            lab = torch.nn.functional.interpolate(torch.rand(2, 3, 8, 8) * 2 - 1, size=(64, 64))
            reference = net.encode_reference(lab)
            net.colorize(lab[:, :1], reference.style, reference.features)
        net.out.weight.mul_(3)
        net.query.weight.mul_(5)
    return net.eval()


TINY_ANCHORED = DecoderConfig(
    encoder=TINY_ENCODER, widths=(16, 16, 12, 8), heads=2, keys=4, context=(1, 2)
)


@_same_everywhere
def tiny_anchored(config: DecoderConfig = TINY_ANCHORED) -> AnchoredNetwork:
    """A small random decoder."""
    torch.manual_seed(0)
    net = AnchoredNetwork(config)
    _settled(net.decoder, net.encoder)
    with torch.no_grad():
        for block in (*net.decoder.before, *net.decoder.after):  # fresh ones say nothing
            for part in (block.told.weight, block.told.bias, block.out.weight, block.out.bias):
                part.normal_(0, 0.2)
            block.nearness.add_(torch.rand(block.heads))  # alike, they would be one in a graph
        net.train()
        for _ in range(4):  # running statistics
            tokens = torch.zeros(2, 1, 4, 4)
            net(torch.rand(2, 1, 64, 64), tokens + 1, torch.rand(2, 2, 4, 4) * 20)
        net.decoder.head.weight.mul_(20)  # colours that are seen
    return net.eval()
