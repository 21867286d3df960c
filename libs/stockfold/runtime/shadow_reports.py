"""Shadow reports: made from our numbers and the shop's catalogue, kept in a topic of their own.

They live in Kafka, retained and not compacted, because the row of them is what tells whether a
channel converges. Making and showing them needs neither the ledger nor PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping

import msgspec

from stockfold.channels import Shown, StockUpdate
from stockfold.channels.woocommerce.catalog import Page, Product
from stockfold.channels.woocommerce.scoring import Change, Score, score
from stockfold.contracts.codec import decode, encode
from stockfold.contracts.topics import DAY_MS, SHADOW_REPORTS
from stockfold.runtime.clock import Clock
from stockfold.runtime.kafka import ensure_topic
from stockfold.runtime.kafka_errors import reading
from stockfold.runtime.one_record import send_one
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_catalog import Performing, pause_of, read_catalog

RECENT = 48
"""So many reports are shown, two days of hourly ones; before them, the last of every day."""

Updates = Mapping[str, StockUpdate]
OnPage = Callable[[Page], object]


class ShadowReport(msgspec.Struct, frozen=True):
    """A score of a channel, and of what it is. Times are UTC microseconds."""

    channel: str
    url: str
    mode: str
    started_at: int
    finished_at: int
    score: Score

    @property
    def mapped(self) -> int:
        """Listings that can be written."""
        return sum(self.score.counts.values())

    @property
    def agreeing(self) -> int:
        """Listings that would stay as they are."""
        return self.score.counts[Change.AGREES]

    @property
    def share(self) -> float:
        """The share of writable listings that agree, 0 to 1; 1 of nothing."""
        return self.agreeing / self.mapped if self.mapped else 1.0


async def compare_with_shop(
    channel: ChannelSettings,
    mode: str,
    to_show: Callable[[StockUpdate], Shown],
    shop: Performing,
    clock: Clock,
    before: Updates,
    after: Callable[[], Awaitable[Updates]],
    *,
    waived: Collection[str] = (),
    on_page: OnPage = lambda _: None,
) -> ShadowReport:
    """Read the shop's catalogue at its pace, and score it against what is wanted; read only.

    ``before`` is wanted before it is read, ``await after()`` gives what is wanted then.
    NotServedError when the shop stops serving.
    """
    started_us = clock.now_us()
    products: list[Product] = []
    async for page in read_catalog(shop, pause_s=pause_of(channel)):
        products += page.products
        on_page(page)
    finished_us = clock.now_us()
    wanted = await after()

    def scored() -> Score:
        return score(
            products,
            {sku: to_show(update) for sku, update in wanted.items()},
            before={sku: to_show(update) for sku, update in before.items()},
            waived=waived,
        )

    # Of 100,000 listings it takes more than a second, and whoever asks has a lease to keep.
    found = await asyncio.to_thread(scored)
    return ShadowReport(channel.name, channel.url, mode, started_us, finished_us, found)


def keep(settings: Settings, report: ShadowReport) -> None:
    """Put a report on record; UnavailableError when that was not acknowledged."""
    ensure_topic(settings, SHADOW_REPORTS)
    told = msgspec.to_builtins(report)
    send_one(
        settings,
        SHADOW_REPORTS,
        report.channel,
        encode("stockfold.ShadowReport", told | told.pop("score")),
        what="the shadow report",
        remedy="Check the broker; the next report comes by itself.",
    )


def read_reports(settings: Settings, channel: str) -> list[ShadowReport]:
    """The last ``RECENT`` reports of a channel, and of each day before them its last one, oldest
    first. UnavailableError when Kafka does not answer.
    """
    recent: deque[tuple[int, bytes]] = deque(maxlen=RECENT)
    of_day: dict[int, bytes] = {}
    for told, day, value in _kept(settings):
        if told == channel:
            recent.append((day, value))
            of_day[day] = value
    days = [value for day, value in of_day.items() if recent and day < recent[0][0]]
    return [_read(value) for value in (*days, *(value for _, value in recent))]


def newest_reports(settings: Settings, since_us: int | None = None) -> dict[str, ShadowReport]:
    """The newest report of each channel; of those kept, or told since a moment. UnavailableError
    when Kafka does not answer.
    """
    newest = {channel: value for channel, _, value in _kept(settings, since_us)}
    return {channel: _read(value) for channel, value in newest.items()}


def _kept(settings: Settings, since_us: int | None = None) -> Iterator[tuple[str, int, bytes]]:
    """Every report as its channel, the day it was told, and its bytes."""
    with reading(settings, SHADOW_REPORTS):
        ensure_topic(settings, SHADOW_REPORTS)
        reader = PartitionReader(settings)
        start = None if since_us is None else reader.first_at(SHADOW_REPORTS, 0, since_us // 1_000)
        for batch in reader.read(SHADOW_REPORTS, 0, start):
            for record in batch:
                key, value, (_, at_ms) = record.key(), record.value(), record.timestamp()
                if key is not None and value is not None:
                    yield key.decode("utf-8", "replace"), at_ms // DAY_MS, value


def _read(value: bytes) -> ShadowReport:
    _, body = decode(value)
    return msgspec.convert(body | {"score": body}, ShadowReport)
