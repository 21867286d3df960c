"""Shadow reports: made from our numbers and the shop's catalogue, kept in a topic of their own.

They live in Kafka, retained and not compacted, because the row of them is what tells whether a
channel converges. Making and showing them needs neither the ledger nor PostgreSQL.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping

import msgspec
from confluent_kafka import KafkaException

from stockfold.channels import Shown, StockUpdate
from stockfold.channels.woocommerce.catalog import Page, Product
from stockfold.channels.woocommerce.scoring import Change, Score, score
from stockfold.contracts.codec import decode, encode
from stockfold.contracts.topics import DAY_MS, SHADOW_REPORTS
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import Clock
from stockfold.runtime.kafka import ensure_topic
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
    found = score(
        products,
        {sku: to_show(update) for sku, update in wanted.items()},
        before={sku: to_show(update) for sku, update in before.items()},
        waived=waived,
    )
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
    return [_read(value) for value in _kept(settings, channel)]


def newest_report(settings: Settings, channel: str) -> ShadowReport | None:
    """The newest report of a channel, None before the first. UnavailableError."""
    values = _kept(settings, channel)
    return _read(values[-1]) if values else None


def _kept(settings: Settings, channel: str) -> list[bytes]:
    recent: deque[tuple[int, bytes]] = deque(maxlen=RECENT)
    of_day: dict[int, bytes] = {}
    try:
        ensure_topic(settings, SHADOW_REPORTS)
        for batch in PartitionReader(settings).read(SHADOW_REPORTS, 0):
            for record in batch:
                value, (_, at_ms) = record.value(), record.timestamp()
                if record.key() == channel.encode() and value is not None:
                    recent.append((at_ms // DAY_MS, value))
                    of_day[at_ms // DAY_MS] = value
    except KafkaException as error:
        raise UnavailableError(
            f"{SHADOW_REPORTS.name} was not read: {error.args[0].str()}",
            where=f"Kafka at {settings.kafka.bootstrap}",
            remedy="Check the broker, then try again.",
        ) from error
    days = [value for day, value in of_day.items() if recent and day < recent[0][0]]
    return [*days, *(value for _, value in recent)]


def _read(value: bytes) -> ShadowReport:
    _, body = decode(value)
    return msgspec.convert(body | {"score": body}, ShadowReport)
