"""The form that corrects a refused event: its fields as a person types them. Pure.

What a form sends back unchanged is no correction. What a form cannot carry unchanged, such as a
value with control characters, is not put into it: only what somebody types there counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from stockfold.domain.errors import ContractError
from stockfold.runtime.desk.book import Case
from stockfold.runtime.desk.fields import Terms, field_text, terms_of
from stockfold.runtime.desk.repair import Correction, read_body
from stockfold_services.api.console import hostile

FIELD, HEADER, BODY, USE_BODY = "field.", "header.", "body", "whole"
HEADERS = ("ce_type", "ce_source", "ce_time", "correlationid", "sequence", "content-type")
"""Headers that a correction may change: those that an event is refused for."""
LONG = 80
VALUE_MAX = 4_000
BODY_MAX = 500_000


class Field(msgspec.Struct, frozen=True):
    """A field of the form. ``now`` is what it holds; ``was`` is what the refused event had."""

    name: str
    label: str
    was: str
    now: str
    hint: str = ""
    symbols: tuple[str, ...] = ()
    editable: bool = True

    @property
    def is_long(self) -> bool:
        """Whether one line is too short for it."""
        return len(self.now) > LONG


class Given(msgspec.Struct, frozen=True):
    """What somebody typed."""

    values: Mapping[str, str]
    body: str = ""
    whole: bool = False


class Edit(msgspec.Struct, frozen=True):
    """The form of a case; ``body`` is the whole event as JSON."""

    fields: tuple[Field, ...]
    headers: tuple[Field, ...]
    body: str
    whole: bool
    why_not: str = ""


def edit(case: Case, given: Given | None = None) -> Edit | None:
    """The form, as somebody left it; None for what carries no event to correct."""
    if not case.can_be_sent or case.is_delivery:
        return None
    fields, body, why_not = _fields(case)
    typed = given or Given({})
    return Edit(
        tuple(_with(field, typed) for field in fields),
        tuple(_with(field, typed) for field in _headers(case)),
        typed.body or body,
        typed.whole or not fields,
        why_not,
    )


def shown_fields(event_type: str, body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every field with its value as a person types it; of a type that is not known as JSON."""
    try:
        known = terms_of(event_type)
    except ContractError:
        known = {}
    return [
        (hostile.visible(name, 200), hostile.visible(_text(event_type, name, value, known), 2_000))
        for name, value in body.items()
    ]


def _text(event_type: str, name: str, value: object, known: Mapping[str, Terms]) -> str:
    if name in known:
        return field_text(event_type, name, value)
    return value if isinstance(value, str) else json.dumps(value, default=str)


def correction_of(case: Case, given: Given) -> Correction:
    """What was changed, and only that."""
    if given.whole:
        return Correction({}, _changed(_headers(case), given, HEADER), given.body.encode())
    fields, _, _ = _fields(case)
    return Correction(_changed(fields, given, FIELD), _changed(_headers(case), given, HEADER), None)


def given_of(form: Mapping[str, str]) -> Given:
    """What a sent form says of the event."""
    values = {name: value for name, value in form.items() if name.startswith((FIELD, HEADER))}
    return Given(values, form.get(BODY, "")[:BODY_MAX], USE_BODY in form)


def _changed(fields: tuple[Field, ...], given: Given, prefix: str) -> dict[str, str]:
    told = {field.name: given.values.get(field.name) for field in fields}
    was = {field.name: field.was if field.editable else "" for field in fields}
    return {
        name.removeprefix(prefix): value
        for name, value in told.items()
        if value is not None and _plain(value) != _plain(was[name])
    }


def _plain(text: str) -> str:
    """As a browser sends it: every line ends in CRLF."""
    return text.replace("\r\n", "\n")


def _with(field: Field, given: Given) -> Field:
    value = given.values.get(field.name)
    return field if value is None else msgspec.structs.replace(field, now=value)


def _fields(case: Case) -> tuple[tuple[Field, ...], str, str]:
    """(fields, the event as JSON, why there are no fields)."""
    try:
        name, body = read_body(case)
        terms = terms_of(name)
    except ContractError as error:
        return (), "", hostile.visible(error.what, 500)
    texts = {field: field_text(name, field, body.get(field)) for field in terms}
    fields = tuple(_field(FIELD, field, texts[field], told) for field, told in terms.items())
    return fields, _as_json(body, texts), ""


def _field(prefix: str, name: str, text: str, terms: Terms | None = None) -> Field:
    editable = hostile.fits_a_form(text) and len(text) <= VALUE_MAX
    hint = "" if terms is None else terms.words + (", or null" if terms.nullable else "")
    if not editable:
        hint = "It has characters that a form cannot hold. What you type here takes its place."
    now = text if editable else ""
    symbols = () if terms is None else terms.symbols
    if symbols and text not in symbols:
        symbols = (text, *symbols)
    if terms is not None and terms.nullable and symbols and "null" not in symbols:
        symbols = (*symbols, "null")
    return Field(prefix + name, name, text, now, hint, symbols if editable else (), editable)


def _headers(case: Case) -> tuple[Field, ...]:
    told = {h["name"]: h["value"] for h in case.raised["headers"]}
    return tuple(_field(HEADER, name, hostile.text_of(told.get(name))) for name in HEADERS)


def _as_json(body: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """The event as its JSON is written: times and days as text."""
    told = {field: _json_value(value, texts.get(field)) for field, value in body.items()}
    return json.dumps(told, indent=2, ensure_ascii=True, default=str)


def _json_value(value: Any, text: str | None) -> Any:
    is_time = isinstance(value, int) and not isinstance(value, bool) and text is not None
    return text if is_time and text != str(value) else value
