"""Networks made plain for inference: norms that are constants by then go into the weights."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils import remove_spectral_norm
from torch.nn.utils.fusion import fuse_conv_bn_eval

Net = TypeVar("Net", bound=nn.Module)


def folded(net: Net) -> Net:
    """Return a copy for inference: spectral norms (with the stored vectors) and the normalizations
    that follow a convolution are folded into the weights; the others become convolutions of each
    channel by itself, which runtimes also have in integers.
    """
    result = copy.deepcopy(net).eval()
    for module in result.modules():
        if hasattr(module, "weight_orig"):
            remove_spectral_norm(module)
        if not isinstance(module, nn.Sequential):
            continue
        for i in range(len(module) - 1):
            if isinstance(module[i], nn.Conv2d) and isinstance(module[i + 1], nn.BatchNorm2d):
                module[i] = fuse_conv_bn_eval(module[i], module[i + 1])
                module[i + 1] = nn.Identity()
        for i in range(len(module)):
            if isinstance(module[i], nn.BatchNorm2d):
                module[i] = _as_convolution(module[i])
    return result


def _as_convolution(norm: nn.BatchNorm2d) -> nn.Conv2d:
    channels = norm.num_features
    identity = nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
    with torch.no_grad():
        identity.weight.fill_(1.0)
    return fuse_conv_bn_eval(identity.eval(), norm)
