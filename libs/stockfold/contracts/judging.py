"""What is wrong with events, all of it at once, for the people who send them.

Takes what a producer has at hand: a body as JSON, a CloudEvent in structured JSON, many of them as
a JSON array or as lines (NDJSON), or a Kafka value in Avro. Judges what the ledger would refuse
whatever its state: the envelope, the schema, and nonsense. It does not know what is in stock.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import msgspec

from stockfold.contracts import envelope as envelopes
from stockfold.contracts import json_text
from stockfold.contracts.codec import MAGIC, Record, decode
from stockfold.contracts.json_reader import JsonReader, check_content_type
from stockfold.contracts.json_text import JsonObject, JsonRefusedError, Problem
from stockfold.contracts.registry import Registry, default_registry
from stockfold.contracts.topics import ORDERS, TAKEN_ON
from stockfold.domain.errors import ContractError
from stockfold.domain.times import parse_us
from stockfold.ledger.facts import Refused
from stockfold.ledger.validation import CHECKS
from stockfold.orders.reading import check_event

FILE_BYTES_MAX = 16 * 1024 * 1024
EVENTS_MAX = 100_000
_NAMESPACE = "stockfold."
_TIME_REMEDY = "Write RFC 3339 with an offset, such as 2026-11-01T12:00:00Z."
_REQUIRED = ("specversion", "id", "source", "type", "time")
_HEADERS = {
    **{name: f"ce_{name}" for name in _REQUIRED},
    "correlationid": "correlationid",
    "traceparent": "traceparent",
    "sequence": "sequence",
    "corrects": "corrects",
}

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Verdict(msgspec.Struct, frozen=True):
    """What was found about one event. ``where`` is its place in the file, such as ``line 3``."""

    where: str
    type: str
    encoding: str
    problems: tuple[Problem, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.problems


def full_name(event_type: str) -> str:
    """``stockfold.GoodsReceived`` of it or its short form; ContractError ``unknown_type``."""
    name = event_type if event_type.startswith(_NAMESPACE) else _NAMESPACE + event_type
    if name not in TAKEN_ON:
        near = get_close_matches(name, TAKEN_ON, 1)
        raise ContractError(
            "unknown_type",
            f"there is no event type {event_type!r}",
            remedy=f"Did you mean {near[0]}?" if near else "See `stockfold schemas list`.",
        )
    return name


class Judge:
    """Judges events by the schemas of one registry."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry or default_registry()
        self._json = JsonReader(self._registry)

    def file(self, raw: bytes, event_type: str = "", *, lines: bool = False) -> Iterator[Verdict]:
        """A verdict of every event of a file; ``event_type`` is for bodies that name none.

        ``lines`` says that every line is an event; otherwise it is found out.
        """
        if raw[:1] == MAGIC:
            yield self._avro("$", raw, event_type)
            return
        if not lines:
            try:
                tree = json_text.read(raw, FILE_BYTES_MAX)
            except JsonRefusedError as refused:
                if not _looks_like_lines(raw):
                    yield Verdict("$", event_type, "JSON", refused.problems)
                    return
            else:
                yield from self._document(tree, event_type)
                return
        rows = raw.splitlines()
        for number, line in enumerate(rows[:EVENTS_MAX], 1):
            if line.strip():
                yield self._line(f"line {number}", line, event_type)
        yield from _too_many(len(rows))

    def _document(self, tree: object, event_type: str) -> Iterator[Verdict]:
        if isinstance(tree, list):
            for index, item in enumerate(tree[:EVENTS_MAX]):
                yield self._tree(f"$[{index}]", item, event_type)
            yield from _too_many(len(tree))
        else:
            yield self._tree("$", tree, event_type)

    def _line(self, where: str, line: bytes, event_type: str) -> Verdict:
        try:
            tree = json_text.read(line)
        except JsonRefusedError as refused:
            return Verdict(where, event_type, "JSON", refused.problems)
        return self._tree(where, tree, event_type)

    def _tree(self, where: str, tree: object, event_type: str) -> Verdict:
        attributes = dict(tree.pairs) if isinstance(tree, JsonObject) else {}
        if "specversion" in attributes or ("data" in attributes and "type" in attributes):
            return self.cloud_event(where, attributes, event_type)[0]
        if not event_type:
            return Verdict(where, "", "JSON", (self._untyped(tree),))
        problems, _ = self._body(event_type, tree, "$")
        return Verdict(where, event_type, "JSON", tuple(problems))

    def _untyped(self, tree: object) -> Problem:
        fits = [name for name in TAKEN_ON if not self._body(name, tree, "$")[0]]
        hint = f" It fits {', '.join(fits)}." if fits else ""
        return Problem(
            "missing_header",
            "$",
            "is a body that does not say which event it is",
            f"Name it with --type, or send a CloudEvent with its type.{hint}",
        )

    def cloud_event(
        self, where: str, attributes: Mapping[str, object], event_type: str = ""
    ) -> tuple[Verdict, Record | None]:
        """The verdict of a structured CloudEvent, and its body when nothing is wrong with it.

        ``attributes`` are its members as ``json_text.read`` gives them.
        """
        problems = list(_envelope_problems(attributes))
        told = attributes.get("type")
        name = told if isinstance(told, str) else event_type
        if name not in TAKEN_ON:
            near = get_close_matches(name, TAKEN_ON, 1)
            hint = f"Did you mean {near[0]}?" if near else "See `stockfold schemas list`."
            problems.append(Problem("unknown_type", "$.type", "is no event type of ours", hint))
        elif event_type and name != event_type:
            problems.append(
                Problem("type_mismatch", "$.type", f"is {name}, not {event_type}", "Say one type.")
            )
        record: Record | None = None
        if "data_base64" in attributes:
            found, record = self._encoded(name, attributes["data_base64"])
            problems += found
            encoding = "CloudEvent, Avro"
        else:
            encoding = "CloudEvent, JSON"
            if "data" not in attributes:
                problems.append(Problem("undecodable", "$.data", "is missing", "Send the event."))
            elif name in TAKEN_ON:
                found, record = self._body(name, attributes["data"], "$.data")
                problems += found
        return Verdict(where, name, encoding, tuple(problems)), None if problems else record

    def body(self, name: str, tree: object) -> tuple[list[Problem], Record | None]:
        """What is wrong with the body of an event type, as a JSON tree; or the body as a record."""
        return self._body(name, tree, "$")

    def _body(self, name: str, tree: object, base: str) -> tuple[list[Problem], Record | None]:
        try:
            schema, record = self._json.fit(name, tree)
        except JsonRefusedError as refused:
            return [
                msgspec.structs.replace(problem, path=base + problem.path[1:])
                for problem in refused.problems
            ], None
        problems = list(_nonsense(schema.name, record, base))
        return problems, None if problems else record

    def _encoded(self, name: str, value: object) -> tuple[list[Problem], Record | None]:
        try:
            raw = base64.b64decode(value if isinstance(value, str) else "?", validate=True)
        except (binascii.Error, ValueError):
            problem = Problem("undecodable", "$.data_base64", "is not Base64", "Encode it so.")
            return [problem], None
        verdict, record = self._read_avro("$.data_base64", raw, name)
        return list(verdict.problems), record

    def _avro(self, where: str, raw: bytes, event_type: str) -> Verdict:
        return self._read_avro(where, raw, event_type)[0]

    def _read_avro(self, where: str, raw: bytes, event_type: str) -> tuple[Verdict, Record | None]:
        try:
            schema, record = decode(raw, self._registry, expected=event_type)
        except ContractError as error:
            problem = Problem(error.kind, where, error.what, error.remedy)
            return Verdict(where, event_type, "Avro", (problem,)), None
        if event_type and schema.name != event_type:
            problem = Problem(
                "type_mismatch", where, f"is {schema.name}, not {event_type}", "Say one type."
            )
            return Verdict(where, schema.name, "Avro", (problem,)), None
        if schema.name not in TAKEN_ON:
            problem = Problem(
                "wrong_topic", where, f"is {schema.name}, which we write", "Send an input event."
            )
            return Verdict(where, schema.name, "Avro", (problem,)), None
        problems = tuple(_nonsense(schema.name, record, "$"))
        return Verdict(where, schema.name, "Avro", problems), None if problems else record


