"""The OpenAPI 3.1 document, made from the rows of `routes.py` and the models they name. Nothing is written by hand, so
that nothing in it can be out of date."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from signaling.api.messages.fields import ID_PATTERN
from signaling.api.messages.session_view import Problem
from signaling.server.cookies import PREFIX, SESSION
from signaling.server.errors import HEADERS, PROBLEM_TYPE, PreconditionFailed, PreconditionRequired
from signaling.server.routes import IDEMPOTENCY_KEY, Route

REF = "#/components/schemas/{model}"
Schemas = Mapping[Any, dict[str, Any]]


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """Return the whole document as JSON values. `version` is that of the software."""
    rows = list(routes)
    refs, schemas = models_json_schema(_models(rows), ref_template=REF)
    paths: dict[str, Any] = {}
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "会见 Huijian",
            "version": version,
            "description": "远程视频会见的信令接口。WebSocket 与媒体协商见 docs/protocol.md。\n\n"
            "Signaling of supervised video visits. WebSocket and media negotiation: see docs/protocol.md.",
        },
        "paths": paths,
        "components": {"schemas": schemas["$defs"], "securitySchemes": _SECURITY},
    }


_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": PREFIX + SESSION},
}


def _models(rows: list[Route]) -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    found: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for row in rows:
        for model, mode in ((row.body, "validation"), (row.query, "validation"), (row.answer, "serialization")):
            if isinstance(model, type):
                found[(model, mode)] = None  # type: ignore[index]
    return list(found)


def _operation(row: Route, refs: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{row.method.lower()}_{row.operation}",
        "summary": f"{row.zh} · {row.en}",
        "responses": {
            **{str(status): _success(row, refs, status) for status in (row.status, *row.also)},
            **_other_success(row),
            **_refusals(row, refs),
        },
    }
    if not row.open:
        operation["security"] = [{"bearer": []}, {"cookie": []}]
        operation["x-roles"] = sorted(row.roles)
    parameters = _parameters(row)
    if parameters:
        operation["parameters"] = parameters
    if row.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(row.body, "validation", refs)}
    return operation


def _success(row: Route, refs: Schemas, status: int) -> dict[str, Any]:
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if row.answer is not None:
        response["content"] = _content(row.answer, "serialization", refs)
    if row.headers:
        response["headers"] = {name: {"schema": {"type": "string"}} for name in row.headers}
    return response


def _other_success(row: Route) -> dict[str, Any]:
    return {str(row.or_status): {"description": HTTPStatus(row.or_status).phrase}} if row.or_status else {}


def _refusals(row: Route, refs: Schemas) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for kind in row.refusals:
        by_status.setdefault(kind.http_status, []).append(f"`{kind.code}` {kind.title_zh} · {kind.title_en}")
    content = {PROBLEM_TYPE: {"schema": refs[(Problem, "serialization")]}}
    return {
        str(status): {"description": "\n\n".join(lines), "content": content, **_header_of(status)}
        for status, lines in sorted(by_status.items())
    }


def _header_of(status: int) -> dict[str, Any]:
    if status not in HEADERS:
        return {}
    return {"headers": {HEADERS[status]: {"required": True, "schema": {"type": "string"}}}}


def _content(kind: type[BaseModel] | str | tuple[str, ...], mode: JsonSchemaMode, refs: Schemas) -> dict[str, Any]:
    if isinstance(kind, tuple):
        return {name: described for each in kind for name, described in _content(each, mode, refs).items()}
    if isinstance(kind, str):
        return {kind: {"schema": {"type": "object" if kind.endswith("json") else "string"}}}
    return {"application/json": {"schema": refs[(kind, mode)]}}


def _parameters(row: Route) -> list[dict[str, Any]]:
    parts = [part[1:-1] for part in row.path.split("/") if part.startswith("{")]
    path = [
        {"name": part, "in": "path", "required": True, "schema": {"type": "string", "pattern": ID_PATTERN}}
        for part in parts
    ]
    if row.counts_once:
        path.append({"name": IDEMPOTENCY_KEY, "in": "header", "required": False, "schema": path[0]["schema"]})
    path += _conditions(row)
    if row.query is None:
        return path
    schema = row.query.model_json_schema(ref_template=REF)
    return path + [
        {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": inner}
        for name, inner in schema["properties"].items()
    ]


def _conditions(row: Route) -> list[dict[str, Any]]:
    """The headers of conditional requests and of ranges that a row looks at (RFC 9110, 13 and 14; RFC 9725, 4.3.1)."""
    names = ["If-Match"] if PreconditionFailed in row.problems else []
    names += ["If-None-Match"] if row.or_status == 304 else []
    names += ["Range", "If-Range"] if "Accept-Ranges" in row.headers else []
    needed = PreconditionRequired in row.problems
    return [{"name": name, "in": "header", "required": needed, "schema": {"type": "string"}} for name in names]
