"""The last check of each shop, on record: whoever asks later need not read its catalogue again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from stockfold.channels.findings import Finding, Level
from stockfold.contracts.codec import decode, encode
from stockfold.contracts.topics import CHANNEL_CHECKS
from stockfold.runtime.kafka import ensure_topic, topic_exists
from stockfold.runtime.one_record import send_one
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold.runtime.shop_check import Checked

TOLD_MAX = 200
WORDS_CHARACTERS_MAX = 300
_ORDER = (Level.ERROR, Level.WARNING, Level.NOTE)


def read_checks(settings: Settings) -> dict[str, Mapping[str, Any]]:
    """By channel, see ``stockfold.ChannelChecked``. KafkaException, UnavailableError."""
    if not topic_exists(settings, CHANNEL_CHECKS):
        return {}
    return {
        (record.key() or b"").decode(): decode(record.value())[1]
        for batch in PartitionReader(settings).read(CHANNEL_CHECKS, 0)
        for record in batch
        if record.value() is not None
    }


def record_check(settings: Settings, found: Checked, *, by: str) -> None:
    """Put a check on record; blocks. UnavailableError."""
    ensure_topic(settings, CHANNEL_CHECKS)
    findings = sorted(found.findings, key=lambda one: _ORDER.index(one.level))
    counts = Counter((one.level, one.code) for one in findings)
    coverage = found.coverage
    body = {
        "channel": found.channel,
        "url": found.url,
        "checked_at": found.checked_at_us,
        "by": by,
        "fit": found.is_fit,
        "listings": None if coverage is None else coverage.listings,
        "covered": None if coverage is None else coverage.covered,
        "waived": None if coverage is None else len(coverage.waived),
        "products": found.products + found.variations,
        "counts": [
            {"level": level.value, "code": code, "count": count}
            for (level, code), count in counts.items()
        ],
        "findings": [_told(one) for one in findings[:TOLD_MAX]],
        "more": max(len(findings) - TOLD_MAX, 0),
    }
    send_one(
        settings,
        CHANNEL_CHECKS,
        found.channel,
        encode("stockfold.ChannelChecked", body),
        what=f"the check of {found.channel}",
        remedy="Check the broker, then check the channel again.",
    )


def _told(one: Finding) -> dict[str, str]:
    return {
        "level": one.level.value,
        "code": one.code,
        "subject": one.subject[:WORDS_CHARACTERS_MAX],
        "detail": one.detail[:WORDS_CHARACTERS_MAX],
        "to_do": one.to_do[:WORDS_CHARACTERS_MAX],
    }
