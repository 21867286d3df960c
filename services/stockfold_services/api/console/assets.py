"""Style, script and icon of the console: files of the package, named with what is in them."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from stockfold_services.api.problems import Problem

router = APIRouter(prefix="/console/static", include_in_schema=False)

_TYPES = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class _Asset(NamedTuple):
    raw: bytes
    stamp: str


@cache
def _asset(name: str) -> _Asset:
    raw = files(__package__).joinpath("static", name).read_bytes()
    return _Asset(raw, hashlib.sha256(raw).hexdigest()[:16])


def url(name: str) -> str:
    """The address of a file. It changes when the file does, so it may be kept for ever."""
    return f"/console/static/{name}?v={_asset(name).stamp}"


@router.get("/{name}")
async def static(
    name: Annotated[str, Path(max_length=64)], v: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """One of the files. Nothing else can be named: no path reaches the disk."""
    media_type = _TYPES.get(name)
    if media_type is None:
        raise Problem(404, "Not known", "The console has no such file.")
    asset = _asset(name)
    kept = _FOR_EVER if v == asset.stamp else "no-cache"
    return Response(asset.raw, media_type=media_type, headers={"Cache-Control": kept})
