"""The service's description (OpenAPI 3.1): what ``GET /api`` answers."""

from __future__ import annotations

from typing import Any

from .._version import __version__
from .limits import Limits
from .studio import FILES

__all__ = ["description"]

_Schema = dict[str, Any]
_NUMBER: _Schema = {"type": "number"}
_WHOLE: _Schema = {"type": "integer"}
_TEXT: _Schema = {"type": "string"}
_PLACE: _Schema = _NUMBER | {"minimum": -1e9, "maximum": 1e9}


def _object(required: list[str], **properties: _Schema) -> _Schema:
    return {"type": "object", "required": required, "properties": properties}


def _list(items: _Schema, **more: Any) -> _Schema:
    return {"type": "array", "items": items, **more}


def _ref(name: str) -> _Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_PAIR = _list(_NUMBER, minItems=2, maxItems=2)
_STROKE = _object(
    ["points", "color"],
    points=_list(_PAIR) | {"description": "(y, x) in image pixels"},
    color=_TEXT | {"description": "CSS colour"},
    width=_NUMBER | {"default": 3},
)
_SCHEMAS: dict[str, _Schema] = {
    "Error": _object(["error"], error=_TEXT),
    "Model": _object(
        ["name", "tool", "subject", "summary"],
        name=_TEXT,
        tool={"enum": ["scribble", "auto", "exemplar", "sketch"]},
        subject={"enum": ["photo", "drawing"]},
        summary=_TEXT,
    ),
    "Picture": _object(
        ["id", "name", "height", "width", "pages", "colour", "bytes"],
        id=_TEXT, name=_TEXT, height=_WHOLE, width=_WHOLE, pages=_WHOLE,
        colour={"type": "boolean"}, bytes=_WHOLE, megapixels=_NUMBER,
    ),
    "Places": _object(
        ["points", "reference"],
        points=_list(_PAIR, maxItems=10_000) | {"description": "(y, x) in image pixels"},
        reference=_TEXT | {"description": "id of a picture"},
    ),
    "Matches": _object(
        ["height", "width", "matches"],
        height=_WHOLE, width=_WHOLE,
        matches=_list(_object(
            ["y", "x", "reference_y", "reference_x", "weight"],
            y=_NUMBER, x=_NUMBER, weight=_NUMBER,
            reference_y=_NUMBER | {"description": "of the example's height here"},
            reference_x=_NUMBER,
        )),
    ),
    "Anchor": _object(
        ["y", "x", "ab"],
        y=_NUMBER, x=_NUMBER, ab=_PAIR, color=_list(_WHOLE), lightness=_NUMBER,
        candidates=_list(_object(["ab", "probability"], ab=_PAIR, probability=_NUMBER)),
    ),
    "Canvas": _object(
        ["id", "picture", "model", "tool", "height", "width", "working_size", "bytes"],
        id=_TEXT, picture=_TEXT, model=_TEXT, tool=_TEXT, height=_WHOLE, width=_WHOLE,
        working_size=_list(_WHOLE), bytes=_WHOLE, anchors=_list(_ref("Anchor")),
        style=_list(_NUMBER),
    ),
    "NewCanvas": _object(
        ["picture", "model"],
        picture=_TEXT | {"description": "id of a picture"},
        model=_TEXT,
        size={"oneOf": [_WHOLE, {"const": "native"}], "description": "working short side"},
        anchors=_WHOLE | {"description": "how many, for the tool auto"},
        seed=_WHOLE,
    ),
    "Guidance": {
        "description": "what the canvas's tool takes",
        "anyOf": [
            _object(["strokes"], strokes=_list(_STROKE)),
            _object(
                [], anchors={"oneOf": [_list(_ref("Anchor")), {"type": "null"}]}, sample=_WHOLE
            ),
            _object(["reference"], reference=_TEXT | {"description": "id of a picture"}),
            _object(
                [],
                style={"oneOf": [_WHOLE, _list(_NUMBER), {"type": "null"}]},
                flat={"type": "boolean"},
                hints=_list(_STROKE),
            ),
        ],
    },
    "Render": _object(
        ["guidance"],
        guidance=_ref("Guidance"),
        format={"enum": list(FILES), "default": "png"},
        view=_object(
            [],
            size=_WHOLE | {
                "minimum": 1, "description": "short side; by default the picture's own",
            },
            saturation=_NUMBER | {"minimum": 0, "maximum": 2},
        ),
    ),
}  # fmt: skip
_ID: _Schema = {"name": "id", "in": "path", "required": True, "schema": _TEXT}
_PNG: _Schema = {"description": "done", "content": {"image/png": {}}}
_ERRORS = {
    401: "no token", 404: "nothing of that name", 410: "it left: too old, or too many",
    413: "larger than allowed", 422: "what is wrong with the request", 507: "no memory left",
}  # fmt: skip


