"""Answers as the gateway writes them."""

from __future__ import annotations

from typing import Any

import msgspec

from stockfold.channels.port import Response

JSON = {"content-type": "application/json;charset=utf-8"}
_CATEGORIES = {406: "APPLICATION", 423: "APPLICATION", 429: "REQUEST"}
_NOT_FOUND = "CONTENT_NOT_FOUND"


class RefusedError(Exception):
    """A request that is answered with an error object."""

    def __init__(self, status: int, code: str, description: str, field: str = "") -> None:
        super().__init__(description)
        self.status = status
        self.error = error(status, code, description, field)


def error(status: int, code: str, description: str, field: str = "") -> dict[str, Any]:
    """One error, as every API of the gateway has it."""
    is_missing = code.startswith(_NOT_FOUND)
    category = "SYSTEM" if status >= 500 else _CATEGORIES.get(status, "DATA")
    told: dict[str, Any] = {
        "code": code,
        "description": description,
        "info": description,
        "severity": "INFO" if is_missing else "ERROR",
        "category": "APPLICATION" if is_missing else category,
        "causes": [],
        "errorIdentifiers": {},
    }
    return told | ({"field": field} if field else {})


def answer(status: int, content: Any) -> Response:
    """An answer in JSON."""
    return Response(status, dict(JSON), msgspec.json.encode(content))


def refusal(refused: RefusedError) -> Response:
    """The answer to a request that is refused."""
    return answer(refused.status, {"errors": [refused.error]})
