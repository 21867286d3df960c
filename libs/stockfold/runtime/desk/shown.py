"""Cases as people and programs read them."""

from __future__ import annotations

import base64
from typing import Any

from stockfold.contracts.codec import decode
from stockfold.contracts.intake import SENT_IN
from stockfold.contracts.runbooks import runbook_of
from stockfold.domain.errors import ContractError
from stockfold.domain.times import format_us
from stockfold.runtime.desk.aftermath import Aftermath
from stockfold.runtime.desk.book import Case
from stockfold.runtime.desk.repair import Message, read_body

LIST_COLUMNS = ("place", "raised at", "kind", "state", "sku", "source", "event", "reason")


def list_row(case: Case) -> tuple[object, ...]:
    """A case in a table."""
    raised = case.raised
    return (
        case.place,
        format_us(raised["recorded_at"])[:19] + "Z",
        raised["kind"] + (" (folded)" if raised["folded"] else ""),
        case.state,
        raised["sku"],
        raised["source"],
        raised["event_id"],
        raised["reason"],
    )


def as_json(case: Case) -> dict[str, Any]:
    """A case as JSON, its bytes in Base64."""
    raised = case.raised
    return {
        **raised,
        "place": case.place,
        "state": case.state,
        **runbook_json(case),
        "recorded_at": format_us(raised["recorded_at"]),
        "caused_at": format_us(raised["caused_at"]),
        "key": _base64(raised["key"]),
        "value": _base64(raised["value"]),
        "headers": {h["name"]: _text(h["value"]) for h in raised["headers"]},
        "resolutions": [{**done, "at": format_us(done["at"])} for done in case.resolutions],
    }


def decoded(case: Case) -> tuple[dict[str, Any] | None, str]:
    """(body, why not): the refused bytes as a record, when they can be read."""
    if case.raised["value"] is None:
        return None, "there are no bytes: findings carry none, and an empty value has none"
    try:
        if case.can_be_sent and not case.is_delivery:
            return read_body(case)[1], ""
        return dict(decode(case.raised["value"])[1]), ""
    except ContractError as error:
        return None, str(error)


def detail_rows(case: Case, after: Aftermath) -> list[tuple[str, object]]:
    """Everything about a case, in the order in which a person asks."""
    raised = case.raised
    where = f"{raised['topic']} partition {raised['partition']} offset {raised['offset']}"
    rows: list[tuple[str, object]] = [
        ("exception", case.id),
        ("place", case.place),
        ("kind", raised["kind"]),
        ("state", case.state),
        ("what happened", raised["reason"]),
        ("what to do", _to_do(case)),
        *_runbook_rows(case),
        ("folded", "yes: a finding" if raised["folded"] else "no: it changed nothing"),
        ("came from", where),
        ("source", raised["source"]),
        *(("sent in", _text(h["value"])) for h in raised["headers"] if h["name"] == SENT_IN),
        ("event", f"{raised['event_type']} {raised['event_id']}".strip()),
        ("sku", raised["sku"]),
        ("correlation", raised["correlation_id"]),
        ("raised at", format_us(raised["recorded_at"])),
    ]
    others = [h for h in raised["headers"] if h["name"] != SENT_IN]
    rows += [(f"header {h['name']}", _text(h["value"])) for h in others]
    rows.append(("key", "none" if raised["key"] is None else _text(raised["key"])))
    body, why_not = decoded(case)
    if body is not None:
        rows += [(f"field {name}", value) for name, value in body.items()]
    elif raised["value"] is not None:
        rows.append(("bytes", _hex(raised["value"])))
        rows.append(("not decoded", why_not))
    for done in case.resolutions:
        sent = f", sent as {done['replacement_event_id']}" if done["replacement_event_id"] else ""
        rows.append(
            (done["state"], f"{format_us(done['at'])} by {done['by']}{sent}. {done['reason']}")
        )
    rows += [("now folded", f"fact {seq} {kind} of event {e}") for seq, kind, e in after.folded]
    rows += [("refused again", place) for place in after.refused_again]
    rows += [
        ("waits behind it", f"{w.type} {w.event_id} for {_entity(w.waits_for)}")
        for w in after.waiting
    ]
    return rows


def message_rows(case: Case, message: Message) -> list[tuple[str, object]]:
    """A message that would be sent."""
    rows: list[tuple[str, object]] = [
        ("for", case.place),
        ("topic", message.topic.name),
        ("key", "none" if message.key is None else _text(message.key)),
    ]
    rows += [(f"header {name}", _text(raw)) for name, raw in message.headers]
    try:
        rows += [(f"field {n}", value) for n, value in decode(message.value)[1].items()]
    except ContractError:
        rows.append(("bytes", _hex(message.value or b"")))
    return rows


def message_json(case: Case, message: Message | None, state: str) -> dict[str, Any]:
    """What is done about a case, as JSON."""
    told: dict[str, Any] = {"exception": case.id, "place": case.place, "state": state}
    if message is not None:
        told |= {
            "topic": message.topic.name,
            "event_id": message.event_id,
            "key": _base64(message.key),
            "value": _base64(message.value),
            "headers": {name: _text(raw) for name, raw in message.headers},
        }
    return told


def _runbook_rows(case: Case) -> list[tuple[str, object]]:
    told = runbook_json(case)
    return [(name, value) for name, value in told.items() if value is not None]


def runbook_json(case: Case) -> dict[str, str | None]:
    """Who looks after such a case, the page that tells how, and the first thing to do.

    None of a kind that this release does not know.
    """
    kind = str(case.raised["kind"])
    runbook = runbook_of(kind)
    if runbook is None:
        return {"owner": None, "runbook": None, "repair": None}
    repair = runbook.repair_of(kind, case.place)
    return {"owner": runbook.owner, "runbook": runbook.path, "repair": repair}


def _to_do(case: Case) -> str:
    if case.state != "open":
        return f"Nothing more: it is {case.state}."
    if case.is_delivery:
        return f"{case.raised['remedy']} Its place is {case.place}."
    if case.can_be_sent:
        return (
            f"{case.raised['remedy']} Here: `stockfold exceptions correct {case.place} "
            f"--set FIELD=VALUE`, `resubmit {case.place}`, or `discard {case.place} --reason ...`."
        )
    return f"{case.raised['remedy']} Then: `stockfold exceptions resolve {case.place}`."


def _entity(waits_for: str) -> str:
    kind = "reservation" if waits_for.startswith("r:") else "allocation"
    return f"{kind} {waits_for[2:]}"


def _text(raw: bytes | None) -> str:
    return "" if raw is None else raw.decode("utf-8", "backslashreplace")


def _hex(raw: bytes) -> str:
    return raw[:256].hex(" ") + (f" … ({len(raw)} bytes)" if len(raw) > 256 else "")


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()
