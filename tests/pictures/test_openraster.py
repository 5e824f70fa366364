"""OpenRaster files, by the specification."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from colordeploy.errors import InputError
from colordeploy.pictures.openraster import Document, DocumentLayer


@pytest.fixture(scope="module")
def document():
    rng = np.random.default_rng(3)
    layers = [
        DocumentLayer("flat", rng.integers(0, 256, (300, 500, 4), np.uint8)),
        DocumentLayer(
            'lines & "more"', rng.integers(0, 256, (300, 500, 4), np.uint8), visible=False
        ),
    ]
    return Document(layers, rng.integers(0, 256, (300, 500, 3), np.uint8))


def test_members(document, tmp_path):
    document.save(tmp_path / "page.ora")
    with zipfile.ZipFile(tmp_path / "page.ora") as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type, first.extra) == ("mimetype", 0, b"")
        assert archive.read("mimetype") == b"image/openraster"
        assert archive.testzip() is None
        image = ElementTree.fromstring(archive.read("stack.xml"))
        assert image.tag == "image"
        assert (image.get("w"), image.get("h"), image.get("version")) == ("500", "300", "0.0.3")
        layers = image.findall("stack/layer")
        assert [layer.get("name") for layer in layers] == ['lines & "more"', "flat"]
        assert [layer.get("visibility") for layer in layers] == ["hidden", "visible"]
        assert {layer.get("composite-op") for layer in layers} == {"svg:src-over"}
        for layer, given in zip(reversed(layers), document.layers, strict=True):
            with Image.open(io.BytesIO(archive.read(layer.get("src")))) as picture:
                assert np.array_equal(np.asarray(picture), given.pixels)
        with Image.open(io.BytesIO(archive.read("mergedimage.png"))) as picture:
            assert np.array_equal(np.asarray(picture), document.merged)
        with Image.open(io.BytesIO(archive.read("Thumbnails/thumbnail.png"))) as picture:
            assert picture.size == (256, 154)


def test_equal_documents_are_equal_files(document, tmp_path):
    document.save(tmp_path / "a.ora")
    document.save(tmp_path / "b.ora")
    assert (tmp_path / "a.ora").read_bytes() == (tmp_path / "b.ora").read_bytes()


def test_what_is_refused(document, tmp_path):
    with pytest.raises(InputError, match=r"ends in \.ora"):
        document.save(tmp_path / "page.psd")
    with pytest.raises(InputError, match=r"must be \(300, 500, 4\) uint8"):
        Document([DocumentLayer("small", np.zeros((3, 5, 4), np.uint8))], document.merged)
