"""The interface, endpoint by endpoint, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from stockfold_services.api.console.frame import render

router = APIRouter(include_in_schema=False)

_LIMITS = (
    ("minimum", "from"),
    ("maximum", "to"),
    ("maxLength", "at most"),
    ("maxItems", "at most"),
)


class Input(NamedTuple):
    """What an endpoint may be given, and where."""

    name: str
    place: str
    description: str
    limits: str


class Endpoint(NamedTuple):
    """One method at one path."""

    method: str
    path: str
    description: str
    inputs: list[Input]


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """Every endpoint with its inputs, from the OpenAPI document."""
    openapi = request.app.openapi()
    groups: dict[str, list[Endpoint]] = {}
    for tag, endpoint in _endpoints(openapi):
        groups.setdefault(tag, []).append(endpoint)
    return render(request, "interface.html", info=openapi["info"], groups=groups)


def _endpoints(openapi: dict[str, Any]) -> Iterator[tuple[str, Endpoint]]:
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            given = [*operation.get("parameters", []), *_body(openapi, operation)]
            said = operation.get("description", "")
            tag = (operation.get("tags") or ["more"])[0]
            yield tag, Endpoint(method.upper(), path, said, [_input(row) for row in given])


def _body(openapi: dict[str, Any], operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The members of a request's JSON body, as parameters are told."""
    content = operation.get("requestBody", {}).get("content", {})
    name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
    members = openapi.get("components", {}).get("schemas", {}).get(name, {}).get("properties", {})
    return [
        {
            "name": member,
            "in": "body",
            "schema": schema,
            "description": schema.get("description", ""),
        }
        for member, schema in members.items()
    ]


def _input(row: dict[str, Any]) -> Input:
    schema = row["schema"]
    limits = [
        f"{word} {option[name]}"
        for option in (schema, *schema.get("anyOf", []))
        for name, word in _LIMITS
        if name in option
    ]
    if schema.get("default") is not None:
        limits.append(f"default {schema['default']}")
    return Input(row["name"], row["in"], row.get("description", ""), ", ".join(limits))
