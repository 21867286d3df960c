"""Orders as a processor of the exactly-once loop: the only one who decides about them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from stockfold.contracts import envelope
from stockfold.contracts.order_inputs import OrderInputReader
from stockfold.contracts.order_journal import Cause
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import ORDER_ANSWERS, ORDER_JOURNAL, ORDERS, Topic
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.domain.times import SECOND_US
from stockfold.orders.decide import decide_and_fold, due_us
from stockfold.orders.facts import (
    Answered,
    CaseAction,
    CaseOpened,
    Fact,
    Forgotten,
    Given,
    Moved,
    OrderSuspended,
    Reviewed,
    Tick,
)
from stockfold.orders.reading import (
    MissingMappingError,
    Surroundings,
    check_event,
    read_order,
)
from stockfold.orders.resting import fingerprint_of
from stockfold.orders.rules import Rules
from stockfold.orders.state import OrderState
from stockfold.runtime.order_memory import OrderPartition
from stockfold.runtime.order_snapshots import (
    OrderSnapshots,
    open_order_snapshots,
    recover_orders,
)
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import LoopRecord, Record, last_of_topics
from stockfold.runtime.registry import open_registry
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.tracing import OFF, Traces, about, traceparent_in
from stockfold_services.orders.measuring import OrderMeter
from stockfold_services.orders.outputs import BatchOutputs
from stockfold_services.orders.spans import traced
from stockfold_services.orders.surroundings import Following

log = logging.getLogger(__name__)

DUE_PER_TICK_MAX = 500
TIMER = Cause()
_write_body = msgspec.json.Encoder().encode
_read_body = msgspec.json.Decoder(dict[str, Any]).decode


def rules_of(settings: Settings) -> Rules:
    """What the settings say about deciding."""
    asked = settings.orders
    return Rules(
        asked.answer_s,
        asked.attempts_max,
        asked.retry_s,
        asked.hold_s,
        asked.case_owner,
        frozenset(known.name for known in settings.channels if known.shipments == "floor"),
    )


class OrdersProcessor:
    """Decides and folds the orders of its partitions."""

    name = "orders"
    # Answers first: what the ledger says is older news than what a person changes now.
    inputs: Sequence[Topic] = (ORDER_ANSWERS, ORDERS)

    def __init__(
        self,
        settings: Settings,
        following: Following | None = None,
        snapshots: OrderSnapshots | None = None,
        traces: Traces = OFF,
    ) -> None:
        self._traces = traces
        self._snapshots = snapshots or open_order_snapshots(settings)
        self._finished_us = settings.orders.finished_s * SECOND_US
        self._following = following or Following(settings)
        self._reader = OrderInputReader(open_registry(settings))
        self._rules = rules_of(settings)
        self._cut_offs = {known.name: known.orders_since_us for known in settings.channels}
        self._sku_partitions = settings.kafka.sku_partitions
        self._order_partitions = settings.kafka.order_partitions
        prefix = settings.environment.prefix
        self._topics = {topic.full_name(prefix): topic for topic in self.inputs}
        self._meter = OrderMeter(settings)
        self.partitions: dict[int, OrderPartition] = {}
        self._to_resume: dict[int, list[str]] = {}
        """Suspended orders to be looked at again, by partition."""
        self._poison: set[tuple[str, int, int]] = set()
        """Places of inputs that met a defect of ours in this process."""

    def recover(self, partition: int, reader: PartitionReader) -> dict[str, int]:
        """Its newest snapshot and the journal behind it; the newest mark says what is covered."""
        self._following.read_whole(reader)
        began = time.monotonic()
        end = reader.stable_end(ORDER_JOURNAL, partition)
        memory, head = recover_orders(reader, self._snapshots, partition, end)
        self.partitions[partition] = memory
        for state in memory.open:
            memory.watch(state, due_us(state, self._rules))
        if len(memory):
            log.info(
                "partition %d: %d orders, %d in the snapshot, %d forgotten, after %.2f s",
                partition,
                len(memory),
                0 if head is None else head.orders,
                len(memory.forgotten),
                time.monotonic() - began,
            )
        self._to_resume[partition] = sorted(memory.suspended)
        self._meter.recovered(memory)
        return dict(memory.next_offsets)

    def drop(self, partition: int) -> None:
        """Forget a partition's memory."""
        self._meter.dropped(self.partitions.pop(partition, None))
        self._to_resume.pop(partition, None)

    def close(self) -> None:
        """Let go of what the processor holds besides memory."""
        self._following.close()

    def process(
        self, partition: int, records: Sequence[LoopRecord], out: Outputs, now_us: int
    ) -> None:
        """Decide and fold a batch of one partition."""
        memory = self.partitions[partition]
        batch = BatchOutputs(out, partition, self._sku_partitions, now_us)
        for record in records:
            self._one(memory, batch, record, self._topics[record.topic()], now_us)
        for name, last in last_of_topics(records).items():
            memory.next_offsets[self._topics[name].name] = last.at_offset + 1
        batch.finish(memory.next_offsets)
        memory.rest()

    def _one(
        self,
        memory: OrderPartition,
        batch: BatchOutputs,
        record: Record,
        topic: Topic,
        now_us: int,
    ) -> None:
        cause = _cause(record, topic, memory.number)
        place = (topic.name, memory.number, record.offset())
        state: OrderState | None = None
        try:
            schema, body = self._reader.read(topic, record.value(), record.headers())
            if topic is ORDER_ANSWERS:
                cause = cause._replace(correlation_id=body["correlation_id"])
            state = self._order_of(memory, topic, record, body)
            if state is None:
                return
            if self._traces.on:
                cause = traced(self._traces, cause, state, now_us)
            if place in self._poison:
                raise _defect()
            if not state.seq and self._is_of_before(body):
                memory.leave(state)
                return
            given = self._read(schema.name, body)
        except ContractError as error:
            batch.refused(record, topic.name, error, cause)
            log.info(
                "order %s is an exception, %s: %s",
                (record.key() or b"").decode("utf-8", "replace"),
                error.kind,
                error.what,
                extra=about(cause.correlation_id, cause.traceparent),
            )
            if state is None or not isinstance(error, MissingMappingError):
                memory.leave(state)
                return
            given = OrderSuspended(body["revision"], error.kind, _write_body(body).decode())
        try:
            self._decide(memory, batch, state, given, cause, now_us)
        except Exception as error:
            self._poison.add(place)
            whom = about(cause.correlation_id or state.key, cause.traceparent)
            log.error(  # noqa: TRY400
                "order %s met a defect of ours", state.key, exc_info=error, extra=whom
            )
            raise UnavailableError(
                f"order {state.key} met a defect: {error!r}",
                where=f"{topic.name} partition {memory.number} offset {record.offset()}",
                remedy="It goes to the exceptions; report the traceback above.",
            ) from error

    def _is_of_before(self, body: Any) -> bool:
        """Whether an unknown order was placed before the cut-off of its channel's first load.

        What it took is in the balances then, or it was imported as an open order.
        """
        placed_us = body.get("placed_at")
        return placed_us is not None and placed_us < self._cut_offs.get(body["channel"], 0)

    def _order_of(
        self, memory: OrderPartition, topic: Topic, record: Record, body: Any
    ) -> OrderState | None:
        """The order that a record is about; None for what changes nothing: an answer about one that
        was never ours, or news of a forgotten one that are none.
        """
        if topic is ORDER_ANSWERS:
            return memory.get((record.key() or b"").decode("utf-8", "replace"))
        check_event(body)
        key = f"{body['channel']}|{body['order']}".encode()
        if record.key() != key or partition_of(key, self._order_partitions) != memory.number:
            raise ContractError(
                "key_mismatch",
                f"the key is {record.key()!r}, the order's is {key!r}, by murmur2 on partition "
                f"{partition_of(key, self._order_partitions)}",
                remedy="Key the message by channel|order with Kafka's default partitioner.",
            )
        known = memory.forgotten.get(key.decode())
        if known is not None:
            _check_forgotten(known, body)
            return None
        return memory.of(body["channel"], body["order"])

    def _read(self, schema: str, body: Any) -> Given:
        match schema:
            case "stockfold.OrderChanged":
                return read_order(body, self._surroundings)
            case "stockfold.OrderReviewed":
                return Reviewed(body["verdict"] == "refused", body["reason"], body["occurred_at"])
            case "stockfold.OrderCaseChanged":
                return CaseAction(
                    body["case"], body["action"], body["owner"], body["reason"], body["by"]
                )
            case _:
                return _answer(body)

    @property
    def _surroundings(self) -> Surroundings:
        return self._following.surroundings

    def _decide(
        self,
        memory: OrderPartition,
        batch: BatchOutputs,
        state: OrderState,
        given: Given,
        cause: Cause,
        now_us: int,
    ) -> None:
        before = state.seq
        facts = decide_and_fold(state, given, now_us, self._rules)
        for seq, fact in enumerate(facts, before + 1):
            batch.fact(state, seq, fact, cause)
        self._meter.decided(state, facts, cause, now_us)
        _say(state, facts, cause)
        memory.watch(state, due_us(state, self._rules))

    # --- time ---------------------------------------------------------------------------------

    def tick_due(self, now_us: int) -> bool:
        """Whether an order's time has come; new reference data is taken in here."""
        self._meter.look(self.partitions.values(), now_us)
        if self._following.poll(now_us):
            self._to_resume = {n: sorted(m.suspended) for n, m in self.partitions.items()}
        return any(self._to_resume.values()) or any(
            memory.is_due(now_us) or memory.is_old(now_us - self._finished_us)
            for memory in self.partitions.values()
        )

    def tick(self, out: Outputs, now_us: int) -> None:
        """What time alone brings, and what a mapping that has come lets go on."""
        for number, memory in self.partitions.items():
            batch = BatchOutputs(out, number, self._sku_partitions, now_us)
            work: list[tuple[OrderState, Callable[[OrderState], Given | None]]] = [
                (state, lambda _: Tick()) for state in memory.take_due(now_us, DUE_PER_TICK_MAX)
            ]
            resumed = self._to_resume.get(number, [])
            for key in resumed[-DUE_PER_TICK_MAX:]:
                suspended = memory.get(key)
                if suspended is not None:
                    work.append((suspended, self._resumed))
            del resumed[-DUE_PER_TICK_MAX:]
            for state, make in work:
                given = make(state)
                if given is not None:
                    self._decide(memory, batch, state, given, TIMER, now_us)
            old = memory.take_old(now_us - self._finished_us, DUE_PER_TICK_MAX)
            for state in old:
                batch.forgotten(memory, state)
            if work or old:
                batch.finish(memory.next_offsets)
                memory.rest()

    def _resumed(self, state: OrderState) -> Given | None:
        """What was told of a suspended order, if it can be read by now."""
        try:
            return read_order(_read_body(state.suspended_body[1]), self._surroundings)
        except ContractError:
            return None


