"""Schemas of a Confluent-compatible registry, over HTTP.

Confluent's own, Redpanda's, Karapace and Apicurio's compatibility mode speak it. Subjects are the
environment's prefix and the schema's full name ("RecordNameStrategy"): a type means the same on
every topic. Ids never change their schema, so they are asked for once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import httpx
import stamina

from stockfold.contracts.registry import Json, Schema, schema_from
from stockfold.domain.errors import ContractError, SettingsError, UnavailableError

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
ANSWER_BYTES_MAX = 4 * 1024 * 1024
IDS_MAX = 10_000
LATEST_S_MAX = 60.0
UNKNOWN_S_MAX = 10.0
"""How long "there is no such id" is believed: its producer may register it any moment."""
ATTEMPTS = 2
"""Few, because whoever asks may hold a transaction open; what was learned is kept for the next."""
_NO_SCHEMA = (40401, 40402, 40403)


class RestRegistry:
    """A registry by URL; ``client`` carries its address, credentials and time-outs."""

    def __init__(
        self,
        client: httpx.Client,
        subject_prefix: str = "",
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._prefix = subject_prefix
        self._now_s = now_s
        self._by_id: dict[int, Schema] = {}
        self._unknown: dict[int, float] = {}
        self._latest: dict[str, tuple[float, Schema]] = {}

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def by_id(self, schema_id: int, expected: str = "") -> Schema:
        """See ``Registry.by_id``; UnavailableError when the registry does not answer."""
        del expected
        known = self._by_id.get(schema_id)
        if known is not None:
            return known
        if self._unknown.get(schema_id, 0.0) <= self._now_s():
            answer = self._ask("GET", f"/schemas/ids/{schema_id}")
            if answer is not None:
                _bound(self._by_id)
                schema = self._by_id[schema_id] = self._schema(schema_id, answer, 0)
                return schema
            self._unknown.pop(schema_id, None)
            _bound(self._unknown)
            self._unknown[schema_id] = self._now_s() + UNKNOWN_S_MAX
        raise ContractError(
            "unknown_schema",
            f"schema id {schema_id} is not in the registry",
            where=str(self._client.base_url),
            remedy="Register the schema, or encode with a registered one, and send again.",
        )

    def by_name(self, name: str) -> Schema:
        """See ``Registry.by_name``: the latest version of the name's subject."""
        at_s, schema = self._latest.get(name, (0.0, None))
        if schema is None or at_s <= self._now_s():
            schema = self._version(name, "latest")
            self._latest[name] = (self._now_s() + LATEST_S_MAX, schema)
        return schema

    def versions(self, name: str) -> Sequence[Schema]:
        """See ``Registry.versions``."""
        numbers = self._ask("GET", f"/subjects/{self._subject(name)}/versions")
        return [self._version(name, str(number)) for number in numbers or ()]

    def register(self, definition: Json) -> int:
        """The id of a schema, registered under its name's subject if it is not there yet.

        ContractError ``incompatible_schema`` when the registry's own rules refuse it.
        """
        name = f"{definition['namespace']}.{definition['name']}"
        body = {"schemaType": "AVRO", "schema": json.dumps(definition)}
        answer = self._ask("POST", f"/subjects/{self._subject(name)}/versions", body)
        self._latest.pop(name, None)
        return int(answer["id"])

    def _subject(self, name: str) -> str:
        return quote(f"{self._prefix}{name}", safe="")

    def _version(self, name: str, number: str) -> Schema:
        answer = self._ask("GET", f"/subjects/{self._subject(name)}/versions/{number}")
        if answer is None:
            raise ContractError(
                "unknown_type",
                f"there is no event type {name!r} in the registry",
                where=str(self._client.base_url),
                remedy="Register it: stockfold schemas register.",
            )
        return self._schema(int(answer["id"]), answer, int(answer["version"]))

    def _schema(self, schema_id: int, answer: Any, version: int) -> Schema:
        kind = answer.get("schemaType", "AVRO")
        if kind != "AVRO" or answer.get("references"):
            raise ContractError(
                "incompatible_schema",
                f"schema id {schema_id} is {kind}"
                + (" and refers to other subjects" if answer.get("references") else ""),
                remedy="Register one self-contained Avro schema.",
            )
        try:
            return schema_from(schema_id, json.loads(answer["schema"]), version=version)
        except Exception as error:
            raise ContractError(
                "incompatible_schema",
                f"schema id {schema_id} is no Avro record: {error}",
                remedy="Register a valid Avro schema.",
            ) from error

    def _ask(self, method: str, path: str, body: Json = None) -> Any:
        """The answer; None when there is no such thing. Passing troubles are tried again."""
        for attempt in stamina.retry_context(
            on=UnavailableError, attempts=ATTEMPTS, wait_initial=0.1, wait_max=0.5, timeout=5.0
        ):
            with attempt:
                return self._ask_once(method, path, body)
        raise AssertionError  # pragma: no cover - the last attempt returned or raised

    def _ask_once(self, method: str, path: str, body: Json) -> Any:
        where = f"{self._client.base_url}"
        headers = {"Accept": f"{MEDIA_TYPE}, application/json", "Content-Type": MEDIA_TYPE}
        content = None if body is None else json.dumps(body).encode()
        try:
            with self._client.stream(method, path, headers=headers, content=content) as response:
                raw = bytearray()
                for part in response.iter_bytes():
                    raw += part
                    if len(raw) > ANSWER_BYTES_MAX:
                        raise _away(where, f"answers with more than {ANSWER_BYTES_MAX} bytes")
                return _meaning(response.status_code, bytes(raw), where)
        except httpx.HTTPError as error:
            raise _away(where, f"did not answer: {type(error).__name__} {error}") from error


def _meaning(status: int, raw: bytes, where: str) -> Any:
    try:
        answer = json.loads(raw)
    except ValueError:
        answer = None
    code = answer.get("error_code") if isinstance(answer, dict) else None
    message = answer.get("message", "") if isinstance(answer, dict) else ""
    if status < 300 and answer is not None:
        return answer
    if status == 404 and code in _NO_SCHEMA:
        return None
    if status in (401, 403):
        raise SettingsError(
            f"the schema registry refuses us: HTTP {status} {message}",
            where=where,
            remedy="Check registry.user and registry.password.",
        )
    if status in (409, 422):
        raise ContractError(
            "incompatible_schema",
            f"the schema registry refuses the schema: {message}",
            where=where,
            remedy="Change it compatibly, or add a new type.",
        )
    raise _away(where, f"answers HTTP {status} {message}")


def _away(where: str, what: str) -> UnavailableError:
    return UnavailableError(
        f"the schema registry {what}",
        where=where,
        remedy="It is asked again. Check that it runs, and registry.url.",
    )


def _bound(cache: dict[int, Any]) -> None:
    """Forget the oldest when a cache is full."""
    while len(cache) >= IDS_MAX:
        del cache[next(iter(cache))]
