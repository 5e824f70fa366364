"""For which sizes engines are built, against the sizes that pictures really have."""

from __future__ import annotations

import pytest

from colordeploy.bundle import default_bundles, find_bundle
from colordeploy.engines import Sizes, default_sizes
from colordeploy.engines.shapes import extent, profiles_of, serves_default
from colordeploy.methods.line_art.drawing import MAXIMUM_REGIONS
from colordeploy.pictures.geometry import working_shape

SHAPES = [(1, 1), (300, 400), (4000, 3000), (300, 2400), (2400, 300), (500, 4999), (100, 3200)]


@pytest.mark.parametrize("name", list(default_bundles()))
@pytest.mark.parametrize("shape", SHAPES)
def test_default_engines_serve_default_pictures(name, shape):
    bundle = find_bundle(name)
    working = bundle.integer_parameter("working_size", 1)
    size = working_shape(shape, None, working)
    step = default_sizes(bundle)[0].minimum[0]
    padded = tuple(-(-n // step) * step for n in size)
    assert any(sizes.covers(padded) for sizes in default_sizes(bundle)), padded


def test_default_engines_serve_larger_pictures_too():
    for name in default_bundles():
        bundle = find_bundle(name)
        working = bundle.integer_parameter("working_size", 1)
        assert default_sizes(bundle)[0].covers((4 * working, 3 * working))


def test_all_regions_of_a_drawing_fit():
    bundle = find_bundle("rasc")
    profile = profiles_of(bundle, "paint", default_sizes(bundle))[0]
    assert profile.maximum["known"] == (1, MAXIMUM_REGIONS + 1)  # in RASC's own graphs with lines


def test_profiles_follow_the_manifest():
    bundle = find_bundle("disco")
    wanted = [Sizes((20, 20), (100, 130), (256, 512))]
    profile, golden = profiles_of(bundle, "analyze", wanted)
    assert profile.minimum["gray"] == (1, 1, 32, 32)  # padded to the network's multiple
    assert profile.optimum["gray"] == (1, 1, 128, 160)
    assert profile.maximum["gray"] == (1, 1, 256, 512)  # graphs are given one picture at a time
    assert golden.minimum["gray"] == (1, 1, 32, 96)
    assert golden.maximum["gray"] == (2, 1, 64, 128)
    profile, _ = profiles_of(bundle, "generate", wanted)
    assert profile.optimum["mask"] == (1, 1, 8, 10)  # a sixteenth
    assert profile.maximum["tokens"][2:] == (16, 32)
    assert profile.maximum["fine"][2:] == (64, 128)  # a quarter


@pytest.mark.parametrize("name", list(default_bundles()))
def test_golden_vectors_are_served_whatever_the_sizes(name):
    bundle = find_bundle(name)
    golden = bundle.golden()
    for graph, entry in bundle.manifest.graphs.items():
        profiles = profiles_of(bundle, graph, [Sizes((512, 512), (512, 512), (512, 512))])
        for key, array in golden.items():
            found, _, side, *tensor = key.split("/")
            if (found, side) != (graph, "input"):
                continue
            assert any(
                all(
                    low <= n <= high
                    for low, n, high in zip(
                        p.minimum[tensor[0]], array.shape, p.maximum[tensor[0]], strict=True
                    )
                )
                for p in profiles
            )
        assert set(profiles[0].minimum) == {t.name for t in entry.inputs}


def test_what_a_description_says_of_sizes():
    bundle = find_bundle("lga")
    parts = {"sizes": [[[64, 64], [64, 64], [64, 64]], [[4, 4], [256, 256], [1024, 512]]]}
    assert str(extent(parts)) == "64x64, 4x4 to 1024x512"
    assert extent(parts).area == 1024 * 512
    assert serves_default(parts, bundle)
    assert not serves_default({"sizes": parts["sizes"][:1]}, bundle)
    assert not serves_default({}, bundle)
