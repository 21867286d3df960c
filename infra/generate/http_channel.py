"""Writes the JSON Schemas of the HTTP channel: ``python -m infra.generate.http_channel``.

A test holds the files and the messages together.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from stockfold.channels.http.wire import AskListings, AskResults, Availability, Results

FOLDER = Path(__file__).parents[2] / "schemas/http-channel"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MESSAGES: dict[str, Any] = {
    "message.schema.json": Availability | AskListings | AskResults,
    "answer.schema.json": Results,
}


def render() -> dict[str, str]:
    """The text of every file, by its name."""
    return {
        name: json.dumps({"$schema": _DIALECT, **msgspec.json.schema(kind)}, indent=2) + "\n"
        for name, kind in _MESSAGES.items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in render().items():
        (FOLDER / name).write_text(text, "utf-8")