def _say(state: OrderState, facts: Sequence[Fact], cause: Cause) -> None:
    """Log what a person looks for who has an order's number: where it went, and its cases."""
    whom = about(cause.correlation_id or state.key, cause.traceparent)
    for fact in facts:
        match fact:
            case Moved():
                log.info("order %s is %s (%s)", state.key, fact.target, fact.reason, extra=whom)
            case CaseOpened():
                log.warning(
                    "order %s: %d of %s are missing, case %s is open",
                    state.key,
                    fact.missing,
                    fact.sku,
                    fact.case,
                    extra=whom,
                )
            case _:
                continue


def _answer(body: Any) -> Answered:
    return Answered(
        body["sku"],
        body["line"],
        body["status"],
        body["seq"],
        body["event_id"],
        body["reason"],
        body["reserved"],
        body["allocated"],
        body["backordered"],
        body["shipped"],
        tuple((place["location"], place["quantity"]) for place in body["places"]),
    )


def _check_forgotten(known: Forgotten, body: Any) -> None:
    """ContractError ``order_forgotten`` for an order that has changed since it was forgotten.

    To reserve or ship it anew would move its units twice.
    """
    if body.get("revision", -1) <= known.revision or fingerprint_of(body) == known.content:
        return
    raise ContractError(
        "order_forgotten",
        f"order {body['order']} of {body['channel']} was over for longer than orders.finished_s, "
        "so what it has moved is no longer remembered",
        remedy="Tell what it moves now as a warehouse would, such as a return; then discard this.",
    )


def _cause(record: Record, topic: Topic, partition: int) -> Cause:
    """What the headers say, as far as they can be read; answers have none of their own."""
    caused_us = record.timestamp()[1] * 1000
    headers = record.headers()
    trace = traceparent_in(headers)
    try:
        told = envelope.parse(headers)
    except ContractError:
        place = (topic.name, partition, record.offset())
        return Cause(*place, caused_us=caused_us, traceparent=trace)
    return Cause(
        topic.name,
        partition,
        record.offset(),
        told.id,
        told.source,
        told.correlation_id,
        caused_us,
        trace,
    )


def _defect() -> ContractError:
    return ContractError(
        "defect",
        "deciding this event failed by a defect of the orders service; its log has the traceback",
        remedy="Report it; resubmit the event once a mended service runs.",
    )
