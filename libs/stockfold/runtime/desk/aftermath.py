"""What became of an exception's event since, and what waits behind it, as the journal tells."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from stockfold.domain.errors import ContractError
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import SkuState
from stockfold.runtime.desk.book import Case, Desk, desk_errors
from stockfold.runtime.desk.repair import read_body
from stockfold.runtime.settings import Settings
from stockfold.runtime.sku_fold import facts_of


class Waiting(msgspec.Struct, frozen=True):
    """An input that waits for an entity which the refused event would have made known."""

    type: str
    event_id: str
    waits_for: str


class Aftermath(msgspec.Struct, frozen=True):
    """``folded`` are (SKU sequence number, fact kind, event id) of the event's own facts;
    ``refused_again`` are the places of later exceptions about it.
    """

    folded: tuple[tuple[int, str, str], ...] = ()
    refused_again: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()


def aftermath(settings: Settings, desk: Desk, case: Case) -> Aftermath:
    """Fold the SKU's journal, and look for later exceptions about the same event."""
    with desk_errors(settings, "followed"):
        return aftermath_of(
            case, facts_of(settings, case.raised["sku"]), desk.about(events_of(case))
        )


def events_of(case: Case) -> set[tuple[str, str]]:
    """(source, event id) of the event, under each id that it was sent with."""
    ids = {case.raised["event_id"], *case.sent_ids()} - {""}
    return {(case.raised["source"], event_id) for event_id in ids}


def aftermath_of(case: Case, facts: Iterable[Fact], about: Iterable[Case]) -> Aftermath:
    """The same of all facts of the SKU, in order, and the cases about ``events_of`` the case."""
    raised = case.raised
    mine = {event_id for _, event_id in events_of(case)}
    if raised["kind"] == "payload_conflict":
        # A conflict's id belongs to the event that came first: its facts are not this one's.
        mine -= {raised["event_id"]}
    folded = []
    state = SkuState(raised["sku"])
    for fact in facts:
        evolve(state, fact)
        cause = fact.cause
        if cause.source == raised["source"] and cause.event_id in mine:
            folded.append((fact.seq, fact.kind, cause.event_id))
    again = tuple(
        other.place
        for other in about
        if not other.raised["folded"]
        and other.place != case.place
        and other.raised["recorded_at"] > raised["recorded_at"]
    )
    return Aftermath(tuple(folded), again, tuple(_waiting(case, state)))


def _waiting(case: Case, state: SkuState) -> list[Waiting]:
    """Parked commands, and shipments ahead, of the reservation or allocation that it names."""
    if not case.can_be_sent:
        return []
    try:
        _, body = read_body(case)
    except ContractError:
        return []
    reservation, allocation = body.get("reservation") or "", body.get("allocation") or ""
    found = [
        (parked.seq, Waiting(parked.type, parked.event_id, waits_for))
        for waits_for in (f"r:{reservation}", f"a:{allocation}")
        for parked in state.parked.get(waits_for, ())
    ]
    for ahead in state.shipped_ahead(allocation, reservation):
        waits_for = f"a:{ahead.allocation}" if ahead.allocation else f"r:{ahead.reservation}"
        found.append((ahead.seq, Waiting("StockShipped", "", waits_for)))
    return [waiting for _, waiting in sorted(found, key=lambda entry: entry[0])]
