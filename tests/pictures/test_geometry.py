from __future__ import annotations

import numpy as np
import pytest

from colordeploy.errors import InputError
from colordeploy.pictures.geometry import pad_to_multiple, resize, working_shape


def test_working_shape():
    assert working_shape((600, 800), None, 256) == (256, 341)
    assert working_shape((600, 800), 128, 256) == (128, 171)
    assert working_shape((600, 800), "native", 256) == (600, 800)
    assert working_shape((100, 50), 256, 256) == (100, 50)  # never enlarged
    assert working_shape((1, 5000), 1, 256) == (1, 5000)
    assert working_shape((300, 2400), None, 256) == (256, 2048)
    height, width = working_shape((300, 30000), None, 256)  # long strips are bounded
    assert 0.95 < height * width / (8 * 256**2) <= 1.01
    assert working_shape((300, 30000), 256, 256) == (256, 25600)  # unless asked for
    assert working_shape((9000, 3), 1, 256) == (3000, 1)
    for size in (0, -1, 1.5, "big", True):
        with pytest.raises(InputError, match="size"):
            working_shape((10, 10), size, 256)


def test_pad_and_resize():
    plane = np.arange(15, dtype=np.float32).reshape(3, 5)
    padded = pad_to_multiple(plane, 4)
    assert padded.shape == (4, 8)
    assert np.array_equal(padded[:3, :5], plane)
    assert np.array_equal(padded[3], padded[2])
    constant = resize(np.full((30, 40, 2), 0.3), (7, 11))
    assert constant.shape == (7, 11, 2)
    assert np.allclose(constant, 0.3, atol=1e-6)
    assert constant.flags.writeable
