"""Having a channel's publisher send listings once more: first looked up, then asked, audited.

The command line and the console do it by these functions alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from stockfold.contracts.codec import decode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import AVAILABILITY
from stockfold.domain.errors import StockfoldError
from stockfold.runtime import audit
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.named_channel import published_channel
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.resends import Resend, ask_to_resend, resend_of
from stockfold.runtime.settings import Settings

SKUS_MAX = 10_000
AUDITED_MAX = 1_000


class Resending(msgspec.Struct, frozen=True):
    """What would be sent: the newest version of each listing; ``unknown`` SKUs have none."""

    channel: str
    listings: tuple[Resend, ...]
    unknown: tuple[str, ...]


def look_up(settings: Settings, channel: str, skus: Collection[str], reason: str) -> Resending:
    """The newest version of each listing. SettingsError, UnavailableError.

    StockfoldError when no SKU is named, or too many are.
    """
    published_channel(settings, channel)
    if not skus or len(skus) > SKUS_MAX:
        raise StockfoldError(
            f"{len(skus):,} SKUs are named", remedy=f"Name at least one, at most {SKUS_MAX:,}."
        )
    found: dict[str, Resend] = {}
    with kafka_errors(
        "what is wanted was not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, then try again.",
    ):
        reader = PartitionReader(settings)
        for partition, keys in _by_partition(settings, channel, skus).items():
            end = reader.settled_end(AVAILABILITY, partition)
            for batch in reader.read(AVAILABILITY, partition, end=end):
                for record in batch:
                    sku = keys.get(record.key() or b"")
                    if sku is None:
                        continue
                    if record.value() is None:
                        found.pop(sku, None)
                    else:
                        found[sku] = resend_of(decode(record.value())[1], reason, "")
    named = list(dict.fromkeys(skus))
    return Resending(
        channel,
        tuple(found[sku] for sku in named if sku in found),
        tuple(sku for sku in named if sku not in found),
    )


def _by_partition(
    settings: Settings, channel: str, skus: Collection[str]
) -> dict[int, dict[bytes, str]]:
    """The records' keys by the partition that each SKU's are in."""
    count = partitions_of(settings, AVAILABILITY)
    found: dict[int, dict[bytes, str]] = {}
    for sku in skus:
        keys = found.setdefault(partition_of(sku.encode(), count), {})
        keys[f"{channel}|{sku}".encode()] = sku
    return found


def ask(settings: Settings, wanted: Resending, reason: str, by: str) -> None:
    """Ask the publisher. UnavailableError; asking twice does no harm."""
    told: Sequence[list[object]] = [[one.sku, one.version] for one in wanted.listings]
    details = {"count": len(told), "listings": told[:AUDITED_MAX], "reason": reason}
    with audit.audited(
        settings, command="channel resend", subject=wanted.channel, details=details, who=by
    ):
        ask_to_resend(settings, [msgspec.structs.replace(one, by=by) for one in wanted.listings])
