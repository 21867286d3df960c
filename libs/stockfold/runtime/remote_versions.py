"""What runs at the other end of each channel: asked, remembered, and what a change brings about.

    versions ─▶ as before ─────────────────────────────▶ remembered
        └─────▶ changed ─▶ the channel's contract checks ─▶ a notice, remembered with their result,
                                                            and a halt where a required fact is gone

The same for the sweeper, which asks daily, and for a person who asks by hand.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec

from stockfold.channels.findings import Level
from stockfold.channels.shopify import versions as shopify
from stockfold.channels.versions import Change, Part, changes
from stockfold.channels.woocommerce import versions as woocommerce
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.contracts.codec import decode, encode
from stockfold.contracts.exceptions import encode_channel_finding
from stockfold.contracts.topics import EXCEPTIONS, REMOTE_VERSIONS
from stockfold.domain.errors import ContractError
from stockfold.runtime.channel_checks import record_check
from stockfold.runtime.channel_control import halt_of, publish_control, read_controls
from stockfold.runtime.channel_coverage import listed_skus, read_coverage
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.kafka import ensure_topic, topic_exists
from stockfold.runtime.kafka_errors import reading
from stockfold.runtime.one_record import send_one
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_catalog import Performing
from stockfold.runtime.shop_check import Checked, check
from stockfold.runtime.shop_http import woocommerce as woocommerce_adapter
from stockfold.runtime.shop_webhooks import Conversing

log = logging.getLogger(__name__)

KIND = "remote_version_changed"
REMEDY = (
    "Read the vendor's release notes, see what `stockfold channel versions` tells of the checks, "
    "and resolve this."
)
REQUIRED = frozenset(
    {
        "not_readable",
        "not_writable",
        "orders_not_readable",
        "batches_refused",
        "stock_management_off",
    }
)
"""What the checks may not find of a shop that is written to; single products halt nothing."""
FINDINGS_MAX = 100


class Finding(msgspec.Struct, frozen=True):
    """One finding of the checks; see ``stockfold.channels.findings``."""

    level: str
    code: str
    subject: str
    detail: str
    to_do: str


class RemoteVersions(msgspec.Struct, frozen=True, kw_only=True):
    """See ``stockfold.RemoteVersions``. Times are UTC microseconds."""

    channel: str
    kind: str
    url: str
    parts: tuple[Part, ...] = ()
    detail: str = ""
    seen_at: int = 0
    changed_at: int | None = None
    changes: tuple[Change, ...] = ()
    check: str = "none"
    checked_at: int | None = None
    findings: tuple[Finding, ...] = ()
    halted: bool = False
    by: str = ""

    @property
    def missing_facts(self) -> tuple[Finding, ...]:
        """What the checks found that no channel can be written to with."""
        return tuple(one for one in self.findings if one.code in REQUIRED)


def decode_versions(value: bytes | None) -> RemoteVersions:
    """ContractError for anything else."""
    return msgspec.convert(decode(value, expected="stockfold.RemoteVersions")[1], RemoteVersions)


def read_versions(settings: Settings) -> dict[str, RemoteVersions]:
    """What is remembered, by channel. UnavailableError when Kafka does not answer."""
    found: dict[str, RemoteVersions] = {}
    with reading(settings, REMOTE_VERSIONS):
        if not topic_exists(settings, REMOTE_VERSIONS):
            return found
        for batch in PartitionReader(settings).read(REMOTE_VERSIONS, 0):
            for record in batch:
                take(found, record)
    return found


def take(found: dict[str, RemoteVersions], record: Record) -> None:
    """Note what a record of the topic says; one that cannot be read leaves the one before."""
    try:
        told = decode_versions(record.value())
    except (ContractError, msgspec.ValidationError) as error:
        log.error(  # noqa: TRY400  (the sentence says it all)
            "%s, offset %d: %s", REMOTE_VERSIONS.name, record.offset(), error
        )
    else:
        found[told.channel] = told


async def ask(
    channel: ChannelSettings, shop: Conversing, before: RemoteVersions | None, by: str
) -> RemoteVersions:
    """What runs there now, and how that differs from what is remembered. NotServedError.

    What the shop keeps from us is no trouble: it is remembered that it does not say.
    """
    known = before if before is not None and before.url == channel.url else None
    parts: tuple[Part, ...] = ()
    detail = ""
    try:
        if channel.kind == "shopify":
            parts = await shop.converse(shopify.versions())
        else:
            parts = await shop.converse(woocommerce.versions())
    except NotServedError as error:
        if not _keeps_to_itself(error):
            raise
        detail = error.trouble.detail
    return _joined(channel, known, parts, detail, by)


def _keeps_to_itself(error: NotServedError) -> bool:
    return error.trouble.code == "woocommerce_rest_cannot_view"


def _joined(
    channel: ChannelSettings,
    known: RemoteVersions | None,
    parts: tuple[Part, ...],
    detail: str,
    by: str,
) -> RemoteVersions:
    now_us = SYSTEM_CLOCK.now_us()
    base = known or RemoteVersions(channel=channel.name, kind=channel.kind, url=channel.url)
    now = msgspec.structs.replace(
        base, parts=parts or base.parts, detail=detail, seen_at=now_us, by=by
    )
    found = changes(base.parts, parts)
    if not found:
        return now
    owed = "none" if channel.kind == "shopify" else "not_done"
    return msgspec.structs.replace(
        now,
        changed_at=now_us,
        changes=found,
        check=owed,
        checked_at=None,
        findings=(),
        halted=False,
    )


def is_changed(before: RemoteVersions | None, now: RemoteVersions) -> bool:
    """Whether a change has just been seen."""
    return now.changed_at is not None and (
        before is None or before.url != now.url or before.changed_at != now.changed_at
    )


def with_check(now: RemoteVersions, found: Checked) -> RemoteVersions:
    """With what the contract checks found; those that the shop did not serve are owed still.

    What concerns single products makes no shop unfit: those are listed by ``stockfold channel
    check``, and were so before the change.
    """
    if found.was_hindered:
        return now
    matters = [one for one in found.findings if one.level is not Level.NOTE]
    matters.sort(key=lambda one: (one.level is not Level.ERROR, one.code not in REQUIRED))
    told = tuple(
        Finding(one.level.value, one.code, one.subject, one.detail, one.to_do)
        for one in matters[:FINDINGS_MAX]
    )
    gone = any(one.code in REQUIRED and one.level is Level.ERROR for one in matters)
    return msgspec.structs.replace(
        now, check="unfit" if gone else "fit", checked_at=found.checked_at_us, findings=told
    )


async def checked(
    settings: Settings, channel: ChannelSettings, shop: Performing, now: RemoteVersions
) -> RemoteVersions:
    """With the contract checks that are owed done. UnavailableError when Kafka is away."""
    if now.check != "not_done":
        return now
    skus, waived = await asyncio.to_thread(_listings, settings, channel)
    try:
        found = await check(
            settings,
            channel,
            shop,
            woocommerce_adapter(channel).assurance,
            SYSTEM_CLOCK,
            skus=skus,
            waived=waived,
        )
    except NotServedError as error:
        log.warning("the checks of channel %s are done again later: %s", channel.name, error)
        return now
    await asyncio.to_thread(record_check, settings, found, by=now.by)
    return with_check(now, found)


def _listings(settings: Settings, channel: ChannelSettings) -> tuple[set[str], set[str]]:
    skus: set[str] = set()
    for some in listed_skus(settings, channel.name, settings.kafka.sku_partitions):
        skus |= some
    return skus, set(read_coverage(settings).waivers(channel.name))


def must_halt(channel: ChannelSettings, now: RemoteVersions) -> bool:
    """Whether the channel is written to, and a fact that it needs for that is gone."""
    writes = channel.publishing.mode in ("canary", "live")
    return writes and channel.versions.halt and now.check == "unfit"


def keep(
    settings: Settings, channel: ChannelSettings, before: RemoteVersions | None, now: RemoteVersions
) -> RemoteVersions:
    """Remember it; with a change, raise the notice, and halt the channel if it must. Blocks.

    UnavailableError when Kafka has not all of it: done again, it is told twice at worst.
    """
    if must_halt(channel, now) and not now.halted:
        now = msgspec.structs.replace(now, halted=_halt(settings, now))
    if is_changed(before, now):
        _notice(settings, now)
    ensure_topic(settings, REMOTE_VERSIONS)
    send_one(
        settings,
        REMOTE_VERSIONS,
        now.channel,
        encode("stockfold.RemoteVersions", msgspec.to_builtins(now)),
        what=f"what runs at {now.channel}",
        remedy="Check the broker; it is asked again.",
    )
    return now


def _halt(settings: Settings, now: RemoteVersions) -> bool:
    """Halt a channel that runs. One that a person has paused or zeroed stays as they said."""
    control = read_controls(settings).of(now.channel)
    if control.state != "running":
        return control.state == "halted"
    why = "; ".join(one.detail for one in now.missing_facts)
    reason = f"since {told_changes(now.changes)}: {why}"
    publish_control(settings, halt_of(control, "versions", reason, now.by))
    log.error(
        "channel %s halts: %s. Mend it, then `stockfold channel resume %s`",
        now.channel,
        reason,
        now.channel,
    )
    return True


def _notice(settings: Settings, now: RemoteVersions, clock: Clock = SYSTEM_CLOCK) -> None:
    checks = {
        "none": "there are no checks to do again",
        "not_done": "its contract checks could not be done yet, and are done again",
        "fit": "its contract checks hold",
        "unfit": "its contract checks fail: " + "; ".join(one.code for one in now.missing_facts),
    }
    reason = f"{now.channel} has changed: {told_changes(now.changes)}; {checks[now.check]}"
    log.warning("%s", reason)
    value = encode_channel_finding(
        KIND,
        reason=reason,
        remedy=REMEDY,
        source=f"stockfold/versions/{now.channel}",
        about=f"{now.channel}|{now.changed_at}",
        at_us=clock.now_us(),
    )
    send_one(
        settings,
        EXCEPTIONS,
        now.channel,
        value,
        what=f"the notice that {now.channel} has changed",
        remedy="Check the broker; it is asked again.",
    )


def told_changes(found: Sequence[Change]) -> str:
    """Changes in a sentence."""
    return ", ".join(str(change) for change in found) or "nothing"
