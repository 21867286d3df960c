"""Evidence of orders with one thing wrong in it: the checks must notice each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stockfold.contracts.topics import (
    JOURNAL,
    ORDER_JOURNAL,
    ORDER_STATUS,
    RESERVATION_STATUS,
    RESERVATIONS,
)
from tests.faults.order_checks import Bodies, OrderEvidence
from tests.faults.order_stream import CHANNEL, PLENTY


def tampered(evidence: OrderEvidence) -> Iterator[tuple[str, OrderEvidence]]:
    """(what is wrong, evidence)."""
    log, stream = evidence.log, evidence.stream
    confirmed = next(o for o, s in evidence.statuses.items() if s == "confirmed")

    def with_(topic: str, bodies: Bodies) -> OrderEvidence:
        return evidence._replace(log={**log, topic: bodies})

    lost = [row for row in log[ORDER_STATUS.name] if row[1]["order"] != confirmed]
    yield "an order without a status", with_(ORDER_STATUS.name, lost)
    served = [
        (name, {**body, "status": "confirmed" if body["status"] == "rejected" else body["status"]})
        for name, body in log[ORDER_STATUS.name]
    ]
    yield "the last units sold too often", with_(ORDER_STATUS.name, served)
    asked = [row for row in log[RESERVATIONS.name] if row[1].get("channel") == CHANNEL]
    yield "a reservation asked twice", with_(RESERVATIONS.name, [*asked, asked[0]])
    answers = log[RESERVATION_STATUS.name]
    more = [(name, {**body, "reserved": body["reserved"] + 1}) for name, body in answers]
    yield "units held that nobody wants", with_(RESERVATION_STATUS.name, more)
    facts = [row for row in log[ORDER_JOURNAL.name] if row[0] == "OrderFact"]
    yield "an order's fact missing", with_(ORDER_JOURNAL.name, facts[1:])
    moved = [row for row in log[JOURNAL.name] if row[1].get("sku") in PLENTY]
    yield "a fact folded twice", with_(JOURNAL.name, [*log[JOURNAL.name], moved[-1], moved[0]])
    wanted = {**stream.wanted, "never-told": stream.wanted[confirmed]}
    yield "an order that was lost", evidence._replace(stream=replace(stream, wanted=wanted))