def description(limits: Limits) -> dict[str, Any]:
    """The description of a service with these limits."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "colordeploy studio",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": (
                "Pictures are sent, canvases prepared of them for a model, and renders made of "
                "canvases for guidance. All three are held by the service within limits: "
                f"{limits.pictures} pictures, {limits.canvases} canvases, "
                f"{limits.memory >> 20} MiB, {limits.age:g} seconds without use. What left is "
                "answered with 410, and prepared again by whoever needs it. Colours that follow "
                "a hand go by WebSocket, /api/canvases/{id}/live: JSON of number, guidance and "
                "view (region or size; draft: true while a hand moves, for coarser colours that "
                "come sooner) in; out comes a header of eight little-endian uint32 (number, y0, "
                "x0, y1, x1, height, width, milliseconds) and RGBA."
            ),
        },
        "security": [{"token": []}, {"cookie": []}],
        "paths": {
            "/api/models": {"get": _operation("models", "What there is", {200: _answer(
                _object(["models"], models=_list(_ref("Model"))))})},
            "/api/pictures": {"post": _operation(
                "addPicture",
                f"Send a picture file, at most {limits.upload >> 20} MiB and "
                f"{limits.pixels / 1e6:g} megapixels",
                {201: _answer(_ref("Picture")) | _links("picture", "deletePicture")},
                parameters=[{"name": "name", "in": "query", "schema": _TEXT}],
                requestBody={"required": True, "content": {"application/octet-stream": {}}},
            )},
            "/api/pictures/{id}": _resource("Picture"),
            "/api/canvases": {"post": _operation(
                "addCanvas", "Prepare a picture for a model",
                {201: _answer(_ref("Canvas")) | _links(
                    "canvas", "deleteCanvas", "render", "affinities", "regions", "anchor",
                    "matches",
                )},
                requestBody=_body("NewCanvas"),
            )},
            "/api/canvases/{id}": _resource("Canvas"),
            "/api/canvases/{id}/renders": {"post": _operation(
                "render", "A file of the result for guidance",
                {200: {"description": "the file", "content": {
                    kind: {} for kind, *_ in FILES.values()}}},
                parameters=[_ID], requestBody=_body("Render"),
            )},
            "/api/canvases/{id}/affinities": _look(
                "affinities", "Affinities of one pixel with all others (tool scribble), a grey PNG",
                _PNG, "y", "x", "size",
            ),
            "/api/canvases/{id}/regions": _look(
                "regions", "Regions of a drawing (tool sketch), a PNG: label = red + 256 green + "
                "65536 blue, 0 on lines", _PNG, "size",
            ),
            "/api/canvases/{id}/anchor": _look(
                "anchor", "An anchor for a place, with candidates (tool auto)",
                _answer(_ref("Anchor")), "y", "x",
            ),
            "/api/canvases/{id}/matches": {"post": _operation(
                "matches", "Where places look in an example (tool exemplar)",
                {200: _answer(_ref("Matches"))},
                parameters=[_ID], requestBody=_body("Places"),
            )},
        },
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "colordeploy-token-PORT"},
            },
        },
    }  # fmt: skip


def _operation(name: str, summary: str, answers: dict[int, Any], **more: Any) -> dict[str, Any]:
    responses = {str(status): answer for status, answer in answers.items()}
    for status, meaning in _ERRORS.items():
        responses[str(status)] = {"description": meaning} | _content(_ref("Error"))
    return {"operationId": name, "summary": summary, "responses": responses, **more}


def _look(name: str, summary: str, answer: _Schema, *given: str) -> dict[str, Any]:
    """A canvas asked about a place."""
    query = [
        {
            "name": one,
            "in": "query",
            "required": one != "size",
            "schema": _WHOLE | {"minimum": 1, "maximum": 999_999} if one == "size" else _PLACE,
        }
        for one in given
    ]
    return {"get": _operation(name, summary, {200: answer}, parameters=[_ID, *query])}


def _resource(name: str) -> dict[str, Any]:
    return {
        "parameters": [_ID],
        "get": _operation(name.lower(), "What it is", {200: _answer(_ref(name))}),
        "delete": _operation(f"delete{name}", "Let it go", {204: {"description": "gone"}}),
    }


def _links(*names: str) -> _Schema:
    """What can be done next with the id of an answer."""
    return {"links": {
        name: {"operationId": name, "parameters": {"id": "$response.body#/id"}} for name in names
    }}  # fmt: skip


def _answer(schema: _Schema) -> dict[str, Any]:
    return {"description": "done"} | _content(schema)


def _body(name: str) -> dict[str, Any]:
    return {"required": True} | _content(_ref(name))


def _content(schema: _Schema) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}
