"""What one batch of a partition writes: facts, positions once, exceptions, and the mark."""

from __future__ import annotations

from stockfold.contracts import avro
from stockfold.contracts.exceptions import encode_exception
from stockfold.contracts.journal import CauseIds, cause_ids, encode_fact, encode_mark
from stockfold.contracts.positions import encode_position, encode_summary
from stockfold.contracts.statuses import encode_status
from stockfold.contracts.topics import EXCEPTIONS, JOURNAL, POSITIONS, RESERVATION_STATUS
from stockfold.ledger.accounts import BACKORDERED, STRIDE
from stockfold.ledger.entities import Line
from stockfold.ledger.facts import Fact, Input, Refusal
from stockfold.ledger.state import SkuState
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import Keyed, Record
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.tracing import OFF, Headers, Traces, headers_of
from stockfold_services.ledger.findings import FINDINGS

_NO_LINE = Line("", "")
_Here = tuple[SkuState, Input]
"""A SKU that changed, and what changed it last."""


class BatchOutputs:
    """Collects one batch of one partition. Only the last position per place is written."""

    def __init__(self, out: Outputs, partition: int, now_us: int, traces: Traces = OFF) -> None:
        self._traces = traces
        self._out = out
        self._partition = partition
        self._now_us = now_us
        self._skus: dict[str, tuple[bytes, bytes, dict[str, _Here]]] = {}
        """The SKUs of the batch as message keys, as Avro strings, and where they changed."""
        self._summaries: dict[str, _Here] = {}
        self._journal: list[Keyed] = []
        self._statuses: list[Keyed] = []

    def facts(self, state: SkuState, facts: list[Fact]) -> None:
        """Keep the facts of one decision and their answers; note what they changed."""
        sku = state.sku
        known = self._skus.get(sku)
        if known is None:
            key = sku.encode()
            known = self._skus[sku] = key, avro.blob(key), {}
        key, avro_sku, changed = known
        told: Input | None = None
        ids: CauseIds | None = None
        headers: Headers | None = None
        for fact in facts:
            cause = fact.cause
            if cause is not told:
                told, ids, here = cause, cause_ids(cause, fact.recorded_us), (state, cause)
                headers = headers_of(cause.traceparent) if cause.traceparent else None
            self._journal.append((key, encode_fact(fact, avro_sku, ids), headers))
            for account, location, _, _ in fact.deltas:
                if account < STRIDE:
                    changed[location] = here
                elif account == BACKORDERED:
                    self._summaries[sku] = here
            change = fact.change
            if change is not None:
                status = change.status
                if status is not None:
                    line = change.line or self._line_of(state, fact, status[0])
                    answer = encode_status(fact, status, line, avro_sku, ids)
                    self._statuses.append((key, answer, headers))
                if change.fence is not None or change.limit is not None:
                    self._summaries[sku] = here
                if change.left:
                    changed[change.left] = here
                if change.inbound is not None:
                    for expected in change.inbound.lines:
                        if expected.location:
                            changed[expected.location] = here
            if fact.flags:
                for flag in fact.flags:
                    if flag in FINDINGS:
                        self.finding(fact, sku, flag)

    @staticmethod
    def _line_of(state: SkuState, fact: Fact, reservation: str) -> Line:
        """The line that a refused command is about; its own reservation may never have been."""
        key = state.reservations.get(reservation)
        if key is None:
            note = fact.change.note if fact.change is not None else None
            key = (str(note["order"]), str(note["line"])) if note and "order" in note else ("", "")
        return state.lines.get(key, _NO_LINE)

    def finding(self, fact: Fact, sku: str, flag: str) -> None:
        """An exception about an event that was folded."""
        cause = fact.cause
        finding = FINDINGS[flag]
        measures.EXCEPTIONS.labels("ledger", flag, "true").inc()
        key = sku.encode()
        record = encode_exception(
            flag,
            folded=True,
            reason=finding.reason,
            remedy=finding.remedy,
            sku=sku,
            source=cause.source,
            event_id=cause.event_id,
            event_type=f"stockfold.{cause.type}" if cause.type else "",
            topic=cause.topic,
            partition=self._partition,
            offset=cause.offset,
            recorded_us=self._now_us,
            correlation_id=cause.correlation_id,
            caused_us=cause.caused_us,
            key=key,
        )
        self._out.produce(EXCEPTIONS, self._partition, key, record)

    def refused(self, message: Record, topic: str, refusal: Refusal, given: Input | None) -> None:
        """An exception about an event that was not folded, with its bytes."""
        measures.EXCEPTIONS.labels("ledger", refusal.kind, "false").inc()
        headers = message.headers() or []
        known = {name: value for name, value in headers if value is not None}
        key = message.key()
        record = encode_exception(
            refusal.kind,
            folded=False,
            reason=refusal.reason,
            remedy=refusal.remedy,
            sku=given.sku if given is not None else (key or b"").decode("utf-8", "replace"),
            source=_text(known.get("ce_source")),
            event_id=_text(known.get("ce_id")),
            event_type=_text(known.get("ce_type")),
            topic=topic,
            partition=self._partition,
            offset=message.offset(),
            recorded_us=self._now_us,
            correlation_id=_text(known.get("correlationid")),
            caused_us=message.timestamp()[1] * 1000,
            key=key,
            value=message.value(),
            headers=headers,
        )
        traced = given.traceparent if given is not None else ""
        if traced:
            self._traces.fail_last(refusal.kind)
        self._out.produce(EXCEPTIONS, self._partition, key, record, headers_of(traced))

    def finish(self, next_offsets: dict[str, int]) -> None:
        """Write the positions that changed, and the mark of the inputs that this batch covers."""
        now_us, partition = self._now_us, self._partition
        positions: list[Keyed] = []
        for key, avro_sku, changed in self._skus.values():
            for location, (state, cause) in changed.items():
                value = encode_position(state, location, avro_sku, cause, now_us)
                headers = headers_of(cause.traceparent) if cause.traceparent else None
                positions.append((location.encode() + b"|" + key, value, headers))
        for sku, (state, cause) in self._summaries.items():
            value = encode_summary(state, cause, now_us)
            headers = headers_of(cause.traceparent)
            positions.append((b"|" + sku.encode(), value, headers))
        self._journal.append((None, encode_mark(partition, next_offsets, now_us), None))
        self.write_facts()
        self._out.produce_all(POSITIONS, partition, positions)

    def write_facts(self) -> None:
        """Hand over the facts so far, and their answers."""
        self._out.produce_all(JOURNAL, self._partition, self._journal)
        self._out.produce_all(RESERVATION_STATUS, self._partition, self._statuses)
        self._journal, self._statuses = [], []


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")
