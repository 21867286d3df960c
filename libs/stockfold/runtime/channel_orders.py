"""What a person orders of a channel: pause, resume, zero, restore. First looked at, then said.

The command line and the console do it by these functions alone.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

import msgspec

from stockfold.contracts.topics import AVAILABILITY
from stockfold.domain.errors import SettingsError
from stockfold.runtime import audit
from stockfold.runtime.channel_control import (
    Control,
    State,
    publish_control,
    read_baselines,
    read_controls,
    said,
)
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.listing_counts import not_shown_yet
from stockfold.runtime.named_channel import published_channel
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

Verb = Literal["pause", "resume", "zero", "restore"]
STATES: dict[Verb, State] = {
    "pause": "paused",
    "resume": "running",
    "zero": "zeroed",
    "restore": "restored",
}
QUESTIONS: dict[Verb, str] = {
    "pause": "Send nothing to {name}?",
    "resume": "Send {waiting:,} of {listings:,} listings to {name}, whose newest version it may "
    "not show?",
    "zero": "Show 0 for all {listings:,} listings of {name}?",
    "restore": "Give {restored:,} listings of {name} back what they showed before the connection "
    "({unmanaged:,} without managed stock), and then send nothing?",
}
REASON_CHARACTERS_MAX = 500


class Order(msgspec.Struct, frozen=True):
    """What would be said, and of how many listings; nothing has changed yet."""

    channel: str
    verb: Verb
    before: Control
    reason: str
    counts: dict[str, int]

    @property
    def state(self) -> State:
        """What the channel is in afterwards."""
        return STATES[self.verb]

    @property
    def question(self) -> str:
        """What a person is asked before it is said."""
        return QUESTIONS[self.verb].format(name=self.channel, **self.counts)


def look(settings: Settings, channel: str, verb: Verb, reason: str) -> Order:
    """What an order would do. SettingsError for a channel that takes none, or a long reason;
    UnavailableError when Kafka does not answer.
    """
    published_channel(settings, channel)
    if len(reason) > REASON_CHARACTERS_MAX:
        raise SettingsError(
            "the reason is too long",
            where="--reason",
            remedy=f"Say it in {REASON_CHARACTERS_MAX} characters.",
        )
    with control_errors(settings):
        before = read_controls(settings).of(channel)
        return Order(channel, verb, before, reason, _counts(settings, before, verb))


def say(settings: Settings, order: Order, by: str) -> Control:
    """Put it into force, audited. UnavailableError: it is as it was."""
    approved_to = _ends(settings) if order.state == "running" else ()
    control = said(order.before, order.state, order.reason, by, approved_to)
    details = {"before": order.before.state, "reason": order.reason, **order.counts}
    with audit.audited(
        settings,
        command=f"channel {order.verb}",
        subject=order.channel,
        details=details,
        who=by,
    ):
        publish_control(settings, control)
    return control


def _counts(settings: Settings, control: Control, verb: Verb) -> dict[str, int]:
    if verb == "pause":
        return {}
    if verb == "restore":
        baselines = list(read_baselines(settings, control))
        unmanaged = sum(not baseline.managed for baseline in baselines)
        return {"restored": len(baselines), "unmanaged": unmanaged}
    channel = published_channel(settings, control.channel)
    listings, waiting = not_shown_yet(settings, channel, control)
    return {"listings": listings, "waiting": waiting}


def _ends(settings: Settings) -> list[int]:
    """By partition, the end of the availability that a person has looked at."""
    with control_errors(settings):
        reader = PartitionReader(settings)
        numbers = range(partitions_of(settings, AVAILABILITY))
        return [reader.settled_end(AVAILABILITY, number) for number in numbers]


def control_errors(settings: Settings) -> AbstractContextManager[None]:
    """Kafka's errors as ours: the channel was told nothing."""
    return kafka_errors(
        "what the channel shall do is as it was",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, then say it again.",
    )
