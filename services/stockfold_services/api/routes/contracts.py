"""The contracts: pages for people, and the same for tools. Nothing here needs a server."""

from __future__ import annotations

import json
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from stockfold.contracts import asyncapi
from stockfold.contracts.registry import Schema, default_registry
from stockfold_services.api.console import contracts_page
from stockfold_services.api.problems import not_found

router = APIRouter(tags=["contracts"])

REGISTRY_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"

EventType = Annotated[str, Path(max_length=128, description="Such as GoodsReceived.")]


@router.get("/contracts", include_in_schema=False)
async def contracts(request: Request) -> HTMLResponse:
    """Topics, events, and who masters what, for people."""
    return contracts_page.overview(request, default_registry())


@router.get("/contracts/asyncapi.yaml", response_class=Response)
async def asyncapi_document() -> Response:
    """The topics and schemas as an AsyncAPI 3 document."""
    return Response(_asyncapi(), media_type="application/yaml")


@cache
def _asyncapi() -> str:
    return asyncapi.text()


@router.get("/contracts/{event_type}", include_in_schema=False)
async def event(request: Request, event_type: EventType) -> HTMLResponse:
    """One event: fields and examples, for people."""
    return contracts_page.event(request, default_registry(), _schema(event_type))


@router.get("/contracts/{event_type}/schema")
async def avro_schema(event_type: EventType) -> dict[str, Any]:
    """The newest Avro schema of an event or record."""
    definition: dict[str, Any] = _schema(event_type).definition
    return definition


def _schema(event_type: str) -> Schema:
    full = f"stockfold.{event_type.removeprefix('stockfold.')}"
    versions = default_registry().versions(full)
    if not versions:
        raise not_found("event type", event_type)
    return versions[-1]


@router.get("/registry/subjects")
async def registry_subjects() -> JSONResponse:
    """The subjects of the read-only schema registry: the full names of the schemas."""
    names = dict.fromkeys(schema.name for schema in default_registry().all())
    return _registry_answer(200, list(names))


@router.get("/registry/schemas/ids/{schema_id}")
async def registry_schema(
    schema_id: Annotated[int, Path(ge=0, le=2**31 - 1, description="Id on the wire.")],
) -> JSONResponse:
    """A schema by the id that stockfold writes; readers use /registry as their schema registry."""
    for schema in default_registry().all():
        if schema.id == schema_id:
            return _registry_answer(200, {"schema": json.dumps(schema.definition)})
    return _registry_answer(404, {"error_code": 40403, "message": "Schema not found"})


@router.get("/registry/subjects/{subject}/versions")
async def registry_versions(subject: EventType) -> JSONResponse:
    """The versions of a subject."""
    versions = default_registry().versions(subject)
    if not versions:
        return _registry_answer(404, {"error_code": 40401, "message": "Subject not found"})
    return _registry_answer(200, [schema.version for schema in versions])


@router.get("/registry/subjects/{subject}/versions/{version}")
async def registry_version(
    subject: EventType,
    version: Annotated[str, Path(pattern=r"^(latest|\d{1,9})$", description="Number or latest.")],
) -> JSONResponse:
    """One version of a subject, or the latest."""
    versions = default_registry().versions(subject)
    if not versions:
        return _registry_answer(404, {"error_code": 40401, "message": "Subject not found"})
    number = len(versions) if version == "latest" else int(version)
    if not 1 <= number <= len(versions):
        return _registry_answer(404, {"error_code": 40402, "message": "Version not found"})
    schema = versions[number - 1]
    return _registry_answer(
        200,
        {
            "subject": subject,
            "version": number,
            "id": schema.id,
            "schema": json.dumps(schema.definition),
        },
    )


def _registry_answer(status: int, body: Any) -> JSONResponse:
    return JSONResponse(body, status, media_type=REGISTRY_MEDIA_TYPE)
