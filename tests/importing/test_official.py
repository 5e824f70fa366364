"""Official code with synthetic weights, exported, imported: the same colours before composition.

Runs where checkouts are: COLORDEPLOY_DDCOLOR and COLORDEPLOY_COLORIZATION name folders with
github.com/piddnad/DDColor and github.com/richzhang/colorization (`-m slow`).
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

import colordeploy
from colordeploy.importing import Described, import_network
from colordeploy.pictures.color import lightness_of_gray

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
SIDE = 256


@pytest.fixture
def gray(photo_like) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(photo_like).convert("L").resize((SIDE, SIDE)))


@pytest.fixture
def official(monkeypatch):
    """Modules of a checkout, for as long as a test lasts."""

    def load(variable: str, module: str, *stubs: str) -> types.ModuleType:
        folder = os.environ.get(variable)
        if folder is None:
            pytest.skip(f"{variable} names no checkout")
        monkeypatch.syspath_prepend(str(Path(folder)))
        for name in stubs:  # imported there and not used
            stub = types.ModuleType(name)
            stub.embed = stub.make_grid = None  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, name, stub)
        return importlib.import_module(module)

    return load


def awake(net: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Weights of one seed, with running statistics that are not trivial."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim > 1:
                torch.nn.init.kaiming_normal_(parameter)
        for name, buffer in net.named_buffers():
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return net.eval()


class Scaled(torch.nn.Module):
    """A network whose colours have the size that colours have."""

    def __init__(self, net: torch.nn.Module, factor: float) -> None:
        super().__init__()
        self.net, self.factor = net, factor

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.factor * self.net(given)
        return found


def imported(tmp_path, net, example, preset):
    file = tmp_path / "official.onnx"
    torch.onnx.export(net, (example,), str(file), opset_version=17, dynamo=False)
    described = Described.by_preset(preset, name=preset, licence="none", trained_on="random")
    import_network(file, tmp_path / "bundle", described)
    return colordeploy.load(tmp_path / "bundle", device="cpu", threads=2)


def test_ddcolor(tmp_path, gray, official):
    ddcolor = official("COLORDEPLOY_DDCOLOR", "ddcolor", "torchvision", "torchvision.utils")
    net = ddcolor.DDColor(
        "convnext-t", "MultiScaleColorDecoder", input_size=[SIDE, SIDE], num_output_channels=2,
        last_norm="Spectral", do_normalize=False, num_queries=20, num_scales=3, dec_layers=3,
    )  # fmt: skip
    picture = torch.from_numpy(gray / np.float32(255)).expand(1, 3, SIDE, SIDE)
    ramp = torch.linspace(0, 1, SIDE).expand(1, 3, SIDE, SIDE)
    with torch.no_grad():  # spectral norms and running statistics settle
        for given in (picture, ramp) * 2:
            net.train()(given)
        net.eval()
        largest = max(float(net(given).abs().max()) for given in (picture, ramp))
    net = Scaled(net, 40 / largest)
    seen = {}
    net.register_forward_hook(lambda module, given, out: seen.update(given=given[0], ab=out))
    pipeline = ddcolor.ColorizationPipeline(net, input_size=SIDE)
    pipeline.process(np.repeat(gray[..., None], 3, axis=2))
    theirs = seen["given"]
    with imported(tmp_path, net, torch.rand(1, 3, SIDE, SIDE), "ddcolor") as model:
        canvas = model.prepare(gray)
        fed = model.interface.encoded(canvas.photo.working)
    # OpenCV's Lab is an approximation, which random weights enlarge: what goes in is compared, and
    # what comes out of the same.
    assert np.abs(fed - theirs.numpy()).max() < 2e-3
    with torch.no_grad():
        wanted = net(torch.from_numpy(fed))[0].numpy()
    assert np.abs(wanted).max() > 1.5
    assert np.abs(canvas.chroma - np.moveaxis(wanted, 0, -1)).max() < 1e-3


def test_zhang_eccv16(tmp_path, gray, official):
    module = official("COLORDEPLOY_COLORIZATION", "colorizers.eccv16", "IPython")
    net = awake(module.ECCVGenerator(), 2)
    with torch.no_grad():
        net.model_out.weight.uniform_(-1, 1)  # the bins' colours
    lightness = lightness_of_gray(gray / np.float32(255))
    with torch.no_grad():
        theirs = net(torch.from_numpy(lightness)[None, None])[0].numpy()
    with imported(tmp_path, net, torch.zeros(1, 1, SIDE, SIDE), "zhang-eccv16") as model:
        ours = model.prepare(gray).chroma
    assert np.abs(theirs).max() > 1.5
    assert np.abs(ours - np.moveaxis(theirs, 0, -1)).max() < 1e-3
