"""Services and topics as the overview lists them: how far behind, and how busy. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stockfold.contracts.topics import AVAILABILITY, INPUTS
from stockfold.contracts.topology import FLOWS, SERVICES
from stockfold_services.api.console.queues import Queues, Sample
from stockfold_services.api.overview import ProjectorState

_GROUPS = {
    "ledger": ("ledger",),
    "availability": ("availability",),
    "orders": ("orders", "order-answers"),
    "erp": ("erp",),
}
"""The consumer groups of services that commit how far they have read."""
INPUT_NAMES = {topic.name for topic in INPUTS}


class Service(NamedTuple):
    """A service with the records that it has not read yet; None where it tells nobody."""

    name: str
    does: str
    behind: int | None
    topics: tuple[tuple[str, int], ...]


class TopicRow(NamedTuple):
    """A topic: its length, what comes to it a second, and the most that a reader has left."""

    name: str
    group: str
    records: int
    per_s: float
    rates: Sequence[float]
    behind: int | None
    readers: tuple[str, ...]


def services(sample: Sample, projector: ProjectorState | None) -> list[Service]:
    """Every service that reads topics and says how far it is."""
    found = []
    for name, does in SERVICES:
        left = left_by(name, sample, projector)
        if left is not None:
            shown = tuple(sorted((t, n) for t, n in left.items() if n))
            found.append(Service(name, does, sum(left.values()), shown))
    return found


def left_by(
    service: str, sample: Sample, projector: ProjectorState | None
) -> Mapping[str, int] | None:
    """What a service has not read yet, by topic; None when nobody knows."""
    if service == "projector":
        return None if projector is None else {topic.topic: topic.lag for topic in projector.topics}
    if service == "publisher":
        groups = [name for name in sample.behind if name.startswith("publisher.")]
    else:
        groups = [name for name in _GROUPS.get(service, ()) if name in sample.behind]
    if not groups:
        return None
    left: dict[str, int] = {}
    for group in groups:
        for topic, count in sample.behind[group].items():
            left[topic] = left.get(topic, 0) + count
    return left


def topics(queues: Queues, projector: ProjectorState | None) -> list[TopicRow]:
    """The topics that hold anything, in the order of the topology."""
    sample = queues.now
    if sample is None:
        return []
    left = {name: left_by(name, sample, projector) for name, _ in SERVICES}
    found = []
    for flow in FLOWS:
        records = sample.ends.get(flow.topic.name, 0)
        if not records:
            continue
        rates = queues.rates({flow.topic.name})
        behind = [
            told[flow.topic.name]
            for reader in flow.readers
            if (told := left.get(reader)) is not None and flow.topic.name in told
        ]
        found.append(
            TopicRow(
                flow.topic.name,
                flow.group,
                records,
                recent(rates),
                rates,
                max(behind, default=None),
                flow.readers,
            )
        )
    return found


def recent(rates: Sequence[float]) -> float:
    """The rate of the last three samples: one alone jumps about."""
    last = rates[-3:]
    return sum(last) / len(last) if last else 0.0


def channel_behind(sample: Sample | None, channel: str) -> int | None:
    """Changes that a channel's publisher has not read yet."""
    if sample is None:
        return None
    return sample.behind.get(f"publisher.{channel}", {}).get(AVAILABILITY.name)
