"""LGA-Net's graphs: PyTorch against ONNX Runtime, any size, bounded memory, TensorRT."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from colordeploy.bundle import Bundle
from export.bundling.lga import AffinityGraph, bundle_weights
from export.bundling.onnx_graph import round_weights
from export.models.nonlocal_block import KINDS, NonLocalBlock
from export.training.lga import load_average

from ..tiny import TINY, TINY_ENCODED, save_tiny_bundle

_CONFIGS = {
    **{str(kind): replace(TINY, nonlocal_kind=kind) for kind in (*KINDS, None)},
    "on an encoder": TINY_ENCODED,
}


_SLOW = {"gaussian", "embedded", "concatenation"}  # the paper's block is "dot"


def marked(names):
    return [pytest.param(n, marks=pytest.mark.slow if n in _SLOW else ()) for n in names]


@pytest.fixture(scope="module", params=marked(_CONFIGS))
def exported(request, tmp_path_factory):
    """Checkpoint and bundle of a small network with every kind of non-local block, and of one on
    a pretrained encoder.
    """
    folder = tmp_path_factory.mktemp("graph")
    path, config = folder / "c.pt", _CONFIGS[request.param]
    return path, save_tiny_bundle(path, folder / "bundle", config)


def session(bundle: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(
        Bundle(bundle).graph("affinity"), options, providers=["CPUExecutionProvider"]
    )


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 13), (1, 32, 32), (2, 24, 50)])
def test_graph_computes_what_pytorch_does(exported, shape):
    path, bundle = exported
    net = load_average(path)[0]
    multiple = net.config.multiple
    shape = shape[0], *(multiple * -(-4 * side // multiple) for side in shape[1:])
    round_weights(net)
    graph = AffinityGraph(net)
    batch, height, width = shape
    luma = torch.rand(batch, 1, height, width, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features, log_alpha = graph(luma)
    found = session(bundle).run(["features", "log_alpha"], {"luma": luma.numpy()})
    assert found[0].shape == (batch, TINY.features, height, width)
    assert np.abs(found[0] - features.numpy()).max() < 1e-4
    assert np.abs(found[1] - log_alpha.numpy()).max() < 1e-4


def test_features_have_unit_length(exported):
    luma = np.random.default_rng(0).random((1, 1, 32, 32), dtype=np.float32)
    features = session(exported[1]).run(["features"], {"luma": luma})[0]
    assert np.abs(np.linalg.norm(features, axis=1) - 1).max() < 1e-3


def test_manifest_names_the_graph(exported):
    manifest = Bundle(exported[1]).manifest
    entry = manifest.graphs["affinity"]
    assert entry.inputs[0].shape == ("batch", 1, "height", "width")
    assert entry.outputs[0].shape == ("batch", TINY.features, "height", "width")
    assert entry.outputs[1].shape == ("batch",)


def test_weights_come_back_out_of_a_bundle(exported):
    path, bundle = exported
    net, _ = load_average(path)
    round_weights(net)
    weights = bundle_weights(Bundle(bundle))
    assert weights.keys() == net.state_dict().keys()
    for name, value in net.state_dict().items():
        assert torch.allclose(weights[name], value, atol=1e-6), name


def test_no_path_of_this_machine_is_in_the_graph(exported):
    assert str(Path(__file__).parent.parent.parent).encode() not in Bundle(exported[1]).graph(
        "affinity"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_nonlocal_block_against_the_plain_formula(kind):
    """Without subsampling every kind is softmax or mean over all pairs, as in Wang et al."""
    torch.manual_seed(0)
    block = NonLocalBlock(6, kind, query_stride=1, key_stride=1).double()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    x = torch.randn(1, 6, 5, 4, dtype=torch.float64)
    pixels = x[0].flatten(1).T

    def linear(conv, values):
        bias = 0 if conv.bias is None else conv.bias
        return values @ conv.weight[:, :, 0, 0].T + bias

    n = len(pixels)
    value = linear(block.value, pixels)
    if kind == "gaussian":
        weights = torch.softmax(pixels @ pixels.T / 6**0.5, dim=1)
    else:
        query, key = linear(block.query, pixels), linear(block.key, pixels)
        if kind == "dot":
            weights = query @ key.T / n
        elif kind == "embedded":
            weights = torch.softmax(query @ key.T / 3**0.5, dim=1)
        else:
            weights = (
                torch.relu(linear(block.query_weight, query) + linear(block.key_weight, key).T) / n
            )
    expected = pixels + linear(block.out, weights @ value)
    assert torch.allclose(block(x)[0].flatten(1).T, expected, atol=1e-10)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="needs Linux's /proc")
@pytest.mark.parametrize("kind", marked(KINDS))
def test_memory_at_512_is_bounded(kind, tmp_path):
    """A full N x N matrix would take 275 GB; every kind stays below 1 GB in all."""
    config = replace(TINY, nonlocal_kind=kind)
    save_tiny_bundle(tmp_path / "c.pt", tmp_path / "b", config, 512)
    # Not ru_maxrss: a process inherits that of the one that started it, here pytest's own.
    code = (
        "import sys, numpy as np, colordeploy;"
        "from colordeploy.bundle import find_bundle; from colordeploy.runtime.graph import Target;"
        "g = find_bundle(sys.argv[1]).load('affinity', Target(device='cpu', threads=1));"
        "g.run({'luma': np.zeros((1, 1, 512, 512), np.float32)});"
        "print(*[l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "b"], capture_output=True, text=True, check=True
    )
    assert 0 < int(done.stdout) < 2**20  # KiB
