"""SSCN on a pretrained encoder: what is matched, what is heard, training, graphs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime as ort
import pytest
import torch
from click.testing import CliRunner
from torch.nn import functional

import colordeploy
from colordeploy.bundle import Bundle, find_bundle
from export.bundling.matched import network_weights, specification
from export.bundling.weights import weights
from export.cli import main
from export.data.batches import CropSize
from export.data.references import KindredBatches, ReferenceBatches
from export.models.sscn.matched import HEADS, Heard, MatchedConfig, MatchedNetwork, from_disco
from export.training.matched import (
    MatchedLosses,
    MatchedTraining,
    kin_entropy,
    load_matched,
    train_matched,
)

from ..tiny import TINY_MATCHED, put_weights, tiny_matched
from .archive import write_archive
from .tensorrt import compile_graph

SIZES = (CropSize(64, 64, 80, 2, 1.0),)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def net():
    return tiny_matched()


@pytest.fixture(scope="module")
def spec(net):
    return specification(net)


def picture(batch=1, side=64, seed=0):
    smooth = np.random.default_rng(seed).random((batch, 3, side // 8, side // 8))
    lab = torch.from_numpy(smooth.astype(np.float32) * 2 - 1)
    return functional.interpolate(lab, size=(side, side), mode="bicubic").clamp(-0.9, 0.9)


def test_a_place_is_most_like_itself(net):
    lab = picture()
    with torch.no_grad():
        reference = net.encode_reference(lab)
        queries = net.colorize(lab[:, :1], reference.style, reference.features).queries
    keys = reference.features[:, :, :-7]
    assert torch.equal((queries @ keys.transpose(1, 2)).argmax(dim=2)[0], torch.arange(64))
    parts = keys.split(TINY_MATCHED.parts, dim=2)
    for part in parts:
        assert torch.allclose(part.norm(dim=2), torch.ones(1, 64), atol=1e-2)


def test_what_a_place_tells_is_the_mean_over_its_pixels(net):
    lab = picture()
    with torch.no_grad():
        reference = net.encode_reference(lab)
    light, a, b = (lab[0, 0] + 1) / 2, lab[0, 1], lab[0, 2]
    told = reference.features[0, 8 * 2 + 3, -7:]
    cell = np.s_[16:24, 24:32]
    wanted = [light, a, b, light**2, light * a, light * b, a**2 + b**2]
    for found, plane in zip(told, wanted, strict=True):
        assert found == pytest.approx(float(plane[cell].mean()), abs=1e-5)
    means, deviations = reference.style[0, :3], reference.style[0, 3:]
    assert torch.allclose(means, lab[0].mean(dim=(1, 2)), atol=1e-5)
    assert torch.allclose(deviations, lab[0].std(dim=(1, 2), unbiased=False), atol=1e-3)


def test_colours_follow_the_lightness_as_those_of_the_matches_do():
    """Chroma that is affine in lightness comes back at any lightness."""
    light = torch.rand(1, 1, 64, 64)
    a, b = 0.5 * light - 0.1, -0.2 * light + 0.3
    planes = [light, a, b, light**2, light * a, light * b, a**2 + b**2]
    values = functional.avg_pool2d(torch.cat(planes, dim=1), 8)
    other = torch.rand(1, 1, 16, 16)
    found = Heard(values, torch.zeros(1, 1, 8, 8)).at(other)
    wanted = torch.cat([0.5 * other - 0.1, -0.2 * other + 0.3], dim=1)
    assert torch.allclose(found, wanted, atol=0.01)
    flat = torch.full((1, 1, 64, 64), 0.4)  # no slope is known: the mean colour
    planes = [flat, flat, flat, flat**2, flat**2, flat**2, 2 * flat**2]
    values = functional.avg_pool2d(torch.cat(planes, dim=1), 8)
    found = Heard(values, torch.zeros(1, 1, 8, 8)).at(other)
    assert torch.allclose(found, torch.full_like(found, 0.4), atol=1e-3)


def test_begun_with_disco_it_answers_as_disco_does_where_it_hears_nothing():
    """What `detail` tells takes the place of what anchors tell, with all its weights."""
    config = MatchedConfig()
    given = weights(find_bundle("disco"))
    begun = from_disco(given, config)
    first = begun["decoder.hinted.first.0.weight"]
    assert torch.equal(first[:, :160], given["decoder.hinted.first.0.weight"][:, :160])
    told = given["decoder.hinted.first.0.weight"][:, 160:172].unflatten(1, (4, 3)).sum(dim=1)
    assert torch.equal(first[:, 166:169], told)
    assert not first[:, 160:166].any()
    net = MatchedNetwork(config)
    missing = net.load_state_dict(begun, strict=False).missing_keys
    assert {name.split(".")[0] for name in missing} == {"sure", "matcher", "choice", "change"}


def test_loss_reaches_all_that_is_trained(archive):
    net = tiny_matched()
    batch = ReferenceBatches(archive, 0, 0, 3, SIZES, exposures=True).batch(0)
    loss, numbers = MatchedLosses(net, MatchedTraining())(batch)
    loss.backward()
    for name, parameter in net.named_parameters():
        frozen = name.startswith("encoder.")
        assert (parameter.grad is None) == frozen, name
    assert numbers["own"] > 0
    assert len(HEADS) == 2


def test_exposures_change_the_picture_and_not_its_reference(archive):
    plain, other = (
        ReferenceBatches(archive, 0, 0, 3, (CropSize(64, 64, 80, 8, 1.0),), 0.0, exposures=e)
        .batch(0)
        for e in (False, True)
    )  # fmt: skip
    same = [torch.equal(a, b) for a, b in zip(plain.gray, other.gray, strict=True)]
    assert not all(same)


@pytest.mark.parametrize("size", [(1, 32, 32), (2, 64, 160)])
def test_graphs_at_any_size(spec, size):
    batch, height, width = size
    gray, lab = torch.rand(batch, 1, height, width) * 2 - 1, picture(batch, 96)
    wanted = spec.graph("encode_reference").run({"lab": lab})
    given = {"gray": gray, "style": wanted["style"], "selected": wanted["features"][:, ::3]}
    wanted |= spec.graph("colorize").run(given)
    assert wanted["ab"].shape == (batch, 2, height // 4, width // 4)
    found = {}
    for name, inputs in (("encode_reference", {"lab": lab}), ("colorize", given)):
        content = spec.exported(name).content
        session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
        results = session.run(None, {n: t.numpy() for n, t in inputs.items()})
        found |= dict(zip((o.name for o in session.get_outputs()), results, strict=True))
    for name, tensor in wanted.items():
        assert np.abs(found[name] - tensor.numpy()).max() < 5e-3, name


@pytest.mark.parametrize("name", ["encode_reference", "colorize"])
def test_tensorrt_compiles_the_graphs(spec, name):
    graph = spec.exported(name)
    assert compile_graph(graph.content, graph.inputs) > 10_000


def test_a_bundle_names_its_encoder():
    net = MatchedNetwork(replace(TINY_MATCHED, encoder="lite0"))
    said = "EfficientNet-Lite0 (Google, Apache-2.0), trained on ImageNet"
    assert said in specification(net).origin
    assert said in find_bundle("sscn").manifest.trained_on


def test_from_photos_to_a_bundle_that_colours(archive, tmp_path, photo_like):
    out, training = tmp_path / "c.pt", MatchedTraining(steps=2, sizes=SIZES)
    begin = {f"encoder.{n}": v for n, v in tiny_matched().encoder.state_dict().items()}
    train_matched(archive, out, TINY_MATCHED, training, begin)
    net, state = load_matched(out)
    assert state["step"] == 2
    assert all(torch.equal(v, net.state_dict()[n]) for n, v in begin.items())  # frozen
    for component in net.matcher.components:  # they began as principal components
        rows = component.weight.flatten(1)
        assert torch.allclose(rows @ rows.T, torch.eye(len(rows)), atol=0.05)
    put_weights(out, tiny_matched())
    done = CliRunner().invoke(
        main, ["bundle", "sscn", "--checkpoint", str(out), "--out", str(tmp_path / "b")]
    )
    assert done.exit_code == 0, done.output
    trained_on = Bundle(tmp_path / "b").manifest.trained_on
    assert trained_on == f"{state['data']}; {specification(net).origin}"
    with colordeploy.load(tmp_path / "b", device="cpu", threads=1) as model:
        canvas = model.prepare(photo_like, size=96)
        reference = model.encode_reference(photo_like[:, ::-1], size=96)
        assert reference.patch == 8
        assert reference.places == 12 * 16
        assert canvas.render(reference).shape == (120, 160, 3)
        assert canvas.render(reference, coarse=True).shape == (120, 160, 3)
        (match,) = canvas.matches(reference, [(60.0, 60.0)])
        assert match.reference_y % 8 == match.reference_x % 8 == 4


def test_weights_come_back_out_of_a_bundle():
    """`--start sscn` goes on from what is shipped."""
    opened = find_bundle("sscn")
    net = MatchedNetwork(MatchedConfig())
    begin = network_weights(opened)
    assert set(begin) == set(net.state_dict())
    net.load_state_dict(begin)
    gray, lab = torch.rand(1, 1, 64, 96) * 2 - 1, picture(1, 64)
    with torch.no_grad():
        reference = net.eval().encode_reference(lab)
        found = net.colorize(gray, reference.style, reference.features)
    session = ort.InferenceSession(opened.graph("colorize"), providers=["CPUExecutionProvider"])
    given = {"gray": gray, "style": reference.style, "selected": reference.features}
    ab, coarse, queries, _ = session.run(None, {name: t.numpy() for name, t in given.items()})
    np.testing.assert_allclose(ab, 110 * found.fine, atol=5e-3)
    np.testing.assert_allclose(coarse, 110 * found.coarse, atol=5e-3)
    np.testing.assert_allclose(queries, found.queries, atol=1e-3)


def test_kindred_photos_come_in_pairs_with_a_second_view(archive):
    batch = KindredBatches(archive, 0, 0, 3, (CropSize(64, 64, 80, 4, 1.0),)).batch(0)
    assert (batch.category[0::2] == batch.category[1::2]).all()
    for gray, view, (y, x, mirrored) in zip(batch.gray, batch.view, batch.move, strict=True):
        assert y % 4 == x % 4 == 0
        other = view.flip(2) if mirrored else view
        height, width = 64 - abs(int(y)), 64 - abs(int(x))
        rows, columns = max(int(y), 0), max(int(x), 0)
        same = gray[:, rows : rows + height, columns : columns + width]
        rows, columns = max(-int(y), 0), max(-int(x), 0)
        assert torch.equal(same, other[:, rows : rows + height, columns : columns + width])
    assert len({tuple(move) for move in batch.move.tolist()}) > 1


def test_views_of_a_steady_network_are_not_apart(archive):
    """Without an answer of its own, one colour for all is the same in every frame."""
    batch = KindredBatches(archive, 0, 0, 3, (CropSize(64, 64, 80, 4, 1.0),)).batch(0)
    net = tiny_matched()
    losses = MatchedLosses(net, MatchedTraining(kindred=True))
    assert losses(batch)[1]["apart"] > 0.2
    with torch.no_grad():
        for layer in (net.choice, net.change):
            layer.weight.zero_()
        net.choice.bias.copy_(torch.tensor([-50.0, -50.0, -50.0, -50.0, 50.0]))
        net.change.bias.zero_()
    assert losses(batch)[1]["apart"] == pytest.approx(0.1, abs=1e-3)  # the distance's own offset


def test_kin_is_the_share_of_others_that_are_of_the_category():
    category = torch.tensor([3, 3, 5, 6])
    shares = torch.tensor([[0.4, 0.3, 0.2, 0.1], [0.2, 0.5, 0.2, 0.1]] + [[0.25] * 4] * 2)
    expected = -(np.log(0.3 / 0.6) + np.log(0.2 / 0.5)) / 2  # only the first two have kin
    assert kin_entropy(shares.log()[:, None], category).item() == pytest.approx(expected, rel=1e-5)
