"""The service against its own description: schemathesis makes requests that fit it, and others.

``python -m pytest -m studio_service``
"""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("schemathesis")

import hypothesis
import requests
import schemathesis

from .conftest import TOKEN
from .running import served

pytestmark = pytest.mark.studio_service
TOOLS = {"affinities": "levin", "renders": "levin", "regions": "rasc", "anchor": "disco",
         "matches": "sscn"}  # fmt: skip
HEADERS = {"authorization": f"Bearer {TOKEN}"}
# Which guidance a canvas takes depends on its model, and not all bytes are a picture: such requests
# fit the description and are refused all the same.
REFUSED = ("/renders", "/pictures", "/canvases", "/matches", "/affinities", "/regions", "/anchor")


@pytest.fixture(scope="module")
def running(photo_file, photo_like):
    """Its address, and names of what it holds."""
    with served() as address:
        base = address.partition("/?")[0]

        def post(path, **content):
            return requests.post(f"{base}/api/{path}", headers=HEADERS, timeout=100, **content)

        def held():
            picture = post("pictures", data=photo_file).json()["id"]
            canvases = {
                model: post("canvases", json={"picture": picture, "model": model}).json()["id"]
                for model in set(TOOLS.values())
            }
            return picture, canvases

        yield base, held


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_every_answer_is_as_described(running, mode):
    """Valid requests are of what there is: else all would be answered with 404."""
    base, held = running
    schema = schemathesis.openapi.from_url(f"{base}/api", headers=HEADERS)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 12
    for operation in operations:
        _try(operation, schemathesis.GenerationMode(mode), held())


def _try(operation, mode, names) -> None:
    # Whoever sends the token is let in; test_security.py tries to get in without it.
    skipped = [schemathesis.checks.ignored_auth]
    refused = operation.path.endswith(REFUSED) or "{id}" in operation.path
    if refused:
        skipped.append(schemathesis.checks.positive_data_acceptance)
    known = mode.is_positive and operation.method.upper() != "DELETE"

    @hypothesis.settings(
        max_examples=60, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(operation.as_strategy(generation_mode=mode))
    def answered(case):
        if known:
            _use(case, *names)
        case.call_and_validate(headers=HEADERS, excluded_checks=skipped)

    answered()


def _use(case, picture: str, canvases: dict[str, str]) -> None:
    """Names of what there is, in a request that fits the description."""
    last = case.path.rpartition("/")[2]
    if "id" in (case.path_parameters or {}):
        name = picture if "/pictures/" in case.path else canvases[TOOLS.get(last, "levin")]
        case.path_parameters["id"] = name
    if isinstance(case.body, dict):
        if "picture" in case.body:
            case.body |= {"picture": picture, "model": "levin"}
        if "reference" in case.body:
            case.body["reference"] = picture


def test_what_the_links_lead_to_is_there(running):
    """From a picture to a canvas to what it knows, by the links of the description alone."""
    base, held = running
    said = requests.get(f"{base}/api", headers=HEADERS, timeout=100).json()
    operations = {
        operation["operationId"]: (path, method)
        for path, item in said["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict)
    }
    made = said["paths"]["/api/canvases"]["post"]["responses"]["201"]
    assert set(made["links"]) <= set(operations)
    _, canvases = held()
    path, method = operations["affinities"]
    answer = requests.request(
        method, base + path.format(id=canvases["levin"]), headers=HEADERS, timeout=100,
        params={"y": 10, "x": 12, "size": 60},
    )  # fmt: skip
    assert answer.headers["content-type"] == "image/png"
    assert np.frombuffer(answer.content[16:24], ">u4").tolist() == [80, 60]
