"""In which mode each connection is: as its settings ask, and as its publisher has last committed.

A publisher marks its commits with its mode (``stockfold_services.publisher.mode``), so the consumer
group says what is in force, from whichever machine, and whether anybody serves the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from stockfold.contracts.topics import AVAILABILITY
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.channel_control import Control, read_controls
from stockfold.runtime.kafka import aiokafka_config, group_id
from stockfold.runtime.settings import ChannelSettings, Settings

UNMARKED = ""
"""The mark of commits before there were modes: everything was written."""
LIVE, SHADOW, CANARY = "live", "shadow", "canary"
CHANGING = "changing"
ANSWER_S_MAX = 5.0


class ChannelMode(msgspec.Struct, frozen=True):
    """One connection. ``in_force`` is None before its publisher's first commit, and for channels
    that nothing is published to; ``changing`` while partitions are still of different modes.
    """

    channel: str
    kind: str
    mode: str
    canary_skus: int
    in_force: str | None
    is_served: bool
    note: str
    state: str = "running"
    """What a person or a guard has said that it shall do (``channel_control``), and why."""
    reason: str = ""


def publisher_group(settings: Settings, channel: str) -> str:
    """The consumer group of a connection's publisher."""
    return group_id(settings, f"publisher.{channel}")


async def channel_modes(settings: Settings) -> list[ChannelMode]:
    """Every channel of the settings. UnavailableError when Kafka does not answer."""
    if not settings.channels:
        return []
    # librdkafka's client would read the marks beyond their end.
    admin = AIOKafkaAdminClient(**aiokafka_config(settings))
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            await admin.start()
            found = [await _channel_mode(settings, admin, one) for one in settings.channels]
            said = await asyncio.to_thread(read_controls, settings)
            return [_controlled(one, said.of(one.channel)) for one in found]
    except (KafkaError, TimeoutError) as error:
        raise UnavailableError(
            f"which modes are in force was not told: {error or 'no answer in time'}",
            where=f"Kafka at {settings.kafka.bootstrap}",
            remedy="Check the broker, then try again.",
        ) from error
    finally:
        await admin.close()


async def _channel_mode(
    settings: Settings, admin: AIOKafkaAdminClient, channel: ChannelSettings
) -> ChannelMode:
    publishing = channel.publishing
    if not channel.is_published:
        note = f"nothing is published to {channel.kind}"
        return ChannelMode(channel.name, channel.kind, "off", 0, None, is_served=False, note=note)
    group = publisher_group(settings, channel.name)
    topic = AVAILABILITY.full_name(settings.prefix)
    committed = await admin.list_consumer_group_offsets(group)
    marks = [
        told.metadata
        for place, told in committed.items()
        if place.topic == topic and told.offset >= 0
    ]
    (described,) = await admin.describe_consumer_groups([group])
    is_served = any(members for *_, members in (one[:6] for one in described.groups))
    in_force = mode_of_marks(marks)
    canaries = len(publishing.canary_skus) if publishing.mode == CANARY else 0
    note = _note(channel.name, publishing.mode, in_force, is_served=is_served)
    return ChannelMode(
        channel.name, channel.kind, publishing.mode, canaries, in_force, is_served, note
    )


def _controlled(found: ChannelMode, control: Control) -> ChannelMode:
    return msgspec.structs.replace(found, state=control.state, reason=control.reason)


def mode_of_marks(marks: Iterable[str]) -> str | None:
    """The mode that the commits of all partitions were made in; None without any."""
    names = {LIVE if mark == UNMARKED else mark.split("+")[0].split(":")[0] for mark in marks}
    return CHANGING if len(names) > 1 else next(iter(names), None)


def _note(channel: str, mode: str, in_force: str | None, *, is_served: bool) -> str:
    """What is to be said when settings and publisher do not agree."""
    if mode == "off":
        return "a publisher with the mode before still serves it" if is_served else ""
    if not is_served:
        return "no publisher serves it"
    if in_force == mode or in_force is None:
        return ""
    if (mode, in_force) == (LIVE, SHADOW):
        return f"waits until every listing is covered: stockfold channel check {channel}"
    return "the publisher was started with another mode, or goes over to this one"
