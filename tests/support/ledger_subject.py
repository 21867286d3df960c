"""The real ledger as a subject of the tests of the semantics.

Inputs go through the Avro contract, facts through the journal contract into a follower, whose state
must stay equal to the ledger's own: the fold is the same wherever it runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import xxhash

from stockfold.contracts import avro, codec
from stockfold.contracts.inputs import event_hash
from stockfold.contracts.journal import decode_entry, encode_fact
from stockfold.domain.errors import ContractError
from stockfold.ledger.accounts import FIRST_OUTSIDE, NAMES
from stockfold.ledger.decide import decide_and_fold, tick
from stockfold.ledger.dedupe import Window
from stockfold.ledger.digest import rows
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact, Input, Refusal, Refused
from stockfold.ledger.horizons import Horizons
from stockfold.ledger.inbound import remaining
from stockfold.ledger.sequences import is_repeat
from stockfold.ledger.state import SkuState
from stockfold.ledger.validation import validate
from stockfold_services.ledger.findings import FINDINGS

BUCKETS = ("on_hand", "quality_hold", "damaged", "in_transit", "reserved", "allocated")


@dataclass(frozen=True)
class Told:
    """A reservation status."""

    reservation: str
    command: str
    status: str
    quantity: int
    reason: str


class LedgerSubject:
    """One SKU in the production decide and fold, with a follower beside it."""

    def __init__(self, sku: str, ids_max: int = 100_000) -> None:
        self.state = SkuState(sku)
        self.follower = SkuState(sku)
        self.window = Window(ids_max)
        self.horizons = Horizons()
        self.facts: list[Fact] = []
        self._answers: list[Told] = []
        self._exceptions: list[tuple[str, bool]] = []

    def feed(
        self,
        event_type: str,
        body: dict,
        *,
        event_id: str,
        source: str,
        occurred_us: int,
        now_us: int,
        sequence: int | None = None,
    ) -> None:
        name = "stockfold." + event_type.removeprefix("stockfold.")
        try:
            value = codec.encode(name, {**body, "sku": self.state.sku})
        except ContractError as error:
            self._exceptions.append((error.kind, False))
            return
        given = Input(
            name.removeprefix("stockfold."),
            self.state.sku,
            codec.decode(value)[1],
            source,
            event_id,
            occurred_us,
            payload_hash=xxhash.xxh3_64_intdigest(value[5:]),
            sequence=sequence,
        )
        try:
            validate(given.type, given.body)
        except Refused as error:
            self._refuse(error, now_us)
            return
        event = event_hash(source, event_id)
        known = self.window.payload_of(event)
        if known is not None:
            self._fold(tick(self.state, now_us), None)
            if known != given.payload_hash:
                self._exceptions.append(("payload_conflict", False))
            return
        try:
            if is_repeat(self.state, given):
                self._fold(tick(self.state, now_us), None)
                return
            self.horizons.check(given, now_us, self.window.floor_us)
        except Refused as error:
            self._refuse(error, now_us)
            return
        facts, refusal = decide_and_fold(self.state, given, now_us)
        self._fold(facts, refusal)
        if refusal is None:
            self.window.remember(event, given.payload_hash, now_us)

    def _refuse(self, error: Refused, now_us: int) -> None:
        self._fold(tick(self.state, now_us), None)
        self._exceptions.append((error.kind, False))

    def tick(self, now_us: int) -> None:
        self._fold(tick(self.state, now_us), None)

    def fold(self, facts: list[Fact]) -> None:
        """Take facts that were decided outside, such as by ``tidy``."""
        self._fold(facts, None)

    def _fold(self, facts: list[Fact], refusal: Refusal | None) -> None:
        if refusal is not None:
            self._exceptions.append((refusal.kind, False))
        for fact in facts:
            self.facts.append(fact)
            told = decode_entry(encode_fact(fact, avro.string(self.state.sku)))
            assert isinstance(told, Fact)
            evolve(self.follower, told)
            self._exceptions += [(flag, True) for flag in fact.flags if flag in FINDINGS]
            if fact.change is not None and fact.change.status is not None:
                reservation, status, command, units, reason, _ = fact.change.status
                self._answers.append(Told(reservation, command, status, units, reason))
        assert rows(self.follower) == rows(self.state)

    def positions(self) -> dict[str, dict[str, int]]:
        found = {}
        for location in self.state.locations:
            numbers = dict(zip(BUCKETS, self.state.row(location), strict=True))
            found[location] = {**numbers, "atp": self.state.atp(location)}
        return found

    def outside(self) -> dict[str, int]:
        return dict(zip(NAMES[FIRST_OUTSIDE:], self.state.outside, strict=True))

    def atp(self) -> int:
        return self.state.pool()

    def deficit(self) -> int:
        return self.state.deficit()

    def claims(self) -> dict[tuple[str, str], tuple[int, int]]:
        return {key: (held[0], held[1]) for key, held in self.state.claims.items()}

    def backordered(self) -> dict[str, int]:
        return dict(self.state.backordered)

    def lines(self) -> dict[tuple[str, str], dict[str, int]]:
        return {
            key: {
                "ordered": line.ordered,
                "unordered": line.unordered,
                "reserved": line.reserved_units(),
                "allocated": line.allocated_units(),
                "backordered": line.backordered,
                "shipped": line.shipped,
                "cancelled": line.cancelled,
                "expired": line.expired,
                "rejected": line.rejected,
            }
            for key, line in self.state.lines.items()
        }

    def expected(self) -> dict[tuple[str, str], tuple[str, int]]:
        return {
            (name, line.line): (line.location, units)
            for name, inbound in self.state.inbounds.items()
            for line, units in zip(inbound.lines, remaining(inbound), strict=True)
            if units
        }

    def answers(self) -> list[Told]:
        return self._answers

    def exceptions(self, *, folded: bool | None = None) -> list[str]:
        return [
            kind for kind, was_folded in self._exceptions if folded is None or folded == was_folded
        ]

    def parked(self) -> list[tuple[str, str, str]]:
        kinds = {"r": "reservation", "a": "allocation"}
        found = [
            (p.type, kinds[p.waits_for[0]], p.waits_for[2:])
            for waiting in self.state.parked.values()
            for p in waiting
        ]
        for ahead in self.state.ahead:
            if ahead.allocation:
                found.append(("StockShipped", "allocation", ahead.allocation))
            if ahead.reservation:
                found.append(("StockShipped", "reservation", ahead.reservation))
        return found
