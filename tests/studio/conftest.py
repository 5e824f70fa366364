"""The service with a token, called in this process."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:  # not here, or without them no test of the whole tree would be collected
    from starlette.testclient import TestClient

    from colordeploy.studio import Limits

TOKEN = "secret"


@pytest.fixture(scope="session")
def photo_file(photo_like) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo_like).convert("L").save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def service():
    """From limits to a client; each is closed at the end."""
    from starlette.testclient import TestClient

    from colordeploy.studio import create_app

    opened = []

    def make(limits: Limits | None = None, **options) -> TestClient:
        app = create_app(limits=limits, token=TOKEN, **options)
        headers = {"authorization": f"Bearer {TOKEN}"}
        client = TestClient(app, base_url="http://localhost:8000", headers=headers)
        opened.append(client.__enter__())
        return client

    yield make
    for client in opened:
        client.__exit__(None, None, None)


def pixels(answer) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(answer.content)) as picture:
        return np.asarray(picture.convert("RGB"))