def _too_many(count: int) -> Iterator[Verdict]:
    if count > EVENTS_MAX:
        what = f"has {count} events; only the first {EVENTS_MAX} were looked at"
        problem = Problem("too_large", "$", what, "Validate it in parts.")
        yield Verdict("the rest", "", "", (problem,))


def _no_time(value: str) -> str:
    try:
        parse_us(value)
    except (ValueError, OverflowError) as error:
        return f"is no moment: {error}"
    return ""


def _is_text(value: str) -> bool:
    """False for control characters, which CloudEvents excludes (1.0.2, "Type System").

    And for half a surrogate pair, which JSON can say and UTF-8 cannot.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return not _CONTROL.search(value)


def _looks_like_lines(raw: bytes) -> bool:
    """More than one line, and the first is JSON by itself."""
    first, _, rest = raw.lstrip().partition(b"\n")
    if not rest.strip():
        return False
    try:
        json_text.read(first)
    except JsonRefusedError:
        return False
    return True


def _envelope_problems(attributes: Mapping[str, object]) -> Iterator[Problem]:
    headers: list[tuple[str, bytes | None]] = []
    complete = True
    for name, header in _HEADERS.items():
        value = attributes.get(name)
        if value is None and name in _REQUIRED:
            complete = False
            yield Problem("missing_header", f"$.{name}", "is missing", f"Send the {name}.")
        elif name == "sequence" and type(value) is int:
            headers.append((header, str(value).encode()))
        elif isinstance(value, str) and not _is_text(value):
            complete = False
            remedy = "Send UTF-8 without control characters."
            yield Problem("bad_envelope", f"$.{name}", "is not text", remedy)
        elif isinstance(value, str):
            headers.append((header, value.encode()))
            if name == "time" and (wrong := _no_time(value)):
                complete = False
                yield Problem("bad_envelope", "$.time", wrong, _TIME_REMEDY)
        elif value is not None:
            complete = False
            yield Problem("bad_envelope", f"$.{name}", "is not text", "Write it in quotes.")
    if complete:
        try:
            envelopes.parse(headers)
        except ContractError as error:
            yield Problem(error.kind, "$", f"has an envelope in which {error.what}", error.remedy)
    content_type = attributes.get("datacontenttype")
    if content_type is not None and "data" in attributes:
        try:
            check_content_type(content_type if isinstance(content_type, str) else "?")
        except ContractError as error:
            yield Problem(
                "unsupported_content_type",
                "$.datacontenttype",
                "is not application/json",
                error.remedy,
            )


def _nonsense(name: str, record: Record, base: str) -> Iterator[Problem]:
    """Everything that the ledger, or the orders service, refuses of a body whatever the state."""
    if name in ORDERS.schemas:
        try:
            check_event(record)
        except ContractError as error:
            yield _problem(error.kind, error.what, error.remedy, record, base)
        return
    for check in CHECKS[name.removeprefix(_NAMESPACE)]:
        try:
            check(record)
        except Refused as refused:
            yield _problem(refused.kind, refused.reason, refused.remedy, record, base)


def _problem(kind: str, reason: str, remedy: str, record: Record, base: str) -> Problem:
    """A reason that begins with a field's name is told at that field."""
    field, _, rest = reason.partition(" ")
    if field in record:
        return Problem(kind, f"{base}.{field}", rest, remedy)
    return Problem(kind, base, f"says that {reason}", remedy)
