"""The monitor as an application of faust-streaming: derived, disposable, and a model to copy.

    order status ─┐
    deliveries ───┤ agents measure ─▶ measurements, one partition ─▶ tables ─▶ monitor topic
    audit ────────┤
    availability ─┘

It writes its own topics alone: what is named ``…stockfold.monitor…``. All of it can be deleted and
is made again. It may count a record twice after a crash: it is no ledger (infra/docs/faust.md).
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import faust
from faust.windows import HoppingWindow, TumblingWindow

from stockfold.client.faust import Avro, Told, read_committed
from stockfold.contracts.topics import AUDIT, AVAILABILITY, DELIVERIES, MONITOR, ORDER_STATUS, Topic
from stockfold.runtime.kafka import group_id
from stockfold.runtime.settings import Settings
from stockfold_services.monitor import measuring, stock_outs
from stockfold_services.monitor.security import credentials_of

log = logging.getLogger(__name__)

HOUR_S = 3_600.0
STEP_S = 300.0
DAY_S = 86_400.0
TELL_S = 2.0
"""How often windows that have changed are told."""


class Window(NamedTuple):
    """A window of one thing that is measured; times in seconds since 1970."""

    key: str
    began_s: float
    ends_s: float


class Monitor:
    """The application with its tables. Nothing is connected before the worker starts it."""

    def __init__(self, settings: Settings) -> None:
        goals = settings.objectives
        self._targets_ms = {
            measuring.ORDERS: round(goals.order_ingestion.within_s * 1000),
            measuring.STOCK: round(goals.inventory_propagation.within_s * 1000),
            measuring.PARCELS: round(goals.shipment_confirmation.within_s * 1000),
        }
        self._prefix = settings.prefix
        self._dirty: set[Window] = set()
        self.app = _app_of(settings)
        self._hour = HoppingWindow(HOUR_S, STEP_S, expires=DAY_S)
        self._day = TumblingWindow(DAY_S, expires=8 * DAY_S)
        self._measured = self.app.topic(
            f"{settings.prefix}stockfold.monitor-measurements",
            partitions=1,
            internal=True,
            retention=DAY_S,
            key_serializer="raw",
            value_serializer="json",
        )
        self._told = self._topic(MONITOR, Avro(MONITOR.schemas[0]))
        self._sells = self.app.Table("sells", partitions=settings.kafka.sku_partitions)
        self._waiting = self.app.Table("waiting", partitions=settings.kafka.order_partitions)
        self._parcels = self.app.Table("parcels", partitions=AUDIT.partitions)
        self._stock = self.app.Table("stock", partitions=1, default=dict)
        self._counts = self._windowed("count", self._hour)
        self._within = self._windowed("within", self._hour)
        self._worst = self._windowed("worst", self._hour)
        self._totals = self._windowed("total", self._hour)
        self._out_counts = self._windowed("out-count", self._day)
        self._out_totals = self._windowed("out-total", self._day)
        self._out_worst = self._windowed("out-worst", self._day)
        self._agents()

    def _windowed(self, name: str, window: Any) -> Any:
        table = self.app.Table(name, partitions=1, default=int)
        return table.using_window(window).relative_to(_measured_at)

    def _topic(self, topic: Topic, value: Avro) -> Any:
        return self.app.topic(
            topic.full_name(self._prefix),
            key_serializer="raw",
            value_serializer=value,
            allow_empty=True,
        )

    def _agents(self) -> None:
        agent, app = self.app.agent, self.app
        agent(self._topic(ORDER_STATUS, Avro()), name="orders")(self._orders)
        agent(self._topic(DELIVERIES, Avro()), name="deliveries")(self._deliveries)
        agent(self._topic(AUDIT, Avro()), name="audit")(self._audit)
        agent(self._topic(AVAILABILITY, Avro()), name="availability")(self._availability)
        agent(self._measured, name="windows")(self._windows)
        app.timer(interval=TELL_S)(self._tell)

    # Measuring: each agent reads one of our topics and keeps no more than it must.

    async def _orders(self, stream: AsyncIterator[Told | None]) -> None:
        async for told in stream:
            if told is None:
                continue
            key = f"{told.body['channel']}|{told.body['order']}"
            if measuring.is_waiting(told.body):
                if key not in self._waiting:
                    self._waiting[key] = measuring.waits_since_us(told.body)
                continue
            for measured in measuring.order(told.body, self._waiting.pop(key, None)):
                await self._send(measured)

    async def _deliveries(self, stream: AsyncIterator[Told | None]) -> None:
        async for told in stream:
            measured = None if told is None else measuring.delivery(told.body)
            if measured is not None:
                await self._send(measured)

    async def _audit(self, stream: AsyncIterator[Told | None]) -> None:
        async for told in stream:
            if told is None:
                continue
            name = told.body["audit"]
            begun = measuring.parcel(told.body)
            if begun is not None:
                self._parcels[name] = begun
            elif name in self._parcels:
                if told.body["outcome"] == "done":
                    await self._send(measuring.confirmed(self._parcels[name], told.body))
                del self._parcels[name]

    async def _availability(self, stream: Any) -> None:
        """Only what begins or ceases to sell is measured: that is little of a busy topic."""
        async for event in stream.events():
            told: Told | None = event.value
            if told is None:
                continue
            measured = measuring.shown(told.body)
            key = f"{measured['channel']}|{measured['sku']}"
            if self._sells.get(key) != measured["sells"]:
                self._sells[key] = measured["sells"]
                await self._send(measured)

    async def _send(self, measured: measuring.Measurement) -> None:
        await self._measured.send(key=measured["channel"].encode(), value=measured)

    # Counting: all measurements meet on one partition, so every table is whole in one worker.

    async def _windows(self, stream: AsyncIterator[Mapping[str, Any]]) -> None:
        async for measured in stream:
            if measured["what"] in self._targets_ms:
                self._count(measured)
            else:
                await self._sold_out(measured)

    def _count(self, measured: Mapping[str, Any]) -> None:
        what, took_ms = measured["what"], measured["took_ms"]
        key = f"{what}|{measured['channel']}|"
        self._counts[key] += 1
        self._totals[key] += took_ms
        if took_ms <= self._targets_ms[what]:
            self._within[key] += 1
        self._worst[key].apply(max, took_ms)
        self._mark(key, self._hour, measured["at"])

    async def _sold_out(self, measured: Mapping[str, Any]) -> None:
        place = f"{measured['channel']}|{measured['sku']}"
        known, episode = stock_outs.after(self._stock[place], measured)
        self._stock[place] = known
        if episode is None:
            return
        lasted_ms = 0
        if episode.ended_s is not None:
            lasted_ms = round((episode.ended_s - episode.began_s) * 1000)
            key = f"stock_out_day|{place}"
            self._out_counts[key] += 1
            self._out_totals[key] += lasted_ms
            self._out_worst[key].apply(max, lasted_ms)
            self._mark(key, self._day, measured["at"])
        window = Window(f"stock_out|{place}", episode.began_s, episode.ended_s or 0.0)
        await self._tell_one(window, 1, 0, lasted_ms, lasted_ms)

    def _mark(self, key: str, window: Any, at_s: float) -> None:
        self._dirty |= {Window(key, start, start + window.size) for start, _ in window.ranges(at_s)}

    async def _tell(self) -> None:
        """Tell the windows that have changed since."""
        dirty, self._dirty = self._dirty, set()
        for window in sorted(dirty):
            tables = (self._counts, self._within, self._worst, self._totals)
            if window.key.startswith("stock_out_day|"):
                tables = (self._out_counts, None, self._out_worst, self._out_totals)
            count, within, worst, total = (_value(table, window) for table in tables)
            if count:
                await self._tell_one(window, count, within, worst, total)

    async def _tell_one(
        self, window: Window, count: int, within: int, worst_ms: int, total_ms: int
    ) -> None:
        what, channel, sku = window.key.split("|", 2)
        await self._told.send(
            key=f"{window.key}|{window.began_s:.0f}".encode(),
            value={
                "what": what,
                "channel": channel,
                "sku": sku,
                "began_at": round(window.began_s * 1e6),
                "ends_at": round(window.ends_s * 1e6) or None,
                "count": count,
                "within": within,
                "target_ms": self._targets_ms.get(what, 0),
                "worst_ms": worst_ms,
                "total_ms": total_ms,
                "recorded_at": round(time.time() * 1e6),
            },
        )


def _measured_at(event: Any) -> float:
    """Windows are of the time that a measurement is of, not of when it was read."""
    return float(event.value["at"])


def _value(table: Any, window: Window) -> int:
    if table is None:
        return 0
    # A window's key in the table below the wrapper; Faust's ranges end just before the next begins.
    ends = window.ends_s - 0.1
    return int(table.table[(window.key, (window.began_s, ends))])


def _app_of(settings: Settings) -> Any:
    assert settings.kafka.bootstrap is not None, "attached settings name a broker"
    app = faust.App(
        group_id(settings, "monitor"),
        broker=[f"aiokafka://{address}" for address in settings.kafka.bootstrap.split(",")],
        broker_credentials=credentials_of(settings),
        store="memory://",
        datadir=str(settings.environment.data_dir / "monitor"),
        topic_partitions=1,
        topic_replication_factor=settings.kafka.replication,
        web_enabled=False,
    )
    read_committed(app)
    return app
