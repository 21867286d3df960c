"""What one batch writes: facts and what they ask at once, where orders stand once, and the mark."""

from __future__ import annotations

from stockfold.contracts.exceptions import encode_exception
from stockfold.contracts.journal import encode_mark
from stockfold.contracts.order_commands import command_of
from stockfold.contracts.order_journal import Cause, encode_order_fact
from stockfold.contracts.order_records import encode_case, encode_order_status
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import EXCEPTIONS, ORDER_CASES, ORDER_JOURNAL, ORDER_STATUS
from stockfold.domain.errors import ContractError
from stockfold.orders.evolve import evolve
from stockfold.orders.facts import CaseChanged, CaseOpened, Fact
from stockfold.orders.resting import forget
from stockfold.orders.state import OrderState
from stockfold.runtime.order_memory import OrderPartition
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import Record
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.tracing import headers_of


class BatchOutputs:
    """Collects one batch of one partition. Only the last status of an order is written."""

    def __init__(self, out: Outputs, partition: int, sku_partitions: int, now_us: int) -> None:
        self._out = out
        self._partition = partition
        self._sku_partitions = sku_partitions
        self._now_us = now_us
        self._changed: dict[str, tuple[OrderState, Cause]] = {}

    def fact(self, state: OrderState, seq: int, fact: Fact, cause: Cause) -> None:
        """Journal a fact that was just folded as number ``seq``, and send what it asks."""
        key = state.key.encode()
        now_us, produce = self._now_us, self._out.produce
        value = encode_order_fact(state.channel, state.order_id, seq, fact, cause, now_us)
        headers = headers_of(cause.traceparent)
        produce(ORDER_JOURNAL, self._partition, key, value, headers)
        command = command_of(state, seq, fact, cause.correlation_id, now_us)
        if command is not None:
            sku = command.sku.encode()
            number = partition_of(sku, self._sku_partitions)
            produce(command.topic, number, sku, command.value, [*command.headers, *(headers or ())])
        if isinstance(fact, CaseOpened | CaseChanged):
            case = state.cases[fact.case]
            produce(ORDER_CASES, self._partition, case.case.encode(), encode_case(state, case))
        self._changed[state.key] = (state, cause)

    def forgotten(self, memory: OrderPartition, state: OrderState) -> None:
        """Journal that a finished order leaves memory; its last status stays as it was told."""
        fact = forget(state)
        evolve(state, fact, self._now_us)
        key = state.key.encode()
        value = encode_order_fact(
            state.channel, state.order_id, state.seq, fact, Cause(), self._now_us
        )
        self._out.produce(ORDER_JOURNAL, self._partition, key, value)
        memory.let_go(state, fact)

    def refused(self, message: Record, topic: str, error: ContractError, cause: Cause) -> None:
        """An exception about an input that was not folded, with its bytes."""
        measures.EXCEPTIONS.labels("orders", error.kind, "false").inc()
        partition, headers = message.partition(), message.headers() or []
        name = next((v for k, v in headers if k == "ce_type" and v), b"")
        self._out.produce(
            EXCEPTIONS,
            partition % self._sku_partitions,
            message.key(),
            encode_exception(
                error.kind,
                folded=False,
                reason=error.what,
                remedy=error.remedy,
                sku="",
                source=cause.source,
                event_id=cause.event_id,
                event_type=name.decode("utf-8", "replace"),
                topic=topic,
                partition=partition,
                offset=message.offset(),
                recorded_us=self._now_us,
                correlation_id=cause.correlation_id,
                caused_us=cause.caused_us,
                key=message.key(),
                value=message.value(),
                headers=headers,
            ),
        )

    def finish(self, next_offsets: dict[str, int]) -> None:
        """Tell where the changed orders stand, and end with the mark."""
        for key, (state, cause) in self._changed.items():
            value = encode_order_status(state, cause, self._now_us)
            headers = headers_of(cause.traceparent)
            self._out.produce(ORDER_STATUS, self._partition, key.encode(), value, headers)
        mark = encode_mark(self._partition, next_offsets, self._now_us)
        self._out.produce(ORDER_JOURNAL, self._partition, None, mark)
